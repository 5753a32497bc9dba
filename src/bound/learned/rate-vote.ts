/**
 * How fast the base rate can be at present, as far as the dated facts of the sources tell.
 *
 * The problem. The fused bound `Y` then and `Y` now prove a rate (learned-edge.ts), but `Y` is a
 * hull: its lower edge may come from one set of sources and its upper edge from another, although
 * no set allows both. And where polls are rare, `Y` is wide at most instants, while the source that
 * was just heard is not. (Where polls are frequent, `Y` teaches more: the list of a source is full
 * of young facts, while `Y` is remembered for an hour.)
 *
 * The idea. If theta is at most `h` now, each source bounds the rate by its own facts: theta was at
 * least `l` at a time `dt` ago, so
 *
 *     b <= B(h) = min over its facts of (h - l) / dt + D + w dt / 2
 *
 * Now the sources vote on theta and on the rate together. For every upper edge `h` that some source
 * vouches for, take the sources whose upper edge is no lower, and of their `B(h)` the `n - f`-th
 * greatest. The greatest of these bounds the rate.
 *
 * Proof. At least `n - f` sources are right. Let `h` be the least of their upper edges. All of them
 * have upper edges no lower than `h`, theta is at most `h`, so `b` is at most `B(h)` of each. Then
 * at least `n - f` of the values at this `h` are `b` or more. ∎
 *
 * Theta is at most `Y.hi` too, so `h` need not be higher than that. Of the edges that are higher
 * only the least counts, because from there on fewer and fewer sources remain. And at most `f + 1`
 * edges have `n - f` sources at or above them. Where these are still more than {@link MAX_STEPS},
 * neighbours are taken together, with the sources of the lowest and the `B` of the highest. That
 * costs some width, and keeps the cost of a vote at O(n log n).
 *
 * A vote keeps its arrays, so it allocates nothing while the number of voters stays the same.
 */
import { slack } from '../drift.ts';
import type { FactList, RateQuestion } from './fact-list.ts';
import { type LearnedEdge, RATE_SLACK } from './learned-edge.ts';
import type { RateAssumptions } from './rate-assumptions.ts';
import type { WanderBound } from './wander-bound.ts';

/** The most upper edges that are looked at one by one: enough for 7 sources, 3 of which may lie. */
const MAX_STEPS = 4;

export class RateVote {
  #edges = new Float64Array(0);
  #rates = new Float64Array(0);
  readonly #question: RateQuestion = { edge: 0, now: 0, wander: 0, rate: 0 };

  /**
   * Takes the vote, and narrows what `fused` knows of the rate.
   *
   * @param voters the edges on the side of `fused`, one of each source
   * @param facts the edges on the other side, in the same order
   */
  take(
    voters: readonly FactList[],
    facts: readonly FactList[],
    faulty: number,
    fused: LearnedEdge,
    { wander }: WanderBound,
    { jitter }: RateAssumptions,
  ): void {
    const m = voters.length;
    if (this.#edges.length !== m) {
      this.#edges = new Float64Array(m);
      this.#rates = new Float64Array(m);
    }
    const edges = this.#edges;
    for (let i = 0; i < m; i++) edges[i] = voters[i]!.claim;
    edges.sort();
    let last = 0;
    while (last < faulty && edges[last]! < fused.value) last++;
    const step = Math.ceil((last + 1) / MAX_STEPS);
    const question = this.#question;
    question.now = fused.at.ns;
    question.wander = wander;
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0; i <= last; i += step) {
      const h = Math.min(edges[Math.min(last, i + step - 1)]!, fused.value);
      for (let j = 0; j < m; j++) {
        const { claim, shift } = voters[j]!;
        question.edge = h - shift + (slack(h) | slack(shift));
        question.rate = Number.NEGATIVE_INFINITY;
        if (claim >= edges[i]!) facts[j]!.boundRate(question);
        this.#rates[j] = question.rate;
      }
      this.#rates.sort();
      // The `n - f`-th greatest.
      most = Math.max(most, this.#rates[faulty]!);
    }
    fused.rate = Math.min(fused.rate, most + jitter + RATE_SLACK);
  }
}
