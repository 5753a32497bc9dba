import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INT64_MAX, INT64_MIN } from '../../src/time/instant.ts';
import {
  divCeil,
  divFloor,
  msFromNsDown,
  msFromNsUp,
  nsFromMsDown,
  nsFromMsUp,
  nsFromSecondsDown,
  nsFromSecondsUp,
} from '../../src/time/rounding.ts';

/** A double as an exact fraction, taken from its bits, so independent of the code under test. */
function fraction(value: number): { numerator: bigint; denominator: bigint } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const mantissa = (bits & 0xfffffffffffffn) | (exponent === 0n ? 0n : 1n << 52n);
  const power = (exponent === 0n ? 1n : exponent) - 1075n;
  const sign = bits >> 63n ? -1n : 1n;
  return power >= 0n
    ? { numerator: (sign * mantissa) << power, denominator: 1n }
    : { numerator: sign * mantissa, denominator: 1n << -power };
}

const int64 = fc.bigInt({ min: INT64_MIN, max: INT64_MAX });
/** Doubles of every size within range; many of them are tiny, whole or next to whole. */
const ms = fc.oneof(
  fc.double({ min: -9.2e12, max: 9.2e12, noNaN: true }),
  fc.double({ min: -1e4, max: 1e4, noNaN: true }),
  fc.integer({ min: -1e9, max: 1e9 }).map((whole) => whole / 1e6),
  fc.integer().map((whole) => whole + Number.EPSILON),
);
const seed = { seed: 20_101, numRuns: 2000 };

describe('divFloor and divCeil', () => {
  it.each([
    [7n, 2n, 3n, 4n],
    [-7n, 2n, -4n, -3n], // JavaScript's own division rounds differently
    [6n, 3n, 2n, 2n],
    [-6n, 3n, -2n, -2n],
    [0n, 5n, 0n, 0n],
    [-1n, 1_000_000n, -1n, 0n],
  ])('%s / %s is between %s and %s', (a, b, floor, ceil) => {
    expect(divFloor(a, b)).toBe(floor);
    expect(divCeil(a, b)).toBe(ceil);
  });

  it('bracket the exact quotient', () => {
    fc.assert(
      fc.property(int64, fc.bigInt({ min: 1n, max: 10n ** 12n }), (a, b) => {
        const floor = divFloor(a, b);
        const ceil = divCeil(a, b);
        expect(floor * b <= a && a < (floor + 1n) * b).toBe(true);
        expect((ceil - 1n) * b < a && a <= ceil * b).toBe(true);
      }),
      seed,
    );
  });
});

describe.each([
  ['milliseconds', nsFromMsDown, nsFromMsUp, 1_000_000n, 1],
  ['seconds', nsFromSecondsDown, nsFromSecondsUp, 1_000_000_000n, 1e-3],
] as const)('%s to nanoseconds', (_, down, up, factor, size) => {
  it('is the nearest integer on the stated side of the exact product', () => {
    fc.assert(
      fc.property(ms, (of) => {
        const value = of * size;
        const { numerator, denominator } = fraction(value);
        const product = numerator * factor;
        const low = down(value) * denominator;
        const high = up(value) * denominator;
        expect(low <= product && product < low + denominator).toBe(true);
        expect(high - denominator < product && product <= high).toBe(true);
      }),
      seed,
    );
  });

  it('sees the smallest double', () => {
    expect([down(5e-324), up(5e-324)]).toEqual([0n, 1n]);
    expect([down(-5e-324), up(-5e-324)]).toEqual([-1n, 0n]);
    expect([down(-0), up(-0)]).toEqual([0n, 0n]);
  });

  it.each([Number.NaN, Infinity, -Infinity, 1e13, -1e13, Number.MAX_VALUE])('refuses %s', (bad) => {
    for (const convert of [down, up]) {
      expect(() => convert(bad, 'delay')).toThrow(/^delay must be/);
      expect(() => convert(bad)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
    }
  });

  it('refuses a value that is not a number', () => {
    for (const convert of [down, up]) {
      expect(() => convert(1n as unknown as number)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
      );
    }
  });
});

describe('the worked values', () => {
  it.each([
    [0.1, 100_000n, 100_001n], // the double 0.1 is a little more than a tenth
    [0.3, 299_999n, 300_000n], // the double 0.3 is a little less than three tenths
    [0.5, 500_000n, 500_000n],
    [-0.1, -100_001n, -100_000n],
  ])('%s ms is between %s and %s ns', (value, low, high) => {
    expect(nsFromMsDown(value)).toBe(low);
    expect(nsFromMsUp(value)).toBe(high);
  });
});

describe('nanoseconds to milliseconds', () => {
  /** The next double in either direction, found through its bits. */
  function next(value: number, up: boolean): number {
    if (value === 0) return up ? 5e-324 : -5e-324;
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value);
    view.setBigInt64(0, view.getBigInt64(0) + (value > 0 === up ? 1n : -1n));
    return view.getFloat64(0);
  }
  const compare = (value: number, ns: bigint): number => {
    const { numerator, denominator } = fraction(value);
    const difference = numerator * 1_000_000n - ns * denominator;
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  };

  /** For these `Number(ns) / 1e6` is one double too low. */
  const twiceRounded = [6_558_996_660_955_183_616n, 8_750_533_923_755_225_590n];

  it('is the nearest double on the stated side', () => {
    fc.assert(
      fc.property(fc.oneof(int64, fc.bigInt({ min: -(10n ** 10n), max: 10n ** 10n })), (ns) => {
        const low = msFromNsDown(ns);
        expect(compare(low, ns)).toBeLessThanOrEqual(0);
        expect(compare(next(low, true), ns)).toBe(1);
        const high = msFromNsUp(ns);
        expect(compare(high, ns)).toBeGreaterThanOrEqual(0);
        expect(compare(next(high, false), ns)).toBe(-1);
      }),
      { ...seed, examples: twiceRounded.flatMap((ns) => [[ns], [-ns]]) },
    );
  });

  it('is exact on whole milliseconds and at zero', () => {
    for (const whole of [0n, 1n, -1n, 9_223_372_036_854n, -9_223_372_036_854n]) {
      expect(msFromNsDown(whole * 1_000_000n)).toBe(Number(whole));
      expect(msFromNsUp(whole * 1_000_000n)).toBe(Number(whole));
    }
  });

  it('takes widths, up to 2^64 either way, and no other kind of value', () => {
    for (const convert of [msFromNsDown, msFromNsUp]) {
      for (const limit of [2n ** 64n, -(2n ** 64n)]) {
        expect(Math.abs(convert(limit) - Number(limit) / 1e6)).toBeLessThan(0.01);
        const beyond = limit < 0n ? limit - 1n : limit + 1n;
        expect(() => convert(beyond)).toThrow(
          expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
        );
      }
      for (const bad of [5, '5', undefined, Symbol('ns')]) {
        expect(() => convert(bad as never)).toThrow(
          expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
        );
      }
    }
  });

  it('never loses time on the way there and back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), (ns) => {
        expect(nsFromMsUp(msFromNsUp(ns)) >= ns).toBe(true);
        expect(nsFromMsDown(msFromNsDown(ns)) <= ns).toBe(true);
      }),
      seed,
    );
  });
});
