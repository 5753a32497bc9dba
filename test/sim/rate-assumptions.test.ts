/**
 * A2 is broken on purpose, and the other assumptions are broken again with a learned rate: what the
 * clock notices, how long that takes, and what it does not notice. docs/guarantees/bounded-clock.md
 * states the same for users.
 */
import { expect, test } from 'vitest';
import type { Scenario, ScenarioEvent } from '../../src/sim/scenario.ts';
import {
  MINUTE_S,
  type Observed,
  ONE_POLL_S,
  observe,
  refutations,
  within,
} from '../kit/observe.ts';

const CRYSTAL = { driftPpm: 80, wander: { maxPpm: 2, ppmPerSecond: 0.02 } };
const BEGIN_S = 30 * MINUTE_S;
const AT = BEGIN_S * 1000;

/**
 * Five servers that err by up to a ms (`exact`: by almost nothing), and events after half an hour.
 */
function world(events: readonly ScenarioEvent[], exact = false): Scenario {
  const plan = exact
    ? {
        path: { forthMs: 0.1, backMs: 0.1, jitterMs: 0.02 },
        server: { rootDelayMs: 0, rootDispersionMs: 0.01, updateEveryMs: 1000 },
      }
    : {};
  return { seed: 9, minutes: 90, clock: CRYSTAL, servers: Array(5).fill(plan), events };
}

const slew = (ppm: number, minutes: number): ScenarioEvent => ({
  atMs: AT,
  kind: 'slew',
  ppm,
  forMs: minutes * MINUTE_S * 1000,
});

test('a thermal step of 20 ppm, servers of stratum 2: not noticed, because it is less than their errors', async () => {
  const seen = await observe(world([slew(20, 60)]));
  expect(seen.violatedS).toEqual([]);
  expect(refutations(seen)).toEqual([]);
  expect(seen.finalStatus).toBe('synchronized');
});

test('a thermal step of 20 ppm, exact servers: A2 refuted within two minutes, no reading refused', async () => {
  const seen = await observe(world([slew(20, 60)], true));
  const [refuted, ...more] = refutations(seen);
  expect(refuted).toMatchObject({ assumption: 'A2', status: 'synchronized' });
  expect(refuted!.atS).toSatisfy(within(BEGIN_S, BEGIN_S + 2 * MINUTE_S));
  expect(more).toEqual([]);
  // Wrong from the moment when the step exceeds the allowed wander until it shows.
  expect(seen.violatedS.every(within(BEGIN_S, refuted!.atS))).toBe(true);
  expect(seen.violatedS.length).toBeLessThan(30 * 10);
  expect(seen.refusedS.every((at) => at < 1)).toBe(true);
});

test('three times the wander: a few per cent wrong with exact servers, and refuted within minutes', async () => {
  const swinging = { ppm: 12, periodMs: (2 * Math.PI * 12 * 1000) / 0.3 };
  const scenario = { ...world([], true), clock: { driftPpm: 80, temperature: swinging } };
  const seen = await observe(scenario);
  const [first] = refutations(seen);
  expect(first).toMatchObject({ assumption: 'A2' });
  expect(first!.atS).toBeLessThan(10 * MINUTE_S);
  expect(seen.violatedS.length).toBeGreaterThan(0);
  expect(seen.violatedS.length / seen.readings).toBeLessThan(0.05);
  // After two refutations the assumed wander covers the true one.
  expect(refutations(seen).length).toBeLessThanOrEqual(2);
  const covered = refutations(seen).at(-1)!.atS;
  expect(seen.violatedS.every((at) => at <= covered)).toBe(true);

  // Where servers err by a ms it is not noticed, and no reading is wrong.
  const blurred = await observe({ ...world([]), clock: { driftPpm: 80, temperature: swinging } });
  expect(blurred.violatedS).toEqual([]);
  expect(refutations(blurred)).toEqual([]);
});

