/**
 * `w`, the bound on how fast the base rate wanders (A2), and what happens to it when observations
 * refute it.
 *
 * It doubles at once, because layer 1 still has a bound, so caution costs nothing but width. It
 * halves after every quiet hour (or horizon, if that is longer), down to the configured bound. So a
 * fact that is aged with the smaller `w` is younger than the last refutation.
 */
import type { Instant, LocalNow } from '../local-now.ts';
import type { RateAssumptions } from './rate-assumptions.ts';

const HOUR_NS = 3600e9;
/** Doubling ends at 1000 ppm per second. With more than that no rate is ever learned. */
const MAX_WANDER_PER_NS = 1e-12;

export class WanderBound {
  readonly #configured: number;
  readonly #quietNs: number;
  #wander: number;
  /** When the bound last changed. */
  readonly #since: Instant;

  constructor({ wander, horizonNs }: RateAssumptions, local: LocalNow) {
    this.#configured = wander;
    this.#quietNs = Math.max(HOUR_NS, horizonNs);
    this.#wander = wander;
    this.#since = local.instants.one(Number.NEGATIVE_INFINITY);
  }

  /** The bound in force, per ns. */
  get wander(): number {
    return this.#wander;
  }

  /** A2 was refuted at `now`. */
  strike(now: number): void {
    this.#wander = Math.max(this.#wander, Math.min(MAX_WANDER_PER_NS, 2 * this.#wander));
    this.#since.ns = now;
  }

  /** Halves a raised bound if it has not changed for the quiet time. */
  relax(now: number): void {
    if (this.#wander === this.#configured || now - this.#since.ns < this.#quietNs) return;
    this.#wander = Math.max(this.#configured, this.#wander / 2);
    this.#since.ns = now;
  }
}
