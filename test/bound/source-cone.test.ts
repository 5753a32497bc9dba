import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Instants, LocalNow } from '../../src/bound/local-now.ts';
import { RelativeSample } from '../../src/bound/relative-sample.ts';
import { SourceCone } from '../../src/bound/source-cone.ts';

const PPM_200 = 0.0002;
const LOCAL = new LocalNow(PPM_200);
/** In this many ns theta moves by 1000 ns at 200 ppm. */
const PER_US = 5_000_000;

/** A sample received at `at` without any round trip, which says `[lower, upper]`. */
function sample(at: number, lower: number, upper: number, more: object = {}): RelativeSample {
  return Object.assign(new RelativeSample(0), { sentAt: at, receivedAt: at, lower, upper }, more);
}

function taking(...samples: readonly RelativeSample[]): SourceCone {
  const cone = new SourceCone(new Instants());
  for (const each of samples) cone.take(each, LOCAL);
  return cone;
}

describe('one sample', () => {
  test('is an upper fact of when it was sent, and a lower one of when it was received', () => {
    const cone = taking(sample(PER_US, -10, 20, { sentAt: 0, pathDelay: PER_US, serverError: 3 }));
    expect(cone).toMatchObject({
      known: true,
      era: 0,
      at: { ns: PER_US },
      lo: -10,
      // 1000 ns of drift, and 1 for rounding.
      hi: 1021,
      hiFrom: { born: { ns: 0 }, pathDelay: PER_US, serverError: 3 },
      loFrom: { born: { ns: PER_US }, pathDelay: PER_US, serverError: 3 },
    });
  });

  test('delivered twice changes nothing', () => {
    const cone = taking(sample(7, -10, 20));
    expect(cone.take(sample(7, -10, 20, { pathDelay: 9, serverError: 9 }), LOCAL)).toBe(0);
    expect(cone).toMatchObject({
      lo: -10,
      hi: 20,
      hiFrom: { born: { ns: 7 }, pathDelay: 0, serverError: 0 },
      loFrom: { born: { ns: 7 }, pathDelay: 0, serverError: 0 },
    });
  });
});

describe('two samples', () => {
  /** The second one comes when the first one has opened to [-1011, 1021]. */
  test.each([
    // What it says, the edges, and which sample either edge is from.
    ['wider on both sides', -5000, 5000, [-1011, 1021], ['first', 'first']],
    ['narrower on both sides', -500, 600, [-500, 600], ['second', 'second']],
    ['narrower above', -5000, 600, [-1011, 600], ['first', 'second']],
    ['narrower below', -500, 5000, [-500, 1021], ['second', 'first']],
    ['equal', -1011, 1021, [-1011, 1021], ['first', 'first']],
  ])('the second one %s: the best of each', (_, lower, upper, edges, from) => {
    const cone = taking(sample(0, -10, 20, { pathDelay: 1, serverError: 2 }));
    const second = sample(PER_US, lower, upper, { pathDelay: 3, serverError: 4 });
    expect(cone.take(second, LOCAL)).toBe(0);
    const named = from.map((which) =>
      which === 'first'
        ? { born: { ns: 0 }, pathDelay: 1, serverError: 2 }
        : { born: { ns: PER_US }, pathDelay: 3, serverError: 4 },
    );
    expect([cone.lo, cone.hi, cone.at.ns, cone.era]).toEqual([...edges, PER_US, 0]);
    expect([cone.loFrom, cone.hiFrom]).toEqual(named);
  });

  test.each([
    // A ns above what the first one opened to, and a ns below.
    [1022, 1030, 1],
    [-1030, -1012, 1],
    [3021, 3022, 2000],
    // Touching is no contradiction.
    [1021, 1030, 0],
    [-1030, -1011, 0],
  ])(
    'that say other things, [%i, %i]: by how much, and only the second one is kept',
    (lower, upper, gap) => {
      const cone = taking(sample(0, -10, 20));
      const second = sample(PER_US, lower, upper, { pathDelay: 3, serverError: 4 });
      expect(cone.take(second, LOCAL)).toBe(gap);
      expect(cone.era).toBe(gap === 0 ? 0 : 1);
      if (gap === 0) return;
      const from = { born: { ns: PER_US }, pathDelay: 3, serverError: 4 };
      expect(cone).toMatchObject({ known: true, lo: lower, hi: upper, loFrom: from, hiFrom: from });
      expect(cone.at.ns).toBe(PER_US);
    },
  );

  test('the second one late: its facts are aged to the present', () => {
    const cone = taking(sample(PER_US, -5000, 5000));
    expect(cone.take(sample(0, -10, 20), LOCAL)).toBe(0);
    expect([cone.at.ns, cone.lo, cone.hi]).toEqual([PER_US, -1011, 1021]);
    expect([cone.loFrom.born.ns, cone.hiFrom.born.ns]).toEqual([0, 0]);
  });

  test('with the past void between them: the second one alone, even if it is late', () => {
    const cone = taking(sample(PER_US, -5000, -4000));
    cone.forget();
    expect([cone.known, cone.era]).toEqual([false, 1]);
    expect(cone.take(sample(0, -10, 20), LOCAL)).toBe(0);
    expect([cone.known, cone.era]).toEqual([true, 1]);
    expect([cone.at.ns, cone.lo, cone.hi]).toEqual([0, -10, 20]);
  });
});

test('far from the base, where doubles are rounded, the edges stay outside of the exact ones', () => {
  const far = fc.bigInt(2n ** 53n, 2n ** 61n).map(Number);
  const age = fc.integer({ min: 1, max: 1e12 });
  fc.assert(
    fc.property(far, age, age, fc.boolean(), (distance, roundTrip, later, above) => {
      const value = above ? distance : -distance;
      const grow = (ns: number): bigint => BigInt(ns) / 5000n;
      const one = sample(roundTrip, value, value, { sentAt: 0 });
      const cone = taking(one);
      const exact = BigInt(value);
      expect(BigInt(cone.hi) >= exact + grow(roundTrip)).toBe(true);
      expect(BigInt(cone.lo) <= exact).toBe(true);
      // A wider one: the aged edges of the first one count.
      const wide = 2 ** 62;
      cone.take(sample(roundTrip + later, -wide, wide), LOCAL);
      expect(BigInt(cone.hi) >= exact + grow(roundTrip + later)).toBe(true);
      expect(BigInt(cone.lo) <= exact - grow(later)).toBe(true);
      // A late one is aged too.
      const late = taking(sample(roundTrip + later, -wide, wide), one);
      expect(BigInt(late.hi) >= exact + grow(roundTrip + later)).toBe(true);
      expect(BigInt(late.lo) <= exact - grow(later)).toBe(true);
    }),
    { seed: 20302, numRuns: 300 },
  );
});
