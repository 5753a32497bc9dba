import { describe, expect, it } from 'vitest';
import { newBound } from '../../../src/bound/bound.ts';
import type { RateAssumptions } from '../../../src/bound/learned/rate-assumptions.ts';
import { asMonotonicNs } from '../../../src/time/instant.ts';
import { EngineHarness, MS, SECOND } from '../../kit/samples.ts';

const A2: RateAssumptions = { jitter: 1e-6, wander: 1e-16, span: 25e-6, horizonNs: 3600e9 };
const R = 0.0005;
const MINUTE = 60n * SECOND;
const HOUR = 60n * MINUTE;

function learning(
  sources: readonly string[] = ['a'],
  options: ConstructorParameters<typeof EngineHarness>[1] = {},
): EngineHarness {
  return new EngineHarness(sources, { maxRate: R, learning: A2, ...options });
}

/**
 * Every 16 s all sources say that theta is `theta(now)` plus or minus `half`. Returns the last
 * instant.
 */
function hear(
  harness: EngineHarness,
  from: bigint,
  to: bigint,
  theta: (now: bigint) => bigint,
  half = 100_000n,
): bigint {
  const ids = harness.engine.sources.map(({ id }) => id);
  let last = from;
  for (let now = from; now <= to; now += 16n * SECOND) {
    harness.sampleAll(now, half, Object.fromEntries(ids.map((id) => [id, theta(now)])));
    last = now;
  }
  return last;
}

/** Theta of a crystal that is slow by this many ppm. */
const slowBy =
  (ppm: bigint) =>
  (now: bigint): bigint =>
    (now * ppm) / 1_000_000n;

/** How many dated facts layer 2 keeps of a source, on the upper side. */
const facts = (harness: EngineHarness, id: string): number =>
  harness.engine.learned!.factsOf(harness.source(id)).upper.size;

const width = (harness: EngineHarness, now: bigint): number => {
  const { lo, hi } = harness.edges(now);
  return Number(hi - lo);
};

