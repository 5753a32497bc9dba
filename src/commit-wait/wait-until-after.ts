/**
 * A wait until a timestamp has certainly passed. Any timestamp will do: that of a commit, one found
 * in a log after a crash, one to read a snapshot at.
 */
import { type BoundedReader, checkReader } from '../bounded-clock/bounded-reader.ts';
import { asUnixNs, type UnixNs, type UnixNsInput } from '../time/instant.ts';
import type { Waited, WaitOptions } from './wait-options.ts';
import { type Ending, WaitQueue } from './wait-queue.ts';

/**
 * The queue of each clock. A queue without waits holds no timer and no listener, and it is garbage
 * when its clock is.
 */
const queues = new WeakMap<BoundedReader, WaitQueue>();

const DEFAULTS: WaitOptions = {};

/** As {@link waitUntilAfter}, but throws where the wait is refused at once. */
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
 * Resolves once `timestamp` has certainly passed: `earliest > timestamp` by a reading of `clock`
 * made during the wait. Never early; how late depends on `mode`. When the bound tightens, the wait
 * ends sooner, at once if the timestamp has passed by then. When the bound widens, the wait lasts
 * longer. A thread that has attached to another thread's clock notices both within 5 ms. If the
 * bound is lost and regained within these 5 ms, the wait goes on with the new bound.
 *
 * Keeps the process alive while it waits. Registering costs about half a microsecond, and all waits
 * on one clock share one timer.
 *
 * Every rejection means "not yet". It rejects with
 * - {@link CommitWaitInterruptedError} (`ERR_COMMIT_WAIT_INTERRUPTED`): the clock has no bound when
 *   the wait begins, or loses it;
 * - {@link CommitWaitTimeoutError} (`ERR_COMMIT_WAIT_TIMEOUT`) after `timeoutMs`;
 * - {@link CommitWaitTooLongError} (`ERR_COMMIT_WAIT_TOO_LONG`), at once, when the wait would
 *   exceed `maxWaitMs`;
 * - `signal.reason` on abort;
 * - ArgumentTypeError, ArgumentRangeError for a bad argument.
 *
 * @example
 * // After a crash: the transaction is prepared, and its timestamp was stored with it.
 * const stored = parseTimestamp('1795227787534418003');
 * await waitUntilAfter(clock, stored, { maxWaitMs: Infinity });
 * await makeVisible();
 */
export function waitUntilAfter(
  clock: BoundedReader,
  timestamp: UnixNsInput,
  options: WaitOptions = DEFAULTS,
): Promise<Waited> {
  try {
    return beginWait(clock, asUnixNs(timestamp), options);
  } catch (error) {
    return Promise.reject(error);
  }
}
