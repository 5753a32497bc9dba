/**
 * Suspicion as a number: phi = -log10 of the probability that a heartbeat is still to come.
 *
 * Hayashibara, Défago, Yared, Katayama, "The phi accrual failure detector" (SRDS 2004) takes the
 * gaps between heartbeats to be normally distributed. Phi 1 then means a chance of one in ten that
 * the peer is alive and late, phi 8 one in a hundred million.
 *
 * - `phiNormal`: that definition. Computed as a probability, it would underflow: `1 - cdf(y)` is 0
 *   from y = 8.3 on. So the logarithm is computed, by the approximations of the normal tail by
 *   W. J. Cody, "Rational Chebyshev approximations for the error function" (Math. Comp. 1969), in
 *   which the factor exp(-y^2/2) stands apart.
 * - `phiLogistic`: Akka's. It approximates the normal distribution by a logistic one, which agrees
 *   to 0.04 below 3 standard deviations and then grows faster: 21.2 instead of 15.2 at 8.
 * - `phiExponential`: Cassandra's. The gaps are taken to be exponentially distributed, so that only
 *   their mean counts.
 *
 * All are finite for every finite argument, never NaN, and never below 0.
 */

/** `y`: by how many standard deviations the silence is longer than the mean gap. */
export function phiNormal(y: number): number {
  if (y < -INNER) return -Math.log1p(-Math.exp((-y * y) / 2) * scaledTail(-y)) * PER_LN10;
  if (y > INNER) return ((y * y) / 2 - Math.log(scaledTail(y))) * PER_LN10;
  return -Math.log(0.5 - y * evaluate(INNER_RATIO, y * y)) * PER_LN10;
}

/** `y` as in {@link phiNormal}. */
export function phiLogistic(y: number): number {
  const a = y * (1.5976 + 0.070566 * y * y);
  return (Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)))) * PER_LN10;
}

/** `ratio`: the silence, in multiples of the mean gap. */
export function phiExponential(ratio: number): number {
  return ratio > 0 ? ratio * PER_LN10 : 0;
}

const PER_LN10 = 1 / Math.LN10;
/** Where Cody's first approximation ends, and his second one, in standard deviations. */
const INNER = 0.674_489_75;
const MIDDLE = 5.656_854_249_492_38;
const PER_SQRT_2PI = 0.3989422804014327;

/** Coefficients from the highest power down. That of the bottom is 1, and left out. */
interface Rational {
  readonly top: readonly number[];
  readonly bottom: readonly number[];
}

/** (cdf(y) - 1/2) / y, by y^2, for |y| <= INNER. */
const INNER_RATIO: Rational = {
  top: [
    0.06568233791820745, 2.2352520354606837, 161.02823106855587, 1067.6894854603709,
    18154.98125334356,
  ],
  bottom: [47.202581904688245, 976.0985517377767, 10260.932208618979, 45507.78933502673],
};

/** The scaled tail, by y, from INNER to MIDDLE. */
const MIDDLE_TAIL: Rational = {
  top: [
    1.0765576773720192e-8, 0.39894151208813466, 8.883149794388377, 93.50665613217785,
    597.2702763948002, 2494.5375852903726, 6848.190450536283, 11602.65143764735, 9842.714838383978,
  ],
  bottom: [
    22.266688044328117, 235.387901782625, 1519.3775994075547, 6485.558298266761, 18615.571640885097,
    34900.95272114598, 38912.00328609327, 19685.429676859992,
  ],
};

/** The correction of 1/y for the scaled tail beyond MIDDLE, by 1/y^2. */
const OUTER_TAIL: Rational = {
  top: [
    0.023073441764940174, 0.215898534057957, 0.12740116116024736, 0.022235277870649807,
    0.0014216191932278934, 2.9112874951168793e-5,
  ],
  bottom: [
    1.284260096144911, 0.4682382124808651, 0.06598813786892856, 0.0037823963320275824,
    7.297515550839662e-5,
  ],
};

/** The tail probability above `y` (more than INNER), times exp(y^2 / 2). */
function scaledTail(y: number): number {
  if (y <= MIDDLE) return evaluate(MIDDLE_TAIL, y);
  const inverse = 1 / (y * y);
  return (PER_SQRT_2PI - inverse * evaluate(OUTER_TAIL, inverse)) / y;
}

/** By Horner's rule. */
function evaluate({ top, bottom }: Rational, x: number): number {
  let above = top[0]!;
  let below = 1;
  for (let i = 0; i < bottom.length; i++) {
    above = above * x + top[i + 1]!;
    below = below * x + bottom[i]!;
  }
  return above / below;
}
