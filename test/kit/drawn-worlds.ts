/**
 * Hundreds of whole worlds: sources, codec, polling, engine, page and reader over a simulated
 * network, one hour each, with all assumptions holding.
 */
import fc from 'fast-check';
import { expect } from 'vitest';
import { openScenario, type Scenario } from '../../src/sim/scenario.ts';
import { scenarioArbitrary } from '../../src/sim/scenario-arbitrary.ts';

export interface DrawnWorlds {
  readonly seed: number;
  /** The number of worlds; each lasts an hour. */
  readonly hours: number;
  /** Only worlds whose clock has this profile. */
  readonly hostClock?: Scenario['hostClock'];
  /**
   * Called before each world. The last world for which it was called is the one that fails or never
   * ends.
   */
  readonly onBegin?: (index: number) => void;
}

/**
 * Runs them all. fast-check shrinks the first one with a wrong reading. Returns the number of
 * readings judged.
 */
export async function runDrawnWorlds({
  seed,
  hours,
  hostClock,
  onBegin,
}: DrawnWorlds): Promise<number> {
  const drawn = scenarioArbitrary(fc).filter(
    (scenario) => hostClock === undefined || scenario.hostClock === hostClock,
  );
  let begun = 0;
  let readings = 0;
  let bounded = 0;
  await fc.assert(
    fc.asyncProperty(drawn, async (scenario) => {
      onBegin?.(begun++);
      const { world, clock, run } = openScenario(scenario);
      await run();
      clock.stop();
      expect(world.oracle.report()).toBe('');
      const summary = world.oracle.summary();
      readings += summary.readings;
      bounded += summary.readings * summary.availability;
    }),
    { seed, numRuns: hours },
  );
  // A clock that never answers is never wrong, so most readings must have an interval. Where a lone
  // source loses a third of all packets, some have none.
  expect(bounded / readings).toBeGreaterThan(0.95);
  return readings;
}
