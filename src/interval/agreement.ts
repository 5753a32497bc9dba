/**
 * What n sources agree on when at most f of them are wrong.
 *
 * The problem: n intervals should hold the truth, up to f of them do not, and nobody knows which.
 *
 * The idea: the truth is covered by every correct interval, so by at least n - f of them. The points
 * covered by at least n - f intervals are therefore *all the candidates*, and they may lie in several
 * pieces. The answer is their **hull**: from the first candidate to the last.
 *
 * Guarantee: if at most f intervals are wrong, the answer holds the truth, whatever the wrong ones are.
 * If there is no candidate, more than f are wrong.
 *
 * Why not the usual rules. Marzullo's algorithm, chrony and TrueTime take the points with the *most*
 * covers; RFC 5905 (11.2.1) looks for an intersection assuming as few falsetickers as possible. Both pick
 * one piece. Let n = 4, f = 1, the truth 10, honest intervals [0, 10], [2, 11], [3, 20] and a liar [0, 5]:
 * four cover [3, 5], only three cover the truth, and the most covered piece excludes it. The liar needed
 * only to shift enough while still overlapping all the others. The hull of three covers is [2, 10]. It
 * pays for its safety in width.
 *
 * Ties: an interval covers its own ends, so where one starts at the very point at which another ends
 * both cover it (starts before ends). Only the values of the ends matter, never the order of the input.
 *
 * Cost: two native sorts and two passes, O(n log n).
 */
import { ArgumentRangeError } from '../time/errors.ts';
import { asUnixNs, unixNs } from '../time/instant.ts';
import { overlaps, type TimeInterval } from './time-interval.ts';

/**
 * The hull of the points that at least `quorum` of n intervals cover, written to `out[0]` (lower edge)
 * and `out[1]` (upper edge). Allocates nothing; for callers that keep their arrays.
 *
 * `starts` and `ends` hold the n lower and the n upper ends, in any order and not matched up: only how
 * many ends lie on either side of a point matters. Both are **sorted in place**. There must be no NaN and
 * each interval must start no later than it ends; `quorum` is from 1 to n.
 *
 * @returns false, with `out` untouched, when no point has that many covers
 */
export function agreedHull<A extends Float64Array | BigInt64Array>(
  starts: A,
  ends: A,
  quorum: number,
  out: A,
): boolean {
  const n = starts.length;
  starts.sort();
  ends.sort();

  // Covers only ever rise at a start, so the first candidate is a start.
  let lower = -1;
  for (let i = 0, ended = 0; i < n; i++) {
    while (ends[ended]! < starts[i]!) ended++;
    if (i + 1 - ended >= quorum) {
      lower = i;
      break;
    }
  }
  if (lower < 0) return false;

  // The mirror image; it stops, at the latest, at the first end after the lower edge.
  let upper = n - 1;
  for (let unstarted = 0; ; upper--) {
    while (starts[n - 1 - unstarted]! > ends[upper]!) unstarted++;
    if (n - upper - unstarted >= quorum) break;
  }
  out[0] = starts[lower]!;
  out[1] = ends[upper]!;
  return true;
}

/** What `agreement` found. */
export type Agreement =
  | {
      readonly agreed: true;
      /** Holds the truth if at most `faulty` of the intervals are wrong. */
      readonly interval: TimeInterval;
      /**
       * Indices, ascending, of the intervals that share no instant with `interval`: if at most `faulty`
       * are wrong, these are among them. One that does overlap may still be wrong.
       */
      readonly disagreeing: readonly number[];
      /**
       * `full`: n >= 2 f + 1, so the wrong ones alone make no candidate, and every edge of `interval` lies
       * in a correct one. `partial`: still holds the truth, but the wrong ones can stretch it at will.
       */
      readonly quorum: 'full' | 'partial';
    }
  | {
      readonly agreed: false;
      /**
       * `too-few`: n <= f, all of them may be wrong. `no-quorum`: no instant is covered by n - f intervals,
       * so more than `faulty` are wrong.
       */
      readonly reason: 'too-few' | 'no-quorum';
    };

/**
 * What at least n - `faulty` of n intervals agree on.
 *
 * @param faulty how many of the intervals may be wrong: an integer, 0 or more
 * @throws ArgumentRangeError when `faulty` is no such integer, or an interval ends before it starts or
 *   leaves int64; ArgumentTypeError when an end is no bigint
 * @example
 * const [a, b, liar] = [[10n, 14n], [12n, 16n], [90n, 91n]].map(([earliest, latest]) =>
 *   timeInterval({ earliest, latest }));
 * agreement([a, b, liar], 1)
 * // { agreed: true, interval: { earliest: 12n, latest: 14n }, disagreeing: [2], quorum: 'full' }
 */
export function agreement(intervals: readonly TimeInterval[], faulty: number): Agreement {
  if (!Number.isSafeInteger(faulty) || faulty < 0) {
    throw new ArgumentRangeError('faulty', 'an integer, 0 or more', faulty);
  }
  const n = intervals.length;
  const starts = new BigInt64Array(n);
  const ends = new BigInt64Array(n);
  intervals.forEach(({ earliest, latest }, i) => {
    if (earliest > latest) {
      throw new ArgumentRangeError(`intervals[${i}].earliest`, 'at most its latest', earliest);
    }
    // A typed array would wrap what does not fit, without a word.
    starts[i] = unixNs(earliest);
    ends[i] = unixNs(latest);
  });
  if (n <= faulty) return { agreed: false, reason: 'too-few' };
  const out = new BigInt64Array(2);
  if (!agreedHull(starts, ends, n - faulty, out)) return { agreed: false, reason: 'no-quorum' };

  const interval = { earliest: asUnixNs(out[0]!), latest: asUnixNs(out[1]!) };
  const disagreeing: number[] = [];
  intervals.forEach((each, i) => {
    if (!overlaps(each, interval)) disagreeing.push(i);
  });
  return { agreed: true, interval, disagreeing, quorum: n > 2 * faulty ? 'full' : 'partial' };
}
