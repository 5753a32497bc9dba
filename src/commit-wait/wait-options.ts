/** What a wait is asked for, and the checks that all forms of waiting share. */
import { BoundedReader } from '../bounded-clock/bounded-reader.ts';
import { ClockUnsynchronizedError } from '../bounded-clock/reading.ts';
import { ArgumentRangeError, ArgumentTypeError, checkNumber } from '../time/errors.ts';
import { type UnixNs, unixNs } from '../time/instant.ts';
import { CommitWaitInterruptedError, CommitWaitTooLongError } from './errors.ts';

/**
 * - `economy`: a timer. Released up to about a millisecond late; costs next to nothing.
 * - `precise`: a timer to the last millisecond or so, then every turn of the event loop looks for up to 10 us, for all
 *   waits. Released some microseconds late; the loop serves input and output meanwhile but does not sleep.
 */
export type WaitMode = 'economy' | 'precise';

export interface WaitOptions {
  /** Default `'economy'`. */
  readonly mode?: WaitMode;
  /** Ends the wait: it is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Give up after this long, ms. Default `Infinity`. */
  readonly timeoutMs?: number;
  /** Refuse at once to wait for longer than this, ms. Default 10,000; `Infinity` refuses nothing. */
  readonly maxWaitMs?: number;
}

/** The end of a wait: the timestamp has certainly passed. */
export interface Waited {
  /** How long this wait lasted, ns of the monotonic clock; 0 when there was nothing to wait for. */
  readonly waitedNs: bigint;
}

const DEFAULT_MAX_WAIT_MS = 10_000;
/** @throws ArgumentTypeError when `clock` is none that can be waited on */
export function checkReader(clock: unknown): void {
  if (clock instanceof BoundedReader) return;
  throw new ArgumentTypeError('clock', 'a BoundedClock, or a reader attached to one', clock);
}

/**
 * Checks everything that can be checked before the wait begins; throws what refuses it.
 *
 * @returns how long it will take as the bound is now, ns: to plan by. 0 when there is nothing to wait for
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
  unixNs(timestamp);
  const remainingNs = remainingOf(clock, timestamp);
  if (remainingNs > maxWaitMs * 1e6) {
    const limitNs = BigInt(Math.floor(maxWaitMs * 1e6));
    throw new CommitWaitTooLongError(timestamp, BigInt(remainingNs), limitNs);
  }
  return remainingNs;
}

function remainingOf(clock: BoundedReader, timestamp: UnixNs): number {
  try {
    return clock.remaining(timestamp);
  } catch (error) {
    throw interruption(error, { timestamp, waitedNs: 0n });
  }
}

/** What a wait ends with when the clock could not be read: the loss of its bound, with the wait's own story. */
export function interruption(
  error: unknown,
  wait: { readonly timestamp: UnixNs; readonly waitedNs: bigint },
): unknown {
  return error instanceof ClockUnsynchronizedError
    ? new CommitWaitInterruptedError(wait, error)
    : error;
}
