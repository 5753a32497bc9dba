/**
 * A wait that blocks the thread, for command lines and workers that have nothing else to do. It
 * blocks in `Atomics.wait`, which wakes some tens of microseconds late. With `precise` it spins at
 * the end.
 */
import { type BoundedReader, checkReader } from '../bounded-clock/bounded-reader.ts';
import { ArgumentTypeError, checkObject } from '../time/errors.ts';
import { asUnixNs, type UnixNsInput } from '../time/instant.ts';
import { CommitWaitTimeoutError } from './errors.ts';
import { admit, interruption, WaitEnd, type Waited, type WaitOptions } from './wait-options.ts';

const NS_PER_MS = 1_000_000;
/** A blocked thread is not told of publications, so it reads the clock at least this often, ms. */
const POLL_EVERY_MS = 5;
/** With `precise`, the wait spins for this long at its end, ms. */
const LEAD_MS = 1;

/**
 * As `waitUntilAfter`, but returns when the wait is over and throws where that one rejects.
 * Nothing else happens in this thread meanwhile. If this thread runs the bounded clock itself, no
 * sample arrives during the wait, and the bound only ages.
 *
 * With `precise` the thread spins for the last millisecond. With `economy` it leaves the processor
 * to others, and the wait ends some tens of microseconds late. The clock must go on while this
 * thread is blocked, so it must not be a simulated one.
 *
 * @throws ArgumentTypeError where a thread may not block: the main thread of a browser
 * @throws the errors that `waitUntilAfter` rejects with, except on abort
 * @example
 * const reader = BoundedClock.attach(clock.share()); // the handle usually comes as `workerData`
 * waitUntilAfterSync(reader, timestamp, { mode: 'precise' });
 */
export function waitUntilAfterSync(
  clock: BoundedReader,
  timestamp: UnixNsInput,
  options: Omit<WaitOptions, 'signal'> = {},
): Waited {
  const cell = blockingCell();
  const awaited = asUnixNs(timestamp);
  checkReader(clock);
  checkObject('options', options);
  let leftNs = admit(clock, awaited, options);
  if (leftNs === 0) return new WaitEnd(0n);
  const timeoutNs = (options.timeoutMs ?? Number.POSITIVE_INFINITY) * NS_PER_MS;
  const startedNs = clock.localClock.monotonicNs();
  const leadMs = options.mode === 'precise' ? LEAD_MS : 0;
  for (;;) {
    const waitedNs = clock.localClock.monotonicNs() - startedNs;
    if (leftNs === 0) return new WaitEnd(waitedNs);
    if (waitedNs >= timeoutNs) throw new CommitWaitTimeoutError(awaited, waitedNs);
    const blockMs = Math.min(
      leftNs / NS_PER_MS - leadMs,
      (timeoutNs - Number(waitedNs)) / NS_PER_MS,
      POLL_EVERY_MS,
    );
    if (blockMs > 0) Atomics.wait(cell, 0, 0, blockMs);
    try {
      leftNs = clock.remaining(awaited);
    } catch (error) {
      throw interruption(error, {
        timestamp: awaited,
        waitedNs: clock.localClock.monotonicNs() - startedNs,
      });
    }
  }
}

/** A cell to block on. No thread ever notifies it, so a wait on it lasts for its timeout. */
function blockingCell(): Int32Array {
  try {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    // The value is not 1, so this returns at once. Where blocking is forbidden it still throws.
    Atomics.wait(cell, 0, 1, 0);
    return cell;
  } catch {
    throw new ArgumentTypeError(
      'waitUntilAfterSync()',
      'called in a thread that may block: a worker, or a process outside browsers',
      undefined,
    );
  }
}
