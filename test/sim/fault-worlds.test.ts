/**
 * Small worlds, each built so that one particular mistake in the library turns into a wrong
 * reading. The list of mistakes is test/sim/sim.mutants.ts; correct code passes all of them.
 */
import { expect, test } from 'vitest';
import {
  type OpenScenarioOptions,
  openScenario,
  type Scenario,
  type ServerPlan,
} from '../../src/sim/scenario.ts';
import { unixNs } from '../../src/time/instant.ts';

async function run(scenario: Scenario, options: OpenScenarioOptions = {}) {
  const { world, clock, run } = openScenario({ readEveryMs: 100, ...scenario }, options);
  await run();
  clock.stop();
  return { report: world.oracle.report(), summary: world.oracle.summary() };
}

const EXACT = { rootDelayMs: 0, rootDispersionMs: 0, updateEveryMs: 1e-6, holdMs: 0 };

// 200 ppm of the crystal are 200.04 ppm of theta; in an hour of holdover that makes a difference of
// 144 us.
test('one exact source, then silence: still true at the drift bound for an hour', async () => {
  const { report, summary } = await run({
    seed: 2,
    minutes: 59,
    readEveryMs: 5000,
    maxDriftPpm: 200,
    // Nothing is learned that could take the place of the bound.
    crystal: { wanderPpmPerSecond: 1000, maxWanderPpm: 1000 },
    clock: { driftPpm: -200 },
    servers: [{ path: { forthMs: 0, backMs: 0.01, jitterMs: 0 }, server: EXACT }],
    events: [{ atMs: 1000, kind: 'isolate', server: 0, forMs: 3_600_000 }],
  });
  expect(report).toBe('');
  expect(summary.availability).toBeGreaterThan(0.99);
});

// Two honest servers are at opposite edges of wide claims, the third is close to the truth. Two
// liars share a piece with the honest servers that does not hold the truth: most sources agree
// there.
test('liars who overlap honest intervals do not move the bound off the truth', async () => {
  const server = (offsetMs: number, rootDispersionMs: number, errorShare = 0): ServerPlan => ({
    path: { forthMs: 0.05, backMs: 0.05, jitterMs: 0 },
    server: { ...EXACT, rootDispersionMs, errorShare, behaviour: { offsetMs } },
  });
  const { report, summary } = await run({
    seed: 2,
    minutes: 5,
    servers: [server(0, 5, -1), server(0, 5, -1), server(0, 0.1), server(-6, 0.2), server(-6, 0.2)],
  });
  expect(report).toBe('');
  expect(summary.availability).toBe(1);
});

test('far-off liars do not widen the bound when all others agree', async () => {
  const { report, summary } = await run({
    seed: 3,
    minutes: 2,
    servers: [
      {},
      {},
      {},
      ...[900, 900].map((offsetMs) => ({ server: { behaviour: { offsetMs } } })),
    ],
  });
  expect(report).toBe('');
  expect(summary.p99Ns).toBeLessThan(10e6);
});

test('read() right after a suspend does not use facts from before it', async () => {
  const { report } = await run({
    seed: 4,
    minutes: 3,
    servers: [{}, {}, {}],
    readEveryMs: 20,
    // Between two ticks, each of which would notice it.
    events: [30_100, 60_300, 90_500].map((atMs) => ({ atMs, kind: 'suspend', forMs: 5000 })),
  });
  expect(report).toBe('');
});

test('after a freeze that no clock shows, nothing is wrong from the first reply on', async () => {
  let firstReplyNs: number | undefined;
  const frozen = { atMs: 60_000, forMs: 10_000 };
  const scenario: Scenario = {
    seed: 5,
    minutes: 3,
    // So far away that the burst after the first reply takes a while.
    servers: Array.from({ length: 5 }, () => ({ path: { forthMs: 100, backMs: 100 } })),
    events: [{ ...frozen, kind: 'freeze' }],
  };
  const { world, process, clock, run } = openScenario(scenario, {
    onSample: () => {
      const now = world.scheduler.elapsedNs;
      if (now >= (frozen.atMs + frozen.forMs) * 1e6) firstReplyNs ??= now;
    },
  });
  const wrongNs: number[] = [];
  const takeReading = process.bind(() => {
    const truth = world.scheduler.trueNs();
    const reading = clock.read();
    if (reading.interval !== undefined) {
      const { earliest, latest } = reading.interval;
      if (truth < earliest || truth > latest) wrongNs.push(world.scheduler.elapsedNs);
    }
    world.scheduler.after(5e6, takeReading);
  });
  takeReading();
  await run();
  expect(wrongNs.length).toBeGreaterThan(0); // before the reply, no client can know
  expect(Math.max(...wrongNs)).toBeLessThanOrEqual(firstReplyNs!);
});

test('a daemon slews back 30 ms at 5 %: beyond any rate bound, covered by the wall guard', async () => {
  const { report, summary } = await run({
    seed: 6,
    minutes: 3,
    readEveryMs: 20,
    hostClock: 'disciplined',
    clock: { wallOffsetMs: -30, wallGridNs: 1000 },
    servers: [{}, {}, {}],
    events: [{ atMs: 90_000, kind: 'slew', ppm: 50_000, forMs: 600 }],
  });
  expect(report).toBe('');
  expect(summary.availability).toBeGreaterThan(0.97);
});

// What the servers announce, how late they carry it out, and what really happens to the last second
// of the month.
test.for([
  ['insert', ['insert', 'insert', 'insert'], 0],
  ['insert', ['insert', 'insert', 'insert'], 1900],
  // A liar about the kind of leap second only makes the bound end sooner.
  ['insert', ['delete', 'insert', 'insert'], 0],
  ['delete', ['delete', 'delete', 'delete'], 0],
  ['delete', ['delete', 'delete', 'delete'], 1900],
  ['delete', ['insert', 'insert', 'delete'], 0],
  ['delete', ['none', 'none', 'delete'], 0],
  // A lone liar; there is no leap second.
  [undefined, ['none', 'none', 'delete'], 0],
] as const)(
  'a leap second (%s) that no wall clock tells of, announced as %j, %i ms late',
  async ([kind, announced, leapLateMs]) => {
    const monthEndNs = unixNs(BigInt(Date.UTC(2027, 0, 1)) * 1_000_000n);
    const { report, summary } = await run(
      {
        seed: 7,
        minutes: 3,
        readEveryMs: 20,
        servers: announced.map((leap) => ({ server: { behaviour: { leap, leapLateMs } } })),
        events: announced.map((_, server) => ({
          atMs: 62_500,
          kind: 'behave',
          server,
          behaviour: {},
        })),
      },
      {
        originNs: unixNs(monthEndNs - 60_000_000_000n),
        ...(kind && { leapSecondAtNs: monthEndNs, leapSecondKind: kind }),
      },
    );
    expect(report).toBe('');
    expect(summary.availability).toBeGreaterThan(0.9);
  },
);
