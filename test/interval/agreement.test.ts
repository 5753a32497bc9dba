import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agreedHull, agreement } from '../../src/interval/agreement.ts';
import { contains, type TimeInterval, timeInterval } from '../../src/interval/time-interval.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../../src/time/errors.ts';
import { INT64_MAX, INT64_MIN, unixNs } from '../../src/time/instant.ts';

const span = (earliest: bigint, latest: bigint): TimeInterval => timeInterval({ earliest, latest });
const spans = (...ends: [number, number][]): TimeInterval[] =>
  ends.map(([earliest, latest]) => span(BigInt(earliest), BigInt(latest)));

/**
 * Counts covers at every end. The hull's edges are the first and the last end with enough covers.
 */
function bruteForce(intervals: TimeInterval[], quorum: number): TimeInterval | undefined {
  const points = intervals
    .flatMap(({ earliest, latest }) => [earliest, latest])
    .filter((p) => intervals.filter((each) => contains(each, p)).length >= quorum)
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return points.length === 0 ? undefined : span(points[0]!, points[points.length - 1]!);
}

/** Few distinct ends, so that ties, touching and nesting are common. */
const end = fc.bigInt({ min: -8n, max: 8n });
const interval = fc.tuple(end, end).map(([a, b]) => (a < b ? span(a, b) : span(b, a)));
const seed = { seed: 20_109, numRuns: 3000 };

describe('agreement', () => {
  it.each([
    // intervals, f, the hull, which intervals disagree
    [spans([0, 10]), 0, [0, 10], []],
    [spans([0, 10], [5, 15]), 0, [5, 10], []],
    [spans([0, 5], [5, 9]), 0, [5, 5], []], // touching is overlap
    [spans([0, 4], [5, 9]), 0, undefined, []],
    [spans([0, 4], [2, 6], [90, 91]), 1, [2, 4], [2]], // a falseticker, named
    [spans([90, 91], [0, 4], [2, 6]), 1, [2, 4], [0]],
    // Two pieces, [2, 4] and [5, 6]; the answer is their hull.
    [spans([0, 4], [2, 6], [5, 9]), 1, [2, 6], []],
    // The example in the header of agreement.ts; the truth is 10.
    [spans([0, 10], [2, 11], [3, 20], [0, 5]), 1, [2, 10], []],
    [spans([0, 1], [4, 5], [8, 9]), 1, undefined, []],
    [spans([0, 0], [0, 0], [7, 7]), 1, [0, 0], [2]],
    [spans([0, 3], [1, 2], [9, 12], [10, 11]), 2, [1, 11], []], // two against two: sound, wide
  ])('of %o with %i wrong', (intervals, faulty, expected, disagreeing) => {
    const result = agreement(intervals, { maxFaulty: faulty });
    if (expected === undefined)
      expect(result).toEqual({ status: 'undecided', reason: 'no-quorum' });
    else {
      const [earliest, latest] = expected;
      expect(result).toEqual({
        status: 'agreed',
        interval: span(BigInt(earliest!), BigInt(latest!)),
        disagreeing,
        quorum: intervals.length >= 2 * faulty + 1 ? 'full' : 'partial',
      });
    }
  });

  it('has nothing to say when all may be wrong', () => {
    expect(agreement([], { maxFaulty: 0 })).toEqual({ status: 'undecided', reason: 'too-few' });
    expect(agreement(spans([0, 1]), { maxFaulty: 1 })).toEqual({
      status: 'undecided',
      reason: 'too-few',
    });
    expect(agreement(spans([0, 1]), { maxFaulty: 5 })).toEqual({
      status: 'undecided',
      reason: 'too-few',
    });
  });

  it('works at the limits of int64, where doubles could not tell the ends apart', () => {
    const a = span(INT64_MIN, INT64_MAX);
    const b = span(INT64_MAX - 3n, INT64_MAX - 1n);
    const c = span(INT64_MAX - 2n, INT64_MAX);
    expect(agreement([a, b, c], { maxFaulty: 0 })).toMatchObject({
      interval: span(INT64_MAX - 2n, INT64_MAX - 1n),
    });
  });

  it.each([-1, 0.5, Number.NaN, Infinity, '1', undefined])('refuses %s wrong sources', (bad) => {
    expect(() => agreement(spans([0, 1]), { maxFaulty: bad as number })).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
    );
  });

  it('refuses an interval that ends before it starts', () => {
    const swapped = { earliest: unixNs(5n), latest: unixNs(4n) };
    expect(() => agreement([span(0n, 9n), swapped], { maxFaulty: 0 })).toThrow(/^intervals\[1\]/);
  });

  it.each<[unknown, string]>([
    [{ earliest: -(2n ** 63n) - 1n, latest: 0n }, 'ERR_OUT_OF_RANGE'],
    [{ earliest: 0n, latest: 2n ** 63n }, 'ERR_OUT_OF_RANGE'],
    // In 64 bits these would be 0 and 5.
    [{ earliest: -(2n ** 64n), latest: 5n }, 'ERR_OUT_OF_RANGE'],
    [{ earliest: 0n, latest: 2n ** 64n + 5n }, 'ERR_OUT_OF_RANGE'],
    [{ earliest: 0, latest: 5n }, 'ERR_INVALID_ARG_TYPE'],
    [{ earliest: 0n, latest: '5' }, 'ERR_INVALID_ARG_TYPE'],
    [undefined, 'ERR_INVALID_ARG_TYPE'],
  ])('refuses what is no interval within int64: %o', (bad, code) => {
    const intervals = [span(0n, 9n), bad] as never;
    expect(() => agreement(intervals, { maxFaulty: 1 })).toThrow(expect.objectContaining({ code }));
  });

  it.each([undefined, {}, 'text', { length: 1, 0: { earliest: 1n, latest: 2n } }])(
    'takes a list only, not %o',
    (intervals) => {
      expect(() => agreement(intervals as never, { maxFaulty: 0 })).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
      );
    },
  );

  it('is the result of counting covers at every end', () => {
    fc.assert(
      fc.property(
        fc.array(interval, { minLength: 1, maxLength: 9 }),
        fc.nat({ max: 8 }),
        (all, faulty) => {
          fc.pre(faulty < all.length);
          const expected = bruteForce(all, all.length - faulty);
          const result = agreement(all, { maxFaulty: faulty });
          expect(result.interval).toEqual(expected);
          if (!expected) return;
          const apart = all.flatMap(({ earliest, latest }, i) =>
            latest < expected.earliest || earliest > expected.latest ? [i] : [],
          );
          expect(result.disagreeing).toEqual(apart);
        },
      ),
      seed,
    );
  });

  it('does not depend on the order of the input', () => {
    fc.assert(
      fc.property(
        fc
          .array(interval, { minLength: 1, maxLength: 8 })
          .chain((all) =>
            fc.tuple(
              fc.constant(all),
              fc.shuffledSubarray(all, { minLength: all.length }),
              fc.nat({ max: all.length - 1 }),
            ),
          ),
        ([all, shuffled, faulty]) => {
          const one = agreement(all, { maxFaulty: faulty });
          const other = agreement(shuffled, { maxFaulty: faulty });
          expect(one.status).toBe(other.status);
          if (one.status !== 'agreed' || other.status !== 'agreed') return;
          expect(one.interval).toEqual(other.interval);
          const named = one.disagreeing.map((i) => all[i]);
          expect(new Set(other.disagreeing.map((i) => shuffled[i]))).toEqual(new Set(named));
        },
      ),
      seed,
    );
  });

  it('never excludes the truth, whatever f colluding liars claim', () => {
    const around = (truth: bigint) =>
      fc
        .tuple(fc.bigInt({ min: 0n, max: 6n }), fc.bigInt({ min: 0n, max: 6n }))
        .map(([below, above]) => span(truth - below, truth + above));
    // Liars that know the honest intervals: their ends lie at honest ends, or just beside them.
    const world = fc
      .tuple(end, fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 6 }))
      .chain(([truth, faulty, extra]) =>
        fc.tuple(
          fc.constant(truth),
          fc.constant(faulty),
          fc.array(around(truth), { minLength: extra, maxLength: extra }),
        ),
      )
      .chain(([truth, faulty, honest]) => {
        const edges = honest.flatMap(({ earliest, latest }) => [earliest, latest]);
        const claim = fc
          .tuple(
            fc.constantFrom(...edges),
            fc.constantFrom(...edges),
            fc.integer({ min: -1, max: 1 }),
          )
          .map(([a, b, by]) => {
            const [p, q] = [a + BigInt(by), b + BigInt(by)];
            return p < q ? span(p, q) : span(q, p);
          });
        const liars = fc.array(claim, { minLength: faulty, maxLength: faulty });
        return fc.tuple(fc.constant(truth), fc.constant(faulty), fc.constant(honest), liars);
      });
    fc.assert(
      fc.property(world, ([truth, faulty, honest, liars]) => {
        const result = agreement([...liars, ...honest], { maxFaulty: faulty });
        expect(result.status).toBe('agreed');
        expect(contains(result.interval as TimeInterval, unixNs(truth))).toBe(true);
      }),
      { ...seed, numRuns: 10_000 },
    );
  });

  it('a full quorum never reaches beyond the honest intervals', () => {
    fc.assert(
      fc.property(
        fc.array(interval, { minLength: 3, maxLength: 6 }),
        fc.array(interval, { minLength: 2, maxLength: 2 }),
        (honest, liars) => {
          const result = agreement([...honest, ...liars], { maxFaulty: 2 });
          if (result.quorum !== 'full') return;
          const { earliest, latest } = result.interval;
          for (const edge of [earliest, latest]) {
            expect(honest.some((each) => contains(each, edge))).toBe(true);
          }
        },
      ),
      seed,
    );
  });
});

