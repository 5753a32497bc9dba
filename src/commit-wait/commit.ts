/**
 * Commit wait: how a bounded clock makes transactions externally consistent (Corbett et al., "Spanner:
 * Google's Globally-Distributed Database", OSDI 2012, section 4.1.2).
 *
 * The problem. If transaction B starts after A was answered, B's timestamp must be the greater one, although they ran
 * on different machines, touched different data and exchanged no message. No logical clock sees that
 * order; physical clocks see it only if they are right.
 *
 * The idea. A takes a timestamp that true time has not reached yet (`latest`, read while all locks are held), and
 * shows nothing before it has certainly passed (`earliest > timestamp`). B starts after that, so B's own `latest` is
 * at least the true time at which it starts, which is greater than A's timestamp:
 *
 *     timestamp(A)  <  true time when A is shown  <=  true time when B starts  <=  latest(B)  <=  timestamp(B)
 *
 * Guarantee. The chain above, between any machines whose bounds hold. It rests on the order of four steps,
 * which is the caller's: locks, timestamp, prepare and wait, show. docs/commit-wait.md says what each wrong
 * order breaks.
 *
 * Cost. The wait is the width of the interval, less what `prepare` takes: both run at the same time.
 */
import type { BoundedReader } from '../bounded-clock/bounded-reader.ts';
import { ClockUnsynchronizedError } from '../bounded-clock/reading.ts';
import { HybridClock } from '../logical/hybrid-clock.ts';
import type { HlcTimestamp } from '../logical/timestamp.ts';
import { ArgumentTypeError, checkObject } from '../time/errors.ts';
import { throwIfAborted } from './abort-listeners.ts';
import { UncertaintyTooWideError } from './errors.ts';
import { checkReader, type Waited, type WaitOptions } from './wait-options.ts';
import type { Ending } from './wait-queue.ts';
import { beginWait, waitUntilAfter } from './wait-until-after.ts';

export interface CommitClocks {
  /** A `BoundedClock`, or a reader attached to one. */
  readonly clock: BoundedReader;
  /** Where the timestamp is taken: unique, and above all that this clock has seen. */
  readonly hlc: HybridClock;
}

/** A transaction that has its timestamp, and must not be visible before `settled()` resolves. */
export interface Commit {
  /** At least `latest` of a reading made by `beginCommit`, and above every timestamp of the hybrid clock. */
  readonly timestamp: HlcTimestamp;
  /**
   * Resolves once the timestamp has certainly passed; options and errors of {@link waitUntilAfter}. A
   * rejection means "not visible yet", never "aborted". May be called again, also while a call is pending.
   */
  settled(options?: WaitOptions): Promise<Waited>;
  /**
   * How long `settled()` would wait as the bound is now, ns; 0 when the timestamp has passed.
   *
   * @throws ClockUnsynchronizedError when there is no bound
   */
  remainingNs(): bigint;
}

/**
 * Takes the timestamp of a transaction: call it after every lock is held, before anything is visible.
 *
 * The clock is checked against the wall clock first, so that a suspend of the machine that nobody has noticed
 * yet can't yield a timestamp of the past. Costs less than a microsecond.
 *
 * A hybrid clock that is far ahead (a peer, or a physical clock of its own) gives a timestamp that far ahead, and
 * `settled()` refuses it by `maxWaitMs` only when it is called: `remainingNs()` tells before `prepare`.
 *
 * @throws ClockUnsynchronizedError (`ERR_CLOCK_UNSYNCHRONIZED`) when there is no bound
 * @throws UncertaintyTooWideError (`ERR_UNCERTAINTY_TOO_WIDE`) when the interval is wider than the hybrid
 *   clock's `maxRemoteAheadMs`: peers could refuse the timestamp. In both cases no timestamp was taken
 * @throws what `hlc.nowAtLeast` throws; ArgumentTypeError for a bad argument
 * @example
 * // after every lock is held:
 * const commit = beginCommit({ clock, hlc });
 * await prepare(commit.timestamp); // durable, still invisible
 * await commit.settled({ signal, timeoutMs: 1000 });
 * await makeVisible(); // and only now release the locks and answer the client
 */
