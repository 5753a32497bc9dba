/**
 * What one source has proven about one edge, as facts with dates: at instant `at` theta was at most
 * `value`.
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
 * A list of lower facts holds the mirror image: at `at`, `-theta` was at most `value`.
 */

import type { Provenance } from '../aged-interval.ts';
import type { Growth } from '../growth.ts';
import type { Instants, Now } from '../local-now.ts';
import type { RateAssumptions } from './rate-assumptions.ts';

/** At the local instant `at` theta was at most `value`. The rest says what causes its width. */
export interface Fact {
  at: number;
  value: number;
  pathDelay: number;
  serverError: number;
}

/** How many facts are kept. At 16 s polls only those of the last few minutes matter. */
export const CAPACITY = 16;
/**
 * The slot of the last fact that came, kept or not. The slot before it is for one fact too many.
 */
const LAST = CAPACITY + 1;

export class FactList {
  #size = 0;
  readonly #at: Float64Array;
  readonly #value = new Float64Array(CAPACITY + 2);
  readonly #pathDelay = new Float64Array(CAPACITY + 2);
  readonly #serverError = new Float64Array(CAPACITY + 2);
  #best = -1;
  /**
   * Tightest upper bound on theta as of the last {@link FactList.ageToNow}; Infinity without facts.
   */
  best: number = Number.POSITIVE_INFINITY;

  /** @param instants where the dates are remembered */
  constructor(instants: Instants) {
    this.#at = instants.list(CAPACITY + 2);
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
    this.#size = kept + 1;
    if (this.#size > CAPACITY) this.#dropWorst(rising, present);
  }

  /** Ages all facts to the present, to find the best one. */
  ageToNow(growth: Growth, present: Now): void {
    const { now } = present;
    let best = Number.POSITIVE_INFINITY;
    this.#best = -1;
    for (let i = 0; i < this.#size; i++) {
      const aged = this.#value[i]! + growth.over(now - this.#at[i]!);
      if (aged >= best) continue;
      best = aged;
      this.#best = i;
    }
    this.best = best;
  }

  /** Writes where {@link FactList.best} comes from. Only while it is finite. */
  copyOrigin(to: Provenance): void {
    to.born.ns = this.#at[this.#best]!;
    to.pathDelay = this.#pathDelay[this.#best]!;
    to.serverError = this.#serverError[this.#best]!;
  }

  /** Drops facts older than the horizon. */
  expire({ now }: Now, { horizonNs }: RateAssumptions): void {
    const oldest = now - horizonNs;
    let kept = 0;
    for (let i = 0; i < this.#size; i++) if (this.#at[i]! >= oldest) this.#move(i, kept++);
    this.#size = kept;
  }

  /** Keeps only the fact that came last, even if it was not kept when it came. */
  keepLast(): void {
    this.#move(LAST, 0);
    this.#size = 1;
  }

  forget(): void {
    this.#size = 0;
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
