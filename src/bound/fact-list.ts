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

  get size(): number {
    return this.#size;
  }

  /**
   * Adds the fact that theta was at most `value` at `at`, unless another one makes it useless.
   *
   * @param origin what to blame for its width; its `born` is not read
   * @param growth ages facts to `now` when one has to go
   */
  add(
    at: number,
    value: number,
    origin: Readonly<Omit<Provenance, 'born'>>,
    rise: number,
    fall: number,
    now: number,
    growth: Growth,
  ): void {
    this.#put(LAST, at, value, origin);
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
    this.#put(kept, at, value, origin);
    this.#size = kept + 1;
    if (this.#size > CAPACITY) this.#dropWorst(now, growth);
  }

  /** The least that theta can be said to be at most at `now`; infinite without facts. */
  bestAt(now: number, growth: Growth): number {
    let best = Number.POSITIVE_INFINITY;
    this.#best = -1;
    for (let i = 0; i < this.#size; i++) {
      const aged = this.#value[i]! + growth.over(now - this.#at[i]!);
      if (aged >= best) continue;
      best = aged;
      this.#best = i;
    }
    return best;
  }

  /** Where the last answer of {@link FactList.bestAt}, which was finite, comes from. */
  copyOrigin(to: Provenance): void {
    to.born = this.#at[this.#best]!;
    to.pathDelay = this.#pathDelay[this.#best]!;
    to.serverError = this.#serverError[this.#best]!;
  }

  /** Only facts of `oldest` and later stay. */
  forgetBefore(oldest: number): void {
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

  #dropWorst(now: number, growth: Growth): void {
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

  #put(i: number, at: number, value: number, origin: Readonly<Omit<Provenance, 'born'>>): void {
    this.#at[i] = at;
    this.#value[i] = value;
    this.#pathDelay[i] = origin.pathDelay;
    this.#serverError[i] = origin.serverError;
  }

  #move(from: number, to: number): void {
    if (from === to) return;
    this.#at[to] = this.#at[from]!;
    this.#value[to] = this.#value[from]!;
    this.#pathDelay[to] = this.#pathDelay[from]!;
    this.#serverError[to] = this.#serverError[from]!;
  }
}
