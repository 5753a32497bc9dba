/**
 * When a leap second happens. The NTP leap indicator announces one for the last minute of the
 * current day or month (RFC 5905 section 7.3 has both wordings). Leap seconds happen only at the
 * end of a UTC month (ITU-R TF.460), so only then time may be ambiguous.
 *
 * Theta steps at a leap second, and the bound has to end before that. The two kinds step at
 * different instants:
 *
 * | kind   | the month's last seconds  | theta steps                                 |
 * |--------|---------------------------|---------------------------------------------|
 * | insert | 58, 59, 60, 00            | back by 1 s, at the month's end             |
 * | delete | 58, 00                    | ahead by 1 s, one second *before* the end   |
 *
 * A leap second that the program knows (leap-seconds.ts) ends the bound whatever the sources say.
 * Otherwise the sources announce it. Sources that smear have no say, because they hide leap seconds
 * from their clients. Of the `p` other sources with data at most `f` are wrong, so at least `p - f`
 * announce a leap second that comes. An insertion is believed when that number announces it, but at
 * least one source, and `f + 1` always suffice. For a deletion one source is enough, also against
 * any number that announce an insertion. Ending the bound early is never wrong: it costs a few
 * seconds a month, and cannot make a reading wrong.
 *
 * Converting samples of sources that smear (timescale.ts) needs more, because a leap second that
 * does not come would make them wrong by half a second. It needs certainty: the program knows, or
 * more than `f` sources announce the same. With fewer the leap second is only possible, and the
 * samples are taken both ways. What was expected once stays so until the end of the smear.
 * Otherwise a single source could make the clock start over again and again.
 */
import { asUnixNs, INT64_MIN, type UnixNs } from '../time/instant.ts';
import type { ClockSample, LeapWarning } from './clock-sample.ts';
import { type ExpectedLeap, expectedLeap } from './leap-seconds.ts';
import type { SourceState } from './source-state.ts';
import { LONGEST_SMEAR_NS } from './timescale.ts';

/** The first instant of the UTC month after the one that `instant` is in. */
export function leapFollowing(instant: UnixNs): UnixNs {
  const date = new Date(Number(instant / 1_000_000n));
  return asUnixNs(BigInt(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)) * 1_000_000n);
}

const LEAP_SECOND_NS = 1_000_000_000n;
/**
 * From this long after the month's end on, every server is assumed to have carried out the leap
 * second.
 */
const LEAP_SETTLING_NS = 2_000_000_000n;
/**
 * A bound ends sooner than this after the last sample: `expireAfterMs` is a day at most. So a known
 * leap second that comes later needs no heed yet.
 */
const LONGEST_LIFE_NS = 2 * 86_400e9;

/** The instant at which theta steps, if a leap second of that kind ends the month. */
function stepOf(monthEnd: UnixNs, kind: LeapWarning): UnixNs {
  return kind === 'delete' ? asUnixNs(monthEnd - LEAP_SECOND_NS) : monthEnd;
}

/**
 * Whether theta may have stepped between two instants, if there was any leap second: for facts that
 * are handed on by somebody who does not know of one.
 */
export function mayHoldLeap(from: UnixNs, to: UnixNs): boolean {
  const monthEnd = leapFollowing(asUnixNs(from - LEAP_SETTLING_NS));
  return to >= monthEnd - 2n * LEAP_SECOND_NS;
}

/** A moment, by a source's own account, ns of Unix time. */
export interface Moment {
  readonly saidNs: number;
}

/** What is known of leap seconds, and when the bound must end because of one. */
export class LeapWatch {
  readonly #known: readonly ExpectedLeap[];
  /** What the sources announce, as far as it decides how samples are converted. */
  #announced: ExpectedLeap | undefined;
  /** The announced kind; `none` while no leap second is announced. */
  #kind: LeapWarning = 'none';
  #monthEnd: UnixNs | undefined;
  #at: UnixNs | undefined;
  #unambiguousFrom: bigint = INT64_MIN;
  /** The known leap second that ends the month of the bound. */
  #due: ExpectedLeap | undefined;

  /** @param known the leap seconds that the program knows */
  constructor(known: readonly ExpectedLeap[]) {
    this.#known = known;
  }

  /** Which kind of leap second is announced. */
  get kind(): LeapWarning {
    return this.#kind;
  }

  /**
   * The true time at which theta steps because of the announced leap second; `undefined` while none
   * is announced.
   */
  get at(): UnixNs | undefined {
    return this.#at;
  }

