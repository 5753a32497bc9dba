import { describe, expect, it } from 'vitest';
import { newBound } from '../../src/bound/bound.ts';
import type { RateAssumptions } from '../../src/bound/rate-assumptions.ts';
import { asMonotonicNs } from '../../src/time/instant.ts';
import { EngineStory, MS, SECOND } from '../kit/samples.ts';

const A2: RateAssumptions = { jitter: 1e-6, wander: 1e-16, span: 25e-6, horizonNs: 3600e9 };
const R = 0.0005;
const MINUTE = 60n * SECOND;
const HOUR = 60n * MINUTE;

function learning(
  sources: readonly string[] = ['a'],
  options: ConstructorParameters<typeof EngineStory>[1] = {},
): EngineStory {
  return new EngineStory(sources, { slope: R, learning: A2, ...options });
}

/** Every 16 s, all sources say what theta is, give or take `half`; returns the last instant. */
function hear(
  story: EngineStory,
  from: bigint,
  to: bigint,
  theta: (now: bigint) => bigint,
  half = 100_000n,
): bigint {
  const ids = story.engine.sources.map(({ id }) => id);
  let last = from;
  for (let now = from; now <= to; now += 16n * SECOND) {
    story.say(now, half, Object.fromEntries(ids.map((id) => [id, theta(now)])));
    last = now;
  }
  return last;
}

/** Theta of a crystal that loses so many ppm. */
const slowBy =
  (ppm: bigint) =>
  (now: bigint): bigint =>
    (now * ppm) / 1_000_000n;

const width = (story: EngineStory, now: bigint): number => {
  const { lo, hi } = story.edges(now);
  return Number(hi - lo);
};

