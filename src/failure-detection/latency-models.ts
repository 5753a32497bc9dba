/**
 * Two ways to say, from the latencies that were seen, how long to wait for an answer.
 *
 * - `RoundTripModel`: RFC 6298. A smoothed mean and four times a smoothed deviation. Reacts within
 *   some samples. Takes latencies to have one hump.
 * - `QuantileModel`: the latency that only one answer in a thousand exceeded, times a factor. Right
 *   for two humps, such as a cache in front of a database, and slower to react.
 *
 * Neither knows of retries, back-off or limits: adaptive-timeout.ts.
 */

/** Latencies are in ms. */
export interface LatencyModel {
  observe(ms: number): void;
  /** How long to wait; `undefined` before there are samples enough. */
  timeoutMs(): number | undefined;
  /** The latency that about one answer in twenty exceeds; `undefined` as above. */
  hedgeMs(): number | undefined;
}

export class RoundTripModel implements LatencyModel {
  readonly #gridMs: number;
  #smoothed = -1;
  #variation = 0;

  /** @param gridMs the grid of the clock, `G` of the RFC */
  constructor(gridMs: number) {
    this.#gridMs = gridMs;
  }

  observe(ms: number): void {
    if (this.#smoothed < 0) {
      this.#smoothed = ms;
      this.#variation = ms / 2;
      return;
    }
    // The variation first, by the old mean (RFC 6298, 2.3).
    this.#variation += (Math.abs(this.#smoothed - ms) - this.#variation) / 4;
    this.#smoothed += (ms - this.#smoothed) / 8;
  }

  timeoutMs(): number | undefined {
    if (this.#smoothed < 0) return undefined;
    return this.#smoothed + Math.max(this.#gridMs, 4 * this.#variation);
  }

  /** The mean and two deviations. The mean deviation is 0.8 standard deviations of a normal one. */
  hedgeMs(): number | undefined {
    return this.#smoothed < 0 ? undefined : this.#smoothed + 2 * this.#variation;
  }
}

/** Before this many samples a quantile says nothing. */
const MIN_SAMPLES = 20;

export class QuantileModel implements LatencyModel {
  readonly #quantile: number;
  readonly #factor: number;
  readonly #hedgeQuantile: number;
  /** The newest latencies; `#next` is where the oldest is overwritten. */
  readonly #newest: Float64Array;
  readonly #sorted: Float64Array;
  #count = 0;
  #next = 0;
  #isSorted = true;

  constructor(o: { windowSize: number; quantile: number; factor: number; hedgeQuantile: number }) {
    this.#quantile = o.quantile;
    this.#factor = o.factor;
    this.#hedgeQuantile = o.hedgeQuantile;
    this.#newest = new Float64Array(o.windowSize);
    this.#sorted = new Float64Array(o.windowSize);
  }

  observe(ms: number): void {
    this.#newest[this.#next] = ms;
    this.#next = (this.#next + 1) % this.#newest.length;
    this.#count = Math.min(this.#count + 1, this.#newest.length);
    this.#isSorted = false;
  }

  timeoutMs(): number | undefined {
    const latency = this.#at(this.#quantile);
    return latency === undefined ? undefined : latency * this.#factor;
  }

  hedgeMs(): number | undefined {
    return this.#at(this.#hedgeQuantile);
  }

  /** The least latency that at least this share of the samples did not exceed. */
  #at(quantile: number): number | undefined {
    if (this.#count < MIN_SAMPLES) return undefined;
    const sorted = this.#sorted.subarray(0, this.#count);
    if (!this.#isSorted) {
      sorted.set(this.#newest.subarray(0, this.#count));
      sorted.sort();
      this.#isSorted = true;
    }
    return sorted[Math.max(0, Math.ceil(quantile * this.#count) - 1)];
  }
}
