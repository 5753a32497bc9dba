/**
 * One edge of the learned bound, the upper one, and what is known of the rate on its side. The
 * lower edge is the same thing of `-theta`: one class is used twice, so that no sign is written
 * twice.
 *
 * From an anchor (anchors.ts) `dt` ago until now theta rose by at most `rise`. So the mean of `r`
 * was at most `rise / dt`, and the mean of `b` at most `rise / dt + D`. Two bounds follow:
 *
 * - **now**: on average `b` was at most `w dt / 2` below what it is now, so
 *   `b(now) <= rise / dt + D + w dt / 2`;
 * - **for hours** (the cap): `b` is continuous, so at some instant in between it was at its mean,
 *   and by A2 it stays within `A` of that: `b <= rise / dt + D + A`.
 *
 * The vote on the rate (rate-vote.ts) narrows the first bound further. Between samples the first
 * bound weakens by `w` per ns, the second does not.
 */
import { newProvenance, type Provenance } from '../aged-interval.ts';
import { slack } from '../drift.ts';
import { Growth } from '../growth.ts';
import type { Instant, LocalNow } from '../local-now.ts';
import type { Anchors } from './anchors.ts';
import { MIN_LEARNING_SPAN_NS } from './fact-list.ts';
import { CAPPED_HORIZONS, type RateAssumptions } from './rate-assumptions.ts';
import { RateCap } from './rate-cap.ts';
import type { WanderBound } from './wander-bound.ts';

/**
 * Added to every computed rate. It is more than the rounding of a few doubles below 0.3, and costs
 * 0.004 ns in an hour.
 */
export const RATE_SLACK: number = 2 ** -50;

export class LearnedEdge {
  /** The instant that all other fields are about. */
  readonly at: Instant;
  /** The edge, ns. */
  value = 0;
  /** Where the edge comes from. */
  readonly origin: Provenance;
  /**
   * How far theta can have risen since the last fusion, until the sources have been measured, ns.
   * Infinite where the edge begins, so that nothing outlives an earlier one.
   */
  grown = 0;
  /** The edge aged to the present, as of the last {@link LearnedEdge.ageToNow}, ns. */
  aged = 0;
  /** `b` is at most this at `at`, ns per ns. */
  rate = 0;
  readonly #cap: RateCap;
  /** How far theta can rise from `at` on, and how far it can have risen before. */
  readonly growth: Growth = new Growth();

  constructor(local: LocalNow) {
    this.at = local.instants.one();
    this.origin = newProvenance(local.instants);
    this.#cap = new RateCap(local);
  }

  /** Only the edge is known. */
  begin(value: number, { now, maxRate }: LocalNow): void {
    this.at.ns = now;
    this.value = value;
    this.grown = Number.POSITIVE_INFINITY;
    this.rate = maxRate;
    this.#cap.forget(now);
    this.growth.linear(maxRate);
  }

  /** Computes `aged`. */
  ageToNow({ now }: LocalNow): void {
    const grown = this.growth.over(now - this.at.ns);
    this.aged = this.value + grown + (slack(this.value) | slack(grown));
  }

  /** Ages the edge, and what is known of the rate, to the present. */
  advance(local: LocalNow, { wander }: WanderBound, assumptions: RateAssumptions): void {
    const age = local.now - this.at.ns;
    if (age === 0) return;
    this.ageToNow(local);
    this.grown = this.growth.over(age);
    this.at.ns = local.now;
    this.value = this.aged;
    this.rate += wander * age + RATE_SLACK;
    this.#cap.expire(local, assumptions);
  }

  /**
   * Takes in how far theta can have risen since each anchor.
   *
   * @param then upper bounds on `-theta` at the anchors
   */
  learn(
    { at, size }: Anchors,
    then: Float64Array,
    { wander }: WanderBound,
    { jitter, span }: RateAssumptions,
  ): void {
    for (let i = 0; i < size; i++) {
      const dt = this.at.ns - at[i]!;
      if (dt < MIN_LEARNING_SPAN_NS) break;
      const rise = this.value + then[i]! + (slack(this.value) | slack(then[i]!));
      const mean = rise / dt + jitter + RATE_SLACK;
      this.rate = Math.min(this.rate, mean + (wander * dt) / 2 + RATE_SLACK);
      this.#cap.lower(mean + span);
    }
  }

  /** Makes the growth follow from what is known of the rate. */
  updateGrowth(
    { maxRate }: LocalNow,
    { wander }: WanderBound,
    { jitter, horizonNs }: RateAssumptions,
  ): void {
    const { growth } = this;
    // Not below -R, so that no curve is longer than the published page can evaluate.
    growth.first = Math.max(-maxRate, this.rate + jitter);
    growth.most = Math.max(-maxRate, Math.min(maxRate, this.#cap.value + jitter));
    growth.wander = wander;
    growth.cappedFor = CAPPED_HORIZONS * horizonNs;
    growth.maxRate = maxRate;
    growth.updateGrowth();
  }

  /** Whether no base rate fits both this edge and the `other` one, which is about `-theta`. */
  excludes(other: LearnedEdge): boolean {
    return Math.min(this.rate, this.#cap.value) + Math.min(other.rate, other.#cap.value) < 0;
  }
}
