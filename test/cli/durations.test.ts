import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatElapsed, formatNs, formatOffset, parseDuration } from '../../src/cli/durations.ts';

describe('parseDuration', () => {
  test.each([
    ['250ms', 250],
    ['5s', 5000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['0.5s', 500],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    '5', // seconds to one reader, milliseconds to another
    's',
    '',
    '0s', // watching for no time is a mistake
    '-5s',
    '5 s',
    '5S',
    '1e3s',
    '.5s',
    '1m30s',
    '5d',
    `${'9'.repeat(400)}h`, // overflows a double
  ])('%j is refused', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('formatNs', () => {
  test.each([
    [0n, '0 ns'],
    [999n, '999 ns'],
    [1000n, '1.000 µs'],
    [84_211n, '84.21 µs'],
    [999_949n, '999.9 µs'],
    [999_950n, '1.000 ms'], // a fifth digit: the next unit
    [9_999_500n, '10.00 ms'], // a fifth digit: one decimal less
    [1_102_501n, '1.103 ms'],
    [250_000_000n, '250.0 ms'],
    [34_214_000_000n, '34.21 s'],
    [999_949_999_999n, '999.9 s'],
    [3_600_000_000_000n, '3601 s'], // from 1000 s on: up to the next second
    [-250_049_999n, '-250.0 ms'],
  ])('%d is %s', (ns, text) => {
    expect(formatNs(ns)).toBe(text);
  });

  test('a bound is rounded up', () => {
    expect(formatNs(1_100_001n, 'up')).toBe('1.101 ms');
    expect(formatNs(1_100_000n, 'up')).toBe('1.100 ms');
    expect(formatNs(999_900_001n, 'up')).toBe('1.000 s');
  });

  test('a printed bound is never less than the value, and at most a thousandth more', () => {
    const units: Record<string, number> = { ns: 1, µs: 1e3, ms: 1e6, s: 1e9 };
    const property = fc.property(fc.bigInt(0n, 10n ** 12n - 1n), (ns) => {
      const [number, unit] = formatNs(ns, 'up').split(' ');
      const shown = Number(number) * units[unit!]!;
      // A decimal number is not always a double, so allow a relative error of 1e-9.
      expect(shown).toBeGreaterThanOrEqual(Number(ns) * (1 - 1e-9));
      expect(shown).toBeLessThanOrEqual(Number(ns) * 1.0011 + 1e-3);
    });
    fc.assert(property, { seed: 1, numRuns: 2000 });
  });

  test('an offset always has its sign', () => {
    expect(formatOffset(250_000_000n)).toBe('+250.0 ms');
    expect(formatOffset(-1200n)).toBe('-1.200 µs');
    expect(formatOffset(0n)).toBe('+0 ns');
  });
});

test.each([
  [0, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 m 00 s'],
  [184_000, '3 m 04 s'],
  [7_500_000, '2 h 05 m'],
])('%d ms have elapsed as %s', (ms, text) => {
  expect(formatElapsed(ms)).toBe(text);
});
