/**
 * Conversions that round in a stated direction.
 *
 * The problem: a bound is only a bound if every step that computes it rounds outward. The usual
 * `Number(ns) / 1e6` and `BigInt(Math.round(ms * 1e6))` round to the nearest value, twice.
 *
 * The idea: a finite double *is* a fraction `n / 2^k`. Doubling it until it is whole loses nothing,
 * so `n` and `k` are exact. The scaling is done on integers, and one shift rounds once: `>>` on a
 * bigint is the floor, and the ceiling is the negated floor of the negative. The way back finds the
 * nearest double on the wanted side by comparing candidates with the exact fraction.
 *
 * Guarantee: each function returns the result nearest to the exact one on the side that its name
 * states (`Down`: towards minus infinity; `Up`: towards plus infinity), or throws. Not for hot
 * paths: a conversion costs up to a microsecond and allocates.
 */
import { ArgumentRangeError, ArgumentTypeError } from './errors.ts';
import { INT64_MAX, INT64_MIN } from './instant.ts';

/** Durations and widths stay within ± this. */
const MAX_NS: bigint = 2n ** 64n;

export const NS_PER_MS = 1_000_000n;
export const NS_PER_SECOND = 1_000_000_000n;

/** `a / b` rounded down; `b` is positive. (JavaScript's own `/` rounds towards zero.) */
export function divFloor(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a < 0n && quotient * b !== a ? quotient - 1n : quotient;
}

/** `a / b` rounded up; `b` is positive. */
export function divCeil(a: bigint, b: bigint): bigint {
  return -divFloor(-a, b);
}

/**
 * Milliseconds, fractions allowed, as nanoseconds rounded down.
 *
 * @param name what the error calls the argument
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `ms` is not a number
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when `ms` is not finite, or the result is outside
 *   int64
 * @example nsFromMsDown(0.1) // 100000n, because the double 0.1 is a little more than a tenth
 */
export function nsFromMsDown(ms: number, name = 'ms'): bigint {
  return int64(name, ms, scaleDown(finite(name, ms), NS_PER_MS));
}

/**
 * Milliseconds, fractions allowed, as nanoseconds rounded up.
 *
 * @param name what the error calls the argument
 * @throws ArgumentTypeError, ArgumentRangeError as {@link nsFromMsDown}
 */
export function nsFromMsUp(ms: number, name = 'ms'): bigint {
  return int64(name, ms, -scaleDown(-finite(name, ms), NS_PER_MS));
}

/**
 * Seconds, fractions allowed, as nanoseconds rounded down.
 *
 * @param name what the error calls the argument
 * @throws ArgumentTypeError, ArgumentRangeError as {@link nsFromMsDown}
 */
export function nsFromSecondsDown(seconds: number, name = 'seconds'): bigint {
  return int64(name, seconds, scaleDown(finite(name, seconds), NS_PER_SECOND));
}

/**
 * Seconds, fractions allowed, as nanoseconds rounded up.
 *
 * @param name what the error calls the argument
 * @throws ArgumentTypeError, ArgumentRangeError as {@link nsFromMsDown}
 */
export function nsFromSecondsUp(seconds: number, name = 'seconds'): bigint {
  return int64(name, seconds, -scaleDown(-finite(name, seconds), NS_PER_SECOND));
}

/**
 * Nanoseconds as milliseconds, rounded down: the greatest double that is not above `ns / 10^6`.
 * Exact when the quotient is a double; whole milliseconds within int64 always are.
 *
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `ns` is not a bigint
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when `ns` is beyond ±2^64
 */
export function msFromNsDown(ns: bigint): number {
  if (typeof ns !== 'bigint') throw new ArgumentTypeError('ns', 'a bigint', ns);
  // Widths reach 2^64. From 2^1024 on there is no double at all.
  if (ns > MAX_NS || ns < -MAX_NS) throw new ArgumentRangeError('ns', 'within 2^64', ns);
  let ms = Number(ns) / 1e6;
  // Two roundings put the quotient at most two doubles away, so each loop takes one or two turns.
  while (isAbove(ms, ns)) ms = neighbourBelow(ms);
  for (let next = -neighbourBelow(-ms); !isAbove(next, ns); next = -neighbourBelow(-next)) {
    ms = next;
  }
  return ms;
}

/**
 * Nanoseconds as milliseconds, rounded up: the least double that is not below `ns / 10^6`.
 *
 * @throws ArgumentTypeError, ArgumentRangeError as {@link msFromNsDown}
 */
export function msFromNsUp(ns: bigint): number {
  // The type is checked here, because `-ns` itself throws for some values.
  return 0 - msFromNsDown(typeof ns === 'bigint' ? -ns : ns);
}

/** Whether `ms` is more than `ns / 10^6`, exactly. */
function isAbove(ms: number, ns: bigint): boolean {
  return -scaleDown(-ms, NS_PER_MS) > ns;
}

/** The floor of `value * factor`; `value` is finite. */
function scaleDown(value: number, factor: bigint): bigint {
  let numerator = value;
  let shift = 0;
  // A double with a fraction is below 2^53 and a multiple of 2^-1074, so doubling is exact and
  // ends.
  while (!Number.isInteger(numerator)) {
    numerator *= 2;
    shift++;
  }
  return (BigInt(numerator) * factor) >> BigInt(shift);
}

/** The greatest double below `value`, which is finite. */
function neighbourBelow(value: number): number {
  if (value === 0) return -Number.MIN_VALUE;
  const double = new Float64Array([value]);
  const bits = new BigInt64Array(double.buffer);
  // Doubles of one sign are ordered as their bit patterns are, by magnitude.
  bits[0]! += value > 0 ? -1n : 1n;
  return double[0]!;
}

function finite(name: string, value: number): number {
  if (typeof value !== 'number') throw new ArgumentTypeError(name, 'a number', value);
  if (!Number.isFinite(value)) throw new ArgumentRangeError(name, 'a finite number', value);
  return value;
}

function int64(name: string, given: number, ns: bigint): bigint {
  if (ns < INT64_MIN || ns > INT64_MAX) {
    throw new ArgumentRangeError(name, 'within int64 nanoseconds', given);
  }
  return ns;
}