describe('learning', () => {
  it('starts as layer 1, and after some minutes knows the rate to some ppm', () => {
    const story = learning();
    const plain = new EngineStory(['a'], { slope: R });
    for (const each of [story, plain]) hear(each, 0n, 0n, slowBy(80n));
    expect(story.at(10n * SECOND)).toEqual(plain.at(10n * SECOND));
    for (const each of [story, plain]) hear(each, 0n, 10n * MINUTE, slowBy(80n));
    const { lower, upper } = story.engine.learned!;
    expect(lower).toBeLessThan(80e-6);
    expect(upper).toBeGreaterThan(80e-6);
    expect(upper - lower).toBeLessThan(25e-6);
    // Until the next poll: 16 s at 500 ppm either way are 16 ms, at what is known now 0.4 ms.
    const next = 608n * SECOND;
    expect(width(plain, next)).toBeGreaterThan(16e6);
    expect(width(story, next)).toBeLessThan(600_000);
    const theta = slowBy(80n)(next);
    const { lo, hi } = story.edges(next);
    expect(lo <= theta && theta <= hi).toBe(true);
  });

  it('a clock that certainly loses has an upper edge that comes down', () => {
    const story = learning();
    const last = hear(story, 0n, 10n * MINUTE, slowBy(-80n));
    const before = story.edges(last).hi;
    expect(story.edges(last + SECOND).hi).toBeLessThan(before);
  });

  it('forgets nothing of it while it hears nothing: an hour at 28 ppm, not at 500', () => {
    const story = learning(['a'], { expireAfterNs: 24 * 3600e9 });
    const last = hear(story, 0n, 2n * HOUR, slowBy(80n));
    const before = width(story, last);
    const after = width(story, last + HOUR);
    // A + 2 D, and what the widths of the bounds blur, on both sides.
    expect((after - before) / 3600e9).toBeLessThan(2 * 28e-6);
    expect((after - before) / 3600e9).toBeGreaterThan(2 * 25e-6);
    // Two hours after the last sample A2 says nothing more, and the slope is R.
    const atTheEnd = width(story, last + 2n * HOUR);
    const grown = width(story, last + 2n * HOUR + MINUTE) - atTheEnd;
    expect(grown / 60e9).toBeCloseTo(2 * R, 6);
  });

  it('a sample delivered twice teaches nothing', () => {
    const story = learning();
    const last = hear(story, 0n, 10n * MINUTE, slowBy(80n));
    const before = story.snapshot(last);
    const facts = { sentAt: last, lower: slowBy(80n)(last) - 100_000n };
    for (let i = 0; i < 3; i++) story.ingest({ ...facts, upper: facts.lower + 200_000n });
    expect(story.snapshot(last)).toEqual(before);
  });

  it('up to f liars teach nothing, wherever they stand in the list', () => {
    // Both run off at 20 ppm, and claim an error that hides it for an hour.
    const ids = ['liar', 'other liar', 'c', 'd', 'e'];
    const story = learning(ids);
    for (let now = 0n; now <= 30n * MINUTE; now += 16n * SECOND) {
      const run = (now * 20n) / 1_000_000n;
      const lies = { liar: run, 'other liar': run };
      story.say(now, 30n * MS, lies);
      story.say(now, 100_000n, { c: 0n, d: 0n, e: 0n });
      const { lo, hi } = story.edges(now);
      expect(lo <= 0n && 0n <= hi).toBe(true);
      const { lower, upper } = story.engine.learned!;
      expect(lower <= 0 && 0 <= upper, `at ${now} the rate is in [${lower}, ${upper}]`).toBe(true);
    }
    expect(story.engine.refuted).toBeUndefined();
    expect(story.engine.learned!.upper - story.engine.learned!.lower).toBeLessThan(25e-6);
  });

  it('a fact older than the horizon is no longer held against anybody', () => {
    // b was right once, to a microsecond, and has been silent since; its cone opens at R.
    const story = learning(['a', 'b'], { expireAfterNs: 24 * 3600e9 });
    hear(story, 0n, 10n * MINUTE, slowBy(0n), 1000n);
    const say = (from: bigint, to: bigint): void => {
      for (let now = from; now <= to; now += 64n * SECOND) story.say(now, MS, { a: 0n });
    };
    say(11n * MINUTE, 60n * MINUTE);
    const facts = story.source('b').facts!;
    expect(facts.upper.size).toBeGreaterThan(0);
    say(61n * MINUTE, 75n * MINUTE);
    expect(facts.upper.size).toBe(0);
  });

  it('a rate that drifts on for half a day takes its caps along', () => {
    const story = learning(['a'], { expireAfterNs: 24 * 3600e9 });
    // 5 ppm an hour: 20 ppm in four hours, and 60 in twelve.
    const theta = (now: bigint): bigint => (now * (now / SECOND) * 5n) / (2n * 3600n * 1_000_000n);
    const last = hear(story, 0n, 12n * HOUR, theta);
    expect(story.engine.refuted).toBeUndefined();
    const later = last + HOUR;
    const { lo, hi } = story.edges(later);
    expect(lo <= theta(later) && theta(later) <= hi).toBe(true);
    // Caps from hours ago would not let it rise as it does.
    expect(story.engine.learned!.lower).toBeLessThan(60e-6);
    expect(story.engine.learned!.upper).toBeGreaterThan(60e-6);
  });
});

