/**
 * One edge of the learned bound, the upper one, and what is known of the rate on its side. The lower edge is the
 * same thing of `-theta`: one class, used twice, so that no sign is ever written twice.
 *
 * From an anchor (anchors.ts) `dt` ago until now theta rose by at most `rise`, so the mean of `r` was at most
 * `rise / dt` and the mean of `b` at most `rise / dt + D`. From that follow two bounds:
 *
 * - **now**: `b` was on average at most `w dt / 2` below what it is now, so `b(now) <= rise / dt + D + w dt / 2`;
 * - **for hours** (the cap): `b` is continuous, so at some instant in between it was at its mean, and by
 *   A2 it stays within `A` of that: `b <= rise / dt + D + A`.
 *
 * Between samples the first one weakens by `w`, the second does not.
 */
import { newProvenance, type Provenance } from './aged-interval.ts';
import { raised } from './drift.ts';
import { Growth } from './growth.ts';
import { CAPPED_HORIZONS, type RateAssumptions } from './rate-assumptions.ts';
import { RateCap } from './rate-cap.ts';

/**
 * Added whenever a rate is computed: more than the rounding of some doubles below 0.3, and over an hour
 * 0.004 ns.
 */
const RATE_SLACK = 2 ** -50;

export class RateSide {
  /** The edge, at the instant that the owner keeps. */
  value = 0;
  readonly origin: Provenance = newProvenance();
  /** `b` is at most this at that instant. */
  rate = 0;
  readonly #cap = new RateCap();
  /** How far theta can rise from that instant on, and how far it can have risen before. */
  readonly growth: Growth = new Growth();

  /** The greatest base rate in force, now or whenever the cap holds. */
  get most(): number {
    return Math.min(this.rate, this.#cap.value);
  }

  /** Nothing is known but the edge. */
  begin(value: number, slope: number, now: number): void {
    this.value = value;
    this.rate = slope;
    this.#cap.forget(now);
    this.growth.linear(slope);
  }

  /** `age` ns pass, until `now`. */
  advance(age: number, now: number, wander: number, horizonNs: number): void {
    if (age === 0) return;
    this.value = raised(this.value, this.growth.over(age));
    this.rate += wander * age + RATE_SLACK;
    this.#cap.expire(now, horizonNs);
  }

  /** Theta rose by at most `rise` in the last `dt` ns. */
  learn(rise: number, dt: number, wander: number, { jitter, span }: RateAssumptions): void {
    const mean = rise / dt + jitter + RATE_SLACK;
    this.rate = Math.min(this.rate, mean + (wander * dt) / 2 + RATE_SLACK);
    this.#cap.lower(mean + span);
  }

  /** Brings the growth up to date with what is known of the rate. */
  foresee(slope: number, wander: number, { jitter, horizonNs }: RateAssumptions): void {
    // Never below -R, so that no curve is longer than the published page can evaluate.
    const first = Math.max(-slope, this.rate + jitter);
    const most = Math.max(-slope, Math.min(slope, this.#cap.value + jitter));
    this.growth.curved(first, most, wander, CAPPED_HORIZONS * horizonNs, slope);
  }

  /** The local time base moves forward by `shift`. */
  rebase(shift: number): void {
    this.origin.born -= shift;
    this.#cap.rebase(shift);
  }
}
