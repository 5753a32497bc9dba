/**
 * ISO 8601 text with nanoseconds (the profile of RFC 3339, upper case, extended format).
 *
 * Written: always UTC, always nine digits, so that texts of instants sort as the instants do and
 * `formatIso(parseIso(text))` is the one canonical form. Read: strictly, so that no two programs can
 * disagree on what a text means: four-digit year, `T`, seconds, at most nine digits of fraction, and `Z`
 * or an offset are required; nothing is defaulted, no digit is dropped.
 *
 * Unix time has no leap seconds, so 23:59:60 has no instant of its own. Folding it onto a neighbour
 * would give two different moments one timestamp; it is refused by name instead, and the caller decides.
 *
 * Range: int64 nanoseconds, 1677-09-21T00:12:43.145224192Z to 2262-04-11T23:47:16.854775807Z.
 */
import { ArgumentTypeError, EpsilonClockError } from './errors.ts';
import { asUnixNs, INT64_MAX, INT64_MIN, type UnixNs } from './instant.ts';
import { divFloor, NS_PER_MS, NS_PER_SECOND } from './rounding.ts';

/** Why a text is no instant. */
export type IsoTimeProblem = 'syntax' | 'no-such-time' | 'leap-second' | 'out-of-range';

/** A text that `parseIso` refused. */
export class IsoTimeError extends EpsilonClockError {
  readonly code = 'ERR_ISO_TIME' as const;
  /**
   * `syntax`: not of the required form. `no-such-time`: a field is out of its range (30 February, hour 24).
   * `leap-second`: second 60. `out-of-range`: a real time, but not within int64 nanoseconds.
   */
  readonly problem: IsoTimeProblem;
  /** What was refused, cut after 80 characters. */
  readonly text: string;

  constructor(problem: IsoTimeProblem, text: string) {
    const shown = text.slice(0, 80);
    super(`not an ISO 8601 instant (${problem}): ${JSON.stringify(shown)}`);
    this.name = 'IsoTimeError';
    this.problem = problem;
    this.text = shown;
  }
}

/**
 * An instant as `YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ`, exactly.
 *
 * @example formatIso(unixNs(1_795_227_787_534_418_003n)) // '2026-11-21T02:23:07.534418003Z'
 */
export function formatIso(instant: UnixNs): string {
  const seconds = divFloor(instant, NS_PER_SECOND);
  const fraction = String(instant - seconds * NS_PER_SECOND).padStart(9, '0');
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}

const ISO = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/;

/**
 * The instant that a text names, exactly.
 *
 * @throws IsoTimeError (`ERR_ISO_TIME`, `problem` says why) when it names none
 * @throws ArgumentTypeError when it is no string
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
  // Also keeps out the years that Date.UTC takes for 19xx; no offset reaches across a whole year.
  if (year < 1677 || year > 2262) throw new IsoTimeError('out-of-range', text);

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
