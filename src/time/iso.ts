/**
 * ISO 8601 text with nanoseconds (the profile of RFC 3339, upper case, extended format).
 *
 * Writing: always UTC and always nine digits. So texts sort as their instants do, and
 * `formatIso(parseIso(text))` is the one canonical form.
 *
 * Reading is strict, so that no two programs disagree on what a text means. A four-digit year, `T`,
 * seconds, and `Z` or an offset are required; a fraction has at most nine digits. Nothing gets a
 * default and no digit is dropped.
 *
 * Unix time has no leap seconds, so 23:59:60 has no instant of its own. To fold it onto a neighbour
 * would give two different moments one timestamp. So it is refused by name, and the caller decides.
 *
 * Range: int64 nanoseconds, 1677-09-21T00:12:43.145224192Z to 2262-04-11T23:47:16.854775807Z.
 */
import { ArgumentTypeError, EpsilonClockError } from './errors.ts';
import {
  asUnixNs,
  checkUnixNs,
  INT64_MAX,
  INT64_MIN,
  type UnixNs,
  type UnixNsInput,
} from './instant.ts';
import { divFloor, NS_PER_MS, NS_PER_SECOND } from './rounding.ts';

/**
 * Why a text is not an instant.
 *
 * - `syntax`: it is not of the required form.
 * - `no-such-time`: a field is out of its range (30 February, hour 24).
 * - `leap-second`: its second is 60.
 * - `out-of-range`: it is a real time, but outside int64 nanoseconds.
 */
export type IsoTimeReason = 'syntax' | 'no-such-time' | 'leap-second' | 'out-of-range';

/** `parseIso` refused a text (`ERR_ISO_TIME`). */
export class IsoTimeError extends EpsilonClockError {
  readonly code = 'ERR_ISO_TIME' as const;
  /** Why: see {@link IsoTimeReason}. */
  readonly reason: IsoTimeReason;
  /** The refused text, cut after 80 characters. */
  readonly text: string;

  constructor(reason: IsoTimeReason, text: string) {
    const shown = text.slice(0, 80);
    super(`not an ISO 8601 instant (${reason}): ${JSON.stringify(shown)}`);
    this.name = 'IsoTimeError';
    this.reason = reason;
    this.text = shown;
  }
}

/**
 * An instant as `YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ`, exactly.
 *
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `instant` is not a bigint
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when `instant` is outside int64
 * @example formatIso(unixNs(1_795_227_787_534_418_003n)) // '2026-11-21T02:23:07.534418003Z'
 */
export function formatIso(instant: UnixNsInput): string {
  const seconds = divFloor(checkUnixNs('instant', instant), NS_PER_SECOND);
  const fraction = String(instant - seconds * NS_PER_SECOND).padStart(9, '0');
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}

const ISO = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/;

/**
 * The instant that a text names, exactly. Reads `YYYY-MM-DDTHH:MM:SS`, up to nine digits of
 * fraction, then `Z` or an offset `+HH:MM`.
 *
 * @throws IsoTimeError (`ERR_ISO_TIME`, `reason` says why) when `text` does not name an instant
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `text` is not a string
 * @example parseIso('2026-11-21T01:23:07.5+01:00') // 1795220587500000000n
 */
export function parseIso(text: string): UnixNs {
  if (typeof text !== 'string') throw new ArgumentTypeError('text', 'a string', text);
  const match = ISO.exec(text);
  if (!match) throw new IsoTimeError('syntax', text);
  const field = (index: number): number => Number(match[index] ?? 0);
  const [year, month, day] = [field(1), field(2), field(3)];
  const [hour, minute, second] = [field(4), field(5), field(6)];
  const [offsetHour, offsetMinute] = [field(9), field(10)];

  if (hour > 23 || minute > 59 || offsetHour > 23 || offsetMinute > 59 || second > 60) {
    throw new IsoTimeError('no-such-time', text);
  }
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) {
    throw new IsoTimeError('no-such-time', text);
  }
  if (second === 60) throw new IsoTimeError('leap-second', text);
  // Date.UTC takes the years 0 to 99 for 1900 to 1999. No offset reaches across a whole year.
  if (year < 1677) throw new IsoTimeError('out-of-range', text);

  const offsetMs = (match[8] === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute) * 60_000;
  const ms = Date.UTC(year, month - 1, day, hour, minute, second) - offsetMs;
  const ns = BigInt(ms) * NS_PER_MS + BigInt((match[7] ?? '').padEnd(9, '0'));
  if (ns < INT64_MIN || ns > INT64_MAX) throw new IsoTimeError('out-of-range', text);
  return asUnixNs(ns);
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
