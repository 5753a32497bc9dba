import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openScenario } from '../../src/sim/scenario.ts';
import { unixNs } from '../../src/time/instant.ts';
import { runDrawnWorlds } from '../kit/drawn-worlds.ts';
import { excess, gain, limitRow, ownRow, race, raceRow } from '../kit/race.ts';
import { catalog } from '../kit/scenario-catalog.ts';

const page = readFileSync(new URL('../../docs/simulator-results.md', import.meta.url), 'utf8');

// The whole library in each: sources, codec, polling, engine, page, readers. When only the rows differ after a
// change to the library: npx tsx docs/scripts/simulator-results.ts
test.for(catalog.map((entry) => [entry.name, entry] as const))(
  '%s: no reading excludes the truth, and docs/simulator-results.md has what came out',
  async ([, entry]) => {
    const result = await race(entry);
    expect(result.report).toBe('');
    expect(result.ours.violations).toBe(0);
    expect(result.ours.readings).toBeGreaterThan(200);
    // Half a minute of `internet` before its first bound, in the shortest world.
    expect(result.ours.availability).toBeGreaterThan(0.97);
    expect(gain(result)).toBeGreaterThanOrEqual(entry.goal ?? 0);
    expect(page).toContain(`${ownRow(result)}\n`);
    expect(page).toContain(`${raceRow(result)}\n`);
    if (!entry.limit) return;
    // It covers whatever could be true, so the truth; and we can't be narrower.
    expect(result.narrowest?.violations).toBe(0);
    expect(excess(result)).toBeGreaterThan(1);
    expect(page).toContain(`${limitRow(result)}\n`);
  },
);

// fast-check prints the seed and the shrunk scenario: `openScenario` of that JSON is the replay.
test('whatever world is drawn, as long as the assumptions hold: 230 hours, no violation', async () => {
  expect(await runDrawnWorlds({ seed: 20, hours: 230 })).toBeGreaterThan(230 * 1500);
});

test('pauses do not make the clock say that it was disrupted', async () => {
  const { world, clock, run } = openScenario({
    seed: 4,
    minutes: 30,
    servers: [{}, {}, {}],
    preemption: { probability: 0.001, maxMs: 3000 },
    events: [{ atMs: 600_000, kind: 'pause', forMs: 20_000 }],
  });
  const statuses = new Set<string>();
  clock.onChange((event) => statuses.add(event.status));
  await run();
  expect(world.oracle.report()).toBe('');
  expect(statuses).not.toContain('disrupted');
});

test('a suspend is reported, and the bound is back within one burst', async () => {
  const { world, clock, run } = openScenario({
    seed: 4,
    minutes: 20,
    servers: [{}, {}, {}, {}, {}],
    events: [{ atMs: 600_000, kind: 'suspend', forMs: 30_000 }],
    readEveryMs: 20,
  });
  const changes: [string, number][] = [];
  clock.onChange((event) => changes.push([event.status, world.scheduler.elapsedNs / 1e6]));
  await run();
  expect(world.oracle.report()).toBe('');
  const disrupted = changes.find(([status]) => status === 'disrupted');
  const back = changes.find(([status, at]) => status === 'synchronized' && at > 600_000);
  expect(disrupted?.[1]).toBeGreaterThanOrEqual(630_000);
  expect(disrupted?.[1]).toBeLessThan(631_000 + 100);
  expect(back![1] - disrupted![1]).toBeLessThan(5000);
});

// A kernel steps the wall clock at the leap second; a host that smears, or knows nothing of it, does not.
test.for([-1000, 0])('a leap second, wall clock stepped by %i ms', async (byMs) => {
  const leapSecondAtNs = unixNs(BigInt(Date.UTC(2027, 0, 1)) * 1_000_000n);
  const originNs = unixNs(leapSecondAtNs - 3_600_000_000_000n);
  const announcing = { server: { behaviour: { leap: 'insert' as const } } };
  const { world, clock, run } = openScenario(
    {
      seed: 6,
      minutes: 70,
      servers: [announcing, announcing, announcing],
      readEveryMs: 200,
      events: [
        { atMs: 3_600_000, kind: 'step', byMs },
        ...[0, 1, 2].map((server) => ({
          atMs: 3_600_500,
          kind: 'behave' as const,
          server,
          behaviour: {},
        })),
      ],
    },
    { originNs, leapSecondAtNs },
  );
  const lost: number[] = [];
  clock.onChange((event) => {
    if (event.type === 'status' && event.reason !== undefined) {
      lost.push(world.scheduler.elapsedNs / 1e9);
    }
  });
  await run();
  expect(world.oracle.report()).toBe('');
  expect(lost[0]).toBeGreaterThan(3599.9);
  expect(lost[0]).toBeLessThan(3601.1);
  expect(clock.read().status).toBe('synchronized');
});
