/**
 * When a leap second happens. The NTP leap indicator announces one for the last minute of the current
 * day or month (RFC 5905 section 7.3 has both wordings); leap seconds are only ever inserted at the end
 * of a UTC month (ITU-R TF.460), so that is when time may be ambiguous.
 */
import { asUnixNs, INT64_MIN, type UnixNs } from '../time/instant.ts';
import type { SourceState } from './source-state.ts';

/** The first instant of the UTC month after the one that `instant` is in. */
export function leapFollowing(instant: UnixNs): UnixNs {
  const date = new Date(Number(instant / 1_000_000n));
  return asUnixNs(BigInt(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)) * 1_000_000n);
}

/** Servers may be this late with a leap second before their time is unambiguous again. */
const LEAP_SETTLING = 2_000_000_000n;

/**
 * What the sources announce of a leap second. At one, theta steps: what was known before it ends with the
 * last second of the month.
 */
export class LeapWatch {
  #at: UnixNs | undefined;
  #unambiguousFrom: bigint = INT64_MIN;

  /** The true time at which a leap second that more than `f` sources announce will happen. */
  get at(): UnixNs | undefined {
    return this.#at;
  }

  /**
   * More than `faulty` sources announce a leap second: it comes at the end of this UTC month. Which month that
   * is, the bound says (`earliest`) and no single sample, which may be a lie.
   */
  watch(sources: readonly SourceState[], faulty: number, earliest: () => UnixNs): void {
    let announcing = 0;
    for (const { leap, cone } of sources) if (leap && cone.known) announcing++;
    if (announcing <= faulty) this.#at = undefined;
    else this.#at ??= leapFollowing(earliest());
  }

  /** Whether the announced leap second may have come. It is then no longer announced. */
  reached(latest: () => UnixNs): boolean {
    if (this.#at === undefined || latest() < this.#at) return false;
    this.#unambiguousFrom = asUnixNs(this.#at + LEAP_SETTLING);
    this.#at = undefined;
    return true;
  }

  /** After a leap second: whether a server that says `serverTime` may not have passed it yet. */
  isAmbiguous(serverTime: bigint): boolean {
    return serverTime < this.#unambiguousFrom;
  }

  /** There is a bound again. */
  passed(): void {
    this.#unambiguousFrom = INT64_MIN;
  }
}
