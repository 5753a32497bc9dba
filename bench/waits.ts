/**
 * How late is a wait, and what does it cost? A program of its own: `node waits.js <part> [--smoke]`
 * prints a part of a {@link WaitsMeasured} as JSON.
 *
 * Lateness needs no stopwatch. It is how far `earliest` is beyond the timestamp when the caller
 * runs again, by the same clock that the wait used. A lateness of 0 or less means early.
 */
import {
  type BoundedClock,
  beginCommit,
  HybridClock,
  runCommit,
  systemClock,
  type UnixNs,
  type WaitMode,
  waitUntilAfter,
} from 'epsilon-clock';
import { sleep, unixNs } from 'epsilon-clock/time';
import { median, quantile, rank } from './statistics.ts';
import {
  APART_US,
  type Burst,
  EACH,
  FLOOR,
  type Latency,
  type Lateness,
  LOOPS,
  PLAN,
  type Turning,
  type WaitsMeasured,
} from './wait-report.ts';
import { boundedClock } from './worlds.ts';

const smoke = process.argv.includes('--smoke');
const ALONE = smoke ? 20 : 3000;
const BURSTS = smoke ? 2 : 50;
const WAITERS = smoke ? 200 : 10_000;
/**
 * Waits that run first and are not counted. While V8 compiles, the process uses three times the
 * processor time.
 */
const ALONE_BEFORE = smoke ? 1 : 2000;
/** Bursts that run first and are not counted, for the same reason. */
const BURSTS_BEFORE = smoke ? 1 : 10;
const COMMITS = smoke ? 2 : 25;
/** How long a closed loop runs before it is measured, window by window. */
const LOOP_BEFORE_MS = smoke ? 10 : 2000;
const LOOP_WINDOW_MS = smoke ? 10 : 500;
const LOOP_WINDOWS = smoke ? 2 : 10;
const EPSILONS_MS = smoke ? [1] : [0.25, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];
/** The shares at which a distribution is drawn. */
const SHARES: readonly number[] = Array.from({ length: 200 }, (_, i) => (i + 0.5) / 200);

const WAIT_NS = 1_000_000n;
/** The time until the first wait of a burst is due. All must be registered by then. */
const HEAD_START_NS = 40_000_000n;
const APART_NS = BigInt(1000 * APART_US);
const PREPARE_MS = 5;

const system = systemClock();
const slots = new BigInt64Array(2);

/** Waits until `t` has passed, in some way. */
type Wait = (clock: BoundedClock, t: UnixNs) => Promise<unknown>;

const by =
  (mode: WaitMode): Wait =>
  (clock, t) =>
    waitUntilAfter(clock, t, { mode });

/** What programs do without a library: sleep once, and hope. */
const sleepOnce: Wait = (clock, t) =>
  new Promise((resolve) => setTimeout(resolve, Number(clock.remainingNs(t)) / 1e6));

/** As correct as ours, but with a timer for each wait. */
const ownTimer: Wait = (clock, t) =>
  new Promise<void>((resolve) => {
    const poll = (): void => {
      if (clock.after(t)) resolve();
      else setTimeout(poll, Number(clock.remainingNs(t)) / 1e6);
    };
    poll();
  });

const WAITS: Readonly<Record<string, Wait>> = {
  precise: by('precise'),
  economy: by('economy'),
  [EACH]: ownTimer,
};

const microseconds = ({ user, system }: NodeJS.CpuUsage): number => user + system;

/** Waits of 1 ms, one after the other, on an event loop that has nothing else to do. */
async function alone(name: string, clock: BoundedClock, wait: Wait): Promise<Lateness> {
  await inTurn(ALONE_BEFORE, clock, wait);
  const began = system.monotonicNs();
  const cpu = process.cpuUsage();
  const late = await inTurn(ALONE, clock, wait);
  const cpuUs = microseconds(process.cpuUsage(cpu));
  const elapsedUs = Number(system.monotonicNs() - began) / 1000;
  return {
    name,
    waits: ALONE,
    early: late.filter((us) => us <= 0).length,
    p50Us: quantile(late, 0.5),
    p99Us: quantile(late, 0.99),
    cpuShare: cpuUs / elapsedUs,
    distributionUs: SHARES.map((share) => quantile(late, share)),
  };
}

