/**
 * Instants to and from the other forms that JavaScript has for them. A form that cannot hold
 * nanoseconds gets the instant rounded *down* to its unit, as `Date` and every calendar do; also
 * before 1970.
 */
import { ArgumentRangeError, ArgumentTypeError, checkNumber } from './errors.ts';
import { checkUnixNs, type UnixNs, type UnixNsInput, unixNs } from './instant.ts';
import { formatIso } from './iso.ts';
import { divFloor, NS_PER_MS, NS_PER_SECOND, nsFromMsDown } from './rounding.ts';

/** The part of `Temporal.Instant` that is used here. Every `Temporal.Instant` has it. */
export interface InstantLike {
  /** Nanoseconds since 1970-01-01T00:00:00Z. */
  readonly epochNanoseconds: bigint;
}

/**
 * Unix milliseconds (fractions allowed, as in `performance.timeOrigin`) as Unix nanoseconds,
 * rounded down.
 *
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `ms` is not a number
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when `ms` is not finite, or the result is outside
 *   int64
 * @example unixNsFromMs(Date.now())
 */
export function unixNsFromMs(ms: number): UnixNs {
  return unixNs(nsFromMsDown(ms));
}

/**
 * An instant as whole Unix milliseconds, rounded down; always a safe integer.
 *
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `instant` is not a bigint
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when `instant` is outside int64
 */
export function msFromUnixNs(instant: UnixNsInput): number {
  return Number(divFloor(checkUnixNs('instant', instant), NS_PER_MS));
}

/**
 * A `Date` as an instant, exactly.
 *
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `date` is not a `Date`
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when `date` is invalid, or outside 1677-09-21 to
 *   2262-04-11
 */
export function unixNsFromDate(date: Date): UnixNs {
  if (!(date instanceof Date)) throw new ArgumentTypeError('date', 'a Date', date);
  const ms = date.getTime();
  if (Number.isNaN(ms)) throw new ArgumentRangeError('date', 'a valid Date', ms);
  return unixNs(nsFromMsDown(ms, 'date'));
}

/**
 * An instant as a `Date`, rounded down to the millisecond.
 *
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `instant` is not a bigint
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when `instant` is outside int64
 */
export function dateFromUnixNs(instant: UnixNsInput): Date {
  return new Date(msFromUnixNs(instant));
}

/**
 * A `Temporal.Instant`, or any object with `epochNanoseconds`, as an instant, exactly.
 *
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `epochNanoseconds` is not a bigint
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when it is outside int64
 */
export function unixNsFromInstant(instant: InstantLike): UnixNs {
  const ns: unknown = (instant as InstantLike | null | undefined)?.epochNanoseconds;
  if (typeof ns !== 'bigint') {
    throw new ArgumentTypeError('instant', 'an object with epochNanoseconds', instant);
  }
  return unixNs(ns);
}

/**
 * An instant in a form that Temporal takes, exactly: `Temporal.Instant.from(instantFromUnixNs(t))`
 * reads its text. (`Temporal.Instant.fromEpochNanoseconds(t)` takes a `UnixNs` directly.)
 *
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `instant` is not a bigint
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when `instant` is outside int64
 */
export function instantFromUnixNs(instant: UnixNsInput): InstantLike {
  const text = () => formatIso(instant);
  checkUnixNs('instant', instant);
  return { epochNanoseconds: instant, toString: text, toJSON: text } as InstantLike;
}

/**
 * Seconds and nanoseconds since 1970, as OpenTelemetry's `HrTime` and `process.hrtime` have them.
 */
export type HrTime = [seconds: number, nanoseconds: number];

/**
 * An instant as {@link HrTime}, exactly. Nanoseconds are from 0 to 999,999,999, also before 1970.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `instant` is not an int64
 * @example hrTimeFromUnixNs(1_500_000_007n) // [1, 500000007]
 */
export function hrTimeFromUnixNs(instant: UnixNsInput): HrTime {
  const seconds = divFloor(checkUnixNs('instant', instant), NS_PER_SECOND);
  return [Number(seconds), Number(instant - seconds * NS_PER_SECOND)];
}

/**
 * The instant that an {@link HrTime} means, exactly.
 *
 * @throws ArgumentTypeError when `time` is not two numbers
 * @throws ArgumentRangeError when they are not whole, nanoseconds are not from 0 to 999,999,999, or
 *   the instant is outside int64
 * @example unixNsFromHrTime([1, 500_000_007]) // 1500000007n
 */
export function unixNsFromHrTime(time: readonly [seconds: number, nanoseconds: number]): UnixNs {
  if (!Array.isArray(time)) throw new ArgumentTypeError('time', 'seconds and nanoseconds', time);
  const [seconds, nanoseconds] = time as readonly unknown[];
  const whole = (name: string, value: unknown, min: number, max: number): bigint => {
    const number = checkNumber(name, value, min, max);
    if (Number.isInteger(number)) return BigInt(number);
    throw new ArgumentRangeError(name, 'a whole number', value);
  };
  return unixNs(
    whole('seconds', seconds, -1e10, 1e10) * NS_PER_SECOND +
      whole('nanoseconds', nanoseconds, 0, 999_999_999),
  );
}

/**
 * The instant `ms` milliseconds (fractions and negative numbers allowed) after `instant`, rounded
 * down.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when an argument is of another kind, or the result
 *   is outside int64
 * @example addMs(1_000_000_000n, 1.5) // 1001500000n
 */
export function addMs(instant: UnixNsInput, ms: number): UnixNs {
  return unixNs(checkUnixNs('instant', instant) + nsFromMsDown(ms));
}
