/**
 * What n sources agree on when at most f of them are wrong.
 *
 * The problem: n intervals should hold the truth, up to f of them do not, and it is not known
 * which.
 *
 * The idea: the truth is covered by every correct interval, so by at least n - f of them. The
 * points covered by at least n - f intervals are therefore *all the candidates*, and they may lie
 * in several pieces. The answer is their **hull**: from the first candidate to the last.
 *
 * Guarantee: if at most f intervals are wrong, the answer holds the truth, whatever the wrong ones
 * are. If there is no candidate, more than f are wrong.
 *
 * Why not the usual rules. Marzullo's algorithm, chrony and TrueTime take the points with the
 * *most* covers; RFC 5905 (11.2.1) looks for an intersection assuming as few falsetickers as
 * possible. Both pick one piece. Let n = 4, f = 1, the truth 10, honest intervals [0, 10], [2, 11],
 * [3, 20] and a liar [0, 5]: four cover [3, 5], only three cover the truth, and the most covered
 * piece excludes it. The liar needed only to shift enough while still overlapping all the others.
 * The hull of three covers is [2, 10]. It pays for its safety in width.
 *
 * Ties: an interval covers its own ends, so where one starts at the very point at which another
 * ends both cover it (starts before ends). Only the values of the ends matter, never the order of
 * the input.
 *
 * Cost: two sorts and two passes, O(n log n).
 */
import { ArgumentRangeError, ArgumentTypeError, checkObject } from '../time/errors.ts';
import { asUnixNs, checkUnixNs } from '../time/instant.ts';
import { ClockInterval, checkInterval, type TimeInterval } from './time-interval.ts';

/**
 * The hull of the points that at least `quorum` of n intervals cover, written to `out[0]` (lower
 * edge) and `out[1]` (upper edge). Allocates nothing; for callers that keep their arrays.
 *
 * `starts` and `ends` hold the n lower and the n upper ends, each of them **ascending** and not
 * matched up: only how many ends lie on either side of a point matters. There must be no NaN and
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
      readonly status: 'agreed';
      /** Holds the truth if at most `maxFaulty` of the intervals are wrong. */
      readonly interval: ClockInterval;
      /**
       * Indices, ascending, of the intervals that share no instant with `interval`: if at most
       * `maxFaulty` are wrong, these are among them. One that does overlap may still be wrong.
       */
      readonly disagreeing: readonly number[];
      /**
       * `full`: n >= 2 f + 1, so the wrong ones alone make no candidate, and every edge of
       * `interval` lies in a correct one. `partial`: still holds the truth, but the wrong ones can
       * stretch it at will.
       */
      readonly quorum: 'full' | 'partial';
      readonly reason?: undefined;
    }
  | {
      readonly status: 'undecided';
      /**
       * `too-few`: n <= f, all of them may be wrong. `no-quorum`: no instant is covered by n - f
       * intervals, so more than `maxFaulty` are wrong.
       */
      readonly reason: 'too-few' | 'no-quorum';
      readonly interval?: undefined;
      readonly disagreeing?: undefined;
      readonly quorum?: undefined;
    };

/** Options of {@link agreement}. */
export interface AgreementOptions {
  /** How many of the intervals may be wrong: an integer, 0 or more. */
  readonly maxFaulty: number;
}

/** What a hole of an array counts as. */
const NOTHING: Partial<TimeInterval> = {};

/**
 * What at least n - `maxFaulty` of n intervals agree on.
 *
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when `maxFaulty` is not an integer from 0 up, or
 *   an interval ends before it starts or leaves int64
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `intervals` is not an array, or an end is
 *   not a bigint
 * @example
 * const a = timeInterval({ earliest: 10n, latest: 14n });
 * const b = timeInterval({ earliest: 12n, latest: 16n });
 * const liar = timeInterval({ earliest: 90n, latest: 91n });
 * agreement([a, b, liar], { maxFaulty: 1 }).disagreeing // [2]
 */
export function agreement(
  intervals: readonly TimeInterval[],
  options: AgreementOptions,
): Agreement {
  const { maxFaulty } = checkObject('options', options);
  if (!Number.isSafeInteger(maxFaulty) || maxFaulty < 0) {
    throw new ArgumentRangeError('maxFaulty', 'an integer, 0 or more', maxFaulty);
  }
  if (!Array.isArray(intervals)) throw new ArgumentTypeError('intervals', 'an array', intervals);
  const n = intervals.length;
  const starts = new BigInt64Array(n);
  const ends = new BigInt64Array(n);
  // By index, because `forEach` would skip the holes of an array.
  for (let i = 0; i < n; i++) {
    const { earliest, latest } = intervals[i] ?? NOTHING;
    starts[i] = typeof earliest === 'bigint' ? earliest : 0n;
    ends[i] = typeof latest === 'bigint' ? latest : 0n;
    // A typed array wraps a value that does not fit. Then it differs from the value given.
    if (starts[i] !== earliest || ends[i] !== latest || earliest > latest) {
      refuse(`intervals[${i}]`, intervals[i]!);
    }
  }
  if (n <= maxFaulty) return { status: 'undecided', reason: 'too-few' };
  starts.sort();
  ends.sort();
  const out = new BigInt64Array(2);
  if (!agreedHull(starts, ends, n - maxFaulty, out)) {
    return { status: 'undecided', reason: 'no-quorum' };
  }

  const interval = new ClockInterval(asUnixNs(out[0]!), asUnixNs(out[1]!));
  const disagreeing: number[] = [];
  intervals.forEach(({ earliest, latest }, i) => {
    if (earliest > interval.latest || latest < interval.earliest) disagreeing.push(i);
  });
  const quorum = n > 2 * maxFaulty ? 'full' : 'partial';
  return { status: 'agreed', interval, disagreeing, quorum };
}

/** Throws and names what is wrong with the interval. */
function refuse(name: string, interval: TimeInterval): void {
  checkInterval(name, interval);
  checkUnixNs(`${name}.earliest`, interval.earliest);
  checkUnixNs(`${name}.latest`, interval.latest);
}
