import { EpsilonClockError } from '../time/errors.ts';
import type { UnixNs } from '../time/instant.ts';

/**
 * A log is less sorted than `windowMs` can mend: an event came after others whose place on the page
 * is behind it and had been taken. Give a longer window, or sort the log.
 */
export class LogUnsortedError extends EpsilonClockError {
  readonly code = 'ERR_LOG_UNSORTED' as const;
  /** The index of the log among those that were given. */
  readonly log: number;
  /** The timestamp of the event that came too late. */
  readonly timestamp: UnixNs;
  /** The greatest timestamp that stood before it in the log. */
  readonly greatest: UnixNs;

  constructor(log: number, timestamp: UnixNs, greatest: UnixNs) {
    super(
      `log ${log} is not sorted by timestamp: ${timestamp} stands ${greatest - timestamp} ns ` +
        `behind its place, after ${greatest}`,
    );
    this.name = 'LogUnsortedError';
    this.log = log;
    this.timestamp = timestamp;
    this.greatest = greatest;
  }
}