describe('refutation', () => {
  /** Loses 20 ppm more from the tenth minute on: far more than the wander allows. */
  const heated = (now: bigint): bigint => {
    const begin = 10n * MINUTE;
    return slowBy(80n)(now) + (now > begin ? ((now - begin) * 20n) / 1_000_000n : 0n);
  };

  it('a thermal step refutes A2 and nothing else: layer 1 still has a bound', () => {
    const story = learning(['a', 'b', 'c']);
    hear(story, 0n, 10n * MINUTE, heated);
    const { era } = story.engine;
    let now = 10n * MINUTE;
    while (story.engine.refuted === undefined && now < 20n * MINUTE) {
      now += 16n * SECOND;
      hear(story, now, now, heated);
      expect(story.engine.bounded).toBe(true);
    }
    expect(story.engine.refuted?.assumption).toBe('A2');
    // 0.1 ppm a second explains 20 ppm in 200 s, and the widths some more.
    expect(now - 10n * MINUTE).toBeLessThan(60n * SECOND);
    // What anybody remembers of the narrower bound is void.
    expect(story.engine.era).toBe(era + 1n);
    const { lo, hi } = story.edges(now);
    expect(lo <= heated(now) && heated(now) <= hi).toBe(true);
    expect(story.engine.sources.every(({ agrees }) => agrees)).toBe(true);

    // Begins again at once, assuming twice the wander, and is as narrow as before after some minutes.
    hear(story, now + 16n * SECOND, now + 10n * MINUTE, heated);
    expect(story.engine.learned?.wander).toBe(2e-16);
    const later = now + 10n * MINUTE;
    expect(width(story, later)).toBeLessThan(1e6);
    const late = story.edges(later);
    expect(late.lo <= heated(later) && heated(later) <= late.hi).toBe(true);
    // After a quiet hour the wander is what it was.
    hear(story, later, later + 65n * MINUTE, heated);
    story.tick(later + 65n * MINUTE);
    expect(story.engine.learned?.wander).toBe(1e-16);
    expect(story.engine.refuted?.atNs).toBe(now);
  });

  it.each([100n, 150n, 200n, 250n, 300n])(
    'after a leap of the rate by %i ppm nothing is wrong from the refutation on',
    (leap) => {
      const story = learning();
      const begin = 10n * MINUTE;
      const leapt = (now: bigint): bigint =>
        now < begin ? slowBy(80n)(now) : slowBy(80n)(begin) + slowBy(80n - leap)(now - begin);
      // A server that is late by almost all it claims: an upper edge that is 0.1 ms too low is wrong.
      const late = (now: bigint): bigint => leapt(now) - 1_900_000n;
      hear(story, 0n, begin, late, 2n * MS);
      for (let now = begin + SECOND; now < 20n * MINUTE; now += SECOND) {
        hear(story, now, now, late, 2n * MS);
        if (story.engine.refuted === undefined) continue;
        const { lo, hi } = story.edges(now);
        expect(lo <= leapt(now) && leapt(now) <= hi, `${now}`).toBe(true);
      }
      expect(story.engine.refuted?.assumption).toBe('A2');
      expect(story.engine.wander).toBe(2e-16);
    },
  );

  it('more than f sources apart from the bound refute it even while others touch it', () => {
    const story = learning(['a', 'b', 'c', 'd', 'e']);
    for (let now = 0n; now <= 10n * MINUTE; now += 16n * SECOND) {
      story.say(now, MS, { a: 0n, b: 0n, c: 0n });
      story.say(now, 2n * MS, { d: 0n, e: 0n });
    }
    // a and b above the bound, c below it; d and e, who are vague, overlap them as well as the bound.
    const now = 594n * SECOND;
    const apart = (3n * MS) / 2n;
    story.say(now, 200_000n, { a: apart, b: apart });
    expect(story.engine.refuted).toBeUndefined();
    story.say(now, 200_000n, { c: -apart });
    expect(story.engine.refuted?.assumption).toBe('A2');
    expect(story.engine.bounded).toBe(true);
  });

  it('a source that contradicts its own past at these rates is one falseticker, not the end of A2', () => {
    const story = learning(['a', 'b', 'c']);
    hear(story, 0n, 10n * MINUTE, slowBy(0n));
    const now = 616n * SECOND;
    story.say(now, 100_000n, { a: 2n * MS });
    // Its newest sample is what it is judged by, and that ages by the rate too: at R it would reach b and c.
    story.say(now + 6n * SECOND, 100_000n, { b: 0n, c: 0n });
    expect(story.engine.refuted).toBeUndefined();
    expect(story.engine.sources.map(({ agrees }) => agrees)).toEqual([false, true, true]);
  });

  it('what refutes layer 1 takes layer 2 along', () => {
    const story = learning();
    hear(story, 0n, 10n * MINUTE, slowBy(80n));
    const now = 616n * SECOND;
    story.say(now, 1000n, { a: 500n * MS });
    expect(story.engine.refuted?.assumption).toBe('A0-or-A1');
    expect(story.engine.learned).toBeUndefined();
    story.say(now + SECOND, 1000n, { a: 500n * MS });
    expect(story.at(now + 2n * SECOND)).toEqual([
      500n * MS - 1000n - 500_001n,
      500n * MS + 1000n + 500_001n,
    ]);
  });

  it('a disruption takes it all', () => {
    const story = learning();
    hear(story, 0n, 10n * MINUTE, slowBy(80n));
    story.engine.disrupt(story.engine.toMonotonic(0) as never, 'suspend');
    expect(story.engine.learned).toBeUndefined();
    expect(story.source('a').facts?.upper.size).toBe(0);
  });

  it('another rate bound begins all over: facts from before would be aged by it', () => {
    const story = learning(['a'], { slope: 0.0002 });
    hear(story, 0n, 10n * MINUTE, slowBy(80n));
    const apart = (now: bigint, theta: bigint): string[] => story.say(now, 1000n, { a: theta });
    // Twice in ten minutes theta moved by 10 ms in a second.
    expect(apart(610n * SECOND, 100n * MS)).toEqual(['refuted']);
    apart(611n * SECOND, 100n * MS);
    expect(apart(612n * SECOND, 110n * MS)).toEqual(['refuted']);
    expect(story.engine.slope).toBeGreaterThan(0.01);
    apart(613n * SECOND, 110n * MS);
    expect(story.engine.learned?.upper).toBe(story.engine.slope);
    // After ten quiet minutes it comes down, and is another one again.
    const raised = story.engine.slope;
    const last = hear(story, 614n * SECOND, 640n * SECOND + 10n * MINUTE, () => 110n * MS);
    expect(story.engine.learned?.upper).toBeLessThan(raised);
    story.tick(last);
    expect(story.engine.slope).toBe(raised / 2);
    expect(story.engine.learned).toBeUndefined();
  });
});

