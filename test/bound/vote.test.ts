import { describe, expect, test } from 'vitest';
import { newSourceState, type SourceState } from '../../src/bound/source-state.ts';
import { Vote } from '../../src/bound/vote.ts';

/** A source that vouches for `[lo, hi]`. */
function saying(lo: number, hi: number): SourceState {
  const source = newSourceState('a');
  source.cone.known = true;
  return Object.assign(source, { lo, hi });
}

/** A source that said `[lo, hi]` before its past became void. */
function silent(lo: number, hi: number): SourceState {
  const source = saying(lo, hi);
  source.cone.forget();
  return source;
}

describe('a vote', () => {
  test.each([
    // Two of three cover [2, 10] together with what is between its pieces.
    [[saying(0, 5), saying(2, 10), saying(8, 12)], 1, [2, 10]],
    // Nobody may be wrong: the points that all cover.
    [[saying(0, 8), saying(2, 10)], 0, [2, 8]],
    // Nobody is asked what it said before.
    [[silent(90, 91), saying(0, 8), silent(-9, -8), saying(2, 10)], 0, [2, 8]],
  ])('of those with data: all points that enough of them cover', (sources, faulty, hull) => {
    const vote = new Vote();
    const m = sources.filter(({ cone }) => cone.known).length;
    expect(vote.take(sources, m, faulty)).toBe(true);
    expect([vote.lo, vote.hi]).toEqual(hull);
  });

  test('that fails leaves the last result', () => {
    const vote = new Vote();
    vote.take([saying(1, 2)], 1, 0);
    expect(vote.take([saying(10, 12), saying(20, 22)], 2, 0)).toBe(false);
    expect([vote.lo, vote.hi]).toEqual([1, 2]);
  });

  test('is of its own sources only, whether more or fewer voted before', () => {
    const vote = new Vote();
    for (const m of [3, 1, 2, 2]) {
      const sources = Array.from({ length: m }, (_, i) => saying(10 * m + i, 20 * m));
      expect(vote.take(sources, m, 0)).toBe(true);
      expect([vote.lo, vote.hi]).toEqual([10 * m + m - 1, 20 * m]);
    }
  });
});

test.each([
  // Two are disjoint from [0, 10], one on either side. The nearer one counts, in any order.
  [[saying(15, 20), saying(-12, -9), saying(5, 7)], 2, 5],
  [[saying(-12, -9), saying(15, 20)], 2, 5],
  [[saying(19, 20), saying(-12, -5)], 2, 5],
  // Touching is not disjoint, and a source without data does not count.
  [[saying(10, 20), saying(-3, 0)], 0, Number.POSITIVE_INFINITY],
  [[newSourceState('b'), silent(90, 91)], 0, Number.POSITIVE_INFINITY],
])(
  'counts the disjoint sources, and finds how far the nearest one is',
  (sources, count, nearest) => {
    const vote = new Vote();
    expect(vote.countApart(sources, { lo: 0, hi: 10 })).toBe(count);
    expect(vote.nearest).toBe(nearest);
  },
);
