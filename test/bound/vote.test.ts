import { expect, test } from 'vitest';
import { newSourceState, type SourceState } from '../../src/bound/source-state.ts';
import { Vote } from '../../src/bound/vote.ts';

/** A source that vouches for `[lo, hi]`. */
function saying(lo: number, hi: number): SourceState {
  const source = newSourceState('a');
  source.cone.known = true;
  return Object.assign(source, { lo, hi });
}

test.each([
  // Two are disjoint from [0, 10], one on either side. The nearer one counts, in any order.
  [[saying(15, 20), saying(-12, -9), saying(5, 7)], 2, 5],
  [[saying(-12, -9), saying(15, 20)], 2, 5],
  [[saying(19, 20), saying(-12, -5)], 2, 5],
  // Touching is not disjoint, and a source without data does not count.
  [[saying(10, 20), saying(-3, 0)], 0, Number.POSITIVE_INFINITY],
  [[newSourceState('b')], 0, Number.POSITIVE_INFINITY],
])(
  'counts the disjoint sources, and finds how far the nearest one is',
  (sources, count, nearest) => {
    const vote = new Vote();
    expect(vote.countApart(sources, { lo: 0, hi: 10 })).toBe(count);
    expect(vote.nearest).toBe(nearest);
  },
);
