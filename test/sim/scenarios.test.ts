import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openScenario } from '../../src/sim/scenario.ts';
import { unixNs } from '../../src/time/instant.ts';
import { runDrawnWorlds } from '../kit/drawn-worlds.ts';
import { catalog } from '../kit/scenario-catalog.ts';
import { excess, gain, limitRow, ownRow, race, raceRow } from '../research/race.ts';

const page = readFileSync(new URL('../../docs/simulator-results.md', import.meta.url), 'utf8');

// The whole library in each: sources, codec, polling, engine, page, readers. When a change to the
// library changes only the rows, write them anew: npx tsx docs/scripts/simulator-results.ts
test.for(catalog.map((entry) => [entry.name, entry] as const))(
  '%s: no reading excludes the truth, and docs/simulator-results.md has what came out',
  async ([, entry]) => {
    const result = await race(entry);
    expect(result.report).toBe('');
    expect(result.ours.violations).toBe(0);
    expect(result.ours.readings).toBeGreaterThan(200);
    // In the shortest world, `internet` takes half a minute to its first bound.
    expect(result.ours.availability).toBeGreaterThan(0.97);
    expect(gain(result)).toBeGreaterThanOrEqual(entry.goal ?? 0);
    expect(page).toContain(`${ownRow(result)}\n`);
    expect(page).toContain(`${raceRow(result)}\n`);
    if (!entry.limit) return;
    // It covers everything that could be true, so also the truth; and no sound rule can be
    // narrower.
    expect(result.narrowest?.violations).toBe(0);
    expect(excess(result)).toBeGreaterThan(1);
    expect(excess(result)).toBeLessThanOrEqual(entry.maxExcess!);
    expect(page).toContain(`${limitRow(result)}\n`);
  },
);

// fast-check prints the seed and the shrunk scenario: `openScenario` of that JSON is the replay.
test('whatever world is drawn, as long as the assumptions hold: 40 hours, no violation', async () => {
  expect(await runDrawnWorlds({ seed: 20, hours: 40 })).toBeGreaterThan(40 * 1500);
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

// A kernel steps the wall clock at the leap second; a host that smears, or does not know of it,
// does not.
test.for([
  ['insert', -1000],
  ['insert', 0],
  ['delete', 1000],
  ['delete', 0],
] as const)('a leap second (%s), wall clock stepped by %i ms', async ([kind, byMs]) => {
  const leapSecondAtNs = unixNs(BigInt(Date.UTC(2027, 0, 1)) * 1_000_000n);
  const originNs = unixNs(leapSecondAtNs - 3_600_000_000_000n);
  const announcing = { server: { behaviour: { leap: kind } } };
  const stepMs = kind === 'insert' ? 3_600_000 : 3_599_000;
  const { world, clock, run } = openScenario(
    {
      seed: 6,
      minutes: 70,
      servers: [announcing, announcing, announcing],
      readEveryMs: 200,
      events: [
        { atMs: stepMs, kind: 'step', byMs },
        ...[0, 1, 2].map((server) => ({
          atMs: stepMs + 500,
          kind: 'behave' as const,
          server,
          behaviour: {},
        })),
      ],
    },
    { originNs, leapSecondAtNs, leapSecondKind: kind },
  );
  const lost: number[] = [];
  clock.onChange((event) => {
    if (event.type === 'status' && event.reason !== undefined) {
      lost.push(world.scheduler.elapsedNs / 1e9);
    }
  });
  await run();
  expect(world.oracle.report()).toBe('');
  expect(lost[0]).toBeGreaterThan(stepMs / 1000 - 0.1);
  expect(lost[0]).toBeLessThan(stepMs / 1000 + 1.1);
  expect(clock.read().status).toBe('synchronized');
});
