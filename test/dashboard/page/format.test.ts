import { expect, test } from 'vitest';
import {
  axisLabel,
  certainDigits,
  duration,
  instant,
  offset,
  roughly,
  timeOfDay,
  unixSeconds,
} from '../../../src/dashboard/page/format.ts';

test.each([
  [0, '0 ns', '0 ns'],
  [999, '999 ns', '999 ns'],
  [1000, '1.000 µs', '1.000 µs'],
  [1_102_501, '1.103 ms', '1.103 ms'],
  [1_102_400, '1.102 ms', '1.103 ms'],
  [9_999_400, '9.999 ms', '10.00 ms'],
  [999_950_000, '1000 ms', '1000 ms'],
  [250_049_000, '250.0 ms', '250.1 ms'],
  [61e9, '61.00 s', '61.00 s'],
  [12_345e9, '12345 s', '12345 s'],
])('%d ns: to the nearest %s, as a bound %s', (ns, nearest, up) => {
  expect(duration(ns)).toBe(nearest.replace('1000 ms', '1.000 s').replace(/^1000\./, '1000.'));
  expect(duration(ns, 'up')).toBe(up.replace('1000 ms', '1.000 s'));
});

test('negative amounts, offsets, ages, labels', () => {
  expect(duration(-2500)).toBe('−2.500 µs');
  expect([offset(12_000), offset(-3e6)]).toEqual(['12.00 µs ahead', '3.000 ms behind']);
  expect([roughly(-5), roughly(61_000), roughly(150_000), roughly(7.2e6)]).toEqual([
    '0 s',
    '61 s',
    '3 min',
    '2 h',
  ]);
  expect([0, 500, 1500, -2e6, 3e9].map(axisLabel)).toEqual([
    '0',
    '500 ns',
    '1.5 µs',
    '−2 ms',
    '3 s',
  ]);
});

test('instants keep each nanosecond as text, and a microsecond as a number', () => {
  const at = '1795977680123456789';
  expect(instant(at)).toBe('2026-11-29 18:41:20.123456789');
  expect(unixSeconds(at)).toBe(1_795_977_680.123456);
  expect(timeOfDay(unixSeconds(at))).toBe('18:41:20');
});

test('the digits in which the ends of an interval agree are certain', () => {
  expect(certainDigits('1795977680123456789', '1795977680125000000')).toEqual([
    '2026-11-29 18:41:20.12',
    '3456789',
    '5000000',
  ]);
});
