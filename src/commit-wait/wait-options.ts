/** The options of a wait, its result, and the checks that all forms of waiting share. */
import type { BoundedReader } from '../bounded-clock/bounded-reader.ts';
import { ClockUnsynchronizedError } from '../bounded-clock/reading.ts';
import { ArgumentRangeError, checkNumber, notUnixNs } from '../time/errors.ts';
import { INT64_MAX, type UnixNs } from '../time/instant.ts';
import { CommitWaitInterruptedError, CommitWaitTooLongError } from './errors.ts';

/**
 * - `economy`: a timer. The wait ends up to about a millisecond late and costs next to nothing.
 * - `precise`: a timer until the last millisecond or so. Then every turn of the event loop reads
 *   the clock for up to 10 us, once for all waits. The wait ends some microseconds late. Meanwhile
 *   the loop serves input and output but does not sleep.
 */
export type WaitMode = 'economy' | 'precise';

/** Options of every form of waiting until a timestamp has certainly passed. */
export interface WaitOptions {
  /** Default `'economy'`. */
  readonly mode?: WaitMode | undefined;
  /** Ends the wait: it is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Give up after this long, ms. Default `Infinity`. */
  readonly timeoutMs?: number | undefined;
  /**
   * Refuse at once to wait for longer than this, ms. Default 10,000; `Infinity` refuses nothing.
   */
  readonly maxWaitMs?: number | undefined;
}

/** The end of a wait: the timestamp has certainly passed. */
export interface Waited {
  /** How long this wait lasted, ns of the monotonic clock; 0 when there was nothing to wait for. */
  readonly waitedNs: bigint;
}

/**
 * What a wait resolves to. A class, because there are many waits and a `toJSON` closure for each
 * would cost too much.
 */
export class WaitEnd implements Waited {
  readonly waitedNs: bigint;

  constructor(waitedNs: bigint) {
    this.waitedNs = waitedNs;
  }

  toJSON(): { waitedNs: string } {
    return { waitedNs: String(this.waitedNs) };
  }
}

const DEFAULT_MAX_WAIT_MS = 10_000;
/**
 * The least timestamp accepted: March 1973. Present times in seconds, milliseconds or microseconds
 * stay below this number for thousands of years. So a timestamp below it is probably in the wrong
 * unit, and waiting for it would end at once.
 */
const MIN_TIMESTAMP_NS = 10n ** 17n;

/**
 * Checks everything that can be checked before the wait begins, and throws if something is wrong.
 *
 * @returns how long the wait will take by the present bound, ns, to plan the first wake-up; 0 when
 *   there is nothing to wait for
 */
export function admit(
  clock: BoundedReader,
  timestamp: UnixNs,
  options: Omit<WaitOptions, 'signal'>,
): number {
  const { mode, timeoutMs, maxWaitMs = DEFAULT_MAX_WAIT_MS } = options;
  if (mode !== undefined && mode !== 'economy' && mode !== 'precise') {
    throw new ArgumentRangeError('mode', "'economy' or 'precise'", mode);
  }
  if (timeoutMs !== undefined) checkNumber('timeoutMs', timeoutMs, 0, Number.POSITIVE_INFINITY);
  checkNumber('maxWaitMs', maxWaitMs, 0, Number.POSITIVE_INFINITY);
  checkTimestamp(timestamp);
  const remainingNs = remainingOf(clock, timestamp);
  if (remainingNs > maxWaitMs * 1e6) {
    const limitNs = BigInt(Math.floor(maxWaitMs * 1e6));
    throw new CommitWaitTooLongError(timestamp, BigInt(remainingNs), limitNs);
  }
  return remainingNs;
}

function checkTimestamp(timestamp: unknown): void {
  if (typeof timestamp !== 'bigint') throw notUnixNs('timestamp', timestamp);
  if (timestamp >= MIN_TIMESTAMP_NS && timestamp <= INT64_MAX) return;
  throw new ArgumentRangeError('timestamp', 'nanoseconds since 1970, after 1973', timestamp);
}

function remainingOf(clock: BoundedReader, timestamp: UnixNs): number {
  try {
    return clock.remaining(timestamp);
  } catch (error) {
    throw interruption(error, { timestamp, waitedNs: 0n });
  }
}

/**
 * The error that a wait ends with when reading the clock failed. If the clock lost its bound, the
 * error carries the wait's numbers.
 */
export function interruption(
  error: unknown,
  wait: { readonly timestamp: UnixNs; readonly waitedNs: bigint },
): unknown {
  return error instanceof ClockUnsynchronizedError
    ? new CommitWaitInterruptedError(wait, error)
    : error;
}
