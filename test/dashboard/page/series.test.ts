/** The rows that the page draws: in order, at their instants, with the gaps shown. */
import { describe, expect, test } from 'vitest';
import { Series } from '../../../src/dashboard/page/series.ts';
import {
  COLUMNS,
  type Column,
  type Frame,
  type Row,
  type Welcome,
} from '../../../src/dashboard/wire.ts';

const START_S = 1_795_000_000;

const row = (second: number, uncertaintyNs: number | null = 5): Row => ({
  ...(Object.fromEntries(COLUMNS.map((column) => [column, null])) as Row),
  elapsedMs: second * 1000,
  uncertaintyNs,
});

/** A frame `second` s after the start of the server, which began `begunS` s after the first. */
const frame = (second: number, uncertaintyNs: number | null = 5, begunS = 0): Frame => ({
  row: row(second, uncertaintyNs),
  at: `${BigInt((START_S + begunS + second) * 1000) * 1_000_000n}`,
  status: 'synchronized',
  reason: undefined,
  quorum: 'full',
  earliest: undefined,
  latest: undefined,
  advice: [],
  refuted: undefined,
  voters: 0,
  votersNeeded: 1,
  maxFaulty: 0,
  maxDriftPpm: 200,
  sources: [],
  witnesses: [],
  unlisted: 0,
  waits: undefined,
  happenings: [],
});

const welcome = (
  seconds: readonly number[],
  { run = 'a', everyS = 1, now = seconds.at(-1) ?? 0, begunS = 0 } = {},
): Welcome => ({
  run,
  everyS,
  history: Object.fromEntries<(number | null)[]>(
    COLUMNS.map((column) => [column, seconds.map((second) => row(second)[column])]),
  ) as Record<Column, (number | null)[]>,
  happenings: [],
  frame: frame(now, 5, begunS),
});

/** The instants, s after the start; null where nothing is drawn. */
const drawn = (series: Series): (number | null)[] => {
  const values = series.column('uncertaintyNs');
  return series.times().map((at, i) => (values[i] === null ? null : at - START_S));
};

test('history, then second by second', () => {
  const series = new Series();
  series.welcome(welcome([0, 1, 2]));
  series.frame(frame(3));
  series.frame(frame(4));
  expect(drawn(series)).toEqual([0, 1, 2, 3, 4]);
  expect(series.lengthS).toBe(4);
  expect(series.gaps(START_S + 5)).toEqual([]);
});

test('an hour is kept', () => {
  const series = new Series();
  for (let second = 0; second < 4000; second++) series.frame(frame(second));
  expect(drawn(series)[0]).toBe(399);
  expect(drawn(series)).toHaveLength(3601);
});

describe('gaps', () => {
  test('where rows are missing, nothing is drawn, and the gap is listed', () => {
    const series = new Series();
    series.welcome(welcome([0, 1, 2]));
    series.frame(frame(10));
    series.frame(frame(11));
    expect(drawn(series)).toEqual([0, 1, 2, null, 10, 11]);
    expect(series.gaps(START_S + 11)).toEqual([
      { from: START_S + 2, to: START_S + 10, why: 'no data' },
    ]);
  });

  test('one row that is late is not a gap', () => {
    const series = new Series();
    for (const second of [0, 1, 3, 4.4, 5]) series.frame(frame(second));
    expect(series.gaps(START_S + 5)).toEqual([]);
  });

  test('rows that stand for some seconds each have no gaps between them', () => {
    const series = new Series();
    series.welcome(welcome([0, 9, 10, 19, 24], { everyS: 5 }));
    expect(series.gaps(START_S + 24)).toEqual([]);
    series.frame(frame(60));
    expect(series.gaps(START_S + 60)).toHaveLength(1);
  });

  test('a lost stream is a gap that grows', () => {
    const series = new Series();
    series.welcome(welcome([0, 1]));
    expect(series.gaps(START_S + 3)).toEqual([]);
    expect(series.gaps(START_S + 9)).toEqual([
      { from: START_S + 1, to: START_S + 9, why: 'no data' },
    ]);
  });

  test('seconds without a bound are one gap, of another kind', () => {
    const series = new Series();
    const seconds = [5, null, null, 5, null] as const;
    for (const [second, uncertaintyNs] of seconds.entries())
      series.frame(frame(second, uncertaintyNs));
    expect(drawn(series)).toEqual([0, null, null, 3, null]);
    expect(series.gaps(START_S + 5)).toEqual([
      { from: START_S + 1, to: START_S + 3, why: 'no interval' },
      { from: START_S + 4, to: START_S + 5, why: 'no interval' },
    ]);
  });
});

describe('a stream that comes back', () => {
  test('to the same server: what was missed fills the gap', () => {
    const series = new Series();
    series.welcome(welcome([0, 1, 2]));
    series.welcome(welcome([3, 4, 5, 6]));
    series.frame(frame(7));
    expect(drawn(series)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('with rows that are known: none is drawn twice', () => {
    const series = new Series();
    series.welcome(welcome([0, 1, 2, 3]));
    series.welcome(welcome([1, 2, 3, 4]));
    expect(drawn(series)).toEqual([0, 1, 2, 3, 4]);
  });

  test('to a server that started anew: older rows stay where they were, and the gap shows', () => {
    const series = new Series();
    series.welcome(welcome([0, 1, 2]));
    series.welcome(welcome([0], { run: 'b', begunS: 20 }));
    series.frame(frame(1, 5, 20));
    expect(drawn(series)).toEqual([0, 1, 2, null, 20, 21]);
    expect(series.gaps(START_S + 21)).toEqual([
      { from: START_S + 2, to: START_S + 20, why: 'no data' },
    ]);
  });

  test('to a new server whose clock is behind: the order stays', () => {
    const series = new Series();
    series.welcome(welcome([0, 1, 2]));
    series.welcome(welcome([0], { run: 'b', begunS: -500 }));
    const times = series.times();
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});

test('when the wall clock of the server jumps, rows keep their distance', () => {
  const series = new Series();
  series.frame(frame(0));
  series.frame(frame(1));
  series.frame({ ...frame(2), at: `${BigInt(START_S - 3600) * 1_000_000_000n}` });
  const [first, second, third] = series.times();
  expect([second! - first!, third! - second!]).toEqual([1, 1]);
});
