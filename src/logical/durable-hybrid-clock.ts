/**
 * A hybrid logical clock whose promise outlives the process.
 *
 * The problem: an HLC keeps its last timestamp in memory. After a crash only the wall clock is left
 * to start from, and a wall clock can have been moved back (by an operator, a time daemon, a
 * virtual machine that resumed), or simply be behind the HLC, which ran ahead of it on the messages
 * of a faster peer. Then a restarted node hands out timestamps it has used before.
 *
 * The idea: before a range of timestamps is used, its upper end, the *ceiling*, is on the disk. A
 * restart begins above the ceiling it finds. So the disk is touched once per *window* and not per
 * timestamp, and what a crash costs is the unused rest of one reservation: `open` waits until
 * physical time has passed it, at most one window; if physical time is further behind, the clock
 * starts ahead of it and says by how much (`startedAheadNs`).
 *
 * The hot path has no branch that the plain clock has not: {@link HybridClock} compares every
 * timestamp with its ceiling (there the end of int64; here the one on the disk) before anything
 * changes, and asks for a higher one when it is reached.
 * - In the background, every half window, the ceiling moves to one window above the present.
 * - When it is reached nevertheless (a blocked event loop, a wall clock stepping forward, a remote
 *   timestamp far ahead) the caller waits for one synchronous write, which `stats()` counts. If
 *   that fails, the call throws and the clock is as it was.
 *
 * Guarantee: timestamps of the clocks opened on one file, in all lives together, strictly increase
 * in the order in which they were handed out. Assumptions, and what happens without them:
 * docs/guarantees.md. The main ones: fsync tells the truth; the file is not deleted, copied
 * or restored from a backup; nobody removes the lock file.
 *
 * Sources: Percolator's timestamp oracle (Peng and Dabek, OSDI 2010, section 2.3) reserves ranges
 * this way, and CockroachDB persists an upper bound of its HLC
 * (`server.clock.persist_upper_bound_interval`).
 */
import type { Cancel, Clock } from '../time/clock.ts';
import { ArgumentTypeError, checkNumber, checkObject, EpsilonClockError } from '../time/errors.ts';
import { asUnixNs, INT64_MAX } from '../time/instant.ts';
import { msFromNsUp, nsFromMsDown } from '../time/rounding.ts';
import { systemClock } from '../time/system-clock.ts';
import {
  CeilingFile,
  canonicalPath,
  type Disk,
  type DurableClockStorageError,
  systemDisk,
} from './durable-file.ts';
import { type FileLock, kernelLock } from './durable-lock.ts';
import { TimestampExhaustedError } from './errors.ts';
import { HybridClock, type HybridClockOptions } from './hybrid-clock.ts';
import { type PhysicalClock, physicalReader } from './physical-clock.ts';
import type { HlcTimestamp } from './timestamp.ts';

/** What a durable clock needs in order to wait; every `Clock` has it. */
export type Timers = Pick<Clock, 'monotonicNs' | 'setTimer'>;

export interface DurableHybridClockOptions extends HybridClockOptions {
  /**
   * The file that keeps the ceiling, one per node id, on a local file system; its directory must
   * exist. The lock is on a second file, `path` + `.lock`, which stays when the clock is closed:
   * never delete it.
   */
  readonly path: string;
  /**
   * How much is reserved at a time, from 10 to 3,600,000 ms; default 1000. There are two small
   * writes per window, and a start after a crash waits for at most one window.
   */
  readonly windowMs?: number;
  /** Waits and runs the timers. Default: `clock` when it can, else the system's clock. */
  readonly timers?: Timers;
  /** The file system. Default: the operating system's. */
  readonly disk?: Disk;
  /** What keeps a second process away. Default: the kernel's lock. */
  readonly lock?: FileLock;
}

/** Counters of a durable clock since `open`, for monitoring. */
export interface DurableClockStats {
  /** Writes in the background that reached the disk; the one made by `open` is the first. */
  readonly backgroundWrites: number;
  /** Synchronous writes: how often a caller had to wait for the disk. */
  readonly urgentWrites: number;
  /** Writes of either kind that failed. The background tries again after an eighth of a window. */
  readonly failedWrites: number;
  /** Why the last attempt to write failed; undefined once a write has succeeded again. */
  readonly failure: DurableClockStorageError | undefined;
  /** No timestamp above this is handed out before a higher ceiling is on the disk. */
  readonly ceilingNs: HlcTimestamp;
}

/** A timestamp was asked of a durable clock after `close`. */
export class DurableClockClosedError extends EpsilonClockError {
  readonly code = 'ERR_DURABLE_CLOCK_CLOSED' as const;
  readonly path: string;