  /** What the sources announce, as far as it decides how samples are converted. */
  get announced(): ExpectedLeap | undefined {
    return this.#announced;
  }

  /** The leap second within a day of that moment, if one is expected. */
  near(moment: Moment): ExpectedLeap | undefined {
    const known = this.#knownNear(moment);
    if (known !== undefined) return known;
    const announced = this.#announced;
    return announced !== undefined && isNear(announced, moment) ? announced : undefined;
  }

  /** Notes what `source` announces with a sample. A source that smears has no say. */
  note(source: SourceState, { leap, receivedAt, lowerNs }: ClockSample, moment: Moment): void {
    source.saidNs = moment.saidNs;
    source.leap = source.timescale === 'smear-24h' ? 'none' : leap;
    if (source.leap === 'none') return;
    // On the first day of a month it is about the end of the last one: a server may go on
    // announcing for a while what has happened.
    source.announcedFor = leapFollowing(asUnixNs(receivedAt + lowerNs - BigInt(LONGEST_SMEAR_NS)));
  }

  /**
   * Decides anew which leap second to expect: that of the bound's month. While there is no bound
   * (no `earliest`), more than `faulty` sources must be within a day of it by their own account, so
   * that one of them is right.
   *
   * @param heard the source whose sample is being taken
   * @returns whether another one is expected than before, or more of it
   */
  learn(
    sources: readonly SourceState[],
    heard: SourceState,
    faulty: number,
    earliest: (() => UnixNs) | undefined,
  ): boolean {
    if (this.#announced === undefined && !doesAnyAnnounce(sources)) return false;
    return this.#decide(sources, heard, faulty, earliest?.());
  }

  /** Apart from `learn`, because V8 allocates what closures share at the start of a function. */
  #decide(
    sources: readonly SourceState[],
    heard: SourceState,
    faulty: number,
    now: UnixNs | undefined,
  ): boolean {
    const before = this.#announced;
    const kindsAt = (monthEnd: UnixNs) => announcedKinds(sources, heard, faulty, monthEnd);
    if (before !== undefined && (now === undefined || isNear(before, { saidNs: Number(now) }))) {
      if (before.kinds.length === 1) return false;
      const live = kindsAt(before.monthEnd);
      const kinds = live.length === 1 ? live : [...new Set([...before.kinds, ...live])];
      this.#announced = expectedLeap(before.monthEnd, kinds);
      return kinds.length !== before.kinds.length;
    }
    const monthEnd =
      now === undefined
        ? sources
            .map((source) => source.announcedFor)
            .find((end) => end !== undefined && areNear(sources, heard, end) > faulty)
        : leapFollowing(now);
    const kinds = monthEnd === undefined ? [] : kindsAt(monthEnd);
    const isKnown = this.#known.some((leap) => leap.monthEnd === monthEnd);
    this.#announced = kinds.length > 0 && !isKnown ? expectedLeap(monthEnd!, kinds) : undefined;
    return this.#announced !== undefined && !isSame(this.#announced, before);
  }

