/**
 * Quantiles of many half-widths in fixed memory: a histogram whose buckets grow by 1 %, so a
 * quantile is right to 1 %. The mean is exact.
 */

/** The logarithm of the ratio of two neighbouring bucket edges. */
const STEP = Math.log(1.01);
/** All widths above 1e12 ns (17 minutes) share the last bucket. */
const BUCKETS = Math.ceil(Math.log(1e12) / STEP) + 1;

/** Counts half-widths, and returns their mean and quantiles. */
export class WidthHistogram {
  readonly #buckets = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;

  get count(): number {
    return this.#count;
  }

  add(ns: number): void {
    const bucket = ns <= 1 ? 0 : Math.min(BUCKETS - 1, Math.floor(Math.log(ns) / STEP));
    this.#buckets[bucket]! += 1;
    this.#count++;
    this.#sum += ns;
  }

  mean(): number {
    return this.#sum / this.#count;
  }

  /** The upper end of the bucket that holds this share of the widths, ns; `NaN` when empty. */
  quantile(share: number): number {
    let left = share * this.#count;
    for (let i = 0; i < BUCKETS; i++) {
      left -= this.#buckets[i]!;
      if (left <= 0 && this.#count > 0) return Math.exp((i + 1) * STEP);
    }
    return Number.NaN;
  }
}
