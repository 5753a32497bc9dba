/**
 * What a source means by the time. All that the engine keeps is UTC. Sources that smear leap
 * seconds serve another time for a day, up to half a second off, so their samples are brought to
 * UTC before they count.
 *
 * **The smear** (`smear-24h`, as Google and Amazon document it). From noon UTC before a leap second
 * to noon after it, 86,401 SI seconds pass (86,399 where a second is deleted), and the smeared
 * clock counts 86,400 of them, all of one length. So when it shows `s` after noon, these SI seconds
 * have passed:
 *
 *     x = s * 86401 / 86400      where a second is inserted
 *     x = s * 86399 / 86400      where a second is deleted
 *
 * and Unix time is `noon + x`, less (or more) a second from the leap second on. That is a quotient
 * of integers, so each conversion is rounded once, in a stated direction.
 *
 * Around an inserted second Unix time is ambiguous: it goes back by a second, and systems differ in
 * when. An upper fact is then the month's end, and a lower fact a second before it, so that both
 * hold under every reading. The clock has no bound there (leap.ts).
 *
 * **Not certain.** Where a leap second is only possible, a smeared time is converted under each
 * possibility, and the outermost facts are kept. They hold whatever happens.
 */
import { ArgumentRangeError } from '../time/errors.ts';
import type { UnixNs } from '../time/instant.ts';
import { divCeil, divFloor, NS_PER_SECOND } from '../time/rounding.ts';
import type { ClockSample, LeapWarning } from './clock-sample.ts';
import type { ExpectedLeap } from './leap-seconds.ts';
import type { SourceState } from './source-state.ts';

/**
 * What a source of time does at a leap second.
 *
 * - `'utc'`: it counts or repeats the second. Most servers do.
 * - `'smear-24h'`: it spreads the second evenly from noon UTC before it to noon after it, as the
 *   time servers of Google and Amazon do.
 * - `'unknown'`: nobody has said. A source that announces leap seconds is then known not to smear
 *   them. One that does not announce a leap second has no vote on the days around it.
 */
export type Timescale = 'utc' | 'smear-24h' | 'unknown';

const TIMESCALES: readonly unknown[] = ['utc', 'smear-24h', 'unknown'] satisfies Timescale[];

/**
 * Returns `value` if it is a timescale, and `'unknown'` if it is absent.
 *
 * @throws ArgumentRangeError naming it `name`
 */
export function checkTimescale(name: string, value: Timescale | undefined): Timescale {
  if (value === undefined) return 'unknown';
  if (TIMESCALES.includes(value)) return value;
  throw new ArgumentRangeError(name, "'utc', 'smear-24h' or 'unknown'", value);
}

const DAY_S = 86_400n;
const NOON_TO_MIDNIGHT_NS = 43_200n * NS_PER_SECOND;
/**
 * A source of unknown timescale may smear for this long before a leap second, and after it. No
 * smear in use is longer.
 */
export const LONGEST_SMEAR_NS = 86_400e9;

/** Unix time is at most this when a `smear-24h` clock shows at most `smeared`. */
export function utcAtMost(smeared: bigint, monthEnd: UnixNs, kind: LeapWarning): bigint {
  const noon = monthEnd - NOON_TO_MIDNIGHT_NS;
  const shown = smeared - noon;
  if (kind === 'none' || shown < 0n || shown > DAY_S * NS_PER_SECOND) return smeared;
  if (kind === 'delete') {
    const utc = noon + divCeil(shown * (DAY_S - 1n), DAY_S);
    return isPastDeletion(shown) ? utc + NS_PER_SECOND : utc;
  }
  const counted = noon + divCeil(shown * (DAY_S + 1n), DAY_S);
  return least(counted, greatest(monthEnd, counted - NS_PER_SECOND));
}

/** Unix time is at least this when a `smear-24h` clock shows at least `smeared`. */
export function utcAtLeast(smeared: bigint, monthEnd: UnixNs, kind: LeapWarning): bigint {
  const noon = monthEnd - NOON_TO_MIDNIGHT_NS;
  const shown = smeared - noon;
  if (kind === 'none' || shown < 0n || shown > DAY_S * NS_PER_SECOND) return smeared;
  if (kind === 'delete') {
    const utc = noon + divFloor(shown * (DAY_S - 1n), DAY_S);
    return isPastDeletion(shown) ? utc + NS_PER_SECOND : utc;
  }
  const counted = noon + divFloor(shown * (DAY_S + 1n), DAY_S);
  return greatest(counted - NS_PER_SECOND, least(counted, monthEnd - NS_PER_SECOND));
}

/** Whether 43,199 SI seconds have passed since noon. Then comes the second that does not exist. */
function isPastDeletion(shown: bigint): boolean {
  return shown * (DAY_S - 1n) >= (NOON_TO_MIDNIGHT_NS - NS_PER_SECOND) * DAY_S;
}

/**
 * A sample of `source` in UTC, near the leap second `leap`. `undefined` when nobody can tell what
 * the source means by the time.
 *
 * @param gridNs grid of the monotonic clock
 */
export function inUtc(
  sample: ClockSample,
  source: Readonly<SourceState>,
  leap: ExpectedLeap,
  gridNs: bigint,
): ClockSample | undefined {
  if (source.timescale === 'smear-24h') return unsmeared(sample, leap, gridNs);
  return mayMislead(source, leap) ? undefined : sample;
}

/**
 * Whether `source` may mean another time than UTC although nothing says so. A server that
 * announces a leap second does not smear it: one that smears has to hide the announcement from its
 * clients, as ntpd and chronyd do.
 */
export function mayMislead(
  { timescale, announcedFor }: Readonly<SourceState>,
  { kinds, monthEnd }: ExpectedLeap,
): boolean {
  return timescale === 'unknown' && kinds.length === 1 && announcedFor !== monthEnd;
}

/** Each reading stands for any instant of its grid, so the facts hold at both ends of it. */
function unsmeared(
  sample: ClockSample,
  { monthEnd, kinds }: ExpectedLeap,
  gridNs: bigint,
): ClockSample {
  const { sentAt, receivedAt } = sample;
  const uppers: bigint[] = [];
  const lowers: bigint[] = [];
  for (const kind of kinds) {
    for (const late of [0n, gridNs]) {
      const sent = sentAt + late;
      const received = receivedAt + late;
      uppers.push(utcAtMost(sent + sample.upperNs, monthEnd, kind) - sent);
      lowers.push(utcAtLeast(received + sample.lowerNs, monthEnd, kind) - received);
    }
  }
  return { ...sample, upperNs: uppers.reduce(greatest), lowerNs: lowers.reduce(least) };
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const greatest = (a: bigint, b: bigint): bigint => (a > b ? a : b);
