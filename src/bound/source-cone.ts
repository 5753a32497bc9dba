/**
 * What one source has proven so far, in O(1) memory.
 *
 * Each sample proves an upper and a lower fact about theta. Away from its instant a fact weakens by
 * `R` ns per local ns, so in the plane of time and theta each fact opens a cone. The best statement
 * that the drift bound alone allows is the intersection of all cones (the McShane extension of the
 * facts). Two cones of one slope stay ordered for ever once both are aged to one instant, so only
 * the best upper and the best lower fact are kept.
 */
import { AgedInterval, type Provenance } from './aged-interval.ts';
import { driftOver, slack } from './drift.ts';
import type { LocalNow } from './local-now.ts';
import type { RelativeSample } from './relative-sample.ts';

/** `known` is false until the first sample and after {@link SourceCone.forget}. */
export class SourceCone extends AgedInterval {
  /** How often the past of this source became void, by `forget` or by a contradiction. */
  era = 0;

  /**
   * Takes a sample in. Returns 0, or by how many ns the sample contradicts what this source proved
   * before. On a contradiction only the sample is kept, because the newer statement can be checked
   * against the other sources.
   *
   * The facts of a sample that arrives late (received before `at`) are aged to `at`.
   */
  take(sample: RelativeSample, { maxRate }: LocalNow): number {
    const { sentAt, receivedAt, upper, lower } = sample;
    const at = this.known && this.at.ns > receivedAt ? this.at.ns : receivedAt;
    const risen = driftOver(maxRate, at - sentAt);
    const newHi = upper + risen + (slack(upper) | slack(risen));
    const fallen = driftOver(maxRate, at - receivedAt);
    const newLo = lower - fallen - (slack(lower) | slack(fallen));
    let gap = 0;
    if (this.known) {
      const drift = driftOver(maxRate, at - this.at.ns);
      const oldHi = this.hi + drift + (slack(this.hi) | slack(drift));
      const oldLo = this.lo - drift - (slack(this.lo) | slack(drift));
      gap = Math.max(0, newLo - oldHi, oldLo - newHi);
      if (gap === 0) {
        this.at.ns = at;
        this.lo = Math.max(oldLo, newLo);
        this.hi = Math.min(oldHi, newHi);
        if (newHi < oldHi) upperFactOf(sample, this.hiFrom);
        if (newLo > oldLo) lowerFactOf(sample, this.loFrom);
        return 0;
      }
      this.era++;
    }
    this.known = true;
    this.at.ns = at;
    this.lo = newLo;
    this.hi = newHi;
    upperFactOf(sample, this.hiFrom);
    lowerFactOf(sample, this.loFrom);
    return gap;
  }

  forget(): void {
    this.known = false;
    this.era++;
  }
}

function upperFactOf(sample: RelativeSample, into: Provenance): void {
  into.born.ns = sample.sentAt;
  into.pathDelay = sample.pathDelay;
  into.serverError = sample.serverError;
}

function lowerFactOf(sample: RelativeSample, into: Provenance): void {
  into.born.ns = sample.receivedAt;
  into.pathDelay = sample.pathDelay;
  into.serverError = sample.serverError;
}
