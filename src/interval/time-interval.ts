/**
 * Intervals of Unix time, ends included: "the instant meant is one of these".
 *
 * With uncertain clocks *before* and *after* are only certain when the intervals do not share a single
 * instant; whatever overlaps is concurrent as far as anybody can tell. So the relations here are strict,
 * exactly one of `isBefore(a, b)`, `isAfter(a, b)`, `overlaps(a, b)` holds, and touching ends overlap:
 * the shared instant may be the true one of both (Allen's *meets* counts as overlap, not as before).
 */
import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';
import { asUnixNs, INT64_MAX, INT64_MIN, type UnixNs, unixNs } from '../time/instant.ts';

/** Every instant from `earliest` to `latest`, both included; `earliest <= latest`. */
export interface TimeInterval {
  readonly earliest: UnixNs;
  readonly latest: UnixNs;
}

/**
 * A checked interval.
 *
 * @throws ArgumentTypeError when an end is no bigint, ArgumentRangeError when it is outside int64 or
 *   `earliest > latest`
 * @example timeInterval({ earliest: 10n, latest: 20n })
 */
export function timeInterval(ends: { earliest: bigint; latest: bigint }): TimeInterval {
  const earliest = unixNs(ends.earliest);
  const latest = unixNs(ends.latest);
  if (earliest > latest) {
    throw new ArgumentRangeError('earliest', `at most latest (${latest}n)`, earliest);
  }
  return { earliest, latest };
}

/** Whether all of `a` lies before all of `b`. False when they touch. */
export function isBefore(a: TimeInterval, b: TimeInterval): boolean {
  return a.latest < b.earliest;
}

/** Whether all of `a` lies after all of `b`. False when they touch. */
export function isAfter(a: TimeInterval, b: TimeInterval): boolean {
  return b.latest < a.earliest;
}

/** Whether `a` and `b` share an instant. True when they touch. */
export function overlaps(a: TimeInterval, b: TimeInterval): boolean {
  return a.earliest <= b.latest && b.earliest <= a.latest;
}

/** Whether `instant` is one of the interval's, ends included. */
export function contains(interval: TimeInterval, instant: UnixNs): boolean {
  return interval.earliest <= instant && instant <= interval.latest;
}

/** The instants in both; `undefined` when there is none. */
export function intersect(a: TimeInterval, b: TimeInterval): TimeInterval | undefined {
  const earliest = a.earliest > b.earliest ? a.earliest : b.earliest;
  const latest = a.latest < b.latest ? a.latest : b.latest;
  return earliest <= latest ? { earliest, latest } : undefined;
}

/** The smallest interval that holds both, and with them whatever lies between. */
export function hull(a: TimeInterval, b: TimeInterval): TimeInterval {
  return {
    earliest: a.earliest < b.earliest ? a.earliest : b.earliest,
    latest: a.latest > b.latest ? a.latest : b.latest,
  };
}

/** `latest - earliest` in ns: 0n for a single instant, up to 2^64 - 1. */
export function width(interval: TimeInterval): bigint {
  return interval.latest - interval.earliest;
}

/**
 * The interval with both ends moved outward by `byNs`. An end that would leave int64 stays at its limit:
 * that loses no instant which a `UnixNs` can express, so the result still holds all it should.
 *
 * @throws ArgumentTypeError when `byNs` is no bigint, ArgumentRangeError when it is negative (to narrow
 *   an interval is never safe, so there is no call for it)
 */
export function widen(interval: TimeInterval, byNs: bigint): TimeInterval {
  if (typeof byNs !== 'bigint') throw new ArgumentTypeError('byNs', 'a bigint', byNs);
  if (byNs < 0n) throw new ArgumentRangeError('byNs', '0n or more', byNs);
  const earliest = interval.earliest - byNs;
  const latest = interval.latest + byNs;
  return {
    earliest: asUnixNs(earliest < INT64_MIN ? INT64_MIN : earliest),
    latest: asUnixNs(latest > INT64_MAX ? INT64_MAX : latest),
  };
}
