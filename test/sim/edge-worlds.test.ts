/**
 * Worlds without slack:
 * - one source, so that no other vote hides a mistake
 * - a server whose error stands at the edge of its claim
 * - a path without delay in the direction where a delay would help
 * - a crystal at the drift bound, which moves the truth along that edge
 * - claims that were truncated by almost a whole unit
 *
 * Forgetting a few microseconds anywhere, in the NTP sample, the engine, the page or the reader,
 * shows here. The crystal is as bad as the rate bound allows. The assumed wander is so large that
 * layer 2 learns nothing from it and ages all facts at the rate bound too.
 */
import { expect, test } from 'vitest';
import { openScenario, type Scenario } from '../../src/sim/scenario.ts';

interface Edge {
  readonly minutes?: number;
  readonly precision?: number;
  readonly monotonicGridNs?: number;
  readonly pollMs?: number;
}

const RATE_BOUND_ALONE = {
  maxDriftPpm: 200,
  crystal: { wanderPpmPerSecond: 1000, maxWanderPpm: 1000 },
};

function edgeWorld(side: 'upper' | 'lower', edge: Edge = {}): Scenario {
  const { minutes = 4, precision = -20, monotonicGridNs = 1, pollMs = 16_000 } = edge;
  const upper = side === 'upper';
  return {
    seed: 11,
    minutes,
    pollMs,
    readEveryMs: 100,
    ...RATE_BOUND_ALONE,
    // On a slow clock theta rises to its upper edge; on a fast one it falls to its lower edge.
    clock: { driftPpm: upper ? -200 : 200, uptimeMs: 1e9, monotonicGridNs },
    servers: [
      {
        path: { forthMs: upper ? 0 : 400, backMs: upper ? 400 : 0, jitterMs: 0 },
        server: {
          errorShare: upper ? -1 : 1,
          rootDelayMs: 10.009,
          rootDispersionMs: 2.012,
          updateEveryMs: 1e-6,
          holdMs: 0,
          precision,
        },
      },
    ],
  };
}

/** The violations, and how close the truth came to the edge, ns. */
async function run(scenario: Scenario) {
  const { world, process, clock, run } = openScenario(scenario);
  let closest = Number.POSITIVE_INFINITY;
  const takeReading = process.bind(() => {
    const reading = clock.read();
    const truth = world.scheduler.trueNs();
    if (reading.interval !== undefined) {
      const { earliest, latest } = reading.interval;
      closest = Math.min(closest, Number(truth - earliest), Number(latest - truth));
    }
    world.scheduler.after(37e6, takeReading);
  });
  takeReading();
  await run();
  clock.stop();
  return { report: world.oracle.report(), closest };
}

test.for(['upper', 'lower'] as const)(
  '%s edge: the truth comes close, never outside',
  async (side) => {
    const { report, closest } = await run(edgeWorld(side));
    expect(report).toBe('');
    expect(closest).toBeGreaterThanOrEqual(0);
    // Half a unit of root delay and one unit of dispersion, minus the truncated part, plus the
    // precision.
    expect(closest).toBeLessThan(10_000);
  },
);

test.for(['upper', 'lower'] as const)('%s edge on a monotonic clock of 1 ms', async (side) => {
  const { report, closest } = await run(edgeWorld(side, { monotonicGridNs: 1_000_000 }));
  expect(report).toBe('');
  expect(closest).toBeLessThan(1_200_000);
});

// The stamps are rounded down, so only the upper fact needs the server's resolution.
test('upper edge with a server that reads its clock to 15.6 ms', async () => {
  const { report, closest } = await run(edgeWorld('upper', { precision: -6 }));
  expect(report).toBe('');
  expect(closest).toBeLessThan(5_000_000);
});
