/**
 * Theta whose rate goes to the limits of A2, in exact arithmetic (exact-world.ts). The rate is
 * `b + d`: `b` moves at exactly the wander or stands still, within a range of exactly the span, and
 * `d` is exactly the jitter, up or down, or 0. Both switch at random instants.
 */
import type { RateAssumptions } from '../../../src/bound/learned/rate-assumptions.ts';
import {
  type ExactTheta,
  lastBefore,
  RATE_UNITS,
  type SeededRandom,
  UNIT,
} from '../exact-world.ts';

/**
 * `w` = 2^-53 per ns, 0.11 ppm a second; `D` = 2^-20, about 1 ppm; `A` = 26 / 2^20, about 25 ppm.
 */
export const A2: RateAssumptions = {
  wander: 2 ** -53,
  jitter: 2 ** -20,
  span: 26 / 2 ** 20,
  horizonNs: 3600e9,
};
/** In units of 2^-54. */
const JITTER = 2n ** 34n;
const SPAN = 26n * 2n ** 34n;

export class RateTruth implements ExactTheta {
  readonly #knots: { at: bigint; theta: bigint; base: bigint; jitter: bigint; turn: bigint }[] = [];

  constructor(random: SeededRandom, from: bigint, to: bigint) {
    // The range of the base rate is A wide, and anywhere within R.
    const room = RATE_UNITS - JITTER - SPAN;
    const low = -RATE_UNITS + JITTER + (2n * room * random.between(0, 1000)) / 1000n;
    let base = low + (SPAN * random.between(0, 1000)) / 1000n;
    let at = from;
    let theta = (1_795_000_000_000_000_000n - from) * UNIT + random.between(0, 2 ** 20) * 2n ** 34n;
    while (at <= to) {
      const jitter = random.pick([JITTER, -JITTER, 0n]);
      const turn = random.pick([1n, -1n, 1n, -1n, 0n]);
      let length = random.between(1, Number(random.pick([2e9, 100e9, 600e9])));
      // The base rate moves by 2 units per ns, until it reaches the end of its range.
      const left = turn > 0n ? low + SPAN - base : base - low;
      if (turn !== 0n && 2n * length > left) length = left / 2n;
      if (length === 0n) continue;
      this.#knots.push({ at, theta, base, jitter, turn });
      theta += (base + jitter) * length + turn * length * length;
      base += 2n * turn * length;
      at += length;
    }
  }

  theta(instant: bigint): bigint {
    const { at, theta, base, jitter, turn } = lastBefore(this.#knots, instant);
    const age = instant - at;
    return theta + (base + jitter) * age + turn * age * age;
  }
}
