/**
 * Decimal digits in bytes as an int64, exactly. A JSON parser of Node 20 makes a double of a
 * 19-digit number, which loses its last digits, and it does not show the text. So numbers are read
 * from the bytes of the line. One bigint is made for each number, and nothing else.
 */
import { HIGH, LOW } from '../../time/int64-slots.ts';

const MAX_DIGITS = 19;
const LOWER_DIGITS = 9;
const ZERO = 0x30;

const slot: BigInt64Array = new BigInt64Array(1);
const halves: Uint32Array = new Uint32Array(slot.buffer);

/**
 * The number that the digits from `start` to `end` write. `undefined` when there is no digit, or
 * anything but digits (a sign too), or when the number is above 2^63 - 1.
 */
export function int64FromDigits(bytes: Uint8Array, start: number, end: number): bigint | undefined {
  if (end <= start || end - start > MAX_DIGITS) return undefined;
  const middle = Math.max(start, end - LOWER_DIGITS);
  const upper = numberFromDigits(bytes, start, middle);
  const lower = numberFromDigits(bytes, middle, end);
  if (Number.isNaN(upper + lower)) return undefined;
  // upper * 10^9 + lower, by pieces of 16 bits: whole doubles are exact below 2^53 only.
  const low = (upper % 2 ** 16) * 1e9 + lower;
  const high = Math.floor(upper / 2 ** 16) * 1e9 + Math.floor(low / 2 ** 16);
  halves[HIGH] = high / 2 ** 16;
  halves[LOW] = (high % 2 ** 16) * 2 ** 16 + (low % 2 ** 16);
  return halves[HIGH]! < 2 ** 31 ? slot[0]! : undefined;
}

/** At most ten digits as a number; NaN when one of the bytes is not a digit. */
function numberFromDigits(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
