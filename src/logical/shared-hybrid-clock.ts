/**
 * One hybrid clock for all worker threads of a process: one int64 in a `SharedArrayBuffer`,
 * advanced by compare-and-swap.
 *
 * Problem. Two threads with a clock each need two node ids. And when one thread reads a database
 * row that the other wrote, the row must carry its timestamp. One sequence for all threads needs
 * neither.
 *
 * Idea. An event computes its timestamp from the last value it saw, `max(last + 1, floor)`, and
 * stores it only if the last value is still the same. A thread that loses this race thereby learns
 * the newer value and computes again from it. Every thread reads physical time by its own clock.
 * These clocks need not agree, because every new timestamp is above the last of any thread.
 *
 * Guarantee. Over all threads timestamps are unique and strictly increase in the order of the
 * swaps. An event that starts after another event ended, on any thread, gets the greater timestamp,
 * because the swap is sequentially consistent. Lock-free: a swap fails only because another
 * succeeded, so some thread always advances. A thread may die at any point and leaves a valid
 * clock.
 *
 * The first guess at the last value is this thread's own last value, if a plain read agrees, else
 * the result of the plain read. So there is no atomic load, and while the thread is alone no new
 * bigint either. The language lets a plain 64-bit read be stale or torn. That is harmless: the swap
 * compares all 64 bits with the shared value, so a wrong guess fails, and the swap then returns an
 * atomic reading.
 *
 * Rules, limits and errors are those of {@link HybridClock}. Only the last step differs.
 */
import { ArgumentTypeError, checkObject } from '../time/errors.ts';
import { asUnixNs, INT64_MAX } from '../time/instant.ts';
import { TimestampExhaustedError } from './errors.ts';
import { COUNT, FLOOR, HybridClock, type HybridClockOptions, LAST } from './hybrid-clock.ts';
import type { HlcTimestamp } from './timestamp.ts';

/** All that another thread needs to attach. `postMessage` and `workerData` can carry it. */
export interface HybridClockHandle {
  /** The shared int64: the last timestamp of any thread. */
  readonly buffer: SharedArrayBuffer;
  readonly nodeId: string;
  /** The limit for remote timestamps, the same on every thread. */
  readonly maxRemoteAheadMs: number;
}

/** The options that each thread chooses itself, such as its physical clock and its `onLead`. */
export type AttachOptions = Omit<HybridClockOptions, 'nodeId' | 'maxRemoteAheadMs' | 'startAfter'>;

/**
 * A hybrid clock shared by threads: one node id, one sequence.
 *
 * `peek` is the last timestamp of any thread. Every event allocates some bigints, as atomic
 * operations on int64 do. It costs about twice as much as on a `HybridClock`, and about three times
 * as much while another thread contends.
 *
 * @example
 * const hlc = new SharedHybridClock({ clock: systemClock(), nodeId: 'orders-3' });
 * const handle = hlc.share(); // new Worker(file, { workerData: handle })
 * // in the worker, where it is `workerData`:
 * const same = SharedHybridClock.attach(handle, { clock: systemClock() });
 * hlc.now() < same.now() // true
 */
export class SharedHybridClock extends HybridClock {
  readonly #handle: HybridClockHandle;
  // Declared, and so stored once: docs/internals/performance.md, "A constant field is stored once".
  declare private readonly word: BigInt64Array;
  /**
   * The last timestamp that this thread obtained: the same bigint object that the swap was given,
   * so that no other is made.
   */
  #last: HlcTimestamp = asUnixNs(0n);

  /**
   * A new clock, to be shared.
   *
   * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
   */
  constructor(options: HybridClockOptions);
  /** @internal Attaches to `joined`: {@link SharedHybridClock.attach}. */
  constructor(options: AttachOptions, joined: HybridClockHandle);
  constructor(options: HybridClockOptions | AttachOptions, joined?: HybridClockHandle) {
    const handle = joined === undefined ? undefined : checkHandle(joined);
    super({
      ...checkObject('options', options),
      ...(handle && identityOf(handle)),
    } as HybridClockOptions);
    this.#handle = handle ?? {
      buffer: new SharedArrayBuffer(8),
      nodeId: this.nodeId,
      maxRemoteAheadMs: (options as HybridClockOptions).maxRemoteAheadMs ?? 500,
    };
    this.word = new BigInt64Array(this.#handle.buffer);
    if (handle === undefined) Atomics.store(this.word, 0, super.peek());
  }

  /**
   * The clock that another thread shared. For threads only, because a handle that is sent to
   * another process arrives without its memory. Another process makes a clock with a node id of its
   * own.
   *
   * @throws ArgumentTypeError when `handle` is not what `share` returned
   */
  static attach(handle: HybridClockHandle, options: AttachOptions): SharedHybridClock {
    return new SharedHybridClock(options, checkObject('handle', handle));
  }

  /** The handle by which another thread attaches. */
  share(): HybridClockHandle {
    return this.#handle;
  }

  override now(): HlcTimestamp {
    this.tick();
    return this.#last;
  }

  /** The last timestamp of any thread; before the first one `startAfter`. Advances nothing. */
  override peek(): HlcTimestamp {
    return asUnixNs(Atomics.load(this.word, 0));
  }

  /** The state is in the shared slot. `slots[LAST]` is the last timestamp of this thread. */
  protected override advance(slots: BigInt64Array): void {
    this.#swap(slots, 0n);
  }

  /** One swap, so that no other thread's timestamp lies within the reservation. */
  protected override advanceBy(slots: BigInt64Array): void {
    this.#swap(slots, slots[COUNT]! - 1n);
  }

  /** Moves the sequence to the next timestamp and `more` further ones. */
  #swap(slots: BigInt64Array, more: bigint): void {
    const shared = this.word;
    let seen: bigint = this.#last;
    if (shared[0] !== seen) seen = shared[0]!;
    let next: bigint;
    for (;;) {
      next = (slots[FLOOR]! > seen ? slots[FLOOR]! : seen + 1n) + more;
      // Beyond the end of int64, swap the seen value with itself. That proves atomically that the
      // seen value is the current one.
      const found = Atomics.compareExchange(shared, 0, seen, next > INT64_MAX ? seen : next);
      if (found === seen) break;
      seen = found;
    }
    if (next > INT64_MAX) throw new TimestampExhaustedError(INT64_MAX);
    this.#last = asUnixNs(next);
    slots[LAST] = next;
  }
}

/** The options that an attaching thread takes from the handle. */
function identityOf({ nodeId, maxRemoteAheadMs }: HybridClockHandle): Partial<HybridClockOptions> {
  return { nodeId, maxRemoteAheadMs, startAfter: 0n };
}

function checkHandle(handle: HybridClockHandle): HybridClockHandle {
  const { buffer, maxRemoteAheadMs } = checkObject('handle', handle);
  if (
    buffer instanceof SharedArrayBuffer &&
    buffer.byteLength === 8 &&
    typeof maxRemoteAheadMs === 'number'
  ) {
    return handle;
  }
  const expected =
    'the result of share(), which reaches worker threads only: another process needs a clock ' +
    'with a node id of its own';
  throw new ArgumentTypeError('handle', expected, handle);
}
