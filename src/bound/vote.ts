/**
 * What the sources agree on at one instant, from the edges that each of them vouches for then. Both layers
 * of the bound vote by this rule: the hull of the points that at least `quorum` sources cover
 * (interval/agreement.ts).
 *
 * Keeps its arrays, so that a vote allocates nothing while the number of voters stays the same.
 */
import { agreedHull } from '../interval/agreement.ts';
import type { Edges } from './aged-interval.ts';
import type { SourceState } from './source-state.ts';

export class Vote {
  #starts = new Float64Array(0);
  #ends = new Float64Array(0);
  readonly #hull = new Float64Array(2);
  /** Of the sources last compared by {@link Vote.countApart}: the distance of the nearest one. */
  nearest = 0;

  /** The agreed interval, after a vote that was carried. */
  get lo(): number {
    return this.#hull[0]!;
  }
  get hi(): number {
    return this.#hull[1]!;
  }

  /** Takes the vote of the `m` sources with data; false when no point has `m - faulty` of them. */
  take(sources: readonly SourceState[], m: number, faulty: number): boolean {
    if (this.#starts.length !== m) {
      this.#starts = new Float64Array(m);
      this.#ends = new Float64Array(m);
    }
    let i = 0;
    for (const { cone, lo, hi } of sources) {
      if (!cone.known) continue;
      this.#starts[i] = lo;
      this.#ends[i++] = hi;
    }
    return agreedHull(this.#starts, this.#ends, m - faulty, this.#hull);
  }

  /** How many sources with data are disjoint from `[lo, hi]`. */
  countApart(sources: readonly SourceState[], { lo, hi }: Readonly<Edges>): number {
    let count = 0;
    this.nearest = Number.POSITIVE_INFINITY;
    for (const each of sources) {
      if (!each.cone.known) continue;
      const distance = Math.max(each.lo - hi, lo - each.hi);
      if (distance <= 0) continue;
      count++;
      if (distance < this.nearest) this.nearest = distance;
    }
    return count;
  }
}
