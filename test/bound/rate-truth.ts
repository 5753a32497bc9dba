/**
 * Theta whose rate keeps A2 to the edge, in exact arithmetic (exact-world.ts): `r = b + d` with `b` moving at
 * exactly the wander or standing still, within a range of exactly the span, and `d` exactly the jitter or 0,
 * all switched at random instants.
 */
import type { RateAssumptions } from '../../src/bound/rate-assumptions.ts';
import { type Dice, type ExactTheta, lastBefore, RATE_UNITS, UNIT } from './exact-world.ts';

/** `w` = 2^-53 per ns, 0.11 ppm a second; `D` = 2^-20, about 1 ppm; `A` = 26 / 2^20, about 25 ppm. */
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

  constructor(dice: Dice, from: bigint, to: bigint) {
    // The whole of A, anywhere within R.
    const room = RATE_UNITS - JITTER - SPAN;
    const low = -RATE_UNITS + JITTER + (2n * room * dice.between(0, 1000)) / 1000n;
    let base = low + (SPAN * dice.between(0, 1000)) / 1000n;
    let at = from;
    let theta = (1_795_000_000_000_000_000n - from) * UNIT + dice.between(0, 2 ** 20) * 2n ** 34n;
    while (at <= to) {
      const jitter = dice.pick([JITTER, -JITTER, 0n]);
      const turn = dice.pick([1n, -1n, 1n, -1n, 0n]);
      let length = dice.between(1, Number(dice.pick([2e9, 100e9, 600e9])));
      // The base rate turns at 2 units a ns, as far as the range allows.
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