  constructor(path: string) {
    super(`the durable clock at ${path} is closed`);
    this.name = 'DurableClockClosedError';
    this.path = path;
  }
}

/**
 * A {@link HybridClock} that never repeats a timestamp or goes back, across crash, restart and a
 * wall clock moved back. Everything that advances it can, besides its own errors, throw
 * `DurableClockStorageError` (`ERR_DURABLE_CLOCK_STORAGE`: the ceiling was reached and could not be
 * raised) and `DurableClockClosedError` (`ERR_DURABLE_CLOCK_CLOSED`); the clock is then as it was
 * before the call.
 *
 * Cost: that of the plain clock, and two file replacements per window in the background.
 *
 * @example
 * await using hlc = await DurableHybridClock.open({
 *   clock: systemClock(), nodeId: 'orders-3', path: '/var/lib/orders/hlc',
 * });
 * hlc.now();
 */
export class DurableHybridClock extends HybridClock {
  /**
   * How far the ceiling that `open` found was ahead of physical time when it had waited, in ns; 0n
   * when the wait was enough, or physical time could not be read. Large: the wall clock was moved back, and peers with a limit may
   * refuse what we send until it has caught up. `leadNs()` tells how far it is now.
   */
  readonly startedAheadNs: bigint;
  readonly #window: Window;
  readonly #file: CeilingFile;
  readonly #unlock: () => void;
  #backgroundWrites = 0;
  #urgentWrites = 0;
  #failedWrites = 0;
  #failure: DurableClockStorageError | undefined;
  #cancelTimer: Cancel = () => {};
  #renewal: Promise<boolean> = Promise.resolve(true);
  #closed: Promise<void> | undefined;

  private constructor(
    options: HybridClockOptions,
    startedAheadNs: bigint,
    window: Window,
    file: CeilingFile,
    unlock: () => void,
  ) {
    super(options);
    this.startedAheadNs = startedAheadNs;
    this.#window = window;
    this.#file = file;
    this.#unlock = unlock;
    this.ceilingNs = this.peek();
  }

