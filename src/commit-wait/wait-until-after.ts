/**
 * Waiting until a timestamp has certainly passed, for any timestamp: a commit's, one found in a log after a
 * crash, one that a snapshot is to be read at.
 */
import type { BoundedReader } from '../bounded-clock/bounded-reader.ts';
import type { UnixNs } from '../time/instant.ts';
import { checkReader, type Waited, type WaitOptions } from './wait-options.ts';
import { type Ending, WaitQueue } from './wait-queue.ts';

/** One queue per clock, found again by the clock: it holds nothing once nobody waits, and goes with its clock. */
const queues = new WeakMap<BoundedReader, WaitQueue>();

const DEFAULTS: WaitOptions = {};

/** As {@link waitUntilAfter}, but what refuses the wait is thrown. */
export function beginWait(
  clock: BoundedReader,
  timestamp: UnixNs,
  options: WaitOptions,
  ending?: Ending,
): Promise<Waited> {
  let queue = queues.get(clock);
  if (queue === undefined) {
    checkReader(clock);
    queue = new WaitQueue(clock);
    queues.set(clock, queue);
  }
  return queue.add(timestamp, options, ending);
}

/**
 * Resolves once `timestamp` has certainly passed: `earliest > timestamp` by a reading of `clock` made during
 * the wait. Never early; how late depends on `mode`. A bound that tightens ends it sooner, at once; one that
 * widens prolongs it. In a thread that has attached to another's clock both are noticed within 5 ms, and
 * a bound that is lost and found again within them does not end the wait: the new one decides.
 *
 * Keeps the process alive while it waits. Registering costs about half a microsecond, and all waits on
 * one clock share one timer.
 *
 * Rejects, and each time means "not yet", with
 * - {@link CommitWaitInterruptedError} (`ERR_COMMIT_WAIT_INTERRUPTED`): the clock has no bound, now or any more;
 * - {@link CommitWaitTimeoutError} (`ERR_COMMIT_WAIT_TIMEOUT`) after `timeoutMs`;
 * - {@link CommitWaitTooLongError} (`ERR_COMMIT_WAIT_TOO_LONG`), at once, when the wait would exceed `maxWaitMs`;
 * - `signal.reason` on abort;
 * - ArgumentTypeError, ArgumentRangeError for a bad argument.
 *
 * @example
 * // After a crash: the transaction is prepared, and its timestamp was stored with it.
 * await waitUntilAfter(clock, storedTimestamp);
 * await commitPrepared();
 */
export function waitUntilAfter(
  clock: BoundedReader,
  timestamp: UnixNs,
  options: WaitOptions = DEFAULTS,
): Promise<Waited> {
  try {
    return beginWait(clock, timestamp, options);
  } catch (error) {
    return Promise.reject(error);
  }
}
