import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  nsFromPrecisionUp,
  nsFromShortUp,
  shortFromMsUp,
  timestampFromUnixNs,
  unixNsFromTimestamp,
} from '../../../src/sources/ntp/timestamp.ts';
import { type UnixNs, unixNs } from '../../../src/time/instant.ts';

const options = { seed: 5905, numRuns: 5000 };
const utc = (text: string): UnixNs => unixNs(BigInt(Date.parse(text)) * 1_000_000n);
const now = utc('2026-11-21T00:00:00Z');

describe('timestamps', () => {
  // RFC 5905 figure 4 gives these dates and their seconds.
  test.each([
    ['1972-01-01T00:00:00Z', 2_272_060_800n],
    ['1999-12-31T00:00:00Z', 3_155_587_200n],
    // The first second of era 1 is zero again.
    ['2036-02-07T06:28:16Z', 0n],
    ['2036-02-07T06:28:15Z', 0xffff_ffffn],
    ['1970-01-01T00:00:00Z', 2_208_988_800n],
    ['1900-01-01T00:00:00Z', 0n],
  ])('%s has %i seconds', (text, seconds) => {
    expect(timestampFromUnixNs(utc(text), 'down')).toBe(seconds << 32n);
    expect(timestampFromUnixNs(utc(text), 'up')).toBe(seconds << 32n);
    expect(unixNsFromTimestamp(seconds << 32n, utc(text), 'down')).toBe(utc(text));
  });

  test.each([
    // Seen from just before the end of an era, small numbers lie just after it.
    ['2036-02-07T06:28:00Z', 10n << 32n, '2036-02-07T06:28:26Z'],
    // Seen from just after it, large numbers lie just before it.
    ['2036-02-07T06:29:00Z', 0xffff_fff0n << 32n, '2036-02-07T06:28:00Z'],
    // A machine whose clock says 1970 still finds 2026.
    ['1970-01-01T00:00:00Z', 4_000_000_000n << 32n, '2026-10-03T07:06:40Z'],
    // Era -1: Unix time before 1900 needs no special case.
    ['1899-12-31T23:59:59Z', 0xffff_ffffn << 32n, '1899-12-31T23:59:59Z'],
  ])('from %s, the nearest era is chosen', (pivot, timestamp, expected) => {
    expect(unixNsFromTimestamp(timestamp, utc(pivot), 'down')).toBe(utc(expected));
    expect(unixNsFromTimestamp(timestamp, utc(pivot), 'up')).toBe(utc(expected));
  });

  const instants = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }).map(unixNs);
  const timestamps = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

  test('decoding brackets the exact instant within a nanosecond, within 68 years of the pivot', () => {
    fc.assert(
      fc.property(timestamps, instants, (timestamp, pivot) => {
        const down = unixNsFromTimestamp(timestamp, pivot, 'down');
        const up = unixNsFromTimestamp(timestamp, pivot, 'up');
        expect(up - down).toBeLessThanOrEqual(1n);
        // In exact units of 2^-32 ns / 10^9: the instant of some era lies within [down, up].
        const scale = (ns: bigint): bigint => (ns + 2_208_988_800_000_000_000n) << 32n;
        const era = 1_000_000_000n << 64n;
        const behind = (timestamp * 1_000_000_000n - scale(down)) % era;
        const offset = behind < 0n ? behind + era : behind;
        expect(offset).toBeLessThan(1n << 32n);
        expect(up === down).toBe(offset === 0n);
        const halfEra = (1n << 31n) * 1_000_000_000n;
        expect(down - pivot).toBeGreaterThanOrEqual(-halfEra - 1n);
        expect(up - pivot).toBeLessThanOrEqual(halfEra + 1n);
      }),
      options,
    );
  });

  test('encoding rounds to its side, and decoding takes it back', () => {
    fc.assert(
      fc.property(instants, (ns) => {
        const down = timestampFromUnixNs(ns, 'down');
        const up = timestampFromUnixNs(ns, 'up');
        expect(BigInt.asUintN(64, up - down)).toBeLessThanOrEqual(1n);
        // 2^-32 s is finer than a nanosecond, so rounding in the opposite direction returns the
        // exact instant.
        expect(unixNsFromTimestamp(down, ns, 'up')).toBe(ns);
        expect(unixNsFromTimestamp(up, ns, 'down')).toBe(ns);
        expect(unixNsFromTimestamp(down, ns, 'down')).toBeLessThanOrEqual(ns);
        expect(unixNsFromTimestamp(up, ns, 'up')).toBeGreaterThanOrEqual(ns);
      }),
      options,
    );
  });

  test('half a nanosecond goes either way', () => {
    // 2 units of 2^-32 s are 0.4657 ns.
    const t = timestampFromUnixNs(now, 'down') + 2n;
    expect(unixNsFromTimestamp(t, now, 'down')).toBe(now);
    expect(unixNsFromTimestamp(t, now, 'up')).toBe(now + 1n);
  });
});

describe('short format', () => {
  test.each([
    // A claim of 0 may be a truncated 15.258 us.
    [0, 15_259n],
    [1, 30_518n],
    [0xffff, 1_000_000_000n],
    [0x1_0000, 1_000_015_259n],
    [0xffff_ffff, 65_536_000_000_000n],
  ])('%i is at most %i ns', (short, ns) => {
    expect(nsFromShortUp(short)).toBe(ns);
  });

  test.each([
    [0, 0],
    [1000, 65_536],
    // A part of a unit counts as a whole unit.
    [0.001, 1],
    [1, 66],
    [65_536_000, 0xffff_ffff],
  ])('%f ms is encoded as %i', (ms, short) => {
    expect(shortFromMsUp(ms)).toBe(short);
  });

  test('encoding then decoding never loses any of a bound', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60_000_000 }), (us) => {
        const ns = BigInt(us) * 1000n;
        const back = nsFromShortUp(shortFromMsUp(us / 1000));
        expect(back).toBeGreaterThanOrEqual(ns);
        expect(back - ns).toBeLessThanOrEqual(2n * 15_259n);
      }),
      options,
    );
  });
});

test('precision is a signed logarithm, rounded up', () => {
  expect(nsFromPrecisionUp(0)).toBe(1_000_000_000n);
  expect(nsFromPrecisionUp(1)).toBe(2_000_000_000n);
  expect(nsFromPrecisionUp(-1)).toBe(500_000_000n);
  expect(nsFromPrecisionUp(-20)).toBe(954n);
  expect(nsFromPrecisionUp(-29)).toBe(2n);
  expect(nsFromPrecisionUp(-128)).toBe(1n);
});
