/**
 * What one source has proven about one edge, as facts with dates: at instant `at` theta was at most `value`.
 *
 * Under a bare rate bound one number sums them up (source-cone.ts), because all facts age alike. Once the
 * rate is learned they do not: what is known of the rate changes with every sample, a fact of a minute ago
 * ages at another slope than one of an hour ago, and which of them is best *now* was not decided when they
 * came. So the candidates are kept: at most {@link CAPACITY}, none older than the horizon.
 *
 * Of two facts one goes when it will be no better than the other for as long as theta rises by at most
 * `rise` and falls by at most `fall` per ns: then what lies between the two instants is between `-fall` and
 * `rise` times the time between them. When the list is full all the same, the fact that says least at
 * present goes. Dropping a fact is always sound; it can only cost width.
 *
 * Of lower facts the list holds the mirror image: at `at`, `-theta` was at most `value`.
 */

import type { Provenance } from './aged-interval.ts';
import type { Growth } from './growth.ts';
import type { Now } from './present.ts';
import type { RateAssumptions } from './rate-assumptions.ts';

/** At `at` theta was at most `value`; and what to blame for its width. */
export interface Fact {
  at: number;
  value: number;
  pathDelay: number;
  serverError: number;
}

/** More gain nothing: with 16 s polls the facts that matter are those of the last few minutes. */
export const CAPACITY = 16;
/** Behind them, and one that is too many: the last fact that came, whatever became of it. */
const LAST = CAPACITY + 1;

export class FactList {
  #size = 0;
  readonly #at = new Float64Array(CAPACITY + 2);
  readonly #value = new Float64Array(CAPACITY + 2);
  readonly #pathDelay = new Float64Array(CAPACITY + 2);
  readonly #serverError = new Float64Array(CAPACITY + 2);
  #best = -1;
  /** The least that theta can be said to be at most, when last weighed; infinite without facts. */
  best: number = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.#size;
  }

  /**
   * Adds a fact, unless another one makes it useless.
   *
   * @param rising how far theta rises; ages facts to the present when one has to go
   * @param falling how far it falls
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
  weigh(growth: Growth, present: Now): void {
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

  /** Where {@link FactList.best}, which is finite, comes from. */
  copyOrigin(to: Provenance): void {
    to.born = this.#at[this.#best]!;
    to.pathDelay = this.#pathDelay[this.#best]!;
    to.serverError = this.#serverError[this.#best]!;
  }

  /** Lets go of what is older than the horizon. */
  expire({ now }: Now, { horizonNs }: RateAssumptions): void {
    const oldest = now - horizonNs;
    let kept = 0;
    for (let i = 0; i < this.#size; i++) if (this.#at[i]! >= oldest) this.#move(i, kept++);
    this.#size = kept;
  }

  /** Only the fact that was added last stays, or comes back. */
  keepLast(): void {
    this.#move(LAST, 0);
    this.#size = 1;
  }

  forget(): void {
    this.#size = 0;
  }

  /** The local time base moves forward by `shift`. */
  rebase(shift: number): void {
    for (let i = 0; i < this.#at.length; i++) this.#at[i]! -= shift;
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
