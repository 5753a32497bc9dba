import { expect, test } from 'vitest';
import { readWallTime } from '../../../src/cli/order/wall-time.ts';

const read = (value: string): [bigint, bigint] | undefined => {
  const time = readWallTime(Buffer.from(value), 0, value.length);
  return time && [time.ns, time.gridNs];
};
const NS = 1_795_227_787_534_418_003n;

test.each([
  ['1795227787534', 1_795_227_787_534_000_000n, 1_000_000n], // pino
  ['1795227787', 1_795_227_787_000_000_000n, 1_000_000_000n], // pino's unixTime
  ['"1795227787534418"', 1_795_227_787_534_418_000n, 1000n], // the journal
  ['"1795227787534418003"', NS, 1n], // OTLP
  ['1795227787534418003', NS, 1n], // a number, beyond what a double holds
  ['1795227787.534418', 1_795_227_787_534_418_000n, 1000n], // seconds with a fraction
  ['1795227787.5344180039', NS, 1n], // finer than a nanosecond
  ['1795227787534.418', 1_795_227_787_534_418_000n, 1000n],
  ['"2026-11-21T02:23:07.534Z"', 1_795_227_787_534_000_000n, 1_000_000n], // bunyan, winston
  ['"2026-11-21T03:23:07.534418003+01:00"', NS, 1n],
  ['"2026-11-21T02:23:07Z"', 1_795_227_787_000_000_000n, 1_000_000_000n],
])('%s', (value, ns, gridNs) => {
  expect(read(value)).toEqual([ns, gridNs]);
});

test.each([
  '12345678', // no unit gives a year near ours
  '"12:30"',
  '"2026-11-21 02:23:07"', // which zone?
  '"2026-02-30T00:00:00Z"',
  '"1969-12-31T23:59:59Z"', // before the first timestamp
  '"2026-12-31T23:59:60Z"',
  '99999999999', // seconds beyond 2262
  '-1795227787534',
  'null',
  '{"time":1795227787534}',
  '""',
  '17952277875344180030',
])('%s is no time', (value) => {
  expect(read(value)).toBeUndefined();
});
