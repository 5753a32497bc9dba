/**
 * Clocks that are off, in processes of their own: libfaketime shifts and steps their wall clocks
 * and makes their monotonic clocks drift, while chronyd serves the true time, which is this
 * machine's wall clock.
 *
 * The oracle is this process, whose clocks are true: it reads its monotonic clock before it asks
 * for a reading and after it was answered, and maps both to the wall (kit/wall-truth.ts). A reading
 * that lies outside of that bracket is a violation. No margin is added: that the reading was taken
 * within the bracket follows from the order of messages. Load makes brackets wide and the check
 * weaker, never false, so each test that rests on it shows by a planted fault that it still bites.
 */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type BracketedReading, ClockProcess, type Skew } from '../kit/child-clock.ts';
import { type Chronyd, startAll, startHonest } from '../kit/chronyd.ts';
import { WallTruth } from '../kit/wall-truth.ts';

let truth: WallTruth;
let servers: readonly Chronyd[] = [];
const processes: ClockProcess[] = [];

beforeAll(async () => {
  truth = new WallTruth();
  servers = await startAll(...['51', '52', '53'].map((n) => startHonest(`127.0.0.${n}`)));
});
afterEach(async () => {
  await Promise.all(processes.splice(0).map((each) => each[Symbol.asyncDispose]()));
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

function clockProcess(skew: Skew): ClockProcess {
  const started = new ClockProcess(skew);
  processes.push(started);
  return started;
}

/** Counts of the readings of one clock, and of its violations. */
class Tally {
  readings = 0;
  withoutBound = 0;
  violations = 0;
  worstNs = 0n;
  narrowestNs = Number.POSITIVE_INFINITY;
  readonly brackets: number[] = [];

  take({ reading, ...bracket }: BracketedReading): void {
    this.readings++;
    if (reading.interval === undefined) {
      this.withoutBound++;
      return;
    }
    const { earliest, latest } = reading.interval;
    const excluded = truth.excluded(reading.interval, bracket);
    if (excluded > 0n) this.violations++;
    if (excluded > this.worstNs) this.worstNs = excluded;
    this.narrowestNs = Math.min(this.narrowestNs, Number(latest - earliest));
    this.brackets.push(Number(bracket.after - bracket.before));
  }

  toString(): string {
    const median = [...this.brackets].sort((a, b) => a - b)[this.brackets.length >> 1] ?? 0;
    return (
      `${this.readings} readings, ${this.withoutBound} without a bound, ${this.violations} violations ` +
      `(worst ${this.worstNs} ns), epsilon from ${Math.round(this.narrowestNs / 2000)} us, ` +
      `brackets ${Math.round(median / 1000)} us`
    );
  }
}

/** Reads one clock after another, over and over, for `ms`. */
async function readFor(
  ms: number,
  clocks: readonly {
    readonly process: ClockProcess;
    readonly name: string;
    readonly tally: Tally;
  }[],
): Promise<void> {
  const end = performance.now() + ms;
  do {
    for (const { process, name, tally } of clocks) tally.take(await process.read(name));
    // Leaves the two cores to the processes under test.
    await delay(20);
  } while (performance.now() < end);
}

describe('monotonic clocks that drift', () => {
  test('8 processes by up to 150 ppm for 30 s: no violation, and a false bound is seen', async () => {
    // The offsets are the wall clock's too: within the reach of the wall guard, and beyond it.
    const skews = [
      '+0 x1.00015',
      '+0 x0.99985',
      '+0.02 x1.00015',
      '-0.137 x0.99985',
      '+0.9 x1.0001',
      '-2.5 x0.9999',
      '+3.25 x1.00005',
      '-0.001 x0.99995',
    ];
    const watched = await Promise.all(
      skews.map(async (skew, i) => {
        const process = clockProcess({ whole: skew });
        const hostClock = i % 2 === 0 ? 'disciplined' : 'free-running';
        await process.start('clock', { servers, pollIntervalMs: 1000, hostClock });
        await process.synced('clock');
        return { process, name: 'clock', tally: new Tally(), skew, hostClock };
      }),
    );

    // The control: a clock that drifts by 3000 ppm, is told 1 ppm, and has no source to correct it.
    // After 30 s it is 90 ms off, which is more than the brackets of a busy machine hide.
    await using alone = await startHonest('127.0.0.59');
    const planted = {
      process: clockProcess({ whole: '+0 x1.003' }),
      name: 'clock',
      tally: new Tally(),
    };
    await planted.process.start('clock', {
      servers: [alone],
      hostClock: 'free-running',
      maxDriftPpm: 1,
      pollIntervalMs: 3_600_000,
    });
    await planted.process.synced('clock');
    await alone.stop('SIGKILL');

    await readFor(30_000, [...watched, planted]);

    for (const { skew, hostClock, tally, process } of watched) {
      console.log(`${skew} ${hostClock}: ${tally}`);
      expect(tally).toMatchObject({ violations: 0, withoutBound: 0 });
      expect(process.events.filter(({ type }) => type === 'refuted')).toEqual([]);
    }
    console.log(`planted fault: ${planted.tally}`);
    expect(planted.tally.violations).toBeGreaterThan(0);
  });

  test('by 500 ppm, beyond the assumed 200: A1 is refuted and said so, and then it holds', async () => {
    const process = clockProcess({ whole: '+0 x1.0005' });
    await process.start('clock', {
      servers,
      pollIntervalMs: 500,
      hostClock: 'free-running',
      maxDriftPpm: 200,
      // With these numbers no rate is learned, which would otherwise be refuted first.
      crystal: { wanderPpmPerSecond: 1000, maxWanderPpm: 1000 },
    });
    await process.synced('clock');
    const started = performance.now();
    const refutedA1 = () =>
      process.events.some((event) => event.type === 'refuted' && event.assumption === 'A1');
    await process.until(refutedA1);
    console.log(`500 ppm: A1 refuted after ${Math.round(performance.now() - started)} ms`);
    // One contradiction may be the fault of a source. The second in ten minutes refutes the drift
    // bound.
    const assumptions = process.events.flatMap((event) =>
      event.type === 'refuted' ? [event.assumption] : [],
    );
    expect(assumptions.slice(0, assumptions.indexOf('A1'))).toContain('A0-or-A1');
    expect((await process.explain('clock')).refuted).toBeDefined();

    // The raised bound may still be too low. Then it is raised again.
    const sufficient = () =>
      process.events.some((event) => event.type === 'refuted' && event.maxDriftPpm > 501);
    await process.until(() => sufficient() && process.events.at(-1)?.status === 'synchronized');
    console.log(`500 ppm: recovered after ${Math.round(performance.now() - started)} ms`);
    const { maxDriftPpm } = await process.explain('clock');
    expect(maxDriftPpm).toBeGreaterThan(501);
    const tally = new Tally();
    await readFor(5000, [{ process, name: 'clock', tally }]);
    console.log(`500 ppm, bound raised to ${maxDriftPpm}: ${tally}`);
    expect(tally).toMatchObject({ violations: 0, withoutBound: 0 });
  });
});

describe('wall clocks that are wrong', () => {
  test('137 ms off: the disciplined profile holds truth and says why it is so wide', async () => {
    const process = clockProcess({ wall: '+0.137' });
    const options = { servers, pollIntervalMs: 250 };
    await process.start('disciplined', { ...options, hostClock: 'disciplined' });
    await process.start('free-running', { ...options, hostClock: 'free-running' });
    await process.synced('disciplined');
    await process.synced('free-running');
    const disciplined = { process, name: 'disciplined', tally: new Tally() };
    const freeRunning = { process, name: 'free-running', tally: new Tally() };
    await readFor(3000, [disciplined, freeRunning]);
    for (const { name, tally } of [disciplined, freeRunning]) {
      console.log(`137 ms off, ${name}: ${tally}`);
      expect(tally).toMatchObject({ violations: 0, withoutBound: 0 });
    }
    expect(disciplined.tally.narrowestNs).toBeGreaterThan(136e6);
    expect(disciplined.tally.narrowestNs).toBeLessThan(150e6);
    expect(freeRunning.tally.narrowestNs).toBeLessThan(20e6);

    const wide = await process.explain('disciplined');
    expect(wide.advice).toHaveLength(2);
    expect(wide.advice[0]).toMatch(
      /^hostClock: 'free-running' .* turns ± [67]\d(\.\d)? ms into about ± \d(\.\d+)? ms/,
    );
    expect(wide.advice[1]).toMatch(/^the wall clock is 1[23]\d(\.\d+)? ms outside the bound/);
    expect(Number(wide.parts?.wallGuardNs)).toBeGreaterThan(65e6);
    const narrow = await process.explain('free-running');
    expect(narrow.advice).toEqual([]);
    expect(narrow.parts?.wallGuardNs).toBe(0n);
  });

  test('stepped while running: disrupted, then synchronised again by a burst', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'epsilon-clock-step-'));
    const wallFile = join(directory, 'faketime');
    const step = async (offset: string): Promise<void> => {
      // Renamed into place: the process may read at any moment.
      await writeFile(`${wallFile}.new`, `${offset}\n`);
      await rename(`${wallFile}.new`, wallFile);
    };
    try {
      await step('+0');
      const process = clockProcess({ wallFile });
      // No poll is due within the hour: only a burst can bring the bound back.
      const options = { servers, pollIntervalMs: 3_600_000 };
      const names = ['disciplined', 'free-running'] as const;
      const clocks = names.map((name) => ({ process, name, tally: new Tally() }));
      for (const name of names) {
        await process.start(name, { ...options, hostClock: name });
        await process.synced(name);
      }
      const statuses = (name: string): string[] =>
        process
          .eventsOf(name)
          .flatMap((event) =>
            event.type === 'status' ? [`${event.status} ${event.reason ?? ''}`] : [],
          );
      // Few enough steps to leave one burst over, because a busy machine may see one step as two.
      for (const offset of ['+4', '-1.5']) {
        await readFor(500, clocks);
        const before = new Map(names.map((name) => [name, statuses(name).length]));
        await step(offset);
        const stepped = performance.now();
        const since = (name: (typeof names)[number]): string[] =>
          statuses(name).slice(before.get(name));
        const again = (name: (typeof names)[number]): boolean =>
          since(name).length >= 2 && since(name).at(-1) === 'synchronized ';
        while (!names.every(again)) await readFor(0, clocks);
        console.log(`step to ${offset} s: answers after ${performance.now() - stepped} ms`);
        for (const name of names) expect(since(name)[0]).toBe('disrupted step');
      }
      await readFor(500, clocks);
      for (const { name, tally } of clocks) {
        console.log(`stepped, ${name}: ${tally}`);
        expect(tally.violations).toBe(0);
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