describe('learning', () => {
  it('starts as layer 1, and after some minutes knows the rate to some ppm', () => {
    const harness = learning();
    const plain = new EngineHarness(['a'], { maxRate: R });
    for (const each of [harness, plain]) hear(each, 0n, 0n, slowBy(80n));
    expect(harness.at(10n * SECOND)).toEqual(plain.at(10n * SECOND));
    for (const each of [harness, plain]) hear(each, 0n, 10n * MINUTE, slowBy(80n));
    const { lower, upper } = harness.engine.learned!.rate!;
    expect(lower).toBeLessThan(80e-6);
    expect(upper).toBeGreaterThan(80e-6);
    expect(upper - lower).toBeLessThan(25e-6);
    // At the next poll: 16 s at 500 ppm on either side are 16 ms, and 0.4 ms at the learned rate.
    const next = 608n * SECOND;
    expect(width(plain, next)).toBeGreaterThan(16e6);
    expect(width(harness, next)).toBeLessThan(600_000);
    const theta = slowBy(80n)(next);
    const { lo, hi } = harness.edges(next);
    expect(lo <= theta && theta <= hi).toBe(true);
  });

  it('the upper edge of a clock that certainly gains comes down', () => {
    const harness = learning();
    const last = hear(harness, 0n, 10n * MINUTE, slowBy(-80n));
    const before = harness.edges(last).hi;
    expect(harness.edges(last + SECOND).hi).toBeLessThan(before);
  });

  it('several samples at one instant age nothing twice', () => {
    // An upper edge that comes down would come down too far.
    const harness = learning(['a', 'b', 'c']);
    const theta = slowBy(-80n);
    for (let now = 0n; now <= 10n * MINUTE; now += 16n * SECOND) {
      hear(harness, now, now, theta);
      const { lo, hi } = harness.edges(now);
      expect(lo <= theta(now) && theta(now) <= hi).toBe(true);
    }
    expect(harness.engine.refuted).toBeUndefined();
    expect(harness.source('a').contradictions).toBe(0);
    expect(facts(harness, 'a')).toBeGreaterThan(1);
  });

  it('keeps what it learned during a silence: an hour at 28 ppm, not at 500', () => {
    const harness = learning(['a'], { expireAfterNs: 24 * 3600e9 });
    const last = hear(harness, 0n, 2n * HOUR, slowBy(80n));
    const before = width(harness, last);
    const after = width(harness, last + HOUR);
    // On either side A + 2 D, and what the widths of the bounds blur.
    expect((after - before) / 3600e9).toBeLessThan(2 * 28e-6);
    expect((after - before) / 3600e9).toBeGreaterThan(2 * 25e-6);
    // Two hours after the last sample A2 says nothing more, and the rate is R.
    const atTheEnd = width(harness, last + 2n * HOUR);
    const grown = width(harness, last + 2n * HOUR + MINUTE) - atTheEnd;
    expect(grown / 60e9).toBeCloseTo(2 * R, 6);
  });

  it('a sample delivered twice teaches nothing', () => {
    const harness = learning();
    const last = hear(harness, 0n, 10n * MINUTE, slowBy(80n));
    const before = harness.snapshot(last);
    const facts = { sentAt: last, lower: slowBy(80n)(last) - 100_000n };
    for (let i = 0; i < 3; i++) harness.ingest({ ...facts, upper: facts.lower + 200_000n });
    expect(harness.snapshot(last)).toEqual(before);
  });

  it('up to f liars teach nothing, wherever they stand in the list', () => {
    // Both liars drift away at 20 ppm, and claim an error that hides this for an hour.
    const ids = ['liar', 'other liar', 'c', 'd', 'e'];
    const harness = learning(ids);
    for (let now = 0n; now <= 30n * MINUTE; now += 16n * SECOND) {
      const run = (now * 20n) / 1_000_000n;
      const lies = { liar: run, 'other liar': run };
      harness.sampleAll(now, 30n * MS, lies);
      harness.sampleAll(now, 100_000n, { c: 0n, d: 0n, e: 0n });
      const { lo, hi } = harness.edges(now);
      expect(lo <= 0n && 0n <= hi).toBe(true);
      const { lower, upper } = harness.engine.learned!.rate!;
      expect(lower <= 0 && 0 <= upper, `at ${now} the rate is in [${lower}, ${upper}]`).toBe(true);
    }
    expect(harness.engine.refuted).toBeUndefined();
    expect(harness.engine.learned!.rate!.upper - harness.engine.learned!.rate!.lower).toBeLessThan(
      25e-6,
    );
  });

  it('a fact older than the horizon no longer counts against its source', () => {
    // b was right to a microsecond, and is silent from then on. Its cone opens at R.
    const harness = learning(['a', 'b'], { expireAfterNs: 24 * 3600e9 });
    hear(harness, 0n, 10n * MINUTE, slowBy(0n), 1000n);
    const say = (from: bigint, to: bigint): void => {
      for (let now = from; now <= to; now += 64n * SECOND) harness.sampleAll(now, MS, { a: 0n });
    };
    say(11n * MINUTE, 60n * MINUTE);
    expect(facts(harness, 'b')).toBeGreaterThan(0);
    say(61n * MINUTE, 75n * MINUTE);
    expect(facts(harness, 'b')).toBe(0);
  });

  it('what a source vouched for under an earlier bound does not outlive it', () => {
    // c is low by as much as it may be. Theta rises by 40 ppm.
    const theta = slowBy(40n);
    const harness = learning(['a', 'b', 'c'], { expireAfterNs: 120e9 });
    const say = (from: string, now: bigint, below: bigint, above: bigint): void => {
      const truth = theta(now);
      harness.ingest({ from, sentAt: now, lower: truth + below, upper: truth + above });
      harness.tick(now);
    };
    const last = hear(harness, 0n, 10n * MINUTE, theta, MS);
    for (let now = last + SECOND; now < 22n * MINUTE; now += 16n * SECOND) {
      say('c', now, -40n * MS, MS);
    }
    expect(harness.at(22n * MINUTE)).toBe('too-few-sources');
    // b lies, and f is 1. So if c were wrong too, the bound would be.
    const now = 22n * MINUTE;
    say('b', now, -40n * MS, -10n * MS);
    say('a', now, -40n * MS, MS);
    say('c', now, -40n * MS, MS);
    const { lo, hi } = harness.edges(now);
    expect(lo <= theta(now) && theta(now) <= hi).toBe(true);
    expect(harness.engine.refuted).toBeUndefined();
  });

  it('the caps follow a rate that drifts for half a day', () => {
    const harness = learning(['a'], { expireAfterNs: 24 * 3600e9 });
    // The rate rises by 5 ppm an hour: 20 ppm in four hours, 60 ppm in twelve.
    const theta = (now: bigint): bigint => (now * (now / SECOND) * 5n) / (2n * 3600n * 1_000_000n);
    const last = hear(harness, 0n, 12n * HOUR, theta);
    expect(harness.engine.refuted).toBeUndefined();
    const later = last + HOUR;
    const { lo, hi } = harness.edges(later);
    expect(lo <= theta(later) && theta(later) <= hi).toBe(true);
    // Caps from hours ago would be below the rate of now.
    expect(harness.engine.learned!.rate!.lower).toBeLessThan(60e-6);
    expect(harness.engine.learned!.rate!.upper).toBeGreaterThan(60e-6);
  });
});

