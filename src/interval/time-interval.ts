/**
 * Intervals of Unix time, ends included: "the instant is one of these".
 *
 * With uncertain clocks, *before* and *after* are certain only when two intervals do not share a
 * single instant. Overlapping intervals are concurrent as far as anyone can tell. So the relations
 * here are strict, and exactly one of `isBefore(a, b)`, `isAfter(a, b)`, `overlaps(a, b)` holds.
 * Touching ends overlap: the shared instant may be the true one of both. (Allen's *meets* counts as
 * overlap, not as before.)
 */
import { ArgumentRangeError, ArgumentTypeError, notUnixNs } from '../time/errors.ts';
import {
  asUnixNs,
  checkUnixNs,
  INT64_MAX,
  INT64_MIN,
  type UnixNs,
  type UnixNsInput,
} from '../time/instant.ts';
import { formatIso, IsoTimeError, parseIso } from '../time/iso.ts';

/** Every instant from `earliest` to `latest`, both included; `earliest <= latest`. */
export interface TimeInterval {
  /** The earliest instant, Unix ns. */
  readonly earliest: UnixNs;
  /** The latest instant, Unix ns; not before `earliest`. */
  readonly latest: UnixNs;
}

/**
 * `[earliest, latest]` in Unix ns, as the library returns it. In JSON the two ends are decimal
 * strings, and `String(interval)` is the ISO 8601 interval `<earliest>/<latest>`.
 */
export class ClockInterval implements TimeInterval {
  /** The earliest instant, Unix ns; rounded down. */
  readonly earliest: UnixNs;
  /** The latest instant, Unix ns; rounded up. */
  readonly latest: UnixNs;

  /** Trusts the ends; {@link timeInterval} checks them. */
  constructor(earliest: UnixNs, latest: UnixNs) {
    this.earliest = earliest;
    this.latest = latest;
  }

  /** `latest - earliest`, ns. */
  get widthNs(): bigint {
    return this.latest - this.earliest;
  }

  /** Half the width, ns, rounded up: the number after ±. */
  get uncertaintyNs(): bigint {
    return uncertaintyNs(this);
  }

  /** The instant in the middle, rounded down. */
  get midpoint(): UnixNs {
    return midpoint(this);
  }

  toString(): string {
    return formatInterval(this);
  }

  toJSON(): { earliest: string; latest: string } {
    return { earliest: String(this.earliest), latest: String(this.latest) };
  }
}

/**
 * Returns a checked interval.
 *
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when an end is not a bigint
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when an end is outside int64, or
 *   `earliest > latest`
 * @example timeInterval({ earliest: 10n, latest: 20n }) // { earliest: 10n, latest: 20n }
 */
export function timeInterval(ends: { earliest: UnixNsInput; latest: UnixNsInput }): ClockInterval {
  checkInterval('ends', ends);
  const earliest = checkUnixNs('ends.earliest', ends.earliest);
  return new ClockInterval(earliest, checkUnixNs('ends.latest', ends.latest));
}

/**
 * Throws unless `value` is an interval, so that no relation answers about anything else.
 *
 * @throws ArgumentTypeError when `value` is not an object whose ends are bigints
 * @throws ArgumentRangeError when it ends before it begins
 */
export function checkInterval(name: string, value: { earliest: bigint; latest: bigint }): void {
  if (typeof value?.earliest !== 'bigint' || typeof value.latest !== 'bigint') {
    throw new ArgumentTypeError(name, 'an interval with bigint earliest and latest', value);
  }
  if (value.earliest > value.latest) {
    const expected = `at most ${name}.latest (${value.latest}n)`;
    throw new ArgumentRangeError(`${name}.earliest`, expected, value.earliest);
  }
}

function checkTwo(a: TimeInterval, b: TimeInterval): void {
  checkInterval('a', a);
  checkInterval('b', b);
}

/**
 * Whether all of `a` lies before all of `b`. False when they touch.
 *
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when an end is not a bigint
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when an interval ends before it begins
 */
export function isBefore(a: TimeInterval, b: TimeInterval): boolean {
  checkTwo(a, b);
  return a.latest < b.earliest;
}

/**
 * Whether all of `a` lies after all of `b`. False when they touch.
 *
 * @throws ArgumentTypeError, ArgumentRangeError as {@link isBefore}
 */
export function isAfter(a: TimeInterval, b: TimeInterval): boolean {
  checkTwo(a, b);
  return b.latest < a.earliest;
}

/**
 * Whether `a` and `b` share an instant. True when they touch.
 *
 * @throws ArgumentTypeError, ArgumentRangeError as {@link isBefore}
 */
