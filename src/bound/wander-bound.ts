/**
 * `w`, how fast the base rate may wander (A2), and what becomes of it when observations refute it: it
 * doubles at once, since the layer below still has a bound and nothing is lost by caution, and halves after
 * every quiet hour, or horizon where that is longer, down to the configured one. No fact is then older than
 * the quiet, so none is aged by less than was assumed in its time.
 */
import type { RateAssumptions } from './rate-assumptions.ts';

const HOUR = 3600e9;
/** Doubling ends at 1000 ppm a second, per ns: beyond that no rate is ever learned. */
const LAXEST = 1e-12;

export class WanderBound {
  readonly #configured: number;
  readonly #quietNs: number;
  #wander: number;
  #since = Number.NEGATIVE_INFINITY;

  constructor({ wander, horizonNs }: RateAssumptions) {
    this.#configured = wander;
    this.#quietNs = Math.max(HOUR, horizonNs);
    this.#wander = wander;
  }

  /** The bound in force, per ns. */
  get wander(): number {
    return this.#wander;
  }

  /** A2 was refuted at `now`. */
  strike(now: number): void {
    this.#wander = Math.max(this.#wander, Math.min(LAXEST, 2 * this.#wander));
    this.#since = now;
  }

  /** Halves the bound at `now` if all has been quiet. */
  relax(now: number): void {
    if (this.#wander === this.#configured || now - this.#since < this.#quietNs) return;
    this.#wander = Math.max(this.#configured, this.#wander / 2);
    this.#since = now;
  }

  /** The local time base moves forward by `shift`. */
  rebase(shift: number): void {
    this.#since -= shift;
  }
}
