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
import { slack } from './drift.ts';
import { Growth } from './growth.ts';
import type { Present } from './present.ts';
import { CAPPED_HORIZONS, type RateAssumptions } from './rate-assumptions.ts';
import { RateCap } from './rate-cap.ts';
import type { WanderBound } from './wander-bound.ts';

/**
 * Added whenever a rate is computed: more than the rounding of some doubles below 0.3, and over an hour
 * 0.004 ns.
 */
const RATE_SLACK = 2 ** -50;

export class RateSide {
  /** The instant that all else speaks of. */
  at = 0;
  /** The edge. */
  value = 0;
  readonly origin: Provenance = newProvenance();
  /** The edge at present, when last asked: {@link RateSide.age}. */
  aged = 0;
  /** `b` is at most this. */
  rate = 0;
  readonly #cap = new RateCap();
  /** How far theta can rise from that instant on, and how far it can have risen before. */
  readonly growth: Growth = new Growth();

  /** Nothing is known but the edge. */
  begin(value: number, { now, slope }: Present): void {
    this.at = now;
    this.value = value;
    this.rate = slope;
    this.#cap.forget(now);
    this.growth.linear(slope);
  }

  /** Looks ahead to the present: `aged` is the edge then. */
  age({ now }: Present): void {
    const grown = this.growth.over(now - this.at);
    this.aged = this.value + grown + (slack(this.value) | slack(grown));
  }

  /** Time passes, until the present. */
  advance(present: Present, { wander }: WanderBound, assumptions: RateAssumptions): void {
    const age = present.now - this.at;
    if (age === 0) return;
    this.age(present);
    this.at = present.now;
    this.value = this.aged;
    this.rate += wander * age + RATE_SLACK;
    this.#cap.expire(present, assumptions);
  }

  /** Theta rose by at most `rise` in the last `dt` ns. */
  learn(rise: number, dt: number, wander: number, { jitter, span }: RateAssumptions): void {
    const mean = rise / dt + jitter + RATE_SLACK;
    this.rate = Math.min(this.rate, mean + (wander * dt) / 2 + RATE_SLACK);
    this.#cap.lower(mean + span);
  }

  /** Brings the growth up to date with what is known of the rate. */
  foresee(
    { slope }: Present,
    { wander }: WanderBound,
    { jitter, horizonNs }: RateAssumptions,
  ): void {
    const { growth } = this;
    // Never below -R, so that no curve is longer than the published page can evaluate.
    growth.first = Math.max(-slope, this.rate + jitter);
    growth.most = Math.max(-slope, Math.min(slope, this.#cap.value + jitter));
    growth.wander = wander;
    growth.cappedFor = CAPPED_HORIZONS * horizonNs;
    growth.slope = slope;
    growth.bendUp();
  }

  /** Whether no base rate is left between what is known here and, of `-theta`, on the `other` side. */
  excludes(other: RateSide): boolean {
    return Math.min(this.rate, this.#cap.value) + Math.min(other.rate, other.#cap.value) < 0;
  }

  /** The local time base moves forward by `shift`. */
  rebase(shift: number): void {
    this.at -= shift;
    this.origin.born -= shift;
    this.#cap.rebase(shift);
  }
}