test('a daemon that slews at 500 ppm after all: refuted within a poll, and over with the slew', async () => {
  // The slew is within R of 500 ppm, so layer 1 is never wrong, and it alone remains after the
  // first contradiction.
  const seen = await observe(world([slew(-400, 10)]));
  expect(refutations(seen)[0]).toMatchObject({ assumption: 'A2' });
  expect(refutations(seen)[0]!.atS).toSatisfy(within(BEGIN_S, BEGIN_S + ONE_POLL_S));
  expect(
    refutations(seen).every((event) => event.type === 'refuted' && event.assumption === 'A2'),
  ).toBe(true);
  // Each change of the rate, and each time that it is learned anew, may cost a poll.
  const ends = BEGIN_S + 10 * MINUTE_S;
  expect(seen.violatedS.length).toBeGreaterThan(0);
  expect(seen.violatedS.every(within(BEGIN_S, ends + 2 * MINUTE_S))).toBe(true);
  expect(seen.violatedS.length / (10 * MINUTE_S * 10)).toBeLessThan(0.1);
  expect(seen.refusedS.every((at) => at < 1)).toBe(true);
  expect(seen.finalStatus).toBe('synchronized');
});

test('a slew that is older than the clock looks like a crystal, and its end is a wrong reading', async () => {
  const seen = await observe(world([{ atMs: 0, kind: 'slew', ppm: -400, forMs: AT }]));
  // Nothing changes for half an hour, so the rate is learned as if it never changed.
  expect(seen.violatedS.filter((at) => at < BEGIN_S)).toEqual([]);
  expect(refutations(seen)[0]).toMatchObject({ assumption: 'A2' });
  expect(refutations(seen)[0]!.atS).toSatisfy(within(BEGIN_S, BEGIN_S + ONE_POLL_S));
  expect(seen.violatedS.length).toBeGreaterThan(0);
  expect(seen.violatedS.every(within(BEGIN_S, BEGIN_S + 2 * MINUTE_S))).toBe(true);
});

test('a daemon that slews beyond R too: A1 refuted as well, and all is well after it', async () => {
  const seen = await observe(world([slew(500, 1)]));
  const assumptions = new Set(
    refutations(seen).map((event) => event.type === 'refuted' && event.assumption),
  );
  expect(assumptions.has('A2')).toBe(true);
  expect(assumptions.has('A0-or-A1') || assumptions.has('A1')).toBe(true);
  expect(refutations(seen)[0]!.atS).toSatisfy(within(BEGIN_S, BEGIN_S + ONE_POLL_S));
  expect(seen.violatedS.every(within(BEGIN_S, BEGIN_S + MINUTE_S + 2 * ONE_POLL_S))).toBe(true);
  expect(seen.finalStatus).toBe('synchronized');
});

test('once a slew beyond R is over and R comes back down, what was learned stays', async () => {
  const seen = await observe(world([slew(1500, 1)], true));
  const quiet = await observe(world([], true));
  expect(refutations(seen)).toContainEqual(expect.objectContaining({ assumption: 'A1' }));
  expect(seen.finalDriftPpm).toBe(quiet.finalDriftPpm);
  expect(seen.violatedS.every(within(BEGIN_S, BEGIN_S + MINUTE_S + 2 * ONE_POLL_S))).toBe(true);
  // R comes down from the tenth minute on, in two steps. Learning anew after each of them would
  // make these intervals 2.4 times as wide. The rest is the doubled wander, for an hour.
  const meanMs = ({ widths }: Observed): number => {
    const minutes = within(BEGIN_S + 10 * MINUTE_S, BEGIN_S + 30 * MINUTE_S);
    const then = widths.filter(({ atS }) => minutes(atS));
    return then.reduce((sum, { ms }) => sum + ms, 0) / then.length;
  };
  expect(meanMs(seen) / meanMs(quiet)).toBeLessThan(1.5);
});

test('a freeze of 10 s that no clock shows: found with the next reply', async () => {
  const seen = await observe(world([{ atMs: AT, kind: 'freeze', forMs: 10_000 }]));
  const woke = BEGIN_S + 10;
  expect(refutations(seen)[0]!.atS).toSatisfy(within(woke, woke + ONE_POLL_S));
  expect(seen.violatedS.every(within(woke, woke + ONE_POLL_S))).toBe(true);
  expect(seen.finalStatus).toBe('synchronized');
});

test('a freeze of 5 ms, too short for layer 1: A2 refuted with the next reply', async () => {
  const seen = await observe(world([{ atMs: AT, kind: 'freeze', forMs: 5 }], true));
  expect(refutations(seen)[0]).toMatchObject({ assumption: 'A2' });
  expect(refutations(seen)[0]!.atS).toSatisfy(within(BEGIN_S, BEGIN_S + ONE_POLL_S));
  expect(seen.violatedS.every(within(BEGIN_S, BEGIN_S + ONE_POLL_S))).toBe(true);
});
