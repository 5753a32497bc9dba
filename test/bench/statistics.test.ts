import { describe, expect, test } from 'vitest';
import { exponent, median, quantile, ratio } from '../../bench/statistics.ts';

describe('quantile, by nearest rank', () => {
  test.each([
    // values, share, quantile
    [[5], 0.99, 5],
    [[3, 1, 2], 0.5, 2],
    [[4, 3, 2, 1], 0.5, 2],
    [[4, 3, 2, 1], 0.51, 3],
    [[4, 3, 2, 1], 1, 4],
    // Numbers, not texts: 10 is above 9.
    [[10, 9], 1, 10],
  ])('%j at %f is %i', (values, share, expected) => {
    expect(quantile(values, share)).toBe(expected);
  });

  test('the p99 of 200 values leaves two above it', () => {
    const values = Array.from({ length: 200 }, (_, i) => (i * 71) % 200);
    expect(quantile(values, 0.99)).toBe(197);
  });

  test('of nothing is not a number, and the input keeps its order', () => {
    expect(quantile([], 0.5)).toBeNaN();
    const values = [3, 1, 2];
    quantile(values, 0.5);
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

test('the median of an even number of values lies in the middle of two', () => {
  expect(median([10, 1, 4, 2])).toBe(3);
  expect(median([10, 9, 1])).toBe(9);
  expect(median([])).toBeNaN();
});

describe('the ratio of two rows', () => {
  test('compares best windows of one round: a slow round is slow for both', () => {
    const a = [
      [30, 50, 90],
      [300, 900],
      [33, 31],
    ];
    const b = [[25, 20], [250, 200], [20]];
    // 30 / 20, 300 / 200, 31 / 20.
    expect(ratio(a, b)).toBe(1.5);
  });

  test('is not moved by one disturbed round', () => {
    expect(ratio([[10], [10], [9000]], [[10], [10], [10]])).toBe(1);
  });
});

describe('the exponent of a power law', () => {
  test.each([0, 0.5, 1, 2, -1])('finds %f', (k) => {
    const points = [1, 2, 5, 10, 100].map((x) => [x, 7 * Math.exp(k * Math.log(x))] as const);
    expect(exponent(points)).toBeCloseTo(k, 9);
  });
});
