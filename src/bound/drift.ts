/**
 * How far `theta = true - monotonic` can move while we look away.
 *
 * An oscillator whose rate is off by at most `rho` shows `1 - rho` to `1 + rho` seconds per true second,
 * so per *local* second theta moves by at most `R = rho / (1 - rho)`: a little more than `rho`, because
 * the slow clock is the one we measure with. 200 ppm gives 200.04.
 */

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
  return age === 0 ? 0 : Math.ceil(slope * age) + 1;
}

/** Two integers no larger than this add up exactly. */
const EXACT = 2 ** 52;
/** Covers the rounding of two doubles below 2^63 and of their sum. */
const COARSE = 1024;

/** `edge - by`, rounded down: exact for integers up to 2^52 (52 days), 1 us low beyond. */
export function lowered(edge: number, by: number): number {
  return exact(edge) && exact(by) ? edge - by : edge - by - COARSE;
}

/** `edge + by`, rounded up: the mirror of {@link lowered}. */
export function raised(edge: number, by: number): number {
  return exact(edge) && exact(by) ? edge + by : edge + by + COARSE;
}

function exact(value: number): boolean {
  return value <= EXACT && value >= -EXACT;
}
