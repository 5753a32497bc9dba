/**
 * A monotonic clock that is monotonic even when its source is not.
 *
 * The problem: sources that promise never to go back sometimes do (a hypervisor that moves a guest, a
 * browser that adds jitter to `performance.now`, a hand-written source over the wall clock), and code
 * that subtracts two readings then sees negative time.
 *
 * The idea: hold the greatest reading given out and repeat it until the source has caught up.
 *
 * Guarantee: a reading is never less than one given out before by the same object, and is the source's
 * own whenever the source has not gone back. While it holds, the clock stands still: it is late by what
 * the source lost. `regressions` counts the readings that were below the greatest, so a bad source shows.
 */
import { asMonotonicNs, INT64_MIN, type MonotonicNs } from './instant.ts';

const GREATEST = 0;
const READ = 1;

/**
 * Wraps any source of nanoseconds so that it never goes back.
 *
 * @example
 * const clock = new MonotonicClock(process.hrtime.bigint);
 * clock.monotonicNs() <= clock.monotonicNs() // always
 */
export class MonotonicClock {
  readonly #source: () => bigint;
  // Slots, not bigint fields: V8 computes with int64 slots in registers and boxes bigint fields.
  readonly #slots = new BigInt64Array(2);
  #regressions = 0;

  /** @param source int64 nanoseconds from an origin that stays the same */
  constructor(source: () => bigint) {
    this.#source = source;
    this.#slots[GREATEST] = INT64_MIN;
  }

  /** The source's reading, or the greatest one so far when the source went back. Costs a few ns over it. */
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
