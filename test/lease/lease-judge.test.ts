/** The judge of the tests with real stores (kit/lease-judge.ts): what it reports and what not. */
import { describe, expect, test } from 'vitest';
import {
  auditGoesDown,
  type Holding,
  holdingsOf,
  judge,
  MonotonicMap,
} from '../kit/lease-judge.ts';

const holding = (token: number, from: number, to: number, lease = 'a'): Holding => ({
  lease,
  worker: `w${token}`,
  token: BigInt(token),
  from: BigInt(from),
  to: BigInt(to),
});

describe('judge', () => {
  test.each<
    [string, Holding[], { overlaps: number; longestOverlapMs: number; tokensDown: number }]
  >([
    ['one after the other', [holding(2, 20, 30), holding(1, 0, 10)], seen(0, 0, 0)],
    ['one ends when the other begins', [holding(1, 0, 10), holding(2, 10, 30)], seen(0, 0, 0)],
    ['a nanosecond together', [holding(1, 0, 11), holding(2, 10, 30)], seen(1, 1, 0)],
    ['one within the other', [holding(1, 0, 100), holding(2, 10, 30)], seen(1, 20, 0)],
    [
      'a long one and two behind each other within it',
      [holding(1, 0, 100), holding(2, 10, 30), holding(3, 40, 90)],
      seen(2, 50, 0),
    ],
    [
      'a check alone, whose instant is not known',
      [holding(1, 0, 100), holding(2, 20, 19)],
      seen(0, 0, 0),
    ],
    ['together, but for two leases', [holding(1, 0, 10), holding(2, 0, 10, 'b')], seen(0, 0, 0)],
    ['a token twice', [holding(1, 0, 10), { ...holding(1, 20, 30), worker: 'w9' }], seen(0, 0, 1)],
    [
      'tokens that begin again',
      [holding(1, 0, 10), holding(2, 20, 30), holding(1, 40, 50), holding(2, 60, 70)],
      seen(0, 0, 2),
    ],
  ])('%s', (_, holdings, expected) => {
    expect(judge(holdings)).toEqual({ holdings: holdings.length, ...expected });
  });

  test('the audit trail goes down where a token is smaller than the last one of its lease', () => {
    const rows = [
      ['a', 1n],
      ['b', 7n],
      ['a', 1n],
      ['a', 3n],
      ['a', 2n],
      ['b', 7n],
    ] as const;
    expect(auditGoesDown(rows)).toBe(1);
  });
});

function seen(overlaps: number, longestNs: number, tokensDown: number) {
  return { overlaps, longestOverlapMs: longestNs / 1e6, tokensDown };
}

describe('MonotonicMap', () => {
  /** A clock that was at `origin` at true time 0 and runs at `rate`. */
  const clock = (origin: number, rate: number) => (trueNs: number) =>
    BigInt(Math.round(origin + trueNs * rate));

  test('maps a clock that is off and too fast, to as much as the shortest exchanges tell', () => {
    const read = clock(5e12, 1.0003);
    const map = new MonotonicMap(1.0003);
    // Question, reading, answer: true time, ns.
    for (const [before, at, after] of [
      [1000, 90_000, 100_000],
      [1_000_000, 1_002_000, 1_090_000],
      [5_000_000_000, 5_000_030_000, 5_000_060_000],
    ] as const) {
      map.add(read(at), { before: BigInt(before), after: BigInt(after) });
    }
    // Not earlier than 2 us after the question of the second, 10 us before the answer of the first.
    expect(map.errorNs).toBeCloseTo(12_000, -1);
    const { earliest, latest } = map.at(read(3_000_000_000));
    expect(Number(earliest)).toBeCloseTo(3_000_000_000 - 2000, -1);
    expect(Number(latest)).toBeCloseTo(3_000_000_000 + 10_000, -1);
  });

  test('refuses a clock that does not run as it is said to', () => {
    const read = clock(5e12, 1.001);
    const map = new MonotonicMap(1.0003);
    map.add(read(50_000), { before: 0n, after: 100_000n });
    expect(() => map.add(read(1e9), { before: 999_950_000n, after: 1_000_050_000n })).toThrow(
      'no straight line',
    );
  });

  test('a holding lasts from the end of its first check to the begin of its last one', () => {
    const map = new MonotonicMap(1);
    map.add(1000n, { before: 0n, after: 10n });
    const journal =
      'held a 0 7 2000 2001\nheld a 0 7 2100 2101\nheld a 0 7 2200 2203\nheld a 1 8 9';
    expect(holdingsOf(journal, 'w0', map)).toEqual([
      { lease: 'a', worker: 'w0', token: 7n, from: 1011n, to: 1200n },
    ]);
  });
});
