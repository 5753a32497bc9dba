/**
 * An interval on theta at one instant. From there on it opens at the drift bound: `R` ns per local
 * ns on either side. What one source has proven so far (source-cone.ts) is one, and so is what all
 * of them have agreed on.
 *
 * Values are integer-valued doubles in ns, relative to a base (theta-base.ts). They are exact, and
 * a sample allocates nothing.
 */
import { driftOver, slack } from './drift.ts';
import type { Instant, Instants, LocalNow } from './local-now.ts';

/** An interval on theta, relative to a base, ns. */
export interface Edges {
  lo: number;
  hi: number;
}

/** Where one edge of an interval comes from. `explain()` splits epsilon with it. */
export interface Provenance {
  /** The instant at which the fact was exact. */
  readonly born: Instant;
  /** The path delay of the sample, ns. Half of it is this edge's share. */
  pathDelay: number;
  /** The server's error bound, ns. */
  serverError: number;
}

export function newProvenance(instants: Instants): Provenance {
  return { born: instants.one(), pathDelay: 0, serverError: 0 };
}

export function copyProvenance(from: Readonly<Provenance>, to: Provenance): void {
  to.born.ns = from.born.ns;
  to.pathDelay = from.pathDelay;
  to.serverError = from.serverError;
}

export class AgedInterval {
  /** False while nothing is known. */
  known = false;
  /** The instant that `lo` and `hi` are about. */
  readonly at: Instant;
  lo = 0;
  hi = 0;
  readonly loFrom: Provenance;
  readonly hiFrom: Provenance;

  constructor(instants: Instants) {
    this.at = instants.one();
    this.loFrom = newProvenance(instants);
    this.hiFrom = newProvenance(instants);
  }

  /** From now on the interval is known. It is infinite until its edges are set. */
  begin({ now }: LocalNow): void {
    this.known = true;
    this.at.ns = now;
    this.lo = Number.NEGATIVE_INFINITY;
    this.hi = Number.POSITIVE_INFINITY;
  }

  /** Writes the edges, aged to the present, which is never before `at`. */
  edgesAt(local: LocalNow, into: Edges): void {
    const drift = driftOver(local.maxRate, local.now - this.at.ns);
    into.lo = this.lo - drift - (slack(this.lo) | slack(drift));
    into.hi = this.hi + drift + (slack(this.hi) | slack(drift));
  }

  /** Ages the interval to the present. Also called just before the drift bound changes. */
  ageTo(local: LocalNow): void {
    this.edgesAt(local, this);
    this.at.ns = local.now;
  }
}
