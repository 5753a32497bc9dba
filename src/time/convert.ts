/**
 * Instants to and from the other forms JavaScript has for them. Where nanoseconds do not fit, the result
 * is rounded *down*, to the unit in which the instant lies, as `Date` and every calendar do; also before 1970.
 */
import { ArgumentRangeError, ArgumentTypeError } from './errors.ts';
import { type UnixNs, unixNs } from './instant.ts';
import { formatIso } from './iso.ts';
import { divFloor, NS_PER_MS, nsFromMsDown } from './rounding.ts';

/** What a `Temporal.Instant` shows of itself. Every `Temporal.Instant` is one. */
export interface InstantLike {
  readonly epochNanoseconds: bigint;
}

/**
 * Unix milliseconds (fractions allowed, as in `performance.timeOrigin`) as Unix nanoseconds, rounded down.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `ms` is not a finite number or not within int64 ns
 * @example unixNsFromMs(Date.now())
 */
export function unixNsFromMs(ms: number): UnixNs {
  return unixNs(nsFromMsDown(ms));
}

/** The whole Unix milliseconds of an instant, rounded down; always a safe integer. */
export function msFromUnixNs(instant: UnixNs): number {
  return Number(divFloor(instant, NS_PER_MS));
}

/**
 * A `Date` as an instant, exactly.
 *
 * @throws ArgumentRangeError when the date is invalid or outside 1677-09-21 to 2262-04-11,
 *   ArgumentTypeError when it is no `Date`
 */
export function unixNsFromDate(date: Date): UnixNs {
  if (!(date instanceof Date)) throw new ArgumentTypeError('date', 'a Date', date);
  const ms = date.getTime();
  if (Number.isNaN(ms)) throw new ArgumentRangeError('date', 'a valid Date', ms);
  return unixNs(nsFromMsDown(ms, 'date'));
}

/** An instant as a `Date`, rounded down to the millisecond. */
export function dateFromUnixNs(instant: UnixNs): Date {
  return new Date(msFromUnixNs(instant));
}

/**
 * A `Temporal.Instant`, or anything with its `epochNanoseconds`, as an instant, exactly.
 *
 * @throws ArgumentTypeError when it has none, ArgumentRangeError when it is outside int64
 */
export function unixNsFromInstant(instant: InstantLike): UnixNs {
  const ns: unknown = (instant as InstantLike | null | undefined)?.epochNanoseconds;
  if (typeof ns !== 'bigint') {
    throw new ArgumentTypeError('instant', 'an object with epochNanoseconds', instant);
  }
  return unixNs(ns);
}

/**
 * An instant in the form that Temporal takes: `Temporal.Instant.from(instantFromUnixNs(t))` reads its
 * text. (`Temporal.Instant.fromEpochNanoseconds(t)` takes a `UnixNs` as it is.)
 */
export function instantFromUnixNs(instant: UnixNs): InstantLike {
  return { epochNanoseconds: instant, toString: () => formatIso(instant) } as InstantLike;
}
