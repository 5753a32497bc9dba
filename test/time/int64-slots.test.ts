import fc from 'fast-check';
import { expect, it } from 'vitest';
import { INT64_MAX, INT64_MIN } from '../../src/time/instant.ts';
import { Int64Slots } from '../../src/time/int64-slots.ts';

function difference(a: bigint, b: bigint): number {
  const int64 = new Int64Slots(3, 2);
  int64.slots[1] = a;
  int64.slots[2] = b;
  int64.subtract(1, 2, 1);
  expect([...int64.slots]).toEqual([0n, a, b]);
  expect(int64.differences[0]).toBe(0);
  return int64.differences[1]!;
}

it.each([
  ['nothing', 0n, 0n, 0],
  ['a borrow from the upper half', 2n ** 32n, 1n, 2 ** 32 - 1],
  ['a lower half with its highest bit set', 2n ** 31n, 0n, 2 ** 31],
  ['below zero', -1n, 2n ** 32n - 1n, -(2 ** 32)],
  ['the longest way up', INT64_MAX, INT64_MIN, 2 ** 64],
  ['the longest way down', INT64_MIN, INT64_MAX, -(2 ** 64)],
  ['halfway between two doubles: to the even one', 2n ** 53n + 1n, 0n, 2 ** 53],
  ['halfway, the even one above', 2n ** 53n + 3n, 0n, 2 ** 53 + 4],
])('%s', (_name, a, b, expected) => {
  expect(difference(a, b)).toBe(expected);
});

it('is the double nearest to the difference, whatever the two are', () => {
  const int64 = fc.oneof(
    fc.bigInt({ min: INT64_MIN, max: INT64_MAX }),
    fc.bigInt({ min: -(2n ** 33n), max: 2n ** 33n }),
  );
  fc.assert(
    fc.property(int64, int64, (a, b) => {
      expect(difference(a, b)).toBe(Number(a - b));
    }),
    { seed: 20301, numRuns: 2000 },
  );
});