/** Waits one after the other. Returns how late each was, us. */
async function inTurn(waits: number, clock: BoundedClock, wait: Wait): Promise<number[]> {
  const late: number[] = [];
  for (let i = 0; i < waits; i++) {
    const t = unixNs(clock.now().earliest + WAIT_NS);
    await wait(clock, t);
    clock.readInto(slots);
    late.push(Number((slots[0] as bigint) - t) / 1000);
  }
  return late;
}

/**
 * The timestamp of each wait of a burst. Made once, like the two arrays below, because garbage of
 * one burst would be collected, and charged, in the next.
 */
const timestamps = new BigInt64Array(WAITERS);
/** The reading at the end of each wait: `earliest`, and `latest`, which is not used. */
const ends = new BigInt64Array(2 * WAITERS);
/** How late each wait was, ns. */
const lateNs = new BigInt64Array(WAITERS);

/** Runs `times` bursts of thousands of waits. */
async function bursts(
  name: string,
  clock: BoundedClock,
  burst: (clock: BoundedClock) => Promise<void>,
  times: number,
): Promise<Burst> {
  const p50s: number[] = [];
  const p99s: number[] = [];
  const cpus: number[] = [];
  let early = 0;
  for (let i = -BURSTS_BEFORE; i < times; i++) {
    timestamps[0] = clock.now().earliest + HEAD_START_NS;
    for (let k = 1; k < WAITERS; k++) timestamps[k] = timestamps[k - 1]! + APART_NS;
    const cpu = process.cpuUsage();
    await burst(clock);
    const cpuUs = microseconds(process.cpuUsage(cpu)) / WAITERS;
    for (let k = 0; k < WAITERS; k++) lateNs[k] = ends[2 * k]! - timestamps[k]!;
    lateNs.sort();
    for (let k = 0; k < WAITERS && lateNs[k]! <= 0n; k++) early++;
    if (i < 0) continue;
    cpus.push(cpuUs);
    p50s.push(Number(lateNs[rank(WAITERS, 0.5)]!) / 1000);
    p99s.push(Number(lateNs[rank(WAITERS, 0.99)]!) / 1000);
  }
  return {
    name,
    waits: times * WAITERS,
    early,
    p50Us: median(p50s),
    p99Us: median(p99s),
    usualP99Us: quantile(p99s, 0.9),
    cpuUs: median(cpus),
  };
}

/** A burst: registers all waits at once. Each caller reads the clock when it runs again. */
const each =
  (wait: Wait) =>
  (clock: BoundedClock): Promise<void> =>
    new Promise((resolve) => {
      let left = WAITERS;
      timestamps.forEach((t, k) => {
        void wait(clock, unixNs(t)).then(() => {
          clock.readInto(ends, 2 * k);
          if (--left === 0) resolve();
        });
      });
    });

/** The floor: a loop that only polls the clock. The machine alone makes it late. */
async function pollOnly(clock: BoundedClock): Promise<void> {
  await sleep(system, Number(clock.remainingNs(unixNs(timestamps[0] as bigint))) / 1e6 - 2);
  timestamps.forEach((t, k) => {
    while (!clock.after(unixNs(t)));
    clock.readInto(ends, 2 * k);
  });
}

/** A stand-in for replication, for example: takes `PREPARE_MS` and no processor. */
const prepare = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PREPARE_MS));

async function timedMs(task: () => Promise<unknown>): Promise<number> {
  const began = system.monotonicNs();
  await task();
  return Number(system.monotonicNs() - began) / 1e6;
}

/**
 * Measures a commit whose wait runs during `prepare`, and one that takes its timestamp after
 * `prepare`.
 */
async function latency(epsilonMs: number): Promise<Latency> {
  const { clock } = await boundedClock(1, { uncertaintyNs: BigInt(epsilonMs * 1e6) });
  const hlc = new HybridClock({ clock, nodeId: 'a' });
  const prepares: number[] = [];
  const timedPrepare = async (): Promise<void> => {
    prepares.push(await timedMs(prepare));
  };
  const overlapped: number[] = [];
  const inTurn: number[] = [];
  for (let i = 0; i < COMMITS; i++) {
    const steps = { prepare: timedPrepare, makeVisible: () => {} };
    overlapped.push(await timedMs(() => runCommit({ clock, hlc }, steps, { mode: 'precise' })));
    inTurn.push(
      await timedMs(async () => {
        await prepare();
        await beginCommit({ clock, hlc }).settled({ mode: 'precise' });
      }),
    );
  }
  clock.stop();
  return {
    epsilonMs,
    prepareMs: median(prepares),
    overlappedMs: median(overlapped),
    inTurnMs: median(inTurn),
    overlappedByPrepare: median(overlapped.map((ms, i) => ms / (prepares[i] as number))),
  };
}