  /**
   * Decides whether the bound must end with this UTC month. The month is taken from the bound
   * (`earliest`), because a single sample may be wrong.
   *
   * @param moment when the last sample was made
   */
  watch(
    sources: readonly SourceState[],
    faulty: number,
    moment: Moment,
    earliest: () => UnixNs,
  ): void {
    let announcing = 0;
    let telling = 0;
    let deleted = false;
    for (const { leap, cone, timescale } of sources) {
      if (!cone.known || timescale === 'smear-24h') continue;
      telling++;
      if (leap !== 'none') announcing++;
      if (leap === 'delete') deleted = true;
    }
    const enough = announcing >= enoughOf(telling, faulty);
    let kind: LeapWarning = deleted ? 'delete' : enough ? 'insert' : 'none';
    this.#due ??= this.#knownNear(moment, LONGEST_LIFE_NS);
    if (this.#due !== undefined && leapFollowing(earliest()) !== this.#due.monthEnd) {
      this.#due = undefined;
    }
    if (this.#due !== undefined && kind !== 'delete') kind = this.#due.kinds[0]!;
    if (kind === this.#kind) return;
    this.#kind = kind;
    if (kind === 'none') {
      this.#monthEnd = undefined;
      this.#at = undefined;
    } else {
      this.#monthEnd ??= leapFollowing(earliest());
      this.#at = stepOf(this.#monthEnd, kind);
    }
  }

  /** Whether the announced leap second may have come. If so, it is no longer announced. */
  reached(latest: () => UnixNs): boolean {
    if (this.#at === undefined || latest() < this.#at) return false;
    this.#unambiguousFrom = this.#monthEnd! + LEAP_SETTLING_NS;
    this.#kind = 'none';
    this.#monthEnd = undefined;
    this.#at = undefined;
    this.#due = undefined;
    return true;
  }

  /**
   * Whether a server that says `serverTime` may not have carried out a leap second yet: the one
   * that ended the bound, one that is expected (`near`), or one that the server still announces
   * (`leap`) although its month has just ended.
   */
  isAmbiguous(serverTime: bigint, leap: LeapWarning, near: ExpectedLeap | undefined): boolean {
    if (serverTime < this.#unambiguousFrom) return true;
    if (near !== undefined && serverTime < near.monthEnd + LEAP_SETTLING_NS) {
      const step = stepOf(near.monthEnd, near.kinds.includes('delete') ? 'delete' : 'insert');
      if (serverTime >= step) return true;
    }
    return leap !== 'none' && leapFollowing(asUnixNs(serverTime - LEAP_SETTLING_NS)) <= serverTime;
  }

  /**
   * Whether theta may have stepped between two moments, ns of Unix time: at a leap second that is
   * known, or that any source has announced. One source suffices, right or wrong: what was said
   * around the end of a month is easily heard again.
   */
  mayLieWithin(from: number, to: number, sources: readonly SourceState[]): boolean {
    // A deletion steps a second before the end. The other seconds allow for rounding and for aging:
    // facts from after the step are of LEAP_SETTLING_NS after the end, or later.
    const spans = (end: number): boolean => from < end + 1e9 && to >= end - 2e9;
    if (this.#announced !== undefined && spans(this.#announced.monthEndNs)) return true;
    for (const { monthEndNs } of this.#known) if (spans(monthEndNs)) return true;
    for (const { announcedFor } of sources) {
      if (announcedFor !== undefined && spans(Number(announcedFor))) return true;
    }
    return false;
  }

  /** There is a bound again. */
  passed(): void {
    this.#unambiguousFrom = INT64_MIN;
  }

  #knownNear(moment: Moment, within: number = LONGEST_SMEAR_NS): ExpectedLeap | undefined {
    for (const leap of this.#known) if (isNear(leap, moment, within)) return leap;
    return undefined;
  }
}

function doesAnyAnnounce(sources: readonly SourceState[]): boolean {
  for (const { leap } of sources) if (leap !== 'none') return true;
  return false;
}

function isSame(a: ExpectedLeap, b: ExpectedLeap | undefined): boolean {
  return a.monthEnd === b?.monthEnd && a.kinds.join() === b.kinds.join();
}

function isNear(
  { monthEndNs }: ExpectedLeap,
  { saidNs }: Moment,
  within: number = LONGEST_SMEAR_NS,
): boolean {
  return Math.abs(monthEndNs - saidNs) <= within;
}

/** How many sources are within a day of that instant, by their own account. */
function areNear(sources: readonly SourceState[], heard: SourceState, monthEnd: UnixNs): number {
  const leap = expectedLeap(monthEnd, []);
  return sources.filter((source) => (source.cone.known || source === heard) && isNear(leap, source))
    .length;
}

/**
 * How many of `telling` sources announce a leap second that comes, if `faulty` are wrong; at least
 * one.
 */
function enoughOf(telling: number, faulty: number): number {
  return Math.max(1, Math.min(faulty + 1, telling - faulty));
}

/**
 * What the sources announce for the end of that month: a kind alone if more than `faulty` of them
 * announce it, so that it is certain; a kind and `none` if it is only possible, which makes a
 * difference for sources that smear; else nothing.
 */
function announcedKinds(
  sources: readonly SourceState[],
  heard: SourceState,
  faulty: number,
  monthEnd: UnixNs,
): readonly LeapWarning[] {
  let telling = 0;
  let smearing = false;
  const announcing = { insert: 0, delete: 0 };
  for (const source of sources) {
    const { leap, cone, timescale, announcedFor } = source;
    smearing ||= timescale === 'smear-24h';
    if ((!cone.known && source !== heard) || timescale === 'smear-24h') continue;
    telling++;
    if (leap !== 'none' && announcedFor === monthEnd) announcing[leap]++;
  }
  const kinds = (['insert', 'delete'] as const).filter(
    (kind) => announcing[kind] >= enoughOf(telling, faulty),
  );
  const certain = kinds.find((kind) => announcing[kind] > faulty);
  if (certain !== undefined) return [certain];
  return smearing && kinds.length > 0 ? ['none', ...kinds] : [];
}
