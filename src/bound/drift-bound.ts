/**
 * `R`, the bound on the rate of theta (A1), and what happens to it when observations refute it.
 *
 * One contradiction says little, because a lying source may have come or gone. A second one within
 * 10 minutes says that the bound itself is false. It is then raised: at least doubled, and far
 * enough for the contradiction just seen, up to 10 %. A configured bound above 10 % stays as it is.
 * After 10 quiet minutes the bound halves every 5 minutes, down to the configured one. By then a
 * daemon that slewed fast has usually finished.
 *
 * If the daemon has not finished, or the configured bound is false for good, a lower bound would be
 * false again. The memory (`X` of bound-engine.ts) knows better: it has an interval for theta when
 * the quiet time began, and one for now. If no movement at the lower rate leads from the one to the
 * other, the lower bound is refuted before it is in force. Then the bound stays, and the comparison
 * is made again after 10 minutes, from now on.
 *
 * The comparison misses a slew that the two widths hide, and one that stops and comes back. Then
 * readings are wrong again until that shows. So a lowered bound is on probation until the
 * configured one has held for a day. During probation the first contradiction raises the bound,
 * and each such relapse doubles the quiet time, up to a day. After that the quiet time is 10
 * minutes again.
 *
 * Before the bound changes, all that is known must be aged to the present with the old one. So
 * `strike` and `relax` only return the new bound, and `set` puts it in force.
 */
import type { AgedInterval } from './aged-interval.ts';
import { driftOver, MAX_RATE } from './drift.ts';
import type { Instant, LocalNow } from './local-now.ts';

const STRIKE_WINDOW_NS = 600e9;
const FIRST_QUIET_NS = 600e9;
const RELAX_EVERY_NS = 300e9;
const DAY_NS = 86_400e9;
/** A raised bound covers this many times the rate that the contradiction showed. */
const HEADROOM = 1.5;

export class DriftBound {
  readonly #configured: number;
  readonly #local: LocalNow;
  readonly #lastStrike: Instant;
  readonly #lastRelax: Instant;
  /** A raised bound is not lowered before this. */
  readonly #relaxAt: Instant;
  #onProbation = false;
  /** How long a raised bound stays after the last strike, ns. */
  #quietNs = FIRST_QUIET_NS;
  /** Theta was within `[lo, hi]` at `then`. Both are infinite while no such memory is kept. */
  readonly #then: Instant;
  #lo = Number.NEGATIVE_INFINITY;
  #hi = Number.POSITIVE_INFINITY;

  /** @param local holds the configured bound, and from then on the one in force */
  constructor(local: LocalNow) {
    this.#configured = local.maxRate;
    this.#local = local;
    this.#lastStrike = local.instants.one(Number.NEGATIVE_INFINITY);
    this.#lastRelax = local.instants.one(Number.NEGATIVE_INFINITY);
    this.#relaxAt = local.instants.one(Number.NEGATIVE_INFINITY);
    this.#then = local.instants.one();
  }

  /** Puts a bound in force, ns per ns. */
  set(maxRate: number): void {
    this.#local.maxRate = maxRate;
  }

  /**
   * Takes in a contradiction by `gap` ns, of a source that had been silent for `silentFor` ns.
   * Returns the bound to put in force, or `undefined` when the evidence is too weak.
   */
  strike(gap: number, silentFor: number): number | undefined {
    const { now, maxRate } = this.#local;
    const convincing = this.#onProbation || now - this.#lastStrike.ns <= STRIKE_WINDOW_NS;
    this.#lastStrike.ns = now;
    if (convincing && this.#onProbation) this.#quietNs = Math.min(DAY_NS, 2 * this.#quietNs);
    this.#relaxAt.ns = now + this.#quietNs;
    if (!convincing) return undefined;
    this.#onProbation = false;
    const shown = silentFor > 0 ? (HEADROOM * gap) / silentFor : 0;
    const raised = Math.min(MAX_RATE, Math.max(2 * maxRate, maxRate + shown));
    // The configured bound may be above MAX_RATE.
    return Math.max(maxRate, raised);
  }

  /**
   * The lower bound to put in force now, or `undefined` while there is no reason to.
   *
   * @param memory what is known of theta, under the bound in force
   */
  relax(memory: Readonly<AgedInterval>): number | undefined {
    const { now, maxRate } = this.#local;
    if (maxRate <= this.#configured) {
      if (now - this.#lastRelax.ns >= DAY_NS) {
        this.#onProbation = false;
        this.#quietNs = FIRST_QUIET_NS;
      }
      return undefined;
    }
    if (memory.known && this.#hi === Number.POSITIVE_INFINITY) this.#remember(memory);
    if (now < this.#relaxAt.ns) return undefined;
    const lower = Math.max(this.#configured, maxRate / 2);
    const moved = Math.max(memory.lo - this.#hi, this.#lo - memory.hi);
    if (moved > driftOver(lower, memory.at.ns - this.#then.ns)) {
      this.#remember(memory);
      this.#relaxAt.ns = now + FIRST_QUIET_NS;
      return undefined;
    }
    this.#lastRelax.ns = now;
    this.#relaxAt.ns = now + RELAX_EVERY_NS;
    this.#onProbation = true;
    return lower;
  }

  /** The memory is lost, or is about to be: what it was earlier cannot be compared with it. */
  forget(): void {
    this.#lo = Number.NEGATIVE_INFINITY;
    this.#hi = Number.POSITIVE_INFINITY;
  }

  #remember({ at, lo, hi }: Readonly<AgedInterval>): void {
    this.#then.ns = at.ns;
    this.#lo = lo;
    this.#hi = hi;
  }
}
