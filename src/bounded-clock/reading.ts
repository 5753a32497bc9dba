/**
 * What a bounded clock says: an interval and how far to trust it, or no interval and why. A union, so
 * that no caller can use an interval whose clock says "unknown".
 */
import type { NoBoundReason } from '../bound/page.ts';
import type { TimeInterval } from '../interval/time-interval.ts';
import { EpsilonClockError } from '../time/errors.ts';
import type { UnixNs } from '../time/instant.ts';

/** `[earliest, latest]` in Unix ns; in JSON the two ends are decimal strings. */
export class ClockInterval implements TimeInterval {
  readonly earliest: UnixNs;
  readonly latest: UnixNs;

  constructor(earliest: UnixNs, latest: UnixNs) {
    this.earliest = earliest;
    this.latest = latest;
  }

  toJSON(): { earliest: string; latest: string } {
    return { earliest: String(this.earliest), latest: String(this.latest) };
  }
}

/** What may move the wall clock against the monotonic clock. */
export type Disruption = 'step' | 'suspend' | 'step-or-suspend';

/**
 * - `synchronized`: an agreeing source was heard within three of its poll intervals.
 * - `holdover`: none was, but the bound still holds, and grows.
 * - `unsynchronized`: there is no bound; `reason` says why.
 * - `disrupted`: the clocks of this machine were stepped or suspended; the bound is being rebuilt.
 *
 * `quorum` is `full` when at least `2f + 1` sources vote, else `partial`: still sound while no more than
 * `f` of them are wrong, but those can widen the interval.
 */
export type ClockReading =
  | {
      readonly status: 'synchronized' | 'holdover';
      readonly interval: ClockInterval;
      readonly quorum: 'full' | 'partial';
    }
  | { readonly status: 'unsynchronized'; readonly reason: Exclude<NoBoundReason, Disruption> }
  | { readonly status: 'disrupted'; readonly reason: Disruption };

export type ClockStatus = ClockReading['status'];

/** There is no interval to answer from. `code` is `ERR_CLOCK_UNSYNCHRONIZED`. */
export class ClockUnsynchronizedError extends EpsilonClockError {
  readonly code = 'ERR_CLOCK_UNSYNCHRONIZED' as const;
  readonly status: 'unsynchronized' | 'disrupted';
  /** Stable words, as in a {@link ClockReading}. */
  readonly reason: NoBoundReason;

  constructor(status: 'unsynchronized' | 'disrupted', reason: NoBoundReason, detail?: string) {
    super(
      `the clock has no bound: ${status} (${reason})${detail === undefined ? '' : `; ${detail}`}`,
    );
    this.name = 'ClockUnsynchronizedError';
    this.status = status;
    this.reason = reason;
  }
}
