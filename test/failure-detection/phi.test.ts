import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { phiExponential, phiLogistic, phiNormal } from '../../src/failure-detection/phi.ts';

/** Digits after the point of the fixed-point numbers below. */
const DIGITS = 450;
const ONE = 10n ** BigInt(DIGITS);
const PER_LN10 = 1 / Math.LN10;

/** A double is a fraction n / 2^k; here it is one with `DIGITS` digits. */
function fixed(value: number): bigint {
  let shift = 0n;
  let whole = value;
  for (; !Number.isInteger(whole); shift++) whole *= 2;
  return (BigInt(whole) * ONE) >> shift;
}

function squareRoot(value: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / 2));
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

function arctangentOfInverse(n: bigint): bigint {
  let power = ONE / n;
  let sum = 0n;
  for (let k = 0n; power !== 0n; k++) {
    sum += (k % 2n === 0n ? power : -power) / (2n * k + 1n);
    power /= n * n;
  }
  return sum;
}

/** Machin's formula. */
const PI = 4n * (4n * arctangentOfInverse(5n) - arctangentOfInverse(239n));
const ROOT_TWO_PI = squareRoot(2n * PI * ONE);

/** -log10 of `q / ONE`, which is between 0 and 1. */
function phiOf(q: bigint): number {
  if (2n * q > ONE) return -Math.log1p(-approximately(ONE - q)) * PER_LN10;
  const text = q.toString();
  return DIGITS - (text.length - 1) - Math.log10(Number(`${text[0]}.${text.slice(1, 25)}`));
}

function approximately(value: bigint): number {
  const text = value.toString();
  return Number(`${text[0]}.${text.slice(1, 25)}e${text.length - 1 - DIGITS}`);
}

/** The tail of the normal distribution above `y`, by the series of its integral. */
function normalTail(y: number): bigint {
  const x = fixed(y);
  const halfSquare = (x * x) / ONE / 2n;
  let term = x;
  let sum = 0n;
  for (let k = 0n; term !== 0n; k++) {
    sum += (k % 2n === 0n ? term : -term) / (2n * k + 1n);
    term = (term * halfSquare) / ONE / (k + 1n);
  }
  return ONE / 2n - (sum * ONE) / ROOT_TWO_PI;
}

/** Akka's tail, e / (1 + e) with e = exp(-y (1.5976 + 0.070566 y^2)). */
function akkaTail(y: number): bigint {
  const x = fixed(y);
  const a = (x * (15976n * 100n * ONE + (70566n * x * x) / ONE)) / ONE / 1_000_000n;
  const e = exponential(a < 0n ? -a : a);
  return a < 0n ? (e * ONE) / (ONE + e) : (ONE * ONE) / (ONE + e);
}

/** By the series at a 2^13th of `a`, squared 13 times. */
function exponential(a: bigint): bigint {
  const small = a >> 13n;
  let term = ONE;
  let sum = 0n;
  for (let k = 1n; term !== 0n; k++) {
    sum += term;
    term = (term * small) / ONE / k;
  }
  for (let i = 0; i < 13; i++) sum = (sum * sum) / ONE;
  return sum;
}

const TAILS = [-40, -20, -8.5, -8, -5.7, -5.6, -3, -1, -0.68, -0.67, -1e-9, 0, 1e-9, 0.5, 0.67];
const MORE = [0.68, 1, 2, 3, 5, 5.24, 5.61, 5.65, 5.66, 6, 7.8, 8, 8.3, 10, 20, 30, 37.5, 38, 40];

describe('phi', () => {
  it.each([...TAILS, ...MORE])('at %d deviations is that of 450 digits: normal', (y) => {
    const exact = phiOf(normalTail(y));
    expect(Math.abs(phiNormal(y) - exact)).toBeLessThan(1e-9);
    expect(Math.abs(phiNormal(y) - exact)).toBeLessThanOrEqual(1e-13 * Math.max(1, exact));
  });

  it.each([...TAILS, ...MORE].filter((y) => Math.abs(y) <= 10))(
    'at %d deviations is that of 450 digits: Akka',
    (y) => {
      const exact = phiOf(akkaTail(y));
      expect(Math.abs(phiLogistic(y) - exact)).toBeLessThan(1e-9);
    },
  );

  it('of Akka at 40 deviations is its exponent alone', () => {
    const exact = (40 * (1.5976 + 0.070566 * 1600)) / Math.LN10;
    expect(Math.abs(phiLogistic(40) - exact)).toBeLessThan(1e-9);
    expect(phiLogistic(-40)).toBe(0);
  });

  it('at drawn deviations too', () => {
    const y = fc.double({ min: -40, max: 40, noNaN: true });
    fc.assert(
      fc.property(y, (y) => Math.abs(phiNormal(y) - phiOf(normalTail(y))) < 1e-9),
      { numRuns: 60 },
    );
  });

  it('is finite, not negative and growing, for every finite argument', () => {
    const y = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e100, max: 1e100 });
    for (const phi of [phiNormal, phiLogistic, phiExponential]) {
      fc.assert(
        fc.property(y, y, (a, b) => {
          const [low, high] = [phi(Math.min(a, b)), phi(Math.max(a, b))];
          expect(Number.isFinite(low) && Number.isFinite(high)).toBe(true);
          expect(Object.is(low, -0) || low < 0).toBe(false);
          expect(high).toBeGreaterThanOrEqual(low);
        }),
      );
    }
  });

  it('grows across the seams of the approximations', () => {
    for (const seam of [-5.656854249492381, -0.67448975, 0.67448975, 5.656854249492381]) {
      let last = phiNormal(seam - 1e-6);
      for (let i = -99; i <= 100; i++) {
        const phi = phiNormal(seam + i * 1e-8);
        expect(phi).toBeGreaterThanOrEqual(last);
        last = phi;
      }
    }
  });
});

test('the thresholds of Akka and of the paper: phi 8 at 5.23 and at 5.61 deviations', () => {
  const reaches = (phi: (y: number) => number): number => {
    let y = 0;
    while (phi(y) < 8) y += 0.001;
    return y;
  };
  expect(reaches(phiLogistic)).toBeCloseTo(5.23, 2);
  expect(reaches(phiNormal)).toBeCloseTo(5.61, 2);
  expect(phiLogistic(8)).toBeCloseTo(21.2, 1);
  expect(phiNormal(8)).toBeCloseTo(15.2, 1);
});

// The vectors of Akka's own tests of its detector.
test.each([
  [0, 0.5],
  [0.6, 0.7257],
  [1.5, 0.9332],
  [2, 0.97725],
  [2.5, 0.99379],
  [3.5, 0.99977],
  [4, 0.99997],
])('Akka: the distribution at %d deviations is %d', (y, expected) => {
  expect(Math.abs(1 - Math.exp(-phiLogistic(y) * Math.LN10) - expected)).toBeLessThan(0.001);
});

test.each([
  [0, 0],
  [500, 0.1],
  [1000, 0.3],
  [1200, 1.6],
  [1400, 4.7],
  [1600, 10.8],
  [1700, 15.3],
])('Akka: after %i ms, of gaps of 1000 ms give or take 100 ms, phi is %d', (ms, expected) => {
  expect(Math.abs(phiLogistic((ms - 1000) / 100) - expected)).toBeLessThan(0.1);
});

test('below 3 deviations the two models agree to 0.04', () => {
  for (let y = -5; y <= 3; y += 0.01) {
    expect(Math.abs(phiNormal(y) - phiLogistic(y))).toBeLessThan(0.04);
  }
});