describe('a coarse grid', () => {
  // As coarse as a browser's clock. Theta rises by 480 ppm, close to R.
  const GRID = 2n * MS;
  const theta = (now: bigint): bigint => (now * 480n) / 1_000_000n;
  /**
   * An exact sample whose reading is the first ns of a grid cell and whose exchange is at the last:
   * the worst case that the grid allows.
   */
  const said = (now: bigint) => {
    const last = now + GRID;
    return { sentAt: now, lower: last + theta(last) - now - GRID, upper: now + theta(now) - now };
  };

  it('the published edge holds for the readings just after a sample, whose lower fact renews X', () => {
    const harness = learning(['a'], { gridNs: Number(GRID) });
    const bound = newBound();
    for (let now = 0n; now <= 20n * MINUTE; now += 16n * SECOND) {
      harness.ingest(said(now));
      harness.engine.boundAt(asMonotonicNs(now), bound);
      for (const reading of [now + GRID, now + 2n * GRID, now + 10n * GRID, now + SECOND]) {
        const fallen = BigInt(bound.fall.over(Number(reading - now)));
        const earliest = reading + harness.engine.thetaBase + BigInt(bound.lo) - fallen;
        const truth = reading + theta(reading);
        expect(earliest <= truth, `${earliest - truth} ns after it, at ${reading}`).toBe(true);
      }
    }
    // The rate is known, so the lower edge rises.
    expect(harness.engine.learned!.rate!.lower).toBeGreaterThan(450e-6);
    expect(bound.fall.over(1e9)).toBeLessThan(-450_000);
  });

  it('the first lower edge already holds for the whole grid', () => {
    const harness = learning(['a'], { gridNs: Number(GRID) });
    const plain = new EngineHarness(['a'], { maxRate: R, gridNs: Number(GRID) });
    for (const each of [harness, plain]) each.ingest(said(0n));
    // R times the grid, rounded up.
    expect(harness.edges(0n).lo).toBe(plain.edges(0n).lo - 1001n);
    expect(harness.edges(0n).hi).toBe(plain.edges(0n).hi);
  });
});

