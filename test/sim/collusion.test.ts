/**
 * A0 is broken by three colluding liars of five, who tell the same lie for half an hour. The tests
 * state which readings are wrong then, whether and when that is noticed, and how long it takes
 * until all is right again. Nothing is restarted. docs/guarantees/bounded-clock.md states the same
 * for users.
 */
import { expect, test } from 'vitest';
import type { Scenario } from '../../src/sim/scenario.ts';
import type { SimNtpBehaviour } from '../../src/sim/sim-ntp-server.ts';
import {
  MINUTE_S,
  type Observed,
  ONE_POLL_S,
  observe,
  refutations,
  within,
} from '../kit/observe.ts';

const BEGIN_S = 30 * MINUTE_S;
const END_S = 60 * MINUTE_S;
/** One reading per half second. */
const READINGS = 2 * (END_S - BEGIN_S);
/**
 * Chosen by hand: a lie about as large as the uncertainty that hides it is noticed in some of these
 * worlds and not in others.
 */
const SEEDS = [1, 2, 4];
const HONEST = ['ntp://10.0.0.4:123', 'ntp://10.0.0.5:123'];

const PROFILES: Record<string, Partial<Scenario>> = {
  'free-running': { clock: { driftPpm: 80, wander: { maxPpm: 2, ppmPerSecond: 0.02 } } },
  // The wall clock is so far off that the wall guard ignores it.
  disciplined: { hostClock: 'disciplined', clock: { wallOffsetMs: 5000 } },
  'disciplined, wall 0.1 ms ahead': { hostClock: 'disciplined', clock: { wallOffsetMs: 0.1 } },
  'disciplined, wall 0.1 ms behind': { hostClock: 'disciplined', clock: { wallOffsetMs: -0.1 } },
};

function lieWith(
  profile: string,
  lie: SimNtpBehaviour,
  servers = 'stratum 2',
): Promise<Observed[]> {
  const plan =
    servers === 'exact'
      ? { server: { rootDelayMs: 0, rootDispersionMs: 0.01, updateEveryMs: 1000 } }
      : {};
  const behave = (atS: number, behaviour: SimNtpBehaviour) =>
    [0, 1, 2].map((server) => ({ atMs: atS * 1000, kind: 'behave' as const, server, behaviour }));
  const scenario = {
    ...PROFILES[profile],
    minutes: 65,
    servers: Array(5).fill(plan),
    events: [...behave(BEGIN_S, lie), ...behave(END_S, {})],
  };
  return Promise.all(SEEDS.map((seed) => observe({ ...scenario, seed }, { everyMs: 500 })));
}

/**
 * The share of the readings during the lie that are wrong. Their number is random, with the mean
 * `READINGS`.
 */
const wrong = (seen: Observed): number => Math.min(1, seen.violatedS.length / READINGS);

/**
 * The time from the beginning of the lie until it refutes an assumption, s; `undefined` when it
 * does not while it lasts.
 */
function noticed(seen: Observed): number | undefined {
  const first = refutations(seen).find(({ atS }) => within(BEGIN_S, END_S)(atS));
  return first && first.atS - BEGIN_S;
}

/** The sources that were announced as falsetickers during the lie. */
function accused(seen: Observed): string[] {
  const ids = seen.events.flatMap((event) =>
    event.type === 'falseticker' && event.present && within(BEGIN_S, END_S)(event.atS)
      ? [event.sourceId]
      : [],
  );
  return [...new Set(ids)].sort();
}

