/**
 * A monotonic clock that is monotonic even when its source is not.
 *
 * The problem: sources that promise never to go back sometimes do. A hypervisor moves a guest, a
 * browser adds jitter to `performance.now`, a hand-written source reads the wall clock. Code that
 * subtracts two readings then sees negative time.
 *
 * The idea: keep the greatest reading returned so far, and repeat it until the source has caught
 * up.
 *
 * Guarantee: a reading is never less than an earlier reading of the same object. It is the source's
 * own reading unless the source went back. While the clock repeats a reading it stands still, so it
 * is late by the amount that the source lost. `regressions` counts the readings below the greatest
 * one, so a bad source shows.
 */
import { ArgumentTypeError } from './errors.ts';
import { asMonotonicNs, INT64_MIN, type MonotonicNs } from './instant.ts';

const GREATEST = 0;
const READ = 1;

/**
 * Wraps any source of nanoseconds so that it never goes back.
 *
 * @example
 * const monotonic = new MonotonicClock(process.hrtime.bigint);
 * monotonic.monotonicNs() <= monotonic.monotonicNs() // true
 */
export class MonotonicClock {
  readonly #source: () => bigint;
  // Slots and not bigint fields, which would allocate (docs/internals/performance.md).
  readonly #slots = new BigInt64Array(2);
  #regressions = 0;

  /**
   * @param source returns int64 nanoseconds from an origin that stays the same
   * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `source` is not a function
   */
  constructor(source: () => bigint) {
    if (typeof source !== 'function') throw new ArgumentTypeError('source', 'a function', source);
    this.#source = source;
    this.#slots[GREATEST] = INT64_MIN;
  }

  /**
   * The source's reading, or the greatest one so far when the source went back. Costs a few ns more
   * than the source.
   */
  monotonicNs(): MonotonicNs {
    const slots = this.#slots;
    slots[READ] = this.#source();
    if (slots[READ]! >= slots[GREATEST]!) slots[GREATEST] = slots[READ]!;
    else this.#regressions++;
    return asMonotonicNs(slots[GREATEST]!);
  }

  /** How many readings of the source were below an earlier one. */
  get regressions(): number {
    return this.#regressions;
  }
}