export function overlaps(a: TimeInterval, b: TimeInterval): boolean {
  checkTwo(a, b);
  return a.earliest <= b.latest && b.earliest <= a.latest;
}

/**
 * Whether `instant` lies in `interval`, ends included.
 *
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `instant` or an end is not a bigint
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when the interval ends before it begins
 */
export function contains(interval: TimeInterval, instant: UnixNsInput): boolean {
  checkInterval('interval', interval);
  if (typeof instant !== 'bigint') throw notUnixNs('instant', instant);
  return interval.earliest <= instant && instant <= interval.latest;
}

/**
 * The instants that are in both `a` and `b`; `undefined` when there are none.
 *
 * @throws ArgumentTypeError, ArgumentRangeError as {@link isBefore}
 */
export function intersect(a: TimeInterval, b: TimeInterval): ClockInterval | undefined {
  checkTwo(a, b);
  const earliest = a.earliest > b.earliest ? a.earliest : b.earliest;
  const latest = a.latest < b.latest ? a.latest : b.latest;
  return earliest <= latest ? new ClockInterval(earliest, latest) : undefined;
}

/**
 * The smallest interval that holds both `a` and `b`; it includes the gap between them.
 *
 * @throws ArgumentTypeError, ArgumentRangeError as {@link isBefore}
 */
export function hull(a: TimeInterval, b: TimeInterval): ClockInterval {
  checkTwo(a, b);
  return new ClockInterval(
    a.earliest < b.earliest ? a.earliest : b.earliest,
    a.latest > b.latest ? a.latest : b.latest,
  );
}

/**
 * `latest - earliest` in ns: 0n for a single instant, at most 2^64 - 1.
 *
 * @throws ArgumentTypeError, ArgumentRangeError as {@link isBefore}
 */
export function widthNs(interval: TimeInterval): bigint {
  checkInterval('interval', interval);
  return interval.latest - interval.earliest;
}

/** Half the width in ns, rounded up: the number after ± in `midpoint ± uncertainty`. */
export function uncertaintyNs(interval: TimeInterval): bigint {
  return (widthNs(interval) + 1n) >> 1n;
}

/**
 * The instant in the middle, rounded down. Neither end is further from it than {@link
 * uncertaintyNs}.
 *
 * @example midpoint(timeInterval({ earliest: 10n, latest: 21n })) // 15n
 */
export function midpoint(interval: TimeInterval): UnixNs {
  checkInterval('interval', interval);
  return asUnixNs((interval.earliest + interval.latest) >> 1n);
}

/**
 * The ISO 8601 interval `<earliest>/<latest>`, each end in UTC with nine digits.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `interval` is not an interval within int64
 * @example formatInterval(timeInterval({ earliest: 0n, latest: 1n }))
 * // '1970-01-01T00:00:00.000000000Z/1970-01-01T00:00:00.000000001Z'
 */
export function formatInterval(interval: TimeInterval): string {
  checkInterval('interval', interval);
  return `${formatIso(interval.earliest)}/${formatIso(interval.latest)}`;
}

/**
 * The interval that a text names: two instants as `parseIso` reads them, with `/` between.
 *
 * @throws IsoTimeError (`ERR_ISO_TIME`) when the text is of another form, or ends before it begins
 *   (`reason` is then `'out-of-range'`)
 * @throws ArgumentTypeError when `text` is not a string
 */
export function parseInterval(text: string): ClockInterval {
  if (typeof text !== 'string') throw new ArgumentTypeError('text', 'a string', text);
  const texts = text.split('/');
  if (texts.length !== 2) throw new IsoTimeError('syntax', text);
  const ends = { earliest: parseIso(texts[0]!), latest: parseIso(texts[1]!) };
  if (ends.earliest > ends.latest) throw new IsoTimeError('out-of-range', text);
  return timeInterval(ends);
}

/**
 * The interval with both ends moved outward by `byNs`. An end that would leave int64 stays at the
 * limit of int64. That loses no instant which a `UnixNs` can express, so the result still holds all
 * it should.
 *
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `byNs` or an end is not a bigint
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when `byNs` is negative (narrowing an interval is
 *   never safe), or the interval ends before it begins
 */
export function widen(interval: TimeInterval, byNs: bigint): ClockInterval {
  checkInterval('interval', interval);
  if (typeof byNs !== 'bigint') throw new ArgumentTypeError('byNs', 'a bigint', byNs);
  if (byNs < 0n) throw new ArgumentRangeError('byNs', '0n or more', byNs);
  const earliest = interval.earliest - byNs;
  const latest = interval.latest + byNs;
  return new ClockInterval(
    asUnixNs(earliest < INT64_MIN ? INT64_MIN : earliest),
    asUnixNs(latest > INT64_MAX ? INT64_MAX : latest),
  );
}
