/**
 * Instants, as branded `bigint` nanoseconds. Two clocks, two types: a wall instant can be compared
 * with one of another machine, and may step; a monotonic instant only orders events of one boot of
 * one machine.
 *
 * What the types refuse: a plain `bigint` or an instant of the other clock where an instant is
 * expected, and `===` between the two clocks. What they cannot refuse: `+`, `-`, `<` and `>`
 * between the two, which TypeScript allows on any bigints. A sum or difference is a plain `bigint`
 * again, so it is refused wherever an instant is expected. Adding an instant and `Date.now()`
 * throws at run time.
 *
 * Both are int64 (the range of a PostgreSQL `BIGINT`, a protobuf `int64`, a `BigInt64Array` slot):
 * as Unix time that is 1677-09-21 to 2262-04-11.
 *
 * This is the one file that casts to a brand. `unixNs` and `monotonicNs` check their argument; the
 * `as…` forms are for code inside the library whose argument is in range by construction.
 */
import { ArgumentRangeError, ArgumentTypeError, notUnixNs } from './errors.ts';

declare const unix: unique symbol;
declare const monotonic: unique symbol;

/**
 * An instant of Unix time: nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted
 * (POSIX). int64: 1677-09-21 to 2262-04-11.
 */
export type UnixNs = bigint & { readonly [unix]: true };

/**
 * An instant of this machine's monotonic clock: nanoseconds (int64) from an origin that means
 * nothing on another machine or after a reboot.
 */
export type MonotonicNs = bigint & { readonly [monotonic]: true };

/**
 * What a parameter takes that means Unix time: a `UnixNs`, or a plain bigint such as a row's or a
 * parsed header's, which is then checked at run time. A `MonotonicNs` is refused by the compiler.
 */
export type UnixNsInput = bigint & { readonly [monotonic]?: never };

/** The smallest int64. */
export const INT64_MIN: bigint = -(2n ** 63n);
/** The largest int64. */
export const INT64_MAX: bigint = 2n ** 63n - 1n;

/**
 * Returns `value` as an instant of Unix time.
 *
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `value` is not a bigint
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when `value` is outside int64
 * @example unixNs(1_795_227_787_534_418_003n)
 */
export function unixNs(value: bigint): UnixNs {
  return checkUnixNs('unixNs', value);
}

/** As {@link unixNs}; the error calls the value `name`. */
export function checkUnixNs(name: string, value: bigint): UnixNs {
  if (typeof value !== 'bigint') throw notUnixNs(name, value);
  return int64(name, value) as UnixNs;
}

/**
 * Returns `value` as an instant of a monotonic clock.
 *
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `value` is not a bigint
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when `value` is outside int64
 */
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

/** Cast without a check: every value that `read` returns is in range by construction. */
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
