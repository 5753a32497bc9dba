/**
 * Where theta was: the fused bound at some earlier instants, from which rates are learned. Between
 * then and now theta moved from one interval to another, and that bounds its mean rate.
 *
 * It is not known beforehand which earlier instant teaches most. A recent one is blurred by the
 * widths of the two intervals, an old one by the wander since. So {@link CAPACITY} instants are
 * kept, spread evenly on a logarithmic scale of age, up to one horizon. When there is one too many,
 * the two that are closest relative to their age are compared, and the one with the wider interval
 * is dropped.
 */
import type { Instant, LocalNow, Now } from '../local-now.ts';
import type { RateAssumptions } from './rate-assumptions.ts';

export const CAPACITY = 16;

/** An edge of the bound at some instant. */
export interface DatedEdge {
  readonly at: Readonly<Instant>;
  readonly value: number;
}

export class Anchors {
  /** How many entries of each array are in use. */
  size = 0;
  /** The instants, oldest first. */
  readonly at: Float64Array;
  /** Upper bounds on theta at these instants. */
  readonly upper: Float64Array = new Float64Array(CAPACITY + 1);
  /** Upper bounds on -theta at these instants. */
  readonly lower: Float64Array = new Float64Array(CAPACITY + 1);

  constructor(local: LocalNow) {
    this.at = local.instants.list(CAPACITY + 1);
  }

  /** Adds that theta was in `[-lower, upper]` at an instant that is not before the last anchor. */
  add(upper: DatedEdge, lower: DatedEdge): void {
    // A second statement about one instant replaces the first, since statements only get narrower.
    if (this.size === 0 || this.at[this.size - 1]! < upper.at.ns) this.size++;
    const last = this.size - 1;
    this.at[last] = upper.at.ns;
    this.upper[last] = upper.value;
    this.lower[last] = lower.value;
    if (this.size > CAPACITY) this.#thinOut();
  }

  /** Drops what is older than the horizon. */
  expire({ now }: Now, { horizonNs }: RateAssumptions): void {
    const oldest = now - horizonNs;
    let gone = 0;
    while (gone < this.size && this.at[gone]! < oldest) gone++;
    if (gone > 0) this.#remove(0, gone);
  }

  forget(): void {
    this.size = 0;
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
