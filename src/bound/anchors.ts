/**
 * Where theta was, as the fused bound of earlier instants: what rates are learned from. Between then and
 * now theta moved from one interval to another, and that bounds its mean rate.
 *
 * Which earlier instant teaches most is not known beforehand: a recent one is blurred by the widths of the
 * two intervals, an old one by the wander since. So {@link CAPACITY} of them are kept, spread evenly on a
 * logarithmic scale of age, up to one horizon: when there is one too many, of the two that are closest,
 * relative to their age, the one with the wider interval goes.
 */
import type { Now } from './present.ts';
import type { RateAssumptions } from './rate-assumptions.ts';

export const CAPACITY = 16;

/** An edge of the bound at some instant. */
export interface DatedEdge {
  readonly at: number;
  readonly value: number;
}

export class Anchors {
  size = 0;
  /** Oldest first; the first `size` entries of each count. */
  readonly at: Float64Array = new Float64Array(CAPACITY + 1);
  /** At most so much was theta, */
  readonly upper: Float64Array = new Float64Array(CAPACITY + 1);
  /** and at most so much was -theta. */
  readonly lower: Float64Array = new Float64Array(CAPACITY + 1);

  /** Theta was in `[-lower, upper]`, at one instant that is never before the anchors there are. */
  add(upper: DatedEdge, lower: DatedEdge): void {
    // A second statement about one instant is the better one: statements only get narrower.
    if (this.size === 0 || this.at[this.size - 1]! < upper.at) this.size++;
    const last = this.size - 1;
    this.at[last] = upper.at;
    this.upper[last] = upper.value;
    this.lower[last] = lower.value;
    if (this.size > CAPACITY) this.#thinOut();
  }

  /** Lets go of what is older than the horizon. */
  expire({ now }: Now, { horizonNs }: RateAssumptions): void {
    const oldest = now - horizonNs;
    let gone = 0;
    while (gone < this.size && this.at[gone]! < oldest) gone++;
    if (gone > 0) this.#remove(0, gone);
  }

  forget(): void {
    this.size = 0;
  }

  /** The local time base moves forward by `shift`. */
  rebase(shift: number): void {
    for (let i = 0; i < this.size; i++) this.at[i]! -= shift;
  }

  #thinOut(): void {
    const now = this.at[this.size - 1]!;
    let closest = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i + 1 < this.size; i++) {
      const age = now - this.at[i]!;
      const apart = (this.at[i + 1]! - this.at[i]!) / age;
      if (apart >= least) continue;
      least = apart;
      closest = i;
    }
    const wider = this.#width(closest) > this.#width(closest + 1) ? closest : closest + 1;
    this.#remove(wider, 1);
  }

  #width(i: number): number {
    return this.upper[i]! + this.lower[i]!;
  }

  #remove(from: number, count: number): void {
    this.at.copyWithin(from, from + count, this.size);
    this.upper.copyWithin(from, from + count, this.size);
    this.lower.copyWithin(from, from + count, this.size);
    this.size -= count;
  }
}
