/**
 * Commit wait: how a bounded clock makes transactions externally consistent (Corbett et al.,
 * "Spanner: Google's Globally-Distributed Database", OSDI 2012, section 4.1.2).
 *
 * The problem. If transaction B starts after A was answered, B's timestamp must be the greater one,
 * although they ran on different machines, touched different data and exchanged no message. No
 * logical clock sees that order; physical clocks see it only if they are right.
 *
 * The idea. A takes a timestamp that true time has not reached yet (`latest`, read while all locks
 * are held), and shows nothing before it has certainly passed (`earliest > timestamp`). B starts
 * after that, so B's own `latest` is at least the true time at which it starts, which is greater
 * than A's timestamp:
 *
 *     timestamp(A)  <   true time when A is shown
 *                   <=  true time when B starts  <=  latest(B)  <=  timestamp(B)
 *
 * Guarantee. The chain above, between any machines whose bounds hold. It rests on the order of four
 * steps: locks, timestamp, prepare and wait, show. The caller keeps that order. The page
 * docs/guides/commit-wait.md says what each wrong order breaks.
 *
 * Cost. The wait is the width of the interval, less what `prepare` takes: both run at the same
 * time.
 */
import { type BoundedReader, checkReader } from '../bounded-clock/bounded-reader.ts';
import { ClockUnsynchronizedError } from '../bounded-clock/reading.ts';
import { checkHybridClock, type HybridClock } from '../logical/hybrid-clock.ts';
import type { HlcTimestamp } from '../logical/timestamp.ts';
import { ArgumentTypeError, checkObject } from '../time/errors.ts';
import { Inspectable } from '../time/inspect.ts';
import { withJson } from '../time/json.ts';
import { throwIfAborted } from './abort-listeners.ts';
import { UncertaintyTooWideError } from './errors.ts';
import type { Waited, WaitOptions } from './wait-options.ts';
import type { Ending } from './wait-queue.ts';
import { beginWait, waitUntilAfter } from './wait-until-after.ts';

/** The clocks that a commit needs. */
export interface CommitClocks {
  /** A `BoundedClock`, or a reader attached to one. */
  readonly clock: BoundedReader;
  /** Gives the timestamp: unique, and above every timestamp that this hybrid clock has seen. */
  readonly hlc: HybridClock;
}

/** A transaction that has its timestamp, and must not be visible before `settled()` resolves. */
export interface Commit {
  /**
   * At least `latest` of a reading made by `beginCommit`, and above every timestamp of the hybrid
   * clock.
   */
  readonly timestamp: HlcTimestamp;
  /**
   * Resolves once the timestamp has certainly passed. Options and errors are those of
   * {@link waitUntilAfter}. A rejection means "not visible yet", never "aborted". May be called
   * again, also while a call is pending.
   */
  settled(options?: WaitOptions): Promise<Waited>;
  /**
   * How long `settled()` would wait by the present bound, ns; 0 when the timestamp has passed.
   *
   * @throws ClockUnsynchronizedError when there is no bound
   */
  remainingNs(): bigint;
}

/**
 * Takes the timestamp of a transaction. Call it when every lock is held and nothing is visible yet.
 *
 * It first checks the clock against the wall clock. So a suspend of the machine that has not been
 * noticed yet can't yield a timestamp of the past. Costs less than a microsecond.
 *
 * A hybrid clock may be far ahead, because of a peer or of a physical clock of its own. Then the
 * timestamp is as far ahead, and `settled()` refuses it by `maxWaitMs`, but only once it is called.
 * Ask `remainingNs()` to know before `prepare`.
 *
 * @throws ClockUnsynchronizedError (`ERR_CLOCK_UNSYNCHRONIZED`) when there is no bound
 * @throws UncertaintyTooWideError (`ERR_UNCERTAINTY_TOO_WIDE`) when the interval is wider than the
 *   hybrid clock's `maxRemoteAheadMs`, because peers could refuse the timestamp. After either error
 *   no timestamp was taken
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
  checkHybridClock(hlc);
  const reading = clock.read();
  if (reading.interval === undefined)
    throw new ClockUnsynchronizedError(reading.status, reading.reason);
  const { earliest, latest } = reading.interval;
  if (latest - earliest > hlc.maxRemoteAheadNs) {
    throw new UncertaintyTooWideError(latest - earliest, hlc.maxRemoteAheadNs);
  }
  const timestamp = hlc.nowAtLeast(latest);
  return new PendingCommit(clock, timestamp);
}

/** A class, because there are many commits and a `toJSON` closure for each would cost too much. */
class PendingCommit extends Inspectable implements Commit {
  readonly timestamp: HlcTimestamp;
  readonly settled: Commit['settled'];
  readonly remainingNs: Commit['remainingNs'];

  constructor(clock: BoundedReader, timestamp: HlcTimestamp) {
    super();
    this.timestamp = timestamp;
    this.settled = (options = {}) => waitUntilAfter(clock, timestamp, options);
    this.remainingNs = () => clock.remainingNs(timestamp);
  }

  toJSON(): { timestamp: string } {
    return { timestamp: String(this.timestamp) };
  }

  override toString(): string {
    return `Commit { ${this.timestamp} }`;
  }
}

/** The two steps of a commit that the caller provides. */
export interface CommitSteps<Prepared, Result> {
  /** Makes the transaction durable under this timestamp, but not yet visible. */
  readonly prepare: (timestamp: HlcTimestamp) => Prepared | PromiseLike<Prepared>;
  /**
   * Makes the transaction visible and releases its locks. Called once, after `prepare` is done and
   * the timestamp has certainly passed.
   */
  readonly makeVisible: (
    timestamp: HlcTimestamp,
    prepared: Prepared,
  ) => Result | PromiseLike<Result>;
}

/** The end of a commit: its timestamp, how long it waited, and what `makeVisible` returned. */
export interface Committed<Result> extends Waited {
  readonly timestamp: HlcTimestamp;
  /** What `makeVisible` returned. */
  readonly result: Result;
}

/**
 * The four lines of {@link beginCommit} as one call. The wait runs while `prepare` does, so a
 * commit takes as long as the longer of the two.
 *
 * Rejects only after `prepare` has ended, so nothing goes on running after the rejection. The
 * reason is that of `prepare` if it failed, else that of the wait ({@link waitUntilAfter}).
 * `makeVisible` was then not called: the transaction may be prepared, and is not visible. No bound,
 * too wide an interval, `maxWaitMs`, a signal already aborted and a bad argument refuse the commit
 * before `prepare` is called. An error that `makeVisible` throws is passed on.
 *
 * @example
 * const { timestamp } = await runCommit({ clock, hlc }, {
 *   prepare: async (timestamp) => `PREPARE TRANSACTION 'orders-${timestamp}'`,
 *   makeVisible: async (timestamp) => `COMMIT PREPARED 'orders-${timestamp}'`,
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
  // The wait is awaited only after `prepare`. A failure before that must not count as unhandled.
  wait.catch(() => {});
  try {
    const prepared = await steps.prepare(timestamp);
    const { waitedNs } = await wait;
    signal?.throwIfAborted();
    const result = await steps.makeVisible(timestamp, prepared);
    return withJson({ timestamp, waitedNs, result });
  } catch (error) {
    ending.end?.(error);
    throw error;
  }
}

/** Checked before the first step: a step found missing later would leave a prepared transaction. */
function checkStep(name: string, step: unknown): void {
  if (typeof step !== 'function') throw new ArgumentTypeError(name, 'a function', step);
}
