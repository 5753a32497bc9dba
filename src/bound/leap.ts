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
 * An insertion is believed when more than `f` sources announce it, because at most `f` of them are
 * wrong. For a deletion one source is enough, also against any number that announce an insertion,
 * because it is never wrong to end the bound early. So one lying source can take the bound away for
 * a few seconds a month, but it cannot make a reading wrong.
 */
import { asUnixNs, INT64_MIN, type UnixNs } from '../time/instant.ts';
import type { LeapWarning } from './clock-sample.ts';
import type { SourceState } from './source-state.ts';

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

/** The instant at which theta steps, if a leap second of that kind ends the month. */
function stepOf(monthEnd: UnixNs, kind: LeapWarning): UnixNs {
  return kind === 'delete' ? asUnixNs(monthEnd - LEAP_SECOND_NS) : monthEnd;
}

/** What the sources announce, and when the bound must end because of it. */
export class LeapWatch {
  /** The announced kind; `none` while no leap second is announced. */
  #kind: LeapWarning = 'none';
  #monthEnd: UnixNs | undefined;
  #at: UnixNs | undefined;
  #unambiguousFrom: bigint = INT64_MIN;

  /**
   * The true time at which theta steps because of the announced leap second; `undefined` while none
   * is announced.
   */
  get at(): UnixNs | undefined {
    return this.#at;
  }

  /**
   * Takes in what `sources` announce for the end of this UTC month. A deletion counts if one source
   * announces it, an insertion if more than `faulty` do. The month is taken from the bound
   * (`earliest`), because a single sample may be wrong.
   */
  watch(sources: readonly SourceState[], faulty: number, earliest: () => UnixNs): void {
    let announcing = 0;
    let deleted = false;
    for (const { leap, cone } of sources) {
      if (leap === 'none' || !cone.known) continue;
      announcing++;
      if (leap === 'delete') deleted = true;
    }
    const kind = deleted ? 'delete' : announcing > faulty ? 'insert' : 'none';
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
    return true;
  }

  /**
   * Whether a server that says `serverTime` may not have carried out a leap second yet: the one
   * that ended the bound, or one that the server still announces (`leap`) although its month has
   * just ended.
   */
  isAmbiguous(serverTime: bigint, leap: LeapWarning): boolean {
    if (serverTime < this.#unambiguousFrom) return true;
    return leap !== 'none' && leapFollowing(asUnixNs(serverTime - LEAP_SETTLING_NS)) <= serverTime;
  }

  /** There is a bound again. */
  passed(): void {
    this.#unambiguousFrom = INT64_MIN;
  }
}
