/**
 * An interval on theta at one instant, which opens at the rate bound from there on: `R` per local
 * nanosecond on either side. What one source has proven so far (source-cone.ts) is one, and so is what all
 * of them have agreed on.
 *
 * Values are integer-valued doubles in ns, relative to bases that the engine owns: exact, and no allocation per
 * sample.
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

export const newProvenance = (): Provenance => ({ born: 0, pathDelay: 0, serverError: 0 });

export function copyProvenance(from: Readonly<Provenance>, to: Provenance): void {
  to.born = from.born;
  to.pathDelay = from.pathDelay;
  to.serverError = from.serverError;
}

export class AgedInterval {
  /** False while nothing is known. */
  known = false;
  /** The instant that `lo` and `hi` speak of. */
  at = 0;
  lo = 0;
  hi = 0;
  readonly loFrom: Provenance = newProvenance();
  readonly hiFrom: Provenance = newProvenance();

  /** The lower edge at `now >= at`. */
  loAt(now: number, slope: number): number {
    return lowered(this.lo, driftOver(slope, now - this.at));
  }

  /** The upper edge at `now >= at`. */
  hiAt(now: number, slope: number): number {
    return raised(this.hi, driftOver(slope, now - this.at));
  }

  /** Everything up to `now` aged at `slope`: called before the slope changes. */
  ageTo(now: number, slope: number): void {
    this.lo = this.loAt(now, slope);
    this.hi = this.hiAt(now, slope);
    this.at = now;
  }

  /** The local time base moves forward by `shift`. */
  rebase(shift: number): void {
    this.at -= shift;
    this.loFrom.born -= shift;
    this.hiFrom.born -= shift;
  }
}
