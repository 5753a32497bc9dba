/**
 * What a bounded clock says: an interval and how far to trust it; without a bound, the reason. It
 * is a union, so that no caller can use an interval of a clock that has no bound.
 */
import type { Disruption, NoBoundReason } from '../bound/bound.ts';
import type { ClockInterval } from '../interval/time-interval.ts';
import { EpsilonClockError } from '../time/errors.ts';

/**
 * - `synchronized`: an agreeing source was heard within three of its poll intervals.
 * - `holdover`: no agreeing source was, but the bound still holds, and grows.
 * - `unsynchronized`: there is no bound; `reason` says why.
 * - `disrupted`: the clocks of this machine were stepped or suspended; the bound is being rebuilt.
 *
 * `quorum` is `full` when at least `2f + 1` sources vote, else `partial`. A partial quorum is sound
 * too while at most `f` sources are wrong, but those can widen the interval.
 */
export type ClockReading =
  | {
      readonly status: 'synchronized' | 'holdover';
      readonly interval: ClockInterval;
      readonly quorum: 'full' | 'partial';
      readonly reason?: undefined;
    }
  | {
      readonly status: 'unsynchronized';
      readonly reason: Exclude<NoBoundReason, Disruption>;
      readonly interval?: undefined;
      readonly quorum?: undefined;
    }
  | {
      readonly status: 'disrupted';
      readonly reason: Disruption;
      readonly interval?: undefined;
      readonly quorum?: undefined;
    };

/** The four states of a {@link ClockReading}. */
export type ClockStatus = ClockReading['status'];

/** The hint for a program that reads a clock before its first bound. */
const FIRST_BOUND = 'waitSynced() waits for the first one';

/** The clock has no bound, and so no interval. `code` is `ERR_CLOCK_UNSYNCHRONIZED`. */
export class ClockUnsynchronizedError extends EpsilonClockError {
  readonly code = 'ERR_CLOCK_UNSYNCHRONIZED' as const;
  /** `disrupted` when the clocks of this machine jumped, else `unsynchronized`. */
  readonly status: 'unsynchronized' | 'disrupted';
  /** A stable word, as in a {@link ClockReading}. */
  readonly reason: NoBoundReason;

  constructor(status: 'unsynchronized' | 'disrupted', reason: NoBoundReason, detail?: string) {
    const more = detail ?? (reason === 'starting' ? FIRST_BOUND : undefined);
    super(`the clock has no bound: ${status} (${reason})${more === undefined ? '' : `; ${more}`}`);
    this.name = 'ClockUnsynchronizedError';
    this.status = status;
    this.reason = reason;
  }
}
