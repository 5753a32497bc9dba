/**
 * Differences of int64 as doubles, without a bigint in between. `Number(a - b)` leaves a bigint on
 * the heap each time (docs/internals/performance.md).
 *
 * The idea. A slot of a `BigInt64Array` is also two 32-bit halves that can be read as numbers. The
 * difference of two upper halves, times 2^32, is exact. So is the difference of two lower halves.
 * Their sum is rounded once, so the result is the double nearest to the true difference, even where
 * that difference leaves int64.
 *
 * Results are written to an array and not returned (docs/internals/performance.md).
 */

/** Which 32-bit half of a slot is the upper one on this machine. */
export const HIGH: 0 | 1 = new Uint32Array(new BigInt64Array([1n]).buffer)[0] === 1 ? 1 : 0;
export const LOW: 0 | 1 = HIGH === 1 ? 0 : 1;

export class Int64Slots {
  /** The int64 values. A value that does not fit wraps, as in any `BigInt64Array`. */
  readonly slots: BigInt64Array;
  /** The results of {@link Int64Slots.subtract}. */
  readonly differences: Float64Array;
  readonly #signed: Int32Array;
  readonly #unsigned: Uint32Array;

  constructor(slots: number, differences: number) {
    this.slots = new BigInt64Array(slots);
    this.differences = new Float64Array(differences);
    this.#signed = new Int32Array(this.slots.buffer);
    this.#unsigned = new Uint32Array(this.slots.buffer);
  }

  /**
   * `differences[into] = slots[a] - slots[b]`, rounded to the nearest double. Allocates nothing.
   */
  subtract(a: number, b: number, into: number): void {
    const high = this.#signed[2 * a + HIGH]! - this.#signed[2 * b + HIGH]!;
    const low = this.#unsigned[2 * a + LOW]! - this.#unsigned[2 * b + LOW]!;
    this.differences[into] = high * 2 ** 32 + low;
  }
}
