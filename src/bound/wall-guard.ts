/**
 * The wall guard (A4). A time daemon slews wall and monotonic clock together, perhaps faster than any rate
 * bound, but towards its own idea of true time: where `c = wall - monotonic` is theta. `c` does not change
 * meanwhile. So the answer is the hull of the bound and `c`, and what it costs is how wrong the wall clock is.
 */
import type { Bound } from './bound.ts';

/** Beyond this a daemon steps the wall clock instead of slewing, so the guard proves nothing. ns. */
const REACH = 1e9;

export class WallGuard {
  #wall: { readonly lowerNs: bigint; readonly upperNs: bigint } | undefined;

  /** Bounds on `wall - monotonic`; `undefined` turns the guard off. */
  set(wall: { readonly lowerNs: bigint; readonly upperNs: bigint } | undefined): void {
    this.#wall = wall;
  }

  /** Writes the guard into `bound`, whose offsets are relative to `thetaBase`. Its edges then move at `slope`. */
  widen(bound: Bound, thetaBase: bigint, slope: number): void {
    bound.guarded = false;
    if (this.#wall === undefined) return;
    const guardLo = Number(this.#wall.lowerNs - thetaBase);
    const guardHi = Number(this.#wall.upperNs - thetaBase);
    if (guardLo > bound.hi + REACH || guardHi < bound.lo - REACH) return;
    bound.guarded = true;
    bound.guardLo = guardLo;
    bound.guardHi = guardHi;
    bound.fall.linear(slope);
    bound.rise.linear(slope);
  }
}
