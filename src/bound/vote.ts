/**
 * What the sources agree on at one instant, given the edges that each of them vouches for. Both
 * layers of the bound vote by this rule: the hull of the points that at least `m - faulty` of `m`
 * sources cover (interval/agreement.ts).
 *
 * A vote keeps its arrays, so it allocates nothing while the number of voters stays the same.
 */
import { agreedHull } from '../interval/agreement.ts';
import type { Edges } from './aged-interval.ts';
import { Ascending } from './ascending.ts';
import type { SourceState } from './source-state.ts';

export class Vote {
  readonly #starts = new Ascending();
  readonly #ends = new Ascending();
  readonly #hull = new Float64Array(2);
  /** How far the nearest source was that {@link Vote.countApart} counted last, ns. */
  nearest = 0;

  /** Lower edge of the agreed interval, after a vote that succeeded. */
  get lo(): number {
    return this.#hull[0]!;
  }

  /** Upper edge of the agreed interval, after a vote that succeeded. */
  get hi(): number {
    return this.#hull[1]!;
  }

  /**
   * Takes the vote of the `m` sources with data. False if no point is covered by `m - faulty` of
   * them.
   */
  take(sources: readonly SourceState[], m: number, faulty: number): boolean {
    const starts = this.#starts;
    const ends = this.#ends;
    starts.resize(m);
    ends.resize(m);
    let i = 0;
    for (const { cone, lo, hi } of sources) {
      if (!cone.known) continue;
      starts.values[i] = lo;
      ends.values[i++] = hi;
    }
    starts.sort();
    ends.sort();
    return agreedHull(starts.sorted, ends.sorted, m - faulty, this.#hull);
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
