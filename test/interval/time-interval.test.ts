import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ClockInterval,
  contains,
  formatInterval,
  hull,
  intersect,
  isAfter,
  isBefore,
  midpoint,
  overlaps,
  parseInterval,
  timeInterval,
  uncertaintyNs,
  widen,
  widthNs,
} from '../../src/interval/time-interval.ts';
import { INT64_MAX, INT64_MIN, unixNs } from '../../src/time/instant.ts';

const span = (earliest: bigint, latest: bigint): ClockInterval =>
  timeInterval({ earliest, latest });

/** Few enough that ends often meet and that every instant can be tried. */
const POINTS = Array.from({ length: 13 }, (_, i) => unixNs(BigInt(i)));
const point = fc.bigInt({ min: 0n, max: 12n });
const small = fc.tuple(point, point).map(([a, b]) => (a < b ? span(a, b) : span(b, a)));
const seed = { seed: 20_108, numRuns: 1000 };

describe('timeInterval', () => {
  it('takes a single instant and the whole of int64', () => {
    expect(span(5n, 5n)).toEqual({ earliest: 5n, latest: 5n });
    expect(widthNs(span(INT64_MIN, INT64_MAX))).toBe(2n ** 64n - 1n);
  });

  it('refuses ends that are swapped, out of range or not bigints', () => {
    const range = expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' });
    expect(() => span(6n, 5n)).toThrow(range);
    expect(() => span(0n, INT64_MAX + 1n)).toThrow(range);
    expect(() => span(INT64_MIN - 1n, 0n)).toThrow(range);
    expect(() => span(0 as unknown as bigint, 5n)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });
});

describe('what is no interval', () => {
  const good = span(1n, 2n);
  const two = { isBefore, isAfter, overlaps, intersect, hull };
  const one = {
    contains: (bad: never) => contains(bad, unixNs(1n)),
    widthNs,
    uncertaintyNs,
    midpoint,
    formatInterval,
    widen: (bad: never) => widen(bad, 1n),
    timeInterval,
  };

  it.each<[unknown, string]>([
    [undefined, 'ERR_INVALID_ARG_TYPE'],
    [null, 'ERR_INVALID_ARG_TYPE'],
    [7n, 'ERR_INVALID_ARG_TYPE'],
    [{ earliest: 1n }, 'ERR_INVALID_ARG_TYPE'],
    [{ latest: 1n }, 'ERR_INVALID_ARG_TYPE'],
    [{ earliest: 1, latest: 2n }, 'ERR_INVALID_ARG_TYPE'],
    [{ earliest: 1n, latest: '2' }, 'ERR_INVALID_ARG_TYPE'],
    [{ earliest: 2n, latest: 1n }, 'ERR_OUT_OF_RANGE'],
  ])('%o is refused by every function', (value, code) => {
    const bad = value as never;
    for (const [name, call] of Object.entries(one)) {
      expect(() => call(bad), name).toThrow(expect.objectContaining({ code }));
    }
    for (const [name, call] of Object.entries(two)) {
      expect(() => call(bad, good), name).toThrow(expect.objectContaining({ code }));
      expect(() => call(good, bad), name).toThrow(expect.objectContaining({ code }));
    }
  });

  it('nor is an instant or a text of another type taken', () => {
    const type = expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(() => contains(good, 1 as never)).toThrow(type);
    for (const text of [undefined, 5, ['1970-01-01T00:00:00Z', '1970-01-01T00:00:01Z']]) {
      expect(() => parseInterval(text as never)).toThrow(type);
    }
  });
});

describe('the relations', () => {
  it.each([
    // a, b, and where a lies relative to b
    [span(0n, 4n), span(5n, 9n), 'before'],
    [span(0n, 5n), span(5n, 9n), 'overlaps'], // touching: 5 may be the instant of both
    [span(5n, 9n), span(0n, 5n), 'overlaps'],
    [span(6n, 9n), span(0n, 5n), 'after'],
    [span(0n, 9n), span(3n, 4n), 'overlaps'],
    [span(5n, 5n), span(5n, 5n), 'overlaps'],
  ])('%o, %o: %s', (a, b, relation) => {
    expect(isBefore(a, b)).toBe(relation === 'before');
    expect(isAfter(a, b)).toBe(relation === 'after');
    expect(overlaps(a, b)).toBe(relation === 'overlaps');
  });

  it('agree with a check of every pair of instants', () => {
    fc.assert(
      fc.property(small, small, (a, b) => {
        const inA = POINTS.filter((p) => contains(a, p));
        const inB = POINTS.filter((p) => contains(b, p));
        expect(isBefore(a, b)).toBe(inA.every((p) => inB.every((q) => p < q)));
        expect(isAfter(a, b)).toBe(inA.every((p) => inB.every((q) => p > q)));
        expect(overlaps(a, b)).toBe(inA.some((p) => inB.includes(p)));
      }),
      seed,
    );
  });
});

describe('contains, intersect, hull', () => {
  it('include both ends and nothing beyond', () => {
    const inside = POINTS.filter((p) => contains(span(3n, 6n), p));
    expect(inside).toEqual([3n, 4n, 5n, 6n]);
  });

  it('have no common instant when the intervals are apart', () => {
    expect(intersect(span(0n, 1n), span(3n, 4n))).toBeUndefined();
    expect(intersect(span(3n, 4n), span(0n, 1n))).toBeUndefined();
    expect(intersect(span(0n, 3n), span(3n, 4n))).toEqual(span(3n, 3n));
  });

  it('hold exactly the common instants, and exactly those from first to last', () => {
    fc.assert(
      fc.property(small, small, (a, b) => {
        const common = intersect(a, b);
        const both = POINTS.filter((p) => contains(a, p) && contains(b, p));
        expect(common === undefined).toBe(both.length === 0);
        expect(common === undefined ? [] : POINTS.filter((p) => contains(common, p))).toEqual(both);
        const either = POINTS.filter((p) => contains(a, p) || contains(b, p));
        expect(hull(a, b)).toEqual(span(either[0]!, either[either.length - 1]!));
      }),
      seed,
    );
  });
});

describe('widen', () => {
  it('moves both ends outward', () => {
    expect(widen(span(5n, 6n), 10n)).toEqual({ earliest: -5n, latest: 16n });
    expect(widen(span(5n, 6n), 0n)).toEqual(span(5n, 6n));
  });

  it('stops at the limits of int64', () => {
    expect(widen(span(INT64_MIN + 1n, INT64_MAX - 1n), 1n)).toEqual(span(INT64_MIN, INT64_MAX));
    expect(widen(span(0n, 0n), 2n ** 70n)).toEqual(span(INT64_MIN, INT64_MAX));
  });

  it('refuses to narrow', () => {
    expect(() => widen(span(0n, 9n), -1n)).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
    );
    expect(() => widen(span(0n, 9n), 1 as unknown as bigint)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });
});

describe('the middle, the uncertainty, and texts', () => {
  it.each([
    [10n, 20n, 15n, 5n],
    [10n, 21n, 15n, 6n],
    [-3n, 0n, -2n, 2n],
    [7n, 7n, 7n, 0n],
    [INT64_MIN, INT64_MAX, -1n, 2n ** 63n],
  ])(
    '[%s, %s]: neither end is further from the middle than the uncertainty',
    (a, b, middle, half) => {
      const interval = span(a, b);
      expect([midpoint(interval), uncertaintyNs(interval)]).toEqual([middle, half]);
      expect([interval.midpoint, interval.uncertaintyNs, interval.widthNs]).toEqual([
        middle,
        half,
        b - a,
      ]);
      expect(middle - a <= half && b - middle <= half).toBe(true);
      expect(Object.keys(interval)).toEqual(['earliest', 'latest']);
      expect(parseInterval(String(interval))).toEqual(interval);
    },
  );

  it('in JSON the ends are decimal strings', () => {
    expect(JSON.stringify(span(-5n, INT64_MAX))).toBe(
      '{"earliest":"-5","latest":"9223372036854775807"}',
    );
  });

  it('is the ISO 8601 interval', () => {
    expect(formatInterval(span(0n, 1_500_000_000n))).toBe(
      '1970-01-01T00:00:00.000000000Z/1970-01-01T00:00:01.500000000Z',
    );
  });

  it.each([
    ['', 'syntax'],
    ['1970-01-01T00:00:00Z', 'syntax'],
    ['1970-01-01T00:00:00Z/1970-01-01T00:00:01Z/1970-01-01T00:00:02Z', 'syntax'],
    ['1970-01-01T00:00:01Z/1970-01-01T00:00:00Z', 'out-of-range'],
    ['1970-01-01T00:00:00Z/1970-02-30T00:00:00Z', 'no-such-time'],
  ])('refuses %o', (text, reason) => {
    expect(() => parseInterval(text)).toThrow(
      expect.objectContaining({ code: 'ERR_ISO_TIME', reason }),
    );
  });
});
