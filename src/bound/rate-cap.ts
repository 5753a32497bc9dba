/**
 * The least upper bound of the base rate that was derived within the last horizon.
 *
 * A cap holds for as long as A2 lets the base rate stay near what it was, so an old one must go, but the
 * date of each is not worth keeping. Two generations do: the present one collects for half a horizon, the one
 * before it stays until the horizon is over.
 */
import type { Now } from './present.ts';
import type { RateAssumptions } from './rate-assumptions.ts';

const NOTHING = Number.POSITIVE_INFINITY;

export class RateCap {
  /** The lesser of the two; infinite when nothing was derived lately. */
  value: number = NOTHING;
  #present = NOTHING;
  #presentSince = 0;
  #former = NOTHING;
  #formerSince = 0;

  lower(to: number): void {
    if (to < this.#present) this.#present = to;
    if (to < this.value) this.value = to;
  }

  /** Lets go of what may be older than a horizon. */
  expire({ now }: Now, { horizonNs }: RateAssumptions): void {
    if (now - this.#presentSince >= horizonNs / 2) {
      this.#former = this.#present;
      this.#formerSince = this.#presentSince;
      this.#present = NOTHING;
      this.#presentSince = now;
    }
    if (now - this.#formerSince >= horizonNs) this.#former = NOTHING;
    this.value = Math.min(this.#present, this.#former);
  }

  forget(now: number): void {
    this.#present = NOTHING;
    this.#presentSince = now;
    this.#former = NOTHING;
    this.value = NOTHING;
  }

  /** The local time base moves forward by `shift`. */
  rebase(shift: number): void {
    this.#presentSince -= shift;
    this.#formerSince -= shift;
  }
}