  /**
   * Opens the clock kept at `options.path`: takes the lock, reads the ceiling, waits until physical
   * time has passed it but at most one window, and reserves the first window. No file means a first
   * start.
   *
   * When physical time can't be read (a bounded clock that never synchronised) there is nothing to
   * wait for: the clock starts above the ceiling at once. Wait for the synchronisation first.
   *
   * @throws DurableClockInUseError (`ERR_DURABLE_CLOCK_IN_USE`) when another clock has the file
   * @throws DurableClockFileError (`ERR_DURABLE_CLOCK_FILE`) when the file is damaged or not ours
   * @throws DurableClockStorageError (`ERR_DURABLE_CLOCK_STORAGE`) when the file system refuses
   * @throws DurableClockLockError (`ERR_DURABLE_CLOCK_LOCK`) when the platform has no lock to give
   * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
   */
  static async open(options: DurableHybridClockOptions): Promise<DurableHybridClock> {
    const { path, disk = systemDisk, lock = kernelLock } = checkObject('options', options);
    if (typeof path !== 'string' || path === '') {
      throw new ArgumentTypeError('path', 'the name of a file', path);
    }
    new HybridClock(options); // so that a bad option is refused before a file is touched
    const window = new Window(options);
    const file = await canonicalPath(path, disk);
    const unlock = await lock(`${file}.lock`);
    try {
      const ceiling = await CeilingFile.read(file, disk);
      const storedNs = ceiling.ceilingNs ?? 0n;
      const startedAheadNs = await window.waitUntilPast(storedNs);
      const { after = 0n } = options;
      const clock = new DurableHybridClock(
        { ...options, after: after > storedNs ? after : storedNs },
        startedAheadNs,
        window,
        ceiling,
        unlock,
      );
      await clock.#begin();
      return clock;
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** Counters and the present ceiling. */
  stats(): DurableClockStats {
    return {
      backgroundWrites: this.#backgroundWrites,
      urgentWrites: this.#urgentWrites,
      failedWrites: this.#failedWrites,
      failure: this.#failure,
      ceilingNs: asUnixNs(this.#file.ceilingNs!),
    };
  }

  /**
   * Ends the clock: from now on it gives no timestamp (`ERR_DURABLE_CLOCK_CLOSED`). Lowers the
   * ceiling on the disk to the last timestamp, so that the next start need not wait, and releases
   * the lock. Never rejects: when that write fails, the ceiling stays high, and the next start
   * waits as after a crash.
   */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  protected override raiseCeiling(needed: bigint): void {
    if (this.#closed) throw new DurableClockClosedError(this.#file.path);
    if (needed > INT64_MAX) throw new TimestampExhaustedError(INT64_MAX);
    try {
      this.#file.writeNow(this.#window.above(needed));
    } catch (error) {
      this.#failed(error);
      throw error;
    }
    this.#urgentWrites += 1;
    this.#adoptCeiling();
  }

  async #begin(): Promise<void> {
    if (!(await this.#write(this.#target()))) throw this.#failure;
    this.#schedule(this.#window.ms / 2);
  }

  #schedule(delayMs: number): void {
    const renew = async () => {
      this.#renewal = this.#renew();
      const renewed = await this.#renewal;
      if (!this.#closed) this.#schedule(renewed ? this.#window.ms / 2 : this.#window.ms / 8);
    };
    this.#cancelTimer = this.#window.timers.setTimer(delayMs, renew, { background: true });
  }

  /** True when the ceiling is high enough again; false when the disk refused. */
  async #renew(): Promise<boolean> {
    const targetNs = this.#target();
    // While a wall clock that was moved back catches up, the present hardly moves: nothing to write.
    if (targetNs - this.#file.ceilingNs! < this.#window.ns >> 2n) return true;
    return this.#write(targetNs);
  }

  /** One window above the present: physical time, or our own where that is ahead. */
  #target(): bigint {
    const physicalNs = this.#window.physicalNs() ?? 0n;
    const lastNs = this.peek();
    return this.#window.above(physicalNs > lastNs ? physicalNs : lastNs);
  }

  async #write(ceilingNs: bigint): Promise<boolean> {
    try {
      if (await this.#file.write(ceilingNs)) this.#backgroundWrites += 1;
    } catch (error) {
      this.#failed(error);
      return false;
    }
    if (!this.#closed) this.#adoptCeiling();
    return true;
  }

  /** Only now that the ceiling is on the disk may the hot path go up to it. */
  #adoptCeiling(): void {
    this.#failure = undefined;
    this.ceilingNs = this.#file.ceilingNs!;
  }

  async #end(): Promise<void> {
    const last: HlcTimestamp = this.peek();
    this.ceilingNs = last; // so every timestamp asks for a higher ceiling, and is refused
    this.#cancelTimer();
    await this.#renewal; // or its rename could come after the lock is released
    await this.#write(last);
    this.#unlock();
  }

  #failed(error: unknown): void {
    this.#failedWrites += 1;
    this.#failure = error as DurableClockStorageError;
  }
}

/** How much is reserved at a time, and the present it is reserved from. */
class Window {
  readonly ms: number;
  readonly ns: bigint;
  readonly timers: Timers;
  readonly #readPhysical: () => bigint;

  constructor({ windowMs = 1000, timers, clock, beforeSync }: DurableHybridClockOptions) {
    this.ms = checkNumber('windowMs', windowMs, 10, 3_600_000);
    this.ns = nsFromMsDown(windowMs);
    this.timers = timers ?? (hasTimers(clock) ? clock : systemClock());
    this.#readPhysical = physicalReader(clock, beforeSync ?? 'throw');
  }

  /** Physical time; undefined while it can't be read. Why, the next event tells its caller. */
  physicalNs(): bigint | undefined {
    try {
      return this.#readPhysical();
    } catch {
      return undefined;
    }
  }

  /** One window above `ns`, but no further than the end of time. */
  above(ns: bigint): bigint {
    const aboveNs = ns + this.ns;
    return aboveNs > INT64_MAX ? INT64_MAX : aboveNs;
  }

  /**
   * Waits until physical time is past `instantNs`, but at most one window; gives how far it then is
   * behind. A timer is a hint, so time is read again after each.
   */
  async waitUntilPast(instantNs: bigint): Promise<bigint> {
    const untilNs = this.timers.monotonicNs() + this.ns;
    for (;;) {
      const physicalNs = this.physicalNs();
      if (physicalNs === undefined || physicalNs > instantNs) return 0n;
      const behindNs = instantNs - physicalNs;
      const leftNs = untilNs - this.timers.monotonicNs();
      if (leftNs <= 0n) return behindNs;
      const delayMs = msFromNsUp(behindNs < leftNs ? behindNs + 1n : leftNs);
      await new Promise<void>((resolve) => {
        this.timers.setTimer(delayMs, resolve);
      });
    }
  }
}

function hasTimers(clock: PhysicalClock): clock is PhysicalClock & Timers {
  return 'setTimer' in clock && 'monotonicNs' in clock;
}
