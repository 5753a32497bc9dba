/**
 * How far `theta = true - monotonic` can move while we look away.
 *
 * An oscillator whose rate is off by at most `rho` shows `1 - rho` to `1 + rho` seconds per true second,
 * so per *local* second theta moves by at most `R = rho / (1 - rho)`: a little more than `rho`, because
 * the slow clock is the one we measure with. 200 ppm gives 200.04.
 */

// By a short name: it keeps `driftOver` below the size up to which V8 inlines whatever else it has inlined.
const ceil: (value: number) => number = Math.ceil;

/** The fastest rate error the clock ever assumes: beyond 10 % the numbers say nothing about a clock. */
export const MAX_SLOPE = 0.1;

/**
 * The slope `R` for an oscillator (and whatever slews it) off by at most `ppm`, rounded up.
 * `2^-50` of relative slack covers the rounding of the two operations.
 */
export function slopeFromPpm(ppm: number): number {
  const rho = ppm / 1e6;
  return (rho / (1 - rho)) * (1 + 2 ** -50);
}

/**
 * The most that theta moves in `age` ns at `slope`, in ns, rounded up; exactly 0 at age 0, so that a
 * sample delivered twice changes nothing. The product is a double below 2^53, off by less than 1 ns:
 * `ceil` and one more cover it. Ages are non-negative integers below 2^53 (104 days).
 */
export function driftOver(slope: number, age: number): number {
  return age === 0 ? 0 : ceil(slope * age) + 1;
}

/** Two integers no larger than this add up exactly. */
const EXACT = 2 ** 52;
/** Covers the rounding of two doubles below 2^63 and of their sum. */
const COARSE = 1024;

/**
 * How far outward to round a sum that `value` is part of: not at all for integers up to 2^52 (52 days), 1 us beyond.
 * So small that V8 inlines it always, and {@link driftOver} too: on the way of a sample they are called directly, where
 * a result of {@link lowered} or {@link raised} might become an object on the heap.
 */
export function slack(value: number): number {
  return value <= EXACT && value >= -EXACT ? 0 : COARSE;
}

/** `edge - by`, rounded down. */
export function lowered(edge: number, by: number): number {
  return edge - by - (slack(edge) | slack(by));
}

/** `edge + by`, rounded up: the mirror of {@link lowered}. */
export function raised(edge: number, by: number): number {
  return edge + by + (slack(edge) | slack(by));
}
