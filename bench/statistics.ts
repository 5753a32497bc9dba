/** Statistics of a distribution, of a pair of distributions, and of a curve. */

/**
 * The index, among `count` sorted values, of the smallest value that at least `share` of them do
 * not exceed (nearest rank).
 */
export function rank(count: number, share: number): number {
  return Math.max(1, Math.ceil(share * count)) - 1;
}

/** The value at that rank. NaN when there are no values. */
export function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[rank(values.length, share)] ?? Number.NaN;
}

/** The middle value, or the mean of the two in the middle. NaN when there are no values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[half] as number;
  return ((sorted[half - 1] ?? Number.NaN) + (sorted[half] ?? Number.NaN)) / 2;
}

/**
 * How many times as long as `b` does `a` take? Both were visited once per round, in turn. The best
 * window of a visit was disturbed least, and slow changes of the machine cancel out in the ratio of
 * two visits of one round. The result is the median over the rounds.
 */
export function ratio(
  a: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
): number {
  const rounds = Math.min(a.length, b.length);
  const ratios: number[] = [];
  for (let i = 0; i < rounds; i++) {
    ratios.push(Math.min(...(a[i] as number[])) / Math.min(...(b[i] as number[])));
  }
  return median(ratios);
}

/**
 * The exponent `k` of the power law `y = c x^k` that is nearest to the points, by least squares of
 * the logarithms.
 */
export function exponent(points: readonly (readonly [x: number, y: number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const meanX = logs.reduce((sum, [x]) => sum + x, 0) / logs.length;
  const meanY = logs.reduce((sum, [, y]) => sum + y, 0) / logs.length;
  let above = 0;
  let below = 0;
  for (const [x, y] of logs) {
    above += (x - meanX) * (y - meanY);
    below += (x - meanX) * (x - meanX);
  }
  return above / below;
}