describe('intervals beyond int64', () => {
  it('refuses ends that a typed array would wrap or round', () => {
    const far = { earliest: 2n ** 64n, latest: 2n ** 64n + 1n };
    const numbers = { earliest: 1, latest: 2 };
    expect(() => agreement([far as never], { maxFaulty: 0 })).toThrow(ArgumentRangeError);
    expect(() => agreement([numbers as never], { maxFaulty: 0 })).toThrow(ArgumentTypeError);
  });
});

describe('agreedHull', () => {
  it('finds the same in doubles as in int64', () => {
    fc.assert(
      fc.property(fc.array(interval, { minLength: 1, maxLength: 9 }), fc.nat(), (all, some) => {
        const quorum = 1 + (some % all.length);
        const starts = Float64Array.from(all, ({ earliest }) => Number(earliest)).sort();
        const ends = Float64Array.from(all, ({ latest }) => Number(latest)).sort();
        const out = new Float64Array(2);
        const found = agreedHull(starts, ends, quorum, out);
        const expected = bruteForce(all, quorum);
        expect(found).toBe(expected !== undefined);
        if (expected) {
          expect([...out]).toEqual([Number(expected.earliest), Number(expected.latest)]);
        }
      }),
      seed,
    );
  });

  it('leaves its output unchanged when there is no hull', () => {
    const out = Float64Array.of(7, 8);
    expect(agreedHull(Float64Array.of(0, 5), Float64Array.of(4, 9), 2, out)).toBe(false);
    expect([...out]).toEqual([7, 8]);
  });
});
