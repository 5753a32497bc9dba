import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INT64_MAX, INT64_MIN, unixNs } from '../../src/time/instant.ts';
import { formatIso, parseIso } from '../../src/time/iso.ts';

const instant = fc.bigInt({ min: INT64_MIN, max: INT64_MAX }).map(unixNs);
const seed = { seed: 20_103, numRuns: 2000 };

describe('formatIso', () => {
  it.each([
    [0n, '1970-01-01T00:00:00.000000000Z'],
    [-1n, '1969-12-31T23:59:59.999999999Z'],
    [1_795_227_787_534_418_003n, '2026-11-21T02:23:07.534418003Z'],
    [951_782_400_000_000_001n, '2000-02-29T00:00:00.000000001Z'],
    [1_709_164_800_000_000_000n, '2024-02-29T00:00:00.000000000Z'],
    [INT64_MIN, '1677-09-21T00:12:43.145224192Z'],
    [INT64_MAX, '2262-04-11T23:47:16.854775807Z'],
  ])('writes %s as %s', (ns, text) => {
    expect(formatIso(unixNs(ns))).toBe(text);
    expect(parseIso(text)).toBe(ns);
  });

  it('sorts as text the way the instants sort', () => {
    fc.assert(
      fc.property(instant, instant, (a, b) => {
        expect(formatIso(a) < formatIso(b)).toBe(a < b);
      }),
      seed,
    );
  });

  it('agrees with Date to the millisecond', () => {
    fc.assert(
      fc.property(instant, (t) => {
        const text = formatIso(t);
        // Date accepts more than three digits and drops the rest.
        const ms = Date.parse(text);
        expect(ms).toBe(Date.parse(`${text.slice(0, 23)}Z`));
        const rest = t - BigInt(ms) * 1_000_000n;
        expect(rest >= 0n && rest < 1_000_000n).toBe(true);
      }),
      seed,
    );
  });
});

describe('parseIso', () => {
  it('reads back what formatIso writes', () => {
    fc.assert(
      fc.property(instant, (t) => {
        expect(parseIso(formatIso(t))).toBe(t);
      }),
      seed,
    );
  });

  it('reads every offset and number of digits, and writes the same instant', () => {
    const min = INT64_MIN + 10n ** 14n;
    const max = INT64_MAX - 10n ** 14n;
    fc.assert(
      fc.property(
        fc.bigInt({ min, max }),
        fc.integer({ min: -1439, max: 1439 }),
        fc.integer({ min: 0, max: 9 }),
        (t, offsetMinutes, digits) => {
          const unit = 10n ** BigInt(9 - digits);
          const kept = unixNs(t - (((t % unit) + unit) % unit));
          const local = formatIso(unixNs(kept + BigInt(offsetMinutes) * 60_000_000_000n));
          const cut = digits === 0 ? local.slice(0, 19) : local.slice(0, 20 + digits);
          const size = Math.abs(offsetMinutes);
          const two = (n: number) => String(n).padStart(2, '0');
          const sign = offsetMinutes < 0 ? '-' : '+';
          const text = `${cut}${sign}${two(Math.floor(size / 60))}:${two(size % 60)}`;
          expect(parseIso(text)).toBe(kept);
        },
      ),
      seed,
    );
  });

  it.each([
    ['2026-11-21T01:23:07.5+01:00', 1_795_220_587_500_000_000n], // local time is ahead: subtract
    ['2026-11-20T19:23:07.5-05:00', 1_795_220_587_500_000_000n],
    // RFC 3339: UTC, at an unknown place.
    ['2026-11-21T00:23:07.5-00:00', 1_795_220_587_500_000_000n],
    ['2262-04-12T00:47:16.854775807+01:00', INT64_MAX], // in range, although the local day is not
    ['1677-09-20T00:12:43.145224192-24:00', 'no-such-time'], // an offset is below 24 h
    ['2016-12-31T23:59:60Z', 'leap-second'],
    ['2017-01-01T00:59:60.5+01:00', 'leap-second'],
    ['2026-02-29T00:00:00Z', 'no-such-time'],
    ['1900-02-29T00:00:00Z', 'no-such-time'], // divisible by 100, not by 400
    ['2026-04-31T00:00:00Z', 'no-such-time'],
    ['2026-00-01T00:00:00Z', 'no-such-time'],
    ['2026-13-01T00:00:00Z', 'no-such-time'],
    ['2026-01-00T00:00:00Z', 'no-such-time'],
    ['2026-01-01T24:00:00Z', 'no-such-time'], // ISO's other name for the next midnight
    ['2026-01-01T00:60:00Z', 'no-such-time'],
    ['2026-01-01T00:00:61Z', 'no-such-time'],
    ['2026-01-01T00:00:00+00:60', 'no-such-time'],
    ['2262-04-11T23:47:16.854775808Z', 'out-of-range'],
    ['1677-09-21T00:12:43.145224191Z', 'out-of-range'],
    ['0070-01-01T00:00:00Z', 'out-of-range'], // Date.UTC would take it for 1970
    ['9999-12-31T23:59:59Z', 'out-of-range'],
    ['2026-11-21 00:23:07Z', 'syntax'],
    ['2026-11-21t00:23:07z', 'syntax'],
    ['2026-11-21T00:23:07', 'syntax'], // no offset: the time zone is unknown
    ['2026-11-21T00:23Z', 'syntax'],
    ['2026-11-21', 'syntax'],
    ['2026-11-21T00:23:07.Z', 'syntax'],
    ['2026-11-21T00:23:07,5Z', 'syntax'],
    ['2026-11-21T00:23:07.1234567890Z', 'syntax'], // a tenth digit would have to be dropped
    ['2026-11-21T00:23:07+0100', 'syntax'],
    ['2026-11-21T00:23:07+01', 'syntax'],
    ['+002026-11-21T00:23:07Z', 'syntax'],
    ['2026-11-21T00:23:07Z\n', 'syntax'],
    ['２026-11-21T00:23:07Z', 'syntax'], // a full-width digit
    ['', 'syntax'],
  ])('%j: %s', (text, expected) => {
    if (typeof expected === 'bigint') expect(parseIso(text)).toBe(expected);
    else {
      expect(() => parseIso(text)).toThrow(
        expect.objectContaining({ code: 'ERR_ISO_TIME', reason: expected, text }),
      );
    }
  });

  it('throws only its own error, and cuts the quoted text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(() => parseIso(text)).toThrow(expect.objectContaining({ reason: 'syntax' }));
      }),
      { ...seed, numRuns: 300 },
    );
    const long = 'x'.repeat(10_000);
    expect(() => parseIso(long)).toThrow(expect.objectContaining({ text: 'x'.repeat(80) }));
    expect(() => parseIso(5 as unknown as string)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });
});
