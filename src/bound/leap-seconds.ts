/**
 * The leap seconds that are known, as data. Nobody can compute them: the IERS announces each about
 * half a year ahead, in its Bulletin C (https://www.iers.org, and as a file `leap-seconds.list`).
 *
 * A leap second always ends a UTC month (ITU-R TF.460), so its month is all there is to say.
 */
import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';
import { asUnixNs, type UnixNs } from '../time/instant.ts';
import { checkOptionNames } from '../time/options.ts';
import type { LeapWarning } from './clock-sample.ts';

/** A leap second that the IERS has announced. */
export interface LeapSecond {
  /** The UTC month that it ends, such as `'2016-12'`. */
  readonly month: string;
  /** Whether that month has a second more or a second less. All leap seconds so far: `'insert'`. */
  readonly kind: 'insert' | 'delete';
}

const NAMES: Readonly<Record<keyof LeapSecond, true>> = { month: true, kind: true };

/** A leap second that is expected at the end of a month, or that may be. */
export interface ExpectedLeap {
  /** The first instant of the next month. */
  readonly monthEnd: UnixNs;
  /** The same as a double. */
  readonly monthEndNs: number;
  /** What may happen then. One kind alone is certain. */
  readonly kinds: readonly LeapWarning[];
}

/** Until the end of this month, {@link INSERTED} has every leap second there is. */
export const TABLE_ENDS = '2026-06';

/** The months that ended with an inserted second. None has had one deleted. */
export const INSERTED: readonly string[] = [
  ...['1972-06', '1972-12', '1973-12', '1974-12', '1975-12', '1976-12', '1977-12', '1978-12'],
  ...['1979-12', '1981-06', '1982-06', '1983-06', '1985-06', '1987-12', '1989-12', '1990-12'],
  ...['1992-06', '1993-06', '1994-06', '1995-12', '1997-06', '1998-12', '2005-12', '2008-12'],
  ...['2012-06', '2015-06', '2016-12'],
];

/** The end of a month as an instant, and what is expected then. */
export function expectedLeap(monthEnd: UnixNs, kinds: readonly LeapWarning[]): ExpectedLeap {
  return { monthEnd, monthEndNs: Number(monthEnd), kinds };
}

/**
 * The leap seconds of the table and those of a program, which are announced after the table ends.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `announced` is not a list of leap seconds, one
 *   is not after the table, or a month is listed twice
 */
export function knownLeaps(announced: readonly LeapSecond[] = []): readonly ExpectedLeap[] {
  if (!Array.isArray(announced)) throw new ArgumentTypeError('leapSeconds', 'an array', announced);
  const months = new Map<string, LeapSecond['kind']>();
  for (const [i, leap] of announced.entries()) {
    const name = `leapSeconds[${i}]`;
    const { month, kind } = checkOptionNames(leap as LeapSecond, NAMES, name);
    if (typeof month !== 'string' || !/^\d{4}-(0[1-9]|1[0-2])$/.test(month)) {
      throw new ArgumentTypeError(`${name}.month`, "a month such as '2016-12'", month);
    }
    // Written so, months are in the order of their texts.
    if (month <= TABLE_ENDS || month > '2261-12') {
      const expected = `a month after ${TABLE_ENDS}, because earlier leap seconds are known`;
      throw new ArgumentRangeError(`${name}.month`, expected, month);
    }
    if (months.has(month)) {
      throw new ArgumentRangeError(`${name}.month`, 'listed once', month);
    }
    if (kind !== 'insert' && kind !== 'delete') {
      throw new ArgumentRangeError(`${name}.kind`, "'insert' or 'delete'", kind);
    }
    months.set(month, kind);
  }
  return [
    ...INSERTED.map((month) => expectedLeap(endOf(month), ['insert'])),
    ...[...months].map(([month, kind]) => expectedLeap(endOf(month), [kind])),
  ];
}

/** The first instant after `month`. */
function endOf(month: string): UnixNs {
  const [year, number] = month.split('-').map(Number);
  return asUnixNs(BigInt(Date.UTC(year!, number!)) * 1_000_000n);
}