/** The longest time between two turns of the event loop during about `forMs`, ms. */
async function longestWithoutTurn(forMs: number): Promise<number> {
  let longest = 0;
  let now = performance.now();
  const end = now + forMs;
  while (now < end) {
    await new Promise((resolve) => setImmediate(resolve));
    const before = now;
    now = performance.now();
    longest = Math.max(longest, now - before);
  }
  return longest;
}

/**
 * Committers that begin their next commit as soon as the last one is settled. Measures for how long
 * the event loop does not turn, and the longest pause of the garbage collector.
 */
async function closedLoop(name: string, committers: number): Promise<Turning> {
  const wait = WAITS[name] as Wait;
  const { clock } = await boundedClock(5);
  const hlc = new HybridClock({ clock, nodeId: 'a' });
  const collections: { atMs: number; ms: number }[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) {
      collections.push({ atMs: startTime, ms: duration });
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  let running = true;
  let commits = 0;
  const commitForEver = async (): Promise<void> => {
    while (running) {
      await wait(clock, beginCommit({ clock, hlc }).timestamp);
      commits++;
    }
  };
  const all: Promise<void>[] = [];
  for (let i = 0; i < committers; i++) {
    all.push(commitForEver());
    // In several turns, because beginning all in one turn would be a long turn of the callers' own.
    if (i % 50 === 49) await new Promise((resolve) => setImmediate(resolve));
  }
  await longestWithoutTurn(LOOP_BEFORE_MS);
  commits = 0;
  const beganMs = performance.now();
  const longest: number[] = [];
  for (let i = 0; i < LOOP_WINDOWS; i++) longest.push(await longestWithoutTurn(LOOP_WINDOW_MS));
  const elapsedMs = performance.now() - beganMs;
  const settled = commits;
  running = false;
  await Promise.all(all);
  clock.stop();
  await new Promise((resolve) => setImmediate(resolve));
  observer.disconnect();
  const during = collections.filter(({ atMs }) => atMs >= beganMs && atMs < beganMs + elapsedMs);
  return {
    name,
    committers,
    commitsPerSecond: (1000 * settled) / elapsedMs,
    longestMs: Math.max(...longest),
    usualMs: median(longest),
    longestCollectionMs: Math.max(0, ...during.map(({ ms }) => ms)),
  };
}

/** Measures one of the {@link PARTS}. */
async function measure(part: string): Promise<Partial<WaitsMeasured>> {
  if (part === 'latency') {
    const latencies: Latency[] = [];
    for (const epsilonMs of EPSILONS_MS) latencies.push(await latency(epsilonMs));
    return { latency: latencies };
  }
  if (part === 'loops') {
    const turning: Turning[] = [];
    for (const { name, committers } of LOOPS) turning.push(await closedLoop(name, committers));
    return { turning };
  }
  const { clock } = await boundedClock(5);
  try {
    if (part === 'alone') {
      return {
        alone: [
          await alone('`setTimeout`, once', clock, sleepOnce),
          await alone('economy', clock, by('economy')),
          await alone('precise', clock, by('precise')),
        ],
      };
    }
    const { name, share } = PLAN[Number(part.split(' ')[1])]!;
    return { bursts: [await bursts(name, clock, HOW[name]!, Math.ceil(BURSTS * share))] };
  } finally {
    clock.stop();
  }
}

const HOW: Readonly<Record<string, (clock: BoundedClock) => Promise<void>>> = {
  precise: each(WAITS.precise as Wait),
  economy: each(WAITS.economy as Wait),
  [EACH]: each(ownTimer),
  [FLOOR]: pollOnly,
};

console.log(JSON.stringify(await measure(process.argv[2] ?? 'alone')));
