/**
 * How far `theta = true time - monotonic clock` can move during an age.
 *
 * An oscillator whose rate is off by at most `rho` shows `1 - rho` to `1 + rho` seconds per true
 * second. So per *local* second theta moves by at most `R = rho / (1 - rho)`. That is a little more
 * than `rho`, because the slow clock is the one we measure with. 200 ppm gives 200.04 ppm.
 */

// A short name keeps `driftOver` small (docs/internals/performance.md, "Small functions are
// inlined").
const ceil: (value: number) => number = Math.ceil;

/**
 * The largest `R` that the clock ever assumes by itself: 10 %. Beyond that a clock tells nothing.
 */
export const MAX_RATE = 0.1;

/**
 * `R` for an oscillator, and whatever slews it, that is off by at most `ppm`; rounded up. The
 * `2^-50` covers the rounding of the two operations.
 */
export function maxRateFromPpm(ppm: number): number {
  const rho = ppm / 1e6;
  return (rho / (1 - rho)) * (1 + 2 ** -50);
}

/**
 * The most that theta moves in `age` ns at `maxRate`, ns, rounded up. It is exactly 0 at age 0, so
 * that a sample delivered twice changes nothing. The product is a double below 2^53, off by less
 * than 1 ns, which `ceil` and one more cover. Ages are whole, from 0 to 2^53 (104 days).
 */
export function driftOver(maxRate: number, age: number): number {
  return age === 0 ? 0 : ceil(maxRate * age) + 1;
}

/** Two integers no larger than this (52 days) add up exactly. */
const EXACT_SUM_NS = 2 ** 52;
/** Covers the rounding of two doubles below 2^63 and of their sum. */
const COARSE_ROUNDING_NS = 1024;

/**
 * How far outward to round a sum that has `value` as a term: 0 for integers up to 2^52, 1 us
 * beyond.
 *
 * On the way of a sample this and {@link driftOver} are called directly, rather than
 * {@link lowered} and {@link raised} (docs/internals/performance.md, "Small functions are
 * inlined").
 */
export function slack(value: number): number {
  return value <= EXACT_SUM_NS && value >= -EXACT_SUM_NS ? 0 : COARSE_ROUNDING_NS;
}

/** `edge - by`, rounded down. */
export function lowered(edge: number, by: number): number {
  return edge - by - (slack(edge) | slack(by));
}

/** `edge + by`, rounded up. */
export function raised(edge: number, by: number): number {
  return edge + by + (slack(edge) | slack(by));
}
