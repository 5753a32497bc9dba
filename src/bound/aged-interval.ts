/**
 * An interval on theta at one instant, which opens at the rate bound from there on: `R` per local
 * nanosecond on either side. What one source has proven so far (source-cone.ts) is one, and so is what all
 * of them have agreed on.
 *
 * Values are integer-valued doubles in ns, relative to bases that the engine owns: exact, and no allocation per
 * sample.
 */
import { driftOver, slack } from './drift.ts';
import type { Present } from './present.ts';

/** An interval on theta, relative to a base, ns. */
export interface Edges {
  lo: number;
  hi: number;
}

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

  /** From now on something is known, but nothing yet of its edges. */
  begin({ now }: Present): void {
    this.known = true;
    this.at = now;
    this.lo = Number.NEGATIVE_INFINITY;
    this.hi = Number.POSITIVE_INFINITY;
  }

  /** Writes the edges, aged to the present, which is never before `at`. */
  edgesAt(present: Present, into: Edges): void {
    const drift = driftOver(present.slope, present.now - this.at);
    into.lo = this.lo - drift - (slack(this.lo) | slack(drift));
    into.hi = this.hi + drift + (slack(this.hi) | slack(drift));
  }

  /** Everything up to the present, aged: also called before the slope changes. */
  ageTo(present: Present): void {
    this.edgesAt(present, this);
    this.at = present.now;
  }

  /** The local time base moves forward by `shift`. */
  rebase(shift: number): void {
    this.at -= shift;
    this.loFrom.born -= shift;
    this.hiFrom.born -= shift;
  }
}
