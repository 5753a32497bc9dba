/**
 * The time of a line by the wall clock of its host, as loggers write it.
 *
 * A number is seconds, milliseconds, microseconds or nanoseconds since 1970. Nothing in the line
 * says which, but the number of digits does: seconds have 10 digits from 2001 to 2286, and every
 * smaller unit three more. Text is ISO 8601 with an offset or `Z`, or the digits of such a number.
 *
 * Loggers cut what they do not write. A time of `.534` is any instant of that millisecond, so a
 * time has a grid: the instant is from `ns` to `ns + gridNs - 1`.
 */
import { asUnixNs, INT64_MAX, type UnixNs } from '../../time/instant.ts';
import { IsoTimeError, parseIso } from '../../time/iso.ts';
import { int64FromDigits } from './digits.ts';
import { isString } from './field-scanner.ts';

export interface WallTime {
  readonly ns: UnixNs;
  /** The unit of the last digit that was written, ns. */
  readonly gridNs: bigint;
}

/** The value of a field from `start` to `end` as a time; `undefined` for any other value. */
export function readWallTime(bytes: Buffer, start: number, end: number): WallTime | undefined {
  const quotes = isString(bytes, start) ? 1 : 0;
  const from = start + quotes;
  const to = end - quotes;
  const whole = int64FromDigits(bytes, from, to);
  if (whole !== undefined) return fromCount(whole, to - from);
  const text = bytes.toString('latin1', from, to);
  return quotes === 1 ? fromIso(text) : fromDecimal(text);
}

const NS_PER_SECOND = 1_000_000_000n;

/** The unit, ns, of a number by its count of digits; `undefined` for no usual unit. */
function unitNs(digits: number): bigint | undefined {
  if (digits < 9 || digits > 19) return undefined;
  if (digits < 12) return NS_PER_SECOND;
  if (digits < 15) return 1_000_000n;
  return digits < 18 ? 1000n : 1n;
}

function fromCount(count: bigint, digits: number): WallTime | undefined {
  const unit = unitNs(digits);
  return unit === undefined ? undefined : wallTime(count * unit, unit);
}

/** A number with a fraction, such as `1795227787.534` seconds. */
function fromDecimal(text: string): WallTime | undefined {
  const match = /^(\d+)\.(\d+)$/.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = ''] = match;
  const unit = unitNs(whole.length);
  if (unit === undefined) return undefined;
  // As many decimals as the unit has powers of ten; what is finer than a nanosecond is cut.
  const decimals = String(unit).length - 1;
  const kept = fraction.slice(0, decimals);
  const gridNs = 10n ** BigInt(decimals - kept.length);
  return wallTime(BigInt(whole) * unit + BigInt(kept.padEnd(decimals, '0') || 0), gridNs);
}

/** A timestamp is never negative, so neither is a time that can stand in for one. */
function wallTime(ns: bigint, gridNs: bigint): WallTime | undefined {
  return ns < 0n || ns > INT64_MAX ? undefined : { ns: asUnixNs(ns), gridNs };
}

function fromIso(text: string): WallTime | undefined {
  try {
    const [, fraction = ''] = /\.(\d+)/.exec(text) ?? [];
    return wallTime(parseIso(text), 10n ** BigInt(9 - fraction.length));
  } catch (error) {
    if (error instanceof IsoTimeError) return undefined;
    throw error;
  }
}
