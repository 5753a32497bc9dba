/**
 * The wall guard (A4). A time daemon slews the wall clock and the monotonic clock together, perhaps
 * faster than any drift bound. But it slews towards its own idea of true time: to where
 * `c = wall - monotonic` equals theta. `c` does not change meanwhile. So the answer is the hull of
 * the bound and `c`, and it is wider by how wrong the wall clock is.
 */
import type { Bound } from './bound.ts';

/** Beyond this a daemon steps the wall clock instead of slewing it, so the guard proves nothing. */
const GUARD_REACH_NS = 1e9;

export class WallGuard {
  #wall: { readonly lowerNs: bigint; readonly upperNs: bigint } | undefined;

  /** Sets bounds on `wall - monotonic`; `undefined` turns the guard off. */
  set(wall: { readonly lowerNs: bigint; readonly upperNs: bigint } | undefined): void {
    this.#wall = wall;
  }

  /**
   * Writes the guard into `bound`, whose values are relative to `thetaBase`. The edges of a guarded
   * bound move at `maxRate`.
   */
  widen(bound: Bound, thetaBase: bigint, maxRate: number): void {
    bound.guarded = false;
    if (this.#wall === undefined) return;
    const guardLo = Number(this.#wall.lowerNs - thetaBase);
    const guardHi = Number(this.#wall.upperNs - thetaBase);
    if (guardLo > bound.hi + GUARD_REACH_NS || guardHi < bound.lo - GUARD_REACH_NS) return;
    bound.guarded = true;
    bound.guardLo = guardLo;
    bound.guardHi = guardHi;
    bound.fall.linear(maxRate);
    bound.rise.linear(maxRate);
  }
}
