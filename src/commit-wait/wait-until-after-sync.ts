/**
 * Waiting with the thread blocked, for command lines and workers that have nothing else to do. Blocks in
 * `Atomics.wait`, which wakes some tens of microseconds late, and spins through the rest.
 */
import type { BoundedReader } from '../bounded-clock/bounded-reader.ts';
import { ArgumentTypeError, checkObject } from '../time/errors.ts';
import type { UnixNs } from '../time/instant.ts';
import { CommitWaitTimeoutError } from './errors.ts';
import { admit, checkReader, interruption, type Waited, type WaitOptions } from './wait-options.ts';

const NS_PER_MS = 1_000_000;
/** A blocked thread hears of nothing: it looks this often, for a sample that came or a bound that went. */
const LOOK_EVERY_MS = 5;
/** `precise` spins through the last of it. */
const LEAD_MS = 1;

/**
 * As {@link waitUntilAfter}, but returns when it is done and throws what that one rejects with. Nothing else happens
 * in this thread meanwhile: where it runs the bounded clock itself no sample arrives, and the bound only ages.
 *
 * With `precise` the last millisecond is spent spinning; with `economy` the processor is left to others, and
 * the wait ends some tens of microseconds late. The clock must be one that goes on while this thread is
 * blocked: not a simulated one.
 *
 * @throws ArgumentTypeError where a thread may not block: the main thread of a browser
 * @throws as {@link waitUntilAfter} rejects, abort aside
 * @example
 * waitUntilAfterSync(BoundedClock.attach(workerData.clock), timestamp, { mode: 'precise' });
 */
export function waitUntilAfterSync(
  clock: BoundedReader,
  timestamp: UnixNs,
  options: Omit<WaitOptions, 'signal'> = {},
): Waited {
  const cell = blockingCell();
  checkReader(clock);
  checkObject('options', options);
  let leftNs = admit(clock, timestamp, options);
  if (leftNs === 0) return { waitedNs: 0n };
  const timeoutNs = (options.timeoutMs ?? Number.POSITIVE_INFINITY) * NS_PER_MS;
  const startedNs = clock.clock.monotonicNs();
  const leadMs = options.mode === 'precise' ? LEAD_MS : 0;
  for (;;) {
    const waitedNs = clock.clock.monotonicNs() - startedNs;
    if (leftNs === 0) return { waitedNs };
    if (waitedNs >= timeoutNs) throw new CommitWaitTimeoutError(timestamp, waitedNs);
    const blockMs = Math.min(
      leftNs / NS_PER_MS - leadMs,
      (timeoutNs - Number(waitedNs)) / NS_PER_MS,
      LOOK_EVERY_MS,
    );
    if (blockMs > 0) Atomics.wait(cell, 0, 0, blockMs);
    try {
      leftNs = clock.remaining(timestamp);
    } catch (error) {
      throw interruption(error, { timestamp, waitedNs: clock.clock.monotonicNs() - startedNs });
    }
  }
}

/** Something to block on that nobody ever notifies. */
function blockingCell(): Int32Array {
  try {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    // The value is not 1, so this returns at once; where blocking is forbidden it throws all the same.
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
