/**
 * One hybrid clock for all worker threads of a process: one int64 in a `SharedArrayBuffer`, advanced by
 * compare-and-swap.
 *
 * Problem. Two threads with a clock each need a node id each, and a database row written by one and read
 * by the other still needs the timestamp to travel along. One sequence for all needs neither.
 *
 * Idea. An event computes its timestamp from the last one seen, `max(last + 1, floor)`, and stores it
 * only if the last one is still that. Whoever loses the race has just learned the newer value and computes
 * again from it. Every thread reads physical time by its own clock; they need not agree, because no
 * timestamp is taken over another thread's without exceeding it.
 *
 * Guarantee. Over all threads: unique, and strictly increasing in the order of the swaps; an event that
 * starts after another ended, on whichever thread, gets the greater timestamp (the swap is sequentially
 * consistent). Lock-free: a swap fails only because another succeeded, so some thread always advances,
 * and a thread that dies, anywhere, leaves a valid clock.
 *
 * The first guess at the last value is this thread's own last one, if a plain read agrees, else what the
 * plain read says: no atomic load, and while the thread is alone no new bigint either. The language lets
 * a plain 64-bit read be stale or torn. That is harmless here: the swap compares all 64 bits with the
 * truth, a wrong guess loses, and its answer is an atomic reading.
 *
 * Rules, limits and errors are those of {@link HybridClock}; only the last step differs.
 */
import { ArgumentTypeError, checkObject } from '../time/errors.ts';
import { asUnixNs, INT64_MAX } from '../time/instant.ts';
import { TimestampExhaustedError } from './errors.ts';
import { FLOOR, HybridClock, type HybridClockOptions, LAST } from './hybrid-clock.ts';
import { checkTimestamp, type HlcTimestamp } from './timestamp.ts';

/** What another thread needs to join in; `postMessage` and `workerData` carry it. */
export interface SharedHybridClockHandle {
  readonly buffer: SharedArrayBuffer;
  readonly nodeId: string;
  readonly maxRemoteAheadMs: number;
}

/** What each thread brings along: its own view of physical time, its own `onLead`. */
export type AttachOptions = Omit<HybridClockOptions, 'nodeId' | 'maxRemoteAheadMs' | 'after'>;

/**
 * A hybrid clock shared by threads: one node id, one sequence.
 *
 * `peek` is the last timestamp of any thread. Every event allocates some bigints (atomic operations on int64 do) and
 * costs about twice what it does on a `HybridClock`, some three times while another thread contends.
 *
 * @example
 * const hlc = SharedHybridClock.create({ clock: systemClock(), nodeId: 'orders-3' });
 * const worker = new Worker(file, { workerData: hlc.share() });
 * // in the worker:
 * const hlc = SharedHybridClock.attach(workerData, { clock: systemClock() });
 */
export class SharedHybridClock extends HybridClock {
  readonly #handle: SharedHybridClockHandle;
  readonly #shared: BigInt64Array;
  /** The last timestamp that this thread obtained: the very object that the swap was given, made once. */
  #last: HlcTimestamp = asUnixNs(0n);

  private constructor(handle: SharedHybridClockHandle, options: AttachOptions) {
    const { buffer, nodeId, maxRemoteAheadMs } = handle;
    super({ ...options, nodeId, maxRemoteAheadMs, after: 0n });
    this.#handle = handle;
    this.#shared = new BigInt64Array(buffer);
  }

  /**
   * A new clock.
   *
   * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
   */
  static create(options: HybridClockOptions): SharedHybridClock {
    const { nodeId, maxRemoteAheadMs = 500, after = 0n } = checkObject('options', options);
    const buffer = new SharedArrayBuffer(8);
    Atomics.store(new BigInt64Array(buffer), 0, checkTimestamp('after', after));
    return new SharedHybridClock({ buffer, nodeId, maxRemoteAheadMs }, options);
  }

  /**
   * The clock that another thread shared.
   *
   * @throws ArgumentTypeError when `handle` is not what `share` returned
   */
  static attach(handle: SharedHybridClockHandle, options: AttachOptions): SharedHybridClock {
    const { buffer, maxRemoteAheadMs } = checkObject('handle', handle);
    if (
      !(buffer instanceof SharedArrayBuffer && buffer.byteLength === 8) ||
      typeof maxRemoteAheadMs !== 'number'
    ) {
      throw new ArgumentTypeError('handle', 'what share() returned', handle);
    }
    return new SharedHybridClock(handle, checkObject('options', options));
  }

  /** What another thread attaches by. */
  share(): SharedHybridClockHandle {
    return this.#handle;
  }

  override now(): HlcTimestamp {
    this.tick();
    return this.#last;
  }

  /** The last timestamp of any thread; `after` (0) when there was none. Advances nothing. */
  override peek(): HlcTimestamp {
    return asUnixNs(Atomics.load(this.#shared, 0));
  }

  /** `slots[LAST]` is what this thread obtained last; the state is in the shared slot. */
  protected override advance(slots: BigInt64Array): void {
    const shared = this.#shared;
    let seen: bigint = this.#last;
    if (shared[0] !== seen) seen = shared[0]!;
    let next: bigint;
    for (;;) {
      // At the end of int64 the end replaces itself: that proves, atomically, that nothing is left.
      next = slots[FLOOR]! > seen ? slots[FLOOR]! : seen === INT64_MAX ? seen : seen + 1n;
      const found = Atomics.compareExchange(shared, 0, seen, next);
      if (found === seen) break;
      seen = found;
    }
    if (seen === INT64_MAX) throw new TimestampExhaustedError(INT64_MAX);
    this.#last = asUnixNs(next);
    slots[LAST] = next;
  }
}
