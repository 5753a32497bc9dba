import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openScenario, type Scenario } from '../../src/sim/scenario.ts';
import { scenarioArbitrary } from '../../src/sim/scenario-arbitrary.ts';

async function violationsOf(scenario: Scenario): Promise<string> {
  const { world, clock, run } = openScenario(scenario);
  await run();
  clock.stop();
  return world.oracle.report();
}

test('a world that breaks the drift bound fails, and shrinks to one with little in it', async () => {
  const tooFast = scenarioArbitrary(fc, { minutes: 10 }).map(
    (scenario): Scenario => ({
      ...scenario,
      pollMs: 64_000,
      hostClock: 'free-running',
      clock: { driftPpm: 2000 },
    }),
  );
  const details = await fc.check(
    fc.asyncProperty(tooFast, async (scenario) => {
      expect(await violationsOf(scenario)).toBe('');
    }),
    { seed: 5, numRuns: 10 },
  );
  expect(details.failed).toBe(true);
  const [smallest] = details.counterexample!;
  expect(smallest.servers.length).toBeLessThanOrEqual(3);
  expect(smallest.events).toEqual([]);
});

test('a scenario survives JSON, and its replay is the same world byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(scenarioArbitrary(fc, { minutes: 2 }), async (scenario) => {
      const digests: string[] = [];
      for (const each of [scenario, JSON.parse(JSON.stringify(scenario)) as Scenario]) {
        const { world, run } = openScenario(each);
        await run();
        digests.push(world.digest());
      }
      expect(digests[0]).toBe(digests[1]);
    }),
    { seed: 7, numRuns: 10 },
  );
});