describe('refutation', () => {
  /** The crystal is slower by 20 ppm from the tenth minute on, far more than the wander allows. */
  const heated = (now: bigint): bigint => {
    const begin = 10n * MINUTE;
    return slowBy(80n)(now) + (now > begin ? ((now - begin) * 20n) / 1_000_000n : 0n);
  };

  it('a thermal step refutes A2 and nothing else: layer 1 still has a bound', () => {
    const harness = learning(['a', 'b', 'c']);
    hear(harness, 0n, 10n * MINUTE, heated);
    const { era } = harness.engine;
    let now = 10n * MINUTE;
    while (harness.engine.refuted === undefined && now < 20n * MINUTE) {
      now += 16n * SECOND;
      hear(harness, now, now, heated);
      expect(harness.engine.bounded).toBe(true);
    }
    expect(harness.engine.refuted?.assumption).toBe('A2');
    // 0.1 ppm a second would explain 20 ppm after 200 s, and the widths explain some more.
    expect(now - 10n * MINUTE).toBeLessThan(60n * SECOND);
    // All dated facts were dropped. Each source has sent one sample since, at most.
    for (const { id } of harness.engine.sources) expect(facts(harness, id)).toBeLessThanOrEqual(1);
    // What readers remember of the narrower bound is void.
    expect(harness.engine.era).toBe(era + 1n);
    const { lo, hi } = harness.edges(now);
    expect(lo <= heated(now) && heated(now) <= hi).toBe(true);
    expect(harness.engine.sources.every(({ agrees }) => agrees)).toBe(true);

    // Learning begins again at once with twice the wander. After some minutes it is as narrow as
    // before.
    hear(harness, now + 16n * SECOND, now + 10n * MINUTE, heated);
    expect(harness.engine.learned?.rate?.wander).toBe(2e-16);
    const later = now + 10n * MINUTE;
    expect(width(harness, later)).toBeLessThan(1e6);
    const late = harness.edges(later);
    expect(late.lo <= heated(later) && heated(later) <= late.hi).toBe(true);
    // After a quiet hour the wander is what it was.
    hear(harness, later, later + 65n * MINUTE, heated);
    harness.tick(later + 65n * MINUTE);
    expect(harness.engine.learned?.rate?.wander).toBe(1e-16);
    expect(harness.engine.refuted?.atNs).toBe(now);
  });

  it.each([100n, 150n, 200n, 250n, 300n])(
    'after a leap of the rate by %i ppm nothing is wrong from the refutation on',
    (leap) => {
      const harness = learning();
      const begin = 10n * MINUTE;
      const leapt = (now: bigint): bigint =>
        now < begin ? slowBy(80n)(now) : slowBy(80n)(begin) + slowBy(80n - leap)(now - begin);
      // The server is late by almost its whole claim, so an upper edge that is 0.1 ms too low is
      // wrong.
      const late = (now: bigint): bigint => leapt(now) - 1_900_000n;
      hear(harness, 0n, begin, late, 2n * MS);
      for (let now = begin + SECOND; now < 20n * MINUTE; now += SECOND) {
        hear(harness, now, now, late, 2n * MS);
        if (harness.engine.refuted === undefined) continue;
        const { lo, hi } = harness.edges(now);
        expect(lo <= leapt(now) && leapt(now) <= hi, `${now}`).toBe(true);
      }
      expect(harness.engine.refuted?.assumption).toBe('A2');
      expect(harness.engine.learned?.wander).toBe(2e-16);
    },
  );

  it('more than f sources disjoint from the bound refute it, even while others overlap it', () => {
    const harness = learning(['a', 'b', 'c', 'd', 'e']);
    for (let now = 0n; now <= 10n * MINUTE; now += 16n * SECOND) {
      harness.sampleAll(now, MS, { a: 0n, b: 0n, c: 0n });
      harness.sampleAll(now, 2n * MS, { d: 0n, e: 0n });
    }
    // a and b are above the bound, c is below it. d and e are wide, and overlap them and the bound.
    const now = 594n * SECOND;
    const apart = (3n * MS) / 2n;
    harness.sampleAll(now, 200_000n, { a: apart, b: apart });
    expect(harness.engine.refuted).toBeUndefined();
    harness.sampleAll(now, 200_000n, { c: -apart });
    expect(harness.engine.refuted?.assumption).toBe('A2');
    expect(harness.engine.bounded).toBe(true);
  });

  it('a source that contradicts its own past at these rates is one falseticker and does not refute A2', () => {
    const harness = learning(['a', 'b', 'c']);
    hear(harness, 0n, 10n * MINUTE, slowBy(0n));
    const now = 616n * SECOND;
    harness.sampleAll(now, 100_000n, { a: 2n * MS });
    // Its newest sample counts, and that ages by the learned rate. At R it would reach b and c.
    harness.sampleAll(now + 6n * SECOND, 100_000n, { b: 0n, c: 0n });
    expect(harness.engine.refuted).toBeUndefined();
    expect(harness.engine.sources.map(({ agrees }) => agrees)).toEqual([false, true, true]);
  });

  it('a refutation of layer 1 drops layer 2 too', () => {
    const harness = learning();
    hear(harness, 0n, 10n * MINUTE, slowBy(80n));
    const now = 616n * SECOND;
    harness.sampleAll(now, 1000n, { a: 500n * MS });
    expect(harness.engine.refuted?.assumption).toBe('A0-or-A1');
    expect(harness.engine.learned?.rate).toBeUndefined();
    harness.sampleAll(now + SECOND, 1000n, { a: 500n * MS });
    // Learning begins with these two samples: 2 us in a second are 2 ppm, and A2 adds 2.1.
    expect(harness.at(now + 2n * SECOND)).toEqual([
      500n * MS - 1000n - 4102n,
      500n * MS + 1000n + 4102n,
    ]);
  });

  it('a disruption drops all facts', () => {
    const harness = learning();
    hear(harness, 0n, 10n * MINUTE, slowBy(80n));
    harness.engine.disrupt(harness.engine.toMonotonic(0) as never, 'suspend');
    expect(harness.engine.learned?.rate).toBeUndefined();
    expect(facts(harness, 'a')).toBe(0);
  });

  it('a lower drift bound leaves the rate, but not the facts, which it would age', () => {
    const harness = learning(['a'], { maxRate: 0.0002 });
    hear(harness, 0n, 10n * MINUTE, slowBy(80n));
    const apart = (now: bigint, theta: bigint): string[] =>
      harness.sampleAll(now, 1000n, { a: theta });
    // Twice in ten minutes theta moves by at least 10 ms in a second.
    expect(apart(610n * SECOND, 100n * MS)).toEqual(['refuted']);
    apart(611n * SECOND, 100n * MS);
    expect(apart(612n * SECOND, 110n * MS)).toEqual(['refuted']);
    expect(harness.engine.maxRate).toBeGreaterThan(0.01);
    apart(613n * SECOND, 110n * MS);
    // Two samples are left, a second apart: 2 us, the jitter, and half a second of wander.
    expect(harness.engine.learned?.rate?.upper).toBeCloseTo(4.05e-6, 9);
    // After ten quiet minutes R comes down, which is another drift bound again.
    const raised = harness.engine.maxRate;
    const last = hear(harness, 614n * SECOND, 640n * SECOND + 10n * MINUTE, () => 110n * MS);
    const now = last + 10n * SECOND;
    const edges = harness.edges(now);
    const rate = harness.engine.learned?.rate;
    expect(rate?.upper).toBeLessThan(20e-6);
    expect(facts(harness, 'a')).toBeGreaterThan(0);
    harness.tick(now);
    expect(harness.engine.maxRate).toBe(raised / 2);
    expect(harness.engine.learned?.rate).toEqual(rate);
    expect(harness.edges(now)).toEqual(edges);
    expect(facts(harness, 'a')).toBe(0);
  });
});