export function beginCommit(clocks: CommitClocks): Commit {
  const { clock, hlc } = checkObject('clocks', clocks);
  checkReader(clock);
  if (!(hlc instanceof HybridClock)) throw new ArgumentTypeError('hlc', 'a HybridClock', hlc);
  const reading = clock.read();
  if (!('interval' in reading)) throw new ClockUnsynchronizedError(reading.status, reading.reason);
  const { earliest, latest } = reading.interval;
  if (latest - earliest > hlc.maxRemoteAheadNs) {
    throw new UncertaintyTooWideError(latest - earliest, hlc.maxRemoteAheadNs);
  }
  const timestamp = hlc.nowAtLeast(latest);
  return {
    timestamp,
    settled: (options = {}) => waitUntilAfter(clock, timestamp, options),
    remainingNs: () => clock.remainingNs(timestamp),
  };
}

export interface CommitSteps<Prepared, Result> {
  /** Makes the transaction durable under this timestamp, and still invisible. */
  readonly prepare: (timestamp: HlcTimestamp) => Prepared | PromiseLike<Prepared>;
  /** Shows it, releases its locks. Called once, after `prepare` is done and the timestamp has certainly passed. */
  readonly makeVisible: (
    timestamp: HlcTimestamp,
    prepared: Prepared,
  ) => Result | PromiseLike<Result>;
}

export interface Committed<Result> extends Waited {
  readonly timestamp: HlcTimestamp;
  /** What `makeVisible` returned. */
  readonly result: Result;
}

/**
 * The four lines of {@link beginCommit} as one call: the wait runs while `prepare` does, so a commit takes as
 * long as the longer of the two.
 *
 * Rejects when `prepare` has ended, so nothing runs on behind the caller: with the reason of `prepare`
 * if it failed, else with that of the wait ({@link waitUntilAfter}). `makeVisible` was then not called: the
 * transaction may be prepared, and is not visible. What refuses a commit at once (no bound, too
 * wide an interval, `maxWaitMs`, a signal already aborted, a bad argument) does so before `prepare` is
 * called. What `makeVisible` throws is passed on.
 *
 * @example
 * const { timestamp } = await runCommit({ clock, hlc }, {
 *   prepare: (timestamp) => client.query(`PREPARE TRANSACTION 'orders-${timestamp}'`),
 *   makeVisible: (timestamp) => client.query(`COMMIT PREPARED 'orders-${timestamp}'`),
 * });
 */
export async function runCommit<Prepared, Result>(
  clocks: CommitClocks,
  steps: CommitSteps<Prepared, Result>,
  options: WaitOptions = {},
): Promise<Committed<Result>> {
  const { signal } = checkObject('options', options);
  throwIfAborted(signal);
  checkStep('prepare', checkObject('steps', steps).prepare);
  checkStep('makeVisible', steps.makeVisible);
  const { timestamp } = beginCommit(clocks);
  const ending: Ending = {};
  const wait = beginWait(clocks.clock, timestamp, options, ending);
  // It is awaited after `prepare`; until then its failure is nobody's unhandled rejection.
  wait.catch(() => {});
  try {
    const prepared = await steps.prepare(timestamp);
    const { waitedNs } = await wait;
    signal?.throwIfAborted();
    return { timestamp, waitedNs, result: await steps.makeVisible(timestamp, prepared) };
  } catch (error) {
    ending.end?.(error);
    throw error;
  }
}

/** Found missing only when it is called, it would leave a prepared transaction behind. */
function checkStep(name: string, step: unknown): void {
  if (typeof step !== 'function') throw new ArgumentTypeError(name, 'a function', step);
}
