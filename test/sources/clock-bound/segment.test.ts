import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readSegment } from '../../../src/sources/clock-bound/segment.ts';
import { monotonicNs } from '../../../src/time/instant.ts';
import { type SegmentFields, segmentBytes } from '../../kit/clock-bound-segment.ts';

const S = 1_000_000_000n;
const NOW = monotonicNs(1000n * S);
const good: SegmentFields = { asOf: NOW - S, voidAfter: NOW + 5n * S };
const read = (fields: Partial<SegmentFields> = {}) =>
  readSegment(segmentBytes({ ...good, ...fields }), NOW);

describe.each([2, 3] as const)('version %i', (version) => {
  test('the bound, and what it grew by since', () => {
    // 100 us, and 15 ppm of a second, because the daemon's own 1 ppm is too little.
    expect(read({ version })).toBe(100_000n + 15_000n + 1n);
    expect(read({ version, driftPpb: 50_000 })).toBe(100_000n + 50_000n + 1n);
  });

  test('a clock that runs free is as good as its bound', () => {
    expect(read({ version, status: 2 })).toBe(115_001n);
  });

  test.each<[string, Partial<SegmentFields>, string]>([
    ['generation 0', { generation: 0 }, 'not-ready'],
    ['an odd generation', { generation: 7 }, 'not-ready'],
    ['the greatest generation', { generation: 65_535 }, 'not-ready'],
    ['status unknown', { status: 0 }, 'unsynchronized'],
    ['status disrupted', { status: 3 }, 'disrupted'],
    ['another status', { status: 4 }, 'malformed'],
    ['a negative status', { status: -1 }, 'malformed'],
    ['a negative bound', { boundNs: -1n }, 'malformed'],
    ['a bound of ages', { boundNs: 2n * S }, 'root-distance'],
    ['in our future', { asOf: NOW + 1n }, 'other-clock'],
    ['void since', { voidAfter: NOW - 1n }, 'expired'],
    ['a negative instant', { asOf: -S }, 'malformed'],
  ])('%s', (_, fields, reason) => {
    expect(read({ version, ...fields })).toBe(reason);
  });

  test('void after this instant, and as of it, is still good', () => {
    expect(read({ version, asOf: NOW, voidAfter: NOW })).toBe(100_001n);
  });

  test('truncated, or with a size that is too small', () => {
    const whole = segmentBytes({ ...good, version });
    const least = version === 2 ? 80 : 97;
    for (let length = 0; length < least; length++) {
      expect(readSegment(whole.subarray(0, length), NOW)).toBe('malformed');
    }
    expect(readSegment(whole.subarray(0, least), NOW)).toBe(115_001n);
    const small = Buffer.from(whole);
    small.writeUInt8(least - 1, 8);
    expect(readSegment(small, NOW)).toBe('malformed');
  });
});

test('another magic, or version', () => {
  for (const at of [0, 3, 4, 7]) {
    const bytes = segmentBytes(good);
    bytes[at]! ^= 1;
    expect(readSegment(bytes, NOW)).toBe('malformed');
  }
  const first = segmentBytes(good);
  first.writeUInt8(1, 12);
  expect(readSegment(first, NOW)).toBe('version');
  const fourth = segmentBytes({ ...good, version: 3 });
  fourth.set([4, 4], 12);
  expect(readSegment(fourth, NOW)).toBe('version');
});

test('any bytes: a bound of at most 1.5 s, or a reason', () => {
  const head = segmentBytes(good).subarray(0, 16);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 64, maxLength: 100 }), (rest) => {
      const said = readSegment(Buffer.concat([head, rest]), NOW);
      if (typeof said === 'string') return;
      expect(said >= 0n && said <= 1_500_000_000n).toBe(true);
    }),
  );
});
