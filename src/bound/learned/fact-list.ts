/**
 * What one source has proven about one edge, as facts with dates: at instant `at` theta was at most
 * `value`. And the edge that followed from them at the last fusion.
 *
 * Under the drift bound alone one number sums them up (source-cone.ts), because all facts age
 * alike. Once the rate is learned they do not. What is known of the rate changes with every sample,
 * and a fact of a minute ago ages at another rate than a fact of an hour ago. So the best fact
 * *now* was not known when the facts came, and the candidates are kept: at most {@link CAPACITY},
 * none older than the horizon.
 *
 * A fact is dropped when another one is at least as good and stays so while theta rises by at most
 * `rise` and falls by at most `fall` per ns. Then theta moves between the two instants by `-fall`
 * to `rise` times the time between them. If the list is full all the same, the fact that says least
 * at present is dropped. To drop a fact is always sound; it can only cost width.
 *
 * Why the edge is kept as well: a fact is aged with what is known of the rate *today*. In `dt` the
 * rate may have wandered by `w dt`, so the result is up to `w dt²` more than what was known *then*,
 * aged with the rate that was known then.
 *
 * A list of lower facts holds the mirror image: at `at`, `-theta` was at most `value`.
 */

import { newProvenance, type Provenance } from '../aged-interval.ts';
import { slack } from '../drift.ts';
import type { Growth } from '../growth.ts';
import type { Instants, Now } from '../local-now.ts';
import type { LearnedEdge } from './learned-edge.ts';
import type { RateAssumptions } from './rate-assumptions.ts';

/** At the local instant `at` theta was at most `value`. The rest says what causes its width. */
export interface Fact {
  at: number;
  value: number;
  pathDelay: number;
  serverError: number;
}

/** What {@link FactList.boundRate} and {@link FactList.leastEdge} are asked, and their answers. */
export interface RateQuestion {
  /** An upper bound on the mirrored value at present, ns; -Infinity if any will do. */
  edge: number;
  /** The present. */
  now: number;
  /** `w`, per ns. */
  wander: number;
  /** A rate, ns per ns; Infinity without facts that are old enough. */
  rate: number;
}

/** How many facts are kept. At 16 s polls only those of the last few minutes matter. */
export const CAPACITY = 16;
/** Rates are learned over at least this long. Over less the widths of the bounds blur them. */
export const MIN_LEARNING_SPAN_NS = 1e9;
/**
 * The slot of the last fact that came, kept or not. The slot before it is for one fact too many.
 */
const LAST = CAPACITY + 1;
/** The slot of an instant that no fact is older than. */
const OLDEST = CAPACITY + 2;

export class FactList {
  #size = 0;
  readonly #at: Float64Array;
  readonly #value = new Float64Array(CAPACITY + 2);
  readonly #pathDelay = new Float64Array(CAPACITY + 2);
  readonly #serverError = new Float64Array(CAPACITY + 2);
  /**
   * Tightest upper bound on theta as of the last {@link FactList.ageToNow}; Infinity when nothing
   * is known.
   */
  edge: number = Number.POSITIVE_INFINITY;
  /** Where `edge` comes from. */
  readonly origin: Provenance;
  /**
   * The edge that the source vouches for, relative to the engine's base. Set it to that of the cone
   * before {@link FactList.ageToNow}.
   */
  claim = 0;
  /** Whether `claim` is `edge`, and not that of the cone. */
  claimed = false;
  /** The base of the source relative to the engine's. Mirrored, as all is, on the lower side. */
  shift = 0;

