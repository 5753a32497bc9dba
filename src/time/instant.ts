/**
 * Instants, as branded `bigint` nanoseconds. Two clocks, two types: a wall instant can be compared with
 * another machine's and may step; a monotonic one only orders events of one boot of one machine. Adding
 * or comparing across the two is a type error, and mixing either with `Date.now()` throws.
 *
 * Both are int64 (the range of a PostgreSQL `BIGINT`, a protobuf `int64`, a `BigInt64Array` slot):
 * as Unix time that is 1677-09-21 to 2262-04-11.
 *
 * This is the one file that casts to a brand. `unixNs` and `monotonicNs` check; the `as…` forms are for
 * code inside the library whose argument is in range by construction.
 */
import { ArgumentRangeError, ArgumentTypeError } from './errors.ts';

declare const unix: unique symbol;
declare const monotonic: unique symbol;

/** Nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX). */
export type UnixNs = bigint & { readonly [unix]: true };

/** Nanoseconds of this machine's monotonic clock, from an origin that means nothing elsewhere. */
export type MonotonicNs = bigint & { readonly [monotonic]: true };

/** The smallest and the largest int64. */
export const INT64_MIN: bigint = -(2n ** 63n);
export const INT64_MAX: bigint = 2n ** 63n - 1n;

/**
 * `value` as an instant of Unix time.
 *
 * @throws ArgumentTypeError when it is no bigint (`ERR_INVALID_ARG_TYPE`)
 * @throws ArgumentRangeError when it is outside int64 (`ERR_OUT_OF_RANGE`)
 * @example unixNs(1_795_227_787_534_418_003n)
 */
export function unixNs(value: bigint): UnixNs {
  return int64('unixNs', value) as UnixNs;
}

/** `value` as a monotonic instant; range and errors as {@link unixNs}. */
export function monotonicNs(value: bigint): MonotonicNs {
  return int64('monotonicNs', value) as MonotonicNs;
}

/** Cast without a check: `value` is in range by construction. */
export function asUnixNs(value: bigint): UnixNs {
  return value as UnixNs;
}

/** Cast without a check: `value` is in range by construction. */
export function asMonotonicNs(value: bigint): MonotonicNs {
  return value as MonotonicNs;
}

/** Cast without a check: whatever `read` returns is in range by construction. */
export function asMonotonicReader(read: () => bigint): () => MonotonicNs {
  return read as () => MonotonicNs;
}

function int64(name: string, value: bigint): bigint {
  if (typeof value !== 'bigint') throw new ArgumentTypeError(name, 'a bigint', value);
  if (value < INT64_MIN || value > INT64_MAX) {
    throw new ArgumentRangeError(name, 'within int64', value);
  }
  return value;
}
