/**
 * A2: what layer 2 assumes of the *rate* of theta, in order to learn it. `r = d theta / dM` is the
 * sum of a base rate `b` (the crystal, its age and its temperature) and a fast jitter `d`:
 *
 *     r = b + d
 *     |d| <= jitter
 *     |db/dM| <= wander
 *     |b(s) - b(t)| <= span for |s - t| <= 4 horizons
 *
 * A1 stays: `|r| <= R`, whatever is learned. The four horizons are needed for this: what is
 * remembered of the past is at most one horizon old when a cap on `b` is derived from it, the cap
 * is kept for at most one more, and the bound that it gave may be read for two more after the last
 * sample.
 */
export interface RateAssumptions {
  /** `D`, ns per ns. */
  readonly jitter: number;
  /** `w`, per ns: how fast the base rate may change. */
  readonly wander: number;
  /** `A`, ns per ns. */
  readonly span: number;
  /** How long facts are remembered, ns. */
  readonly horizonNs: number;
}

/** For how many horizons after the last sample a cap holds: the third and the fourth of A2. */
export const CAPPED_HORIZONS = 2;

/** A2 in terms of an oscillator: parts per million of its frequency. */
export interface OscillatorWander {
  readonly maxDriftPpm: number;
  readonly jitterPpm: number;
  readonly wanderPpmPerSecond: number;
  readonly maxWanderPpm: number;
  readonly horizonMs: number;
}

/**
 * The assumptions on theta that follow from those on an oscillator. An oscillator that is off by
 * `e` gives theta the rate `1 / (1 + e) - 1`. So a change of `e` changes that rate by up to
 * `(1 - rho)^-2` times as much and, per local second, up to `(1 - rho)^-3` times as fast: 0.15 %
 * more at 500 ppm. `2^-48` covers the rounding.
 */
export function rateAssumptions(given: OscillatorWander): RateAssumptions {
  const slowest = 1 - given.maxDriftPpm / 1e6;
  const stretch = (1 + 2 ** -48) / (slowest * slowest * slowest);
  return {
    jitter: (given.jitterPpm / 1e6) * stretch,
    wander: (given.wanderPpmPerSecond / 1e15) * stretch,
    span: (given.maxWanderPpm / 1e6) * stretch,
    horizonNs: Math.floor(given.horizonMs * 1e6),
  };
}