describe('suspicion', () => {
  it('of somebody disjoint from the narrower bound widens the answer, at R from then on', () => {
    const story = learning(['a', 'b', 'c', 'd', 'e']);
    hear(story, 0n, 10n * MINUTE, slowBy(0n));
    const now = 616n * SECOND;
    expect(story.say(now, 100_000n, { a: 4n * MS })).toEqual(['suspicious']);
    const { suspectHi, hi } = story.edges(now);
    expect(hi).toBeLessThan(MS);
    expect(suspectHi).toBe(4n * MS + 100_000n);
    const bound = newBound();
    story.engine.boundAt(asMonotonicNs(now), bound);
    for (const side of [bound.fall, bound.rise]) expect(side.over(1e9)).toBe(500_001);
    // b, c and d confirm: a was wrong.
    story.say(now + SECOND, 100_000n, { b: 0n, c: 0n, d: 0n });
    expect(story.engine.suspicious).toBe(false);
    expect(story.edges(now + SECOND).suspectHi).toBeLessThan(MS);
  });
});

describe('numbers', () => {
  it.each([10n ** 15n, 10n ** 17n, -(10n ** 17n)])('learns no worse from %i ns on', (origin) => {
    const theta = (now: bigint): bigint => slowBy(80n)(now - origin) + 1_795n * 10n ** 15n;
    const story = learning();
    const last = hear(story, origin, origin + 10n * MINUTE, theta);
    const here = learning();
    const lastHere = hear(here, 0n, 10n * MINUTE, slowBy(80n));
    const { lower, upper } = story.engine.learned!;
    expect(upper).toBeCloseTo(here.engine.learned!.upper, 12);
    expect(lower).toBeCloseTo(here.engine.learned!.lower, 12);
    expect(width(story, last)).toBe(width(here, lastHere));
  });

  it('goes on past 26 days of local time, where its bases move', () => {
    const story = learning(['a'], { expireAfterNs: 24 * 3600e9 });
    const begin = 2n ** 51n - 5n * MINUTE;
    // The base is the first instant heard of.
    story.say(0n, MS, { a: 0n });
    const last = hear(story, begin, begin + 10n * MINUTE, slowBy(0n));
    expect(story.engine.refuted).toBeUndefined();
    const here = learning();
    hear(here, 0n, 10n * MINUTE, slowBy(0n));
    expect(story.engine.learned!.upper).toBeCloseTo(here.engine.learned!.upper, 9);
    expect(width(story, last + 16n * SECOND)).toBeLessThan(700_000);
  });
});