describe('suspicion', () => {
  it('of a source disjoint from the narrower bound widens the answer, at R from then on', () => {
    const harness = learning(['a', 'b', 'c', 'd', 'e']);
    hear(harness, 0n, 10n * MINUTE, slowBy(0n));
    const now = 616n * SECOND;
    expect(harness.sampleAll(now, 100_000n, { a: 4n * MS })).toEqual(['suspicious']);
    const { suspectHi, hi } = harness.edges(now);
    expect(hi).toBeLessThan(MS);
    expect(suspectHi).toBe(4n * MS + 100_000n);
    const bound = newBound();
    harness.engine.boundAt(asMonotonicNs(now), bound);
    for (const side of [bound.fall, bound.rise]) expect(side.over(1e9)).toBe(500_001);
    // b, c and d confirm the bound, so a was wrong.
    harness.sampleAll(now + SECOND, 100_000n, { b: 0n, c: 0n, d: 0n });
    expect(harness.engine.suspicious).toBe(false);
    expect(harness.edges(now + SECOND).suspectHi).toBeLessThan(MS);
  });
});

describe('numbers', () => {
  it.each([10n ** 15n, 10n ** 17n, -(10n ** 17n)])('learns as well from %i ns on', (origin) => {
    const theta = (now: bigint): bigint => slowBy(80n)(now - origin) + 1_795n * 10n ** 15n;
    const harness = learning();
    const last = hear(harness, origin, origin + 10n * MINUTE, theta);
    const here = learning();
    const lastHere = hear(here, 0n, 10n * MINUTE, slowBy(80n));
    const { lower, upper } = harness.engine.learned!.rate!;
    expect(upper).toBeCloseTo(here.engine.learned!.rate!.upper, 12);
    expect(lower).toBeCloseTo(here.engine.learned!.rate!.lower, 12);
    expect(width(harness, last)).toBe(width(here, lastHere));
  });

  it('goes on past 26 days of local time, where its bases move', () => {
    const harness = learning(['a'], { expireAfterNs: 24 * 3600e9 });
    const begin = 2n ** 51n - 5n * MINUTE;
    // The first instant becomes the base of local time.
    harness.sampleAll(0n, MS, { a: 0n });
    const last = hear(harness, begin, begin + 10n * MINUTE, slowBy(0n));
    expect(harness.engine.refuted).toBeUndefined();
    const here = learning();
    hear(here, 0n, 10n * MINUTE, slowBy(0n));
    expect(harness.engine.learned!.rate!.upper).toBeCloseTo(here.engine.learned!.rate!.upper, 9);
    expect(width(harness, last + 16n * SECOND)).toBeLessThan(700_000);
  });
});
