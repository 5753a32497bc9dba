/**
 * The three number formats of NTP (RFC 5905 section 6) and integer nanoseconds.
 *
 * - *Timestamp*, 32.32: seconds since 1900 modulo 2^32. It wraps on 2036-02-07 (each wrap begins an
 *   *era*), so it means nothing without a pivot: an instant that the caller believes in. The era
 *   chosen is the one nearest to the pivot. A difference of two timestamps is therefore taken
 *   modulo 2^64 and read as signed.
 * - *Short*, 16.16: root delay and root dispersion.
 * - *Precision*: a *signed* log2 of seconds. Read as unsigned, -20 (a microsecond) becomes 2^236 s.
 *
 * A unit of 32.32 is 0.23 ns, so neither direction is exact; each function says which way it
 * rounds. Everything is bigint: nothing here can be NaN, lose bits or overflow.
 */
import { asUnixNs, type UnixNs } from '../../time/instant.ts';
import { divCeil, divFloor, NS_PER_SECOND, nsFromMsUp } from '../../time/rounding.ts';

/** The direction in which a conversion that is not exact rounds. */
export type Rounding = 'down' | 'up';

/** 1900-01-01 to 1970-01-01, in seconds. */
const UNIX_EPOCH_S = 2_208_988_800n;
const UNITS_PER_SECOND = 1n << 32n;
const SHORTS_PER_SECOND = 1n << 16n;
const MAX_SHORT = 0xffff_ffffn;

/** `ns` in units of 32.32 seconds since 1900, with no wrap at eras. */
function unitsFromUnixNs(ns: UnixNs, rounding: Rounding): bigint {
  const divide = rounding === 'down' ? divFloor : divCeil;
  return divide((ns + UNIX_EPOCH_S * NS_PER_SECOND) << 32n, NS_PER_SECOND);
}

/**
 * The instant that `timestamp` (0 to 2^64 - 1) names in the era nearest to `pivot`: within 68 years
 * of it.
 *
 * @param rounding `down`: the last nanosecond not after it; `up`: the first not before it
 */
export function unixNsFromTimestamp(timestamp: bigint, pivot: UnixNs, rounding: Rounding): UnixNs {
  const near = unitsFromUnixNs(pivot, 'down');
  const units = near + BigInt.asIntN(64, timestamp - near);
  const divide = rounding === 'down' ? divFloor : divCeil;
  const sinceNtpEpoch = divide(units * NS_PER_SECOND, UNITS_PER_SECOND);
  return asUnixNs(sinceNtpEpoch - UNIX_EPOCH_S * NS_PER_SECOND);
}

/** The timestamp of `ns`, 0 to 2^64 - 1, without its era. */
export function timestampFromUnixNs(ns: UnixNs, rounding: Rounding): bigint {
  return BigInt.asUintN(64, unitsFromUnixNs(ns, rounding));
}

/**
 * An upper bound, in ns, of the value that a short-format value stood for: rounded up, plus one
 * unit of 2^-16 s (15.26 us), because the server may have truncated the value to fit.
 */
export function nsFromShortUp(short: number): bigint {
  return divCeil(BigInt(short + 1) * NS_PER_SECOND, SHORTS_PER_SECOND);
}

/**
 * The least short-format value not below `ms`, 0 to 2^32 - 1. Values above 65,536 s are cut to
 * that.
 */
export function shortFromMsUp(ms: number): number {
  return shortFromNsUp(nsFromMsUp(ms));
}

/** As {@link shortFromMsUp}, of `ns`, 0 or more. */
export function shortFromNsUp(ns: bigint): number {
  const short = divCeil(ns * SHORTS_PER_SECOND, NS_PER_SECOND);
  return Number(short < MAX_SHORT ? short : MAX_SHORT);
}

/** `2^precision` seconds in ns, rounded up; `precision` is the signed log2, -128 to 127. */
export function nsFromPrecisionUp(precision: number): bigint {
  return precision >= 0
    ? NS_PER_SECOND << BigInt(precision)
    : divCeil(NS_PER_SECOND, 1n << BigInt(-precision));
}
