/**
 * Worlds in which some servers smear the leap second and others do not. Told which is which, the
 * clock is never wrong. The same worlds without the labels are the control: they must show what
 * happens then, or these tests are blind.
 */
import { expect, test } from 'vitest';
import { openScenario } from '../../src/sim/scenario.ts';
import { type Observed, observe, refutations } from '../kit/observe.ts';
import {
  buildSmearWorld,
  drawSmearWorlds,
  HALF_DAY_S,
  HOUR_S,
  listed,
  runSmearWorld,
  type SmearWorld,
} from '../kit/smear-worlds.ts';

test.each([
  ['insert', 'free-running'],
  ['insert', 'disciplined'],
  ['delete', 'free-running'],
  ['delete', 'disciplined'],
] as const)(
  'half smeared, half plain, over the whole smear (%s, %s): never wrong, nearly always there',
  async (kind, hostClock) => {
    for (const [plain, smeared] of [
      [2, 2],
      [3, 2],
    ] as const) {
      const world: SmearWorld = {
        ...{ seed: 5, kind, plain, smeared, hostClock, labelled: true, announced: true },
        ...{ beginS: -HALF_DAY_S - HOUR_S, hours: 26, pollMs: 128_000, readEveryMs: 10_000 },
      };
      const oracle = await runSmearWorld(world);
      expect(oracle.report()).toBe('');
      expect(oracle.summary().availability).toBeGreaterThan(0.99);
    }
  },
);

test('drawn worlds at every edge of the smear: no reading excludes the truth', async () => {
  expect(await drawSmearWorlds(41, 40)).toBeGreaterThan(20);
});

/** Two hours in the middle of the smear, before the leap second. */
const AFTERNOON = { beginS: -4 * HOUR_S, hours: 2 } as const;

test.each(['insert', 'delete'] as const)(
  'control: without the labels the same servers are not believed, or believed wrongly (%s)',
  async (kind) => {
    // Without a bound there are many readings.
    const hours = 0.3;
    const both = async (labelled: boolean, announced: boolean) => {
      const world = {
        seed: 6,
        kind,
        plain: 2,
        smeared: 2,
        labelled,
        announced,
        ...AFTERNOON,
        hours,
      };
      return (await runSmearWorld(world)).summary();
    };
    // Told nothing, the two that smear have no vote once the others have announced.
    const unlabelled = await both(false, true);
    expect(unlabelled).toMatchObject({ violations: 0 });
    expect(unlabelled.availability).toBeGreaterThan(0.9);
    // Nobody announces: the servers do not agree, so there is no bound (A0).
    const silent = await both(false, false);
    expect(silent.availability).toBeLessThan(0.02);
    const labelled = await both(true, true);
    expect(labelled).toMatchObject({ violations: 0 });
    expect(labelled.availability).toBeGreaterThan(0.9);
  },
);

test.each(['insert', 'delete'] as const)(
  'three that smear outvote two that do not (%s): with labels the truth holds, without it is lost',
  async (kind) => {
    const world = { seed: 7, kind, plain: 2, smeared: 3, announced: true, ...AFTERNOON };
    const labelled = await runSmearWorld({ ...world, labelled: true });
    expect(labelled.report()).toBe('');
    expect(labelled.summary().availability).toBeGreaterThan(0.98);
    // Two of five are not more than f, so the leap second is only possible: both are taken in.
    expect(labelled.summary().meanNs).toBeGreaterThan(0.1e9);
    const known = await runSmearWorld({ ...world, labelled: true, leapSeconds: listed(kind) });
    expect(known.report()).toBe('');
    expect(known.summary().meanNs).toBeLessThan(0.02e9);
    const unlabelled = await runSmearWorld({ ...world, labelled: false });
    expect(unlabelled.summary().violations).toBeGreaterThan(1000);
    const told = await runSmearWorld({
      ...world,
      labelled: false,
      leapSeconds: listed(kind),
      hours: 0.1,
    });
    expect(told.report()).toBe('');
    expect(told.summary().availability).toBe(0);
  },
);

test.each(['insert', 'delete'] as const)(
  'all servers smear and nobody knows (%s): off by up to half a second; with the option, right',
  async (kind) => {
    const world = { kind, plain: 0, smeared: 3, labelled: true, announced: false, ...AFTERNOON };
    const unknown = await observeWorld({ ...world, seed: 8, beginS: -HOUR_S, hours: 2 });
    expect(refutations(unknown)).toEqual([]);
    expect(unknown.violatedS.length).toBeGreaterThan(0.99 * unknown.readings);
    expect(unknown.worstMs).toBeGreaterThan(490);
    expect(unknown.worstMs).toBeLessThan(502);
    const oracle = await runSmearWorld({ ...world, seed: 8, leapSeconds: listed(kind) });
    expect(oracle.report()).toBe('');
    expect(oracle.summary().availability).toBeGreaterThan(0.99);
  },
);

test.each([
  ['insert', -4 * HOUR_S],
  ['delete', -4 * HOUR_S],
  ['insert', -600],
  ['delete', -600],
] as const)(
  'a liar alone announces that a second is to %s, %d s from the end: wide, but never wrong',
  async (leap, beginS) => {
    const world: SmearWorld = {
      ...{ seed: 10, kind: 'insert', plain: 2, smeared: 3, labelled: true, announced: false },
      ...{ beginS, hours: 0.5, liar: { server: 0, behaviour: { leap } } },
    };
    const { scenario, options } = buildSmearWorld(world);
    // No leap second comes, so nobody smears one.
    const {
      world: simulated,
      clock,
      run,
    } = openScenario(scenario, {
      originNs: options.originNs,
    });
    await run();
    clock.stop();
    expect(simulated.oracle.report()).toBe('');
    const { availability, meanNs } = simulated.oracle.summary();
    expect(availability).toBeGreaterThan(0.8);
    expect(meanNs).toBeLessThan(0.6e9);
  },
);

test('sources of unknown timescale have no vote from a day before to a day after, and say why', async () => {
  const world: SmearWorld = {
    ...{ seed: 9, kind: 'insert', plain: 3, smeared: 0, labelled: false, announced: false },
    ...{ beginS: -24 * HOUR_S - 300, hours: 0.25, leapSeconds: listed('insert') },
  };
  const { scenario, options } = buildSmearWorld(world);
  const { clock, run } = openScenario(scenario, options);
  await run();
  expect(clock.read()).toMatchObject({ status: 'unsynchronized', reason: 'too-few-sources' });
  const { sources, advice } = clock.explain();
  for (const source of sources) {
    expect(source).toMatchObject({
      ...{ timescale: 'unknown', verdict: 'refused', votes: false },
      lastReason: 'unknown-timescale',
    });
  }
  expect(advice.join()).toContain("timescale: 'utc'");
  clock.stop();
});

async function observeWorld(world: SmearWorld): Promise<Observed> {
  const { scenario, options } = buildSmearWorld(world);
  return observe(scenario, { ...options, everyMs: 1000 });
}
