/**
 * What one source has proven so far, in O(1) memory.
 *
 * Each sample proves an upper and a lower fact about theta. Between instants a fact weakens by `R` per
 * local nanosecond, so in the plane of (time, theta) each fact opens a cone, and the best statement that
 * the rate bound alone allows is the intersection of all cones (the McShane extension of the facts). Two
 * cones of one slope stay ordered for ever once aged to a common instant, so the best upper and the best
 * lower fact are all there is to keep.
 */
import { AgedInterval } from './aged-interval.ts';
import { driftOver, slack } from './drift.ts';
import type { Present } from './present.ts';
import type { RelativeSample } from './relative-sample.ts';

/** `known` is false until the first sample and after {@link SourceCone.forget}. */
export class SourceCone extends AgedInterval {
  /**
   * Takes a sample in. Returns 0, or by how many ns the sample contradicts what this source proved
   * before: then its past is forgotten and only the sample kept, since the newer statement is the one
   * that can be checked against the other sources.
   *
   * A sample that arrives late (received before `at`) has its facts aged forward instead.
   */
  take(sample: RelativeSample, { slope }: Present): number {
    const { sentAt, receivedAt, upper, lower } = sample;
    const at = this.known && this.at > receivedAt ? this.at : receivedAt;
    const risen = driftOver(slope, at - sentAt);
    const newHi = upper + risen + (slack(upper) | slack(risen));
    const fallen = driftOver(slope, at - receivedAt);
    const newLo = lower - fallen - (slack(lower) | slack(fallen));
    let gap = 0;
    if (this.known) {
      const drift = driftOver(slope, at - this.at);
      const oldHi = this.hi + drift + (slack(this.hi) | slack(drift));
      const oldLo = this.lo - drift - (slack(this.lo) | slack(drift));
      gap = Math.max(0, newLo - oldHi, oldLo - newHi);
      if (gap === 0) {
        this.at = at;
        this.lo = Math.max(oldLo, newLo);
        this.hi = Math.min(oldHi, newHi);
        if (newHi < oldHi) this.#nameHi(sample);
        if (newLo > oldLo) this.#nameLo(sample);
        return 0;
      }
    }
    this.known = true;
    this.at = at;
    this.lo = newLo;
    this.hi = newHi;
    this.#nameHi(sample);
    this.#nameLo(sample);
    return gap;
  }

  forget(): void {
    this.known = false;
  }

  #nameHi(sample: RelativeSample): void {
    this.hiFrom.born = sample.sentAt;
    this.hiFrom.pathDelay = sample.pathDelay;
    this.hiFrom.serverError = sample.serverError;
  }

  #nameLo(sample: RelativeSample): void {
    this.loFrom.born = sample.receivedAt;
    this.loFrom.pathDelay = sample.pathDelay;
    this.loFrom.serverError = sample.serverError;
  }
}
