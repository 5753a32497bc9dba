/** How far theta rises (src/bound/growth.ts), in exact rational arithmetic. */

/** How one side of the bound grows. */
export interface Curve {
  readonly first: number;
  readonly most: number;
  readonly wander: number;
  readonly cappedFor: number;
  readonly maxRate: number;
}

/** A double as an exact multiple of 2^-200. */
export const UNIT: bigint = 2n ** 200n;
function fraction(value: number): bigint {
  let numerator = value;
  let halvings = 0n;
  while (!Number.isInteger(numerator)) {
    numerator *= 2;
    halvings++;
  }
  return BigInt(numerator) << (200n - halvings);
}

/** The growth after `age` ns in units of 2^-200 ns: the integral of the greatest rate. */
export function grown({ first, most, wander, cappedFor, maxRate }: Curve, age: bigint): bigint {
  const [g, m, w] = [fraction(first), fraction(most), fraction(wander)] as const;
  const capped = age < BigInt(cappedFor) ? age : BigInt(cappedFor);
  const beyond = fraction(maxRate) * (age - capped);
  if (w * capped <= m - g) return g * capped + (w * capped * capped) / 2n + beyond;
  return m * capped - ((m - g) * (m - g)) / (2n * w) + beyond;
}
