/**
 * How late is a wait, and what does it cost? A program of its own: `node waits.js <part> [--smoke]` prints a
 * part of a {@link WaitsMeasured} as JSON.
 *
 * Lateness needs no stopwatch: it is how far `earliest` is beyond the timestamp when the one who waited runs
 * again, by the very clock that is waited on. Not positive means early.
 */
import {
  type BoundedClock,
  beginCommit,
  HybridClock,
  runCommit,
  sleep,
  systemClock,
  type UnixNs,
  unixNs,
  type WaitMode,
  waitUntilAfter,
} from 'epsilon-clock';
import { median, quantile, rank } from './statistics.ts';
import {
  APART_US,
  type Burst,
  EACH,
  FLOOR,
  type Latency,
  type Lateness,
  PLAN,
  type WaitsMeasured,
} from './wait-report.ts';
import { boundedClock } from './worlds.ts';

const smoke = process.argv.includes('--smoke');
const ALONE = smoke ? 20 : 3000;
const BURSTS = smoke ? 2 : 50;
const WAITERS = smoke ? 200 : 10_000;
/** Not counted, before each: until then V8 compiles, and the process uses three times the processor time. */
const ALONE_BEFORE = smoke ? 1 : 2000;
const BURSTS_BEFORE = smoke ? 1 : 10;
const COMMITS = smoke ? 2 : 25;
const EPSILONS_MS = smoke ? [1] : [0.25, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];
/** Points of a distribution that is drawn. */
const SHARES: readonly number[] = Array.from({ length: 200 }, (_, i) => (i + 0.5) / 200);

const WAIT_NS = 1_000_000n;
/** Until the first of a burst is due; all must be registered by then. */
const HEAD_START_NS = 40_000_000n;
const APART_NS = BigInt(1000 * APART_US);
const PREPARE_MS = 5;

const system = systemClock();
const slots = new BigInt64Array(2);

/** Waits until `t`, in one way or another. */
type Wait = (clock: BoundedClock, t: UnixNs) => Promise<unknown>;

const by =
  (mode: WaitMode): Wait =>
  (clock, t) =>
    waitUntilAfter(clock, t, { mode });

/** What one writes without a library: sleep once, and hope. */
const sleepOnce: Wait = (clock, t) =>
  new Promise((resolve) => setTimeout(resolve, Number(clock.remainingNs(t)) / 1e6));

/** As careful as ours, with a timer of its own for each wait. */
const ownTimer: Wait = (clock, t) =>
  new Promise<void>((resolve) => {
    const look = (): void => {
      if (clock.after(t)) resolve();
      else setTimeout(look, Number(clock.remainingNs(t)) / 1e6);
    };
    look();
  });

const microseconds = ({ user, system }: NodeJS.CpuUsage): number => user + system;

/** One wait of 1 ms after the other, on a loop that has nothing else to do. */
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

/** How late each was, us. */
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
 * Of a burst, by wait: what it waits for, what the clock said when it was over (`latest` too, unused), and how late
 * that was. Numbers and arrays made here would be garbage that is collected, and charged, in the next burst.
 */
const timestamps = new BigInt64Array(WAITERS);
const ends = new BigInt64Array(2 * WAITERS);
const lateNs = new BigInt64Array(WAITERS);

/** Thousands of waits at a time, several times over. */
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

/** All registered at once; what each caller does when it runs again is to look at the clock. */
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

/** The floor: a loop that does nothing but look. What it is late by is the machine's doing. */
async function lookOnly(clock: BoundedClock): Promise<void> {
  await sleep(system, Number(clock.remainingNs(unixNs(timestamps[0] as bigint))) / 1e6 - 2);
  timestamps.forEach((t, k) => {
    while (!clock.after(unixNs(t)));
    clock.readInto(ends, 2 * k);
  });
}

/** Replication, say: something that takes 5 ms and no processor. */
const prepare = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PREPARE_MS));

async function timedMs(task: () => Promise<unknown>): Promise<number> {
  const began = system.monotonicNs();
  await task();
  return Number(system.monotonicNs() - began) / 1e6;
}

/** A commit whose wait runs beside `prepare`, and one that prepares first and takes its timestamp then. */
async function latency(epsilonMs: number): Promise<Latency> {
  const { clock } = await boundedClock(1, { halfWidthNs: BigInt(epsilonMs * 1e6) });
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

/** What a part of the whole ({@link PARTS}) measures. */
async function measure(part: string): Promise<Partial<WaitsMeasured>> {
  if (part === 'latency') {
    const latencies: Latency[] = [];
    for (const epsilonMs of EPSILONS_MS) latencies.push(await latency(epsilonMs));
    return { latency: latencies };
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
  precise: each(by('precise')),
  economy: each(by('economy')),
  [EACH]: each(ownTimer),
  [FLOOR]: lookOnly,
};

console.log(JSON.stringify(await measure(process.argv[2] ?? 'alone')));
