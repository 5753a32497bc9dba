import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { int64FromDigits } from '../../../src/cli/order/digits.ts';

const read = (text: string): bigint | undefined =>
  int64FromDigits(Buffer.from(text), 0, Buffer.byteLength(text));

describe('digits as int64', () => {
  test.each([
    ['0', 0n],
    ['9', 9n],
    ['999999999', 999_999_999n],
    ['1000000000', 1_000_000_000n],
    ['9007199254740993', 2n ** 53n + 1n], // the least that a double does not hold
    ['1795227787534418003', 1_795_227_787_534_418_003n],
    ['9223372036854775807', 2n ** 63n - 1n],
    ['9223372036854775808', undefined], // 2^63
    ['9999999999999999999', undefined],
    ['17952277875344180030', undefined], // 20 digits
    ['', undefined],
    ['-1', undefined],
    ['+1', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['1795227787534 18003', undefined],
    ['179522778753441800a', undefined],
  ])('%j is %s', (text, value) => {
    expect(read(text)).toBe(value);
  });

  test('every int64 from 0 up comes back exactly, from the middle of a buffer', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 63n - 1n), fc.nat(30), (value, zeros) => {
        const text = String(value).padStart(Math.min(19, zeros), '0');
        const bytes = Buffer.from(`7${text}7`);
        expect(int64FromDigits(bytes, 1, 1 + text.length)).toBe(value);
      }),
      { seed: 15, numRuns: 2000 },
    );
  });
});
