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
 * Most votes teach nothing, because `Y` has taught more. So the reverse is asked first: from which
 * least edge on do the facts of each source allow the rate that is known? `B(h)` only rises with
 * `h`. So if at some step `n - f` of its sources have a least edge of at most `h`, the `n - f`-th
 * greatest `B(h)` is no less than the known rate, and neither is the outcome of the vote. That is
 * one pass over the facts, and not one for each step. The least edges are rounded up, so what is
 * known of the rate is the same as if the vote had always been taken.
 *
 * A vote keeps its arrays, so it allocates nothing while the number of voters stays the same.
 */
import { Ascending } from '../ascending.ts';
import { slack } from '../drift.ts';
import type { FactList, RateQuestion } from './fact-list.ts';
import { type LearnedEdge, RATE_SLACK } from './learned-edge.ts';
import type { RateAssumptions } from './rate-assumptions.ts';
import type { WanderBound } from './wander-bound.ts';

/** The most upper edges that are looked at one by one: enough for 7 sources, 3 of which may lie. */
const MAX_STEPS = 4;
/** More than the rounding of a least edge below 2^52 ns. */
const ROUNDING_NS = 1;

export class RateVote {
  readonly #edges = new Ascending();
  /** `h` of each step. */
  readonly #heights = new Float64Array(MAX_STEPS);
  /** What each source says: its least edge, or its `B(h)`. */
  #said = new Float64Array(0);
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
    this.#edges.resize(m);
    for (let i = 0; i < m; i++) this.#edges.values[i] = voters[i]!.claim;
    this.#edges.sort();
    const edges = this.#edges.sorted;
    let last = 0;
    while (last < faulty && edges[last]! < fused.value) last++;
    const step = Math.ceil((last + 1) / MAX_STEPS);
    let steps = 0;
    for (let i = 0; i <= last; i += step) {
      this.#heights[steps++] = Math.min(edges[Math.min(last, i + step - 1)]!, fused.value);
    }
    if (this.#said.length !== m) this.#said = new Float64Array(m);
    const question = this.#question;
    question.now = fused.at.ns;
    question.wander = wander;
    question.rate = fused.rate - jitter;
    if (this.#allows(voters, facts, faulty, step, steps)) return;
    this.#vote(voters, facts, faulty, step, steps);
    fused.rate = Math.min(fused.rate, question.rate + jitter + RATE_SLACK);
  }

  /** Whether `n - f` sources of some step allow the rate of the question. */
  #allows(
    voters: readonly FactList[],
    facts: readonly FactList[],
    faulty: number,
    step: number,
    steps: number,
  ): boolean {
    const question = this.#question;
    const edges = this.#edges.sorted;
    const least = this.#said;
    for (let j = 0; j < least.length; j++) {
      facts[j]!.leastEdge(question);
      least[j] = question.edge + voters[j]!.shift + ROUNDING_NS;
    }
    for (let i = 0; i < steps; i++) {
      const h = this.#heights[i]!;
      const lowest = edges[i * step]!;
      let allowing = 0;
      for (let j = 0; j < least.length; j++) {
        if (least[j]! <= h && voters[j]!.claim >= lowest) allowing++;
      }
      if (allowing >= least.length - faulty) return true;
    }
    return false;
  }

  /** Sets the rate of the question to the greatest that `n - f` sources of some step allow. */
  #vote(
    voters: readonly FactList[],
    facts: readonly FactList[],
    faulty: number,
    step: number,
    steps: number,
  ): void {
    const question = this.#question;
    const edges = this.#edges.sorted;
    const rates = this.#said;
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < steps; i++) {
      const h = this.#heights[i]!;
      for (let j = 0; j < rates.length; j++) {
        const { claim, shift } = voters[j]!;
        question.edge = h - shift + (slack(h) | slack(shift));
        question.rate = Number.NEGATIVE_INFINITY;
        if (claim >= edges[i * step]!) facts[j]!.boundRate(question);
        rates[j] = question.rate;
      }
      rates.sort();
      // The `n - f`-th greatest.
      most = Math.max(most, rates[faulty]!);
    }
    question.rate = most;
  }
}
