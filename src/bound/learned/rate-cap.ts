/**
 * The least upper bound of the base rate that was derived within the last horizon.
 *
 * A cap holds for as long as A2 keeps the base rate near what it was, so old caps must be dropped.
 * The date of each cap is not kept. There are two generations instead: the present one collects
 * caps for half a horizon, the former one is kept until it is a horizon old.
 */
import type { Instant, LocalNow, Now } from '../local-now.ts';
import type { RateAssumptions } from './rate-assumptions.ts';

const NO_CAP = Number.POSITIVE_INFINITY;

export class RateCap {
  /** The lesser of the two generations, ns per ns; Infinity when no cap was derived lately. */
  value: number = NO_CAP;
  #present = NO_CAP;
  readonly #presentSince: Instant;
  #former = NO_CAP;
  readonly #formerSince: Instant;

  constructor(local: LocalNow) {
    this.#presentSince = local.instants.one();
    this.#formerSince = local.instants.one();
  }

  /** The base rate is at most `to`. */
  lower(to: number): void {
    if (to < this.#present) this.#present = to;
    if (to < this.value) this.value = to;
  }

  /** Drops what may be older than the horizon. */
  expire({ now }: Now, { horizonNs }: RateAssumptions): void {
    if (now - this.#presentSince.ns >= horizonNs / 2) {
      this.#former = this.#present;
      this.#formerSince.ns = this.#presentSince.ns;
      this.#present = NO_CAP;
      this.#presentSince.ns = now;
    }
    if (now - this.#formerSince.ns >= horizonNs) this.#former = NO_CAP;
    this.value = Math.min(this.#present, this.#former);
  }

  forget(now: number): void {
    this.#present = NO_CAP;
    this.#presentSince.ns = now;
    this.#former = NO_CAP;
    this.value = NO_CAP;
  }
}