  /** @param instants where the dates are remembered */
  constructor(instants: Instants) {
    this.#at = instants.list(CAPACITY + 3);
    this.origin = newProvenance(instants);
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Adds a fact, unless another one makes it useless.
   *
   * @param rising how far theta rises; also ages the facts to the present when one has to be
   *   dropped
   * @param falling how far theta falls
   */
  add(fact: Readonly<Fact>, rising: Growth, falling: Growth, present: Now): void {
    const { at, value } = fact;
    const rise = rising.most;
    const fall = falling.most;
    this.#put(LAST, fact);
    for (let i = 0; i < this.#size; i++) {
      const after = at - this.#at[i]!;
      if (value - this.#value[i]! >= (after >= 0 ? rise : -fall) * after) return;
    }
    let kept = 0;
    for (let i = 0; i < this.#size; i++) {
      const after = at - this.#at[i]!;
      if (value - this.#value[i]! <= (after >= 0 ? -fall : rise) * after) continue;
      this.#move(i, kept++);
    }
    this.#put(kept, fact);
    this.#at[OLDEST] = kept === 0 ? at : Math.min(at, this.#at[OLDEST]!);
    this.#size = kept + 1;
    if (this.#size > CAPACITY) this.#dropWorst(rising, present);
  }

  /**
   * Ages the edge and all facts to the present, to find what is best, and claims it.
   *
   * @param fused has just been advanced to the present: `grown` is by what was known before, and
   *   `growth` by what is known now
   */
  ageToNow({ growth, grown }: Pick<LearnedEdge, 'growth' | 'grown'>, present: Now): void {
    this.edge += grown;
    const first = this.#candidate(0, growth, present);
    if (first < this.#size) this.#narrow(first, growth, present);
    const { edge } = this;
    const own = edge + this.shift + (slack(edge) | slack(this.shift));
    this.claimed = own < this.claim;
    if (this.claimed) this.claim = own;
  }

  /**
   * How fast the mirrored value can rise at present, on average over the jitter, if it is at most
   * `question.edge`: from a fact `dt` ago it rose by at most `edge + value`, and what it rises by
   * now is at most `w dt / 2` more than on average since then.
   */
  boundRate(question: RateQuestion): void {
    const { edge, now, wander } = question;
    let rate = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#size; i++) {
      const dt = now - this.#at[i]!;
      if (dt < MIN_LEARNING_SPAN_NS) continue;
      const within = (edge + this.#value[i]!) / dt + (wander * dt) / 2;
      if (within < rate) rate = within;
    }
    question.rate = rate;
  }

  /** The reverse: the least edge for which {@link FactList.boundRate} answers `question.rate`. */
  leastEdge(question: RateQuestion): void {
    const { rate, now, wander } = question;
    let edge = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < this.#size; i++) {
      const dt = now - this.#at[i]!;
      if (dt < MIN_LEARNING_SPAN_NS) continue;
      const least = (rate - (wander * dt) / 2) * dt - this.#value[i]!;
      if (least > edge) edge = least;
    }
    question.edge = edge;
  }

  /** Drops facts older than the horizon. */
  expire({ now }: Now, { horizonNs }: RateAssumptions): void {
    const horizon = now - horizonNs;
    if (this.#at[OLDEST]! >= horizon) return;
    let kept = 0;
    let oldest = now;
    for (let i = 0; i < this.#size; i++) {
      const at = this.#at[i]!;
      if (at < horizon) continue;
      this.#move(i, kept++);
      oldest = Math.min(oldest, at);
    }
    this.#at[OLDEST] = oldest;
    this.#size = kept;
  }

  /** Keeps only the fact that came last, even if it was not kept when it came. */
  keepLast(): void {
    this.#move(LAST, 0);
    this.#at[OLDEST] = this.#at[LAST]!;
    this.#size = 1;
    this.edge = Number.POSITIVE_INFINITY;
  }

  forget(): void {
    this.#size = 0;
    this.edge = Number.POSITIVE_INFINITY;
  }

  /**
   * The first fact from number `i` on that may lower the edge; `#size` when there is none, which is
   * mostly so. This costs less than the exact growth: theta rises by at least `first` per ns, and
   * the exact growth is more than that, because it is rounded up and one is added.
   */
  #candidate(i: number, { first }: Growth, { now }: Now): number {
    const { edge } = this;
    let at = i;
    while (at < this.#size && this.#value[at]! + first * (now - this.#at[at]!) >= edge) at++;
    return at;
  }

  /** Lowers the edge to that of the best fact from number `first` on, if that is lower. */
  #narrow(first: number, growth: Growth, present: Now): void {
    const { now } = present;
    let best = -1;
    for (let i = first; i < this.#size; i = this.#candidate(i + 1, growth, present)) {
      const aged = this.#value[i]! + growth.over(now - this.#at[i]!);
      if (aged >= this.edge) continue;
      this.edge = aged;
      best = i;
    }
    if (best < 0) return;
    this.origin.born.ns = this.#at[best]!;
    this.origin.pathDelay = this.#pathDelay[best]!;
    this.origin.serverError = this.#serverError[best]!;
  }

  #dropWorst(growth: Growth, { now }: Now): void {
    let worst = 0;
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < this.#size; i++) {
      const aged = this.#value[i]! + growth.over(now - this.#at[i]!);
      if (aged <= most) continue;
      most = aged;
      worst = i;
    }
    this.#move(--this.#size, worst);
  }

  #put(i: number, fact: Readonly<Fact>): void {
    this.#at[i] = fact.at;
    this.#value[i] = fact.value;
    this.#pathDelay[i] = fact.pathDelay;
    this.#serverError[i] = fact.serverError;
  }

  #move(from: number, to: number): void {
    if (from === to) return;
    this.#at[to] = this.#at[from]!;
    this.#value[to] = this.#value[from]!;
    this.#pathDelay[to] = this.#pathDelay[from]!;
    this.#serverError[to] = this.#serverError[from]!;
  }
}
