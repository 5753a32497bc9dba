/**
 * Differences of int64 as doubles, without a bigint in between: `Number(a - b)` leaves one on the heap each time, and
 * where the same few values are subtracted for every sample that is most of the garbage.
 *
 * The idea. A slot of a `BigInt64Array` is also two halves that can be read as numbers. The difference of two
 * upper halves times 2^32 is exact, so is the difference of the lower ones, and their sum is rounded once: what comes
 * out is the double nearest to the difference, also where that leaves int64.
 *
 * Results are left in an array as well, since a number that a call returns may be an object on the heap too.
 */

/** Which 32-bit half of a slot is the upper one on this machine. */
export const HIGH: 0 | 1 = new Uint32Array(new BigInt64Array([1n]).buffer)[0] === 1 ? 1 : 0;
export const LOW: 0 | 1 = HIGH === 1 ? 0 : 1;

export class Int64Slots {
  /** The int64. What does not fit is wrapped, as ever in such an array. */
  readonly slots: BigInt64Array;
  /** What {@link Int64Slots.subtract} found. */
  readonly differences: Float64Array;
  readonly #signed: Int32Array;
  readonly #unsigned: Uint32Array;

  constructor(slots: number, differences: number) {
    this.slots = new BigInt64Array(slots);
    this.differences = new Float64Array(differences);
    this.#signed = new Int32Array(this.slots.buffer);
    this.#unsigned = new Uint32Array(this.slots.buffer);
  }

  /** `differences[into] = slots[a] - slots[b]`, to the nearest double. Allocates nothing. */
  subtract(a: number, b: number, into: number): void {
    const high = this.#signed[2 * a + HIGH]! - this.#signed[2 * b + HIGH]!;
    const low = this.#unsigned[2 * a + LOW]! - this.#unsigned[2 * b + LOW]!;
    this.differences[into] = high * 2 ** 32 + low;
  }
}
