/**
 * The engine's present: the local instant that all it knows is aged to, and the rate bound it ages at.
 *
 * One object, handed around where two doubles would be. A double that crosses a call becomes an object on the heap
 * unless V8 inlines that call, and what it inlines depends on all that was inlined before; a field of an object is
 * a double in place. So on the way of a sample through the engine numbers that may be large or fractions are not
 * passed and not returned: they are left in fields, and the object is passed.
 */
import type { MonotonicNs } from '../time/instant.ts';
import { Int64Slots } from '../time/int64-slots.ts';
import type { RateBound } from './rate-bound.ts';

// Slots.
const READING = 0;
const BASE = 1;

/** The instant alone. */
export interface Now {
  readonly now: number;
}

export class Present implements Now {
  /** ns since `base`, whole. */
  now = 0;
  /** The monotonic reading that local instants are relative to. */
  base = 0n;
  #started = false;
  readonly #int64: Int64Slots = new Int64Slots(2, 1);
  readonly #rate: RateBound;

  constructor(rate: RateBound) {
    this.#rate = rate;
  }

  /** `R` in force, ns per ns. */
  get slope(): number {
    return this.#rate.slope;
  }

  /** It never goes back: a late sample is dealt with at the present. The first reading is the base. */
  advanceTo(reading: MonotonicNs): void {
    const { slots, differences } = this.#int64;
    if (!this.#started) {
      this.#started = true;
      this.base = reading;
    }
    slots[READING] = reading;
    slots[BASE] = this.base;
    this.#int64.subtract(READING, BASE, 0);
    if (differences[0]! > this.now) this.now = differences[0]!;
  }

  /** A local instant as a monotonic reading. */
  toMonotonic(instant: number): bigint {
    return this.base + BigInt(instant);
  }

  /** The base moves forward by `shift`. */
  rebase(shift: number): void {
    this.base += BigInt(shift);
    this.now -= shift;
  }
}
