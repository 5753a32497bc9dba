import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { driftOver, lowered, maxRateFromPpm, raised, slack } from '../../src/bound/drift.ts';

describe('the rate for a number of ppm', () => {
  const ONE = 2n ** 160n;
  /** A double of at least 2^-80 as a multiple of 2^-160. */
  const exactly = (rate: number): bigint => BigInt(rate * 2 ** 160);

  test('is rho / (1 - rho), rounded up in its last places', () => {
    for (const ppm of [1, 7, 50, 200, 499, 3333, 90_909, 100_000]) {
      // ppm / (1e6 - ppm) over 2^160, rounded down.
      const exact = (BigInt(ppm) * ONE) / (1_000_000n - BigInt(ppm));
      const excess = exactly(maxRateFromPpm(ppm)) - exact;
      expect(excess > 0n, `${ppm} ppm, not below`).toBe(true);
      expect(excess < exact >> 48n, `${ppm} ppm, hardly above`).toBe(true);
    }
    expect(maxRateFromPpm(0)).toBe(0);
  });
});

test('drift is the product rounded up, and one more; nothing at age 0', () => {
  expect(driftOver(0.0002, 0)).toBe(0);
  // 0.0002 of 1 s is 200,000 ns; of 1 ns a fraction.
  expect(driftOver(0.0002, 1e9)).toBe(200_001);
  expect(driftOver(0.0002, 1)).toBe(2);
  expect(driftOver(0, 1)).toBe(1);
});

describe('sums of doubles', () => {
  const EXACT = 2 ** 52;

  test('are taken as they are up to 2^52 either way, and rounded outward beyond', () => {
    for (const value of [0, 1, -1, EXACT, -EXACT]) expect(slack(value)).toBe(0);
    for (const value of [EXACT + 1, -EXACT - 1, 2 ** 62, -(2 ** 62)])
      expect(slack(value)).toBe(1024);
    expect([lowered(10, 3), raised(10, 3)]).toEqual([7, 13]);
    expect([lowered(-EXACT, EXACT), raised(EXACT, EXACT)]).toEqual([-(2 ** 53), 2 ** 53]);
  });

  test('never end up inside of the exact sum, nor far outside', () => {
    const whole = fc.oneof(
      fc.bigInt(-(2n ** 62n), 2n ** 62n),
      fc.bigInt(-(2n ** 52n), 2n ** 52n),
      fc.bigInt(0n, 1000n),
    );
    fc.assert(
      fc.property(whole, whole, (a, b) => {
        const [edge, by] = [Number(a), Number(b)];
        const below = BigInt(edge) - BigInt(by) - BigInt(lowered(edge, by));
        const above = BigInt(raised(edge, by)) - BigInt(edge) - BigInt(by);
        for (const excess of [below, above]) expect(excess >= 0n && excess <= 2048n).toBe(true);
      }),
      { seed: 20301, numRuns: 500 },
    );
  });
});