/** The last two columns: the least and the largest share of readings that are wrong in a world. */
test.each([
  // Within the error that the servers claim, so it is not a lie at all.
  ['free-running', 0.5, 'never', 0, 0],
  ['free-running', 1, 'never', 0, 0.11],
  // Wrong most of the time, but no two statements exclude each other.
  ['free-running', 2, 'in some worlds', 0.3, 1],
  ['free-running', 3, 'within a poll', 0.97, 1],
  ['free-running', 5, 'within a poll', 0.97, 1],
  ['free-running', 20, 'within a poll', 0.97, 1],
  ['free-running', 250, 'within a poll', 0.97, 1],
  // 200 ppm for the length of a poll interval hide 3 ms more.
  ['disciplined', 0.5, 'never', 0, 0],
  ['disciplined', 1, 'never', 0, 0],
  ['disciplined', 2, 'never', 0, 0.155],
  ['disciplined', 3, 'in some worlds', 0.1, 0.7],
  ['disciplined', 5, 'within a poll', 0.97, 1],
  ['disciplined', 20, 'within a poll', 0.97, 1],
  ['disciplined', 250, 'within a poll', 0.97, 1],
])(
  '%s, three liars of five by %d ms: noticed %s',
  async (profile, offsetMs, expected, least, most) => {
    const worlds = await lieWith(profile, { offsetMs });
    for (const seen of worlds) {
      expect(wrong(seen)).toBeGreaterThanOrEqual(least);
      expect(wrong(seen)).toBeLessThanOrEqual(most);
      expect(seen.worstMs).toBeLessThanOrEqual(offsetMs);
      if (wrong(seen) > 0.2) expect(accused(seen)).toEqual(expect.arrayContaining(HONEST));
      expectRightAgain(seen);
    }
    if (most > 0) expect(worlds.some((seen) => wrong(seen) > 0)).toBe(true);
    const inTime = worlds.map((seen) => (noticed(seen) ?? Infinity) < ONE_POLL_S);
    const ever = worlds.map((seen) => noticed(seen) !== undefined);
    if (expected === 'within a poll') expect(inTime).not.toContain(false);
    else expect(ever).toContain(false);
    if (expected !== 'never') expect(ever).toContain(true);
    else expect(ever).not.toContain(true);
  },
);

test.each([
  ['free-running', 20, 3 * MINUTE_S],
  ['disciplined', 180, MINUTE_S],
])(
  '%s, three liars of five that run off at %d ppm: never noticed, but for whom they outvote',
  async (profile, driftPpm, accusedAfterS) => {
    const lieMs = (driftPpm * (END_S - BEGIN_S)) / 1000;
    for (const seen of await lieWith(profile, { driftPpm })) {
      expect(noticed(seen)).toBeUndefined();
      expect(wrong(seen)).toBeGreaterThan(0.9);
      expect(seen.worstMs).toSatisfy(within(0.9 * lieMs, lieMs));
      expect(accused(seen)).toEqual(HONEST);
      expect(seen.events.find(({ type }) => type === 'falseticker')?.atS).toSatisfy(
        within(BEGIN_S, BEGIN_S + accusedAfterS),
      );
      expectRightAgain(seen);
    }
  },
);

test.each([
  [{ offsetMs: 250 }, 'is noticed within a poll'],
  [{ driftPpm: 180 }, 'is never noticed'],
])(
  'disciplined, and the wall clock is right to 0.1 ms: so is the answer, and %o %s',
  async (lie, heard) => {
    const [ahead, behind] = await Promise.all([
      lieWith('disciplined, wall 0.1 ms ahead', lie),
      lieWith('disciplined, wall 0.1 ms behind', lie),
    ]);
    for (const seen of [...ahead, ...behind]) {
      expect(noticed(seen) !== undefined).toBe(heard === 'is noticed within a poll');
      expect(noticed(seen) ?? 0).toBeLessThan(ONE_POLL_S);
      expectRightAgain(seen);
    }
    // The truth is between the liars and the wall clock, or 0.1 ms beside them.
    for (const seen of behind) expect(seen.violatedS).toEqual([]);
    for (const seen of ahead) {
      expect(wrong(seen)).toBeGreaterThan(0.9);
      expect(seen.worstMs).toBeLessThanOrEqual(0.1);
    }
  },
);

test('where servers are exact, 2 ms are noticed within a poll', async () => {
  for (const seen of await lieWith('free-running', { offsetMs: 2 }, 'exact')) {
    expect(noticed(seen)).toBeLessThan(ONE_POLL_S);
    expect(wrong(seen)).toBeGreaterThan(0.97);
    expectRightAgain(seen);
  }
});

/** All is right two polls after the end of the lie, without a restart of the clock. */
function expectRightAgain(seen: Observed): void {
  expect(seen.violatedS.every(within(BEGIN_S, END_S + 2 * ONE_POLL_S))).toBe(true);
  expect(seen.refusedS.every((at) => at < END_S + 2 * ONE_POLL_S)).toBe(true);
  expect(seen.finalStatus).toBe('synchronized');
}
