/**
 * What one source has proven so far, in O(1) memory.
 *
 * Each sample proves an upper and a lower fact about theta. Between instants a fact weakens by `R` per
 * local nanosecond, so in the plane of (time, theta) each fact opens a cone, and the best statement that
 * the rate bound alone allows is the intersection of all cones (the McShane extension of the facts). Two
 * cones of one slope stay ordered for ever once aged to a common instant, so the best upper and the best
 * lower fact are all there is to keep.
 *
 * Values are integer-valued doubles in ns, relative to bases that the engine owns: exact, and no
 * allocation per sample.
 */
import { driftOver, lowered, raised } from './drift.ts';

/** Where one edge of an interval comes from; `explain()` splits epsilon with it. */
export interface Provenance {
  /** The local instant at which the fact was exact. */
  born: number;
  /** The sample's path delay: half of it is this edge's share. */
  pathDelay: number;
  serverError: number;
}

export function copyProvenance(from: Provenance, to: Provenance): void {
  to.born = from.born;
  to.pathDelay = from.pathDelay;
  to.serverError = from.serverError;
}

/** One sample, relative to the engine's bases. */
export interface RelativeSample {
  sentAt: number;
  receivedAt: number;
  upper: number;
  lower: number;
  pathDelay: number;
  serverError: number;
}

export class SourceCone {
  /** False until the first sample and after {@link SourceCone.forget}. */
  known = false;
  /** The instant that `lo` and `hi` speak of. */
  at = 0;
  lo = 0;
  hi = 0;
  readonly loFrom: Provenance = { born: 0, pathDelay: 0, serverError: 0 };
  readonly hiFrom: Provenance = { born: 0, pathDelay: 0, serverError: 0 };

  /** The lower edge at `now >= at`. */
  loAt(now: number, slope: number): number {
    return lowered(this.lo, driftOver(slope, now - this.at));
  }

  /** The upper edge at `now >= at`. */
  hiAt(now: number, slope: number): number {
    return raised(this.hi, driftOver(slope, now - this.at));
  }

  /**
   * Takes a sample in. Returns 0, or by how many ns the sample contradicts what this source proved
   * before: then its past is forgotten and only the sample kept, since the newer statement is the one
   * that can be checked against the other sources.
   *
   * A sample that arrives late (received before `at`) has its facts aged forward instead.
   */
  take(sample: RelativeSample, slope: number): number {
    const { sentAt, receivedAt, upper, lower } = sample;
    const at = this.known && this.at > receivedAt ? this.at : receivedAt;
    const newHi = raised(upper, driftOver(slope, at - sentAt));
    const newLo = lowered(lower, driftOver(slope, at - receivedAt));
    let gap = 0;
    if (this.known) {
      const oldHi = this.hiAt(at, slope);
      const oldLo = this.loAt(at, slope);
      gap = Math.max(0, newLo - oldHi, oldLo - newHi);
      if (gap === 0) {
        this.at = at;
        this.lo = oldLo;
        this.hi = oldHi;
        if (newHi < oldHi) this.#setHi(newHi, sample);
        if (newLo > oldLo) this.#setLo(newLo, sample);
        return 0;
      }
    }
    this.known = true;
    this.at = at;
    this.#setHi(newHi, sample);
    this.#setLo(newLo, sample);
    return gap;
  }

  /** Everything up to `now` aged at `slope`: called before the slope changes. */
  ageTo(now: number, slope: number): void {
    this.lo = this.loAt(now, slope);
    this.hi = this.hiAt(now, slope);
    this.at = now;
  }

  forget(): void {
    this.known = false;
  }

  /** The local time base moves forward by `shift`. */
  rebase(shift: number): void {
    this.at -= shift;
    this.loFrom.born -= shift;
    this.hiFrom.born -= shift;
  }

  #setHi(hi: number, sample: RelativeSample): void {
    this.hi = hi;
    this.hiFrom.born = sample.sentAt;
    this.hiFrom.pathDelay = sample.pathDelay;
    this.hiFrom.serverError = sample.serverError;
  }

  #setLo(lo: number, sample: RelativeSample): void {
    this.lo = lo;
    this.loFrom.born = sample.receivedAt;
    this.loFrom.pathDelay = sample.pathDelay;
    this.loFrom.serverError = sample.serverError;
  }
}
