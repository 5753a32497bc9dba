import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addMs,
  dateFromUnixNs,
  hrTimeFromUnixNs,
  instantFromUnixNs,
  msFromUnixNs,
  unixNsFromDate,
  unixNsFromHrTime,
  unixNsFromInstant,
  unixNsFromMs,
} from '../../src/time/convert.ts';
import { INT64_MAX, INT64_MIN, unixNs } from '../../src/time/instant.ts';

const instant = fc.bigInt({ min: INT64_MIN, max: INT64_MAX }).map(unixNs);
const seed = { seed: 20_102 };

describe('milliseconds and Date', () => {
  it.each([
    [0n, 0],
    [1n, 0], // rounded down to the millisecond that holds it
    [999_999n, 0],
    [1_000_000n, 1],
    [-1n, -1], // also before 1970
    [-1_000_000n, -1],
    [-1_000_001n, -2],
    [INT64_MIN, -9_223_372_036_855],
    [INT64_MAX, 9_223_372_036_854],
  ])('%s ns lie in millisecond %s', (ns, ms) => {
    expect(msFromUnixNs(unixNs(ns))).toBe(ms);
    expect(dateFromUnixNs(unixNs(ns)).getTime()).toBe(ms);
  });

  it('hold the instant within their millisecond', () => {
    fc.assert(
      fc.property(instant, (t) => {
        const start = BigInt(dateFromUnixNs(t).getTime()) * 1_000_000n;
        expect(start <= t && t < start + 1_000_000n).toBe(true);
      }),
      seed,
    );
  });

  it('round-trip every date in range', () => {
    const date = fc.date({
      min: new Date(-9_223_372_036_854),
      max: new Date(9_223_372_036_854),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, (d) => {
        expect(dateFromUnixNs(unixNsFromDate(d))).toEqual(d);
        expect(msFromUnixNs(unixNsFromMs(d.getTime()))).toBe(d.getTime());
      }),
      seed,
    );
  });

  it('takes fractions of a millisecond, rounded down', () => {
    expect(unixNsFromMs(1.5)).toBe(1_500_000n);
    expect(unixNsFromMs(0.000_000_9)).toBe(0n);
    expect(unixNsFromMs(-0.000_000_1)).toBe(-1n);
  });

  it('refuses a value that is not a date in range', () => {
    const range = expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' });
    const type = expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(() => unixNsFromDate(new Date(Number.NaN))).toThrow(range);
    expect(() => unixNsFromDate(new Date(Number.NaN))).toThrow(/^date must be a valid Date/);
    expect(() => unixNsFromDate(new Date(9_223_372_036_855))).toThrow(range);
    expect(() => unixNsFromDate(new Date(-9_223_372_036_856))).toThrow(range);
    expect(() => unixNsFromDate(5 as unknown as Date)).toThrow(type);
    expect(() => unixNsFromMs(Number.NaN)).toThrow(range);
    expect(() => unixNsFromMs('5' as unknown as number)).toThrow(type);
  });
});

describe('Temporal.Instant and similar objects', () => {
  it('round-trip', () => {
    fc.assert(
      fc.property(instant, (t) => {
        expect(unixNsFromInstant(instantFromUnixNs(t))).toBe(t);
      }),
      seed,
    );
  });

  it('give Temporal the text it reads instants from', () => {
    expect(`${instantFromUnixNs(unixNs(1_500_000_001n))}`).toBe('1970-01-01T00:00:01.500000001Z');
  });

  it.each([null, undefined, {}, { epochNanoseconds: 5 }, 5n])('refuses %s', (bad) => {
    expect(() => unixNsFromInstant(bad as { epochNanoseconds: bigint })).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARG_TYPE',
        message: expect.stringMatching(/^instant must be an object with epochNanoseconds/),
      }),
    );
  });

  it('refuses an instant of Temporal that is outside int64', () => {
    expect(() => unixNsFromInstant({ epochNanoseconds: INT64_MAX + 1n })).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
    );
  });
});

describe('HrTime', () => {
  it.each<[bigint, [number, number]]>([
    [0n, [0, 0]],
    [1_500_000_007n, [1, 500_000_007]],
    [-1n, [-1, 999_999_999]],
    [2n ** 63n - 1n, [9_223_372_036, 854_775_807]],
    [-(2n ** 63n), [-9_223_372_037, 145_224_192]],
  ])('%s and back', (instant, time) => {
    expect(hrTimeFromUnixNs(instant)).toEqual(time);
    expect(unixNsFromHrTime(time)).toBe(instant);
  });

  it.each([[[1.5, 0]], [[0, -1]], [[0, 1e9]], [[1e11, 0]], [[9_223_372_036, 854_775_808]]])(
    'refuses %o',
    (time) => {
      expect(() => unixNsFromHrTime(time as [number, number])).toThrow(
        expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
      );
    },
  );

  it.each([undefined, 5, '12', { 0: 1, 1: 2 }, new Set([1, 2])])('takes no %o', (time) => {
    expect(() => unixNsFromHrTime(time as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });
});

describe('addMs', () => {
  it.each<[bigint, number, bigint]>([
    [1_000_000_000n, 1.5, 1_001_500_000n],
    [0n, -1, -1_000_000n],
    // Rounded down, also where that is away from zero.
    [0n, -1e-7, -1n],
    [0n, 1e-7, 0n],
  ])('%s + %s ms', (instant, ms, sum) => {
    expect(addMs(instant, ms)).toBe(sum);
  });

  it('refuses a sum outside int64', () => {
    expect(() => addMs(2n ** 63n - 1n, 1)).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
    );
  });
});
