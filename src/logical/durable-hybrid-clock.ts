/// <reference lib="esnext.disposable" preserve="true" />
/**
 * A hybrid logical clock (HLC) whose timestamps increase across restarts too.
 *
 * The problem: an HLC keeps its last timestamp in memory. After a crash the new process has only
 * the wall clock to start from. The wall clock may have been moved back by an operator, a time
 * daemon or a virtual machine that resumed. Or it is simply behind the HLC, which ran ahead of it
 * because a faster peer sent messages. Then a restarted node hands out timestamps that it has used
 * before.
 *
 * The idea: before a range of timestamps is used, its upper end, the *ceiling*, is on the disk. A
 * restart begins above the ceiling it finds. So the disk is written once per *window* and not once
 * per timestamp. A crash costs the unused rest of one reservation: `open` waits until physical time
 * has passed the ceiling, but at most one window. If physical time is further behind, the clock
 * starts ahead of it and says by how much (`startedAheadNs`).
 *
 * The hot path has the same branches as that of the plain clock. {@link HybridClock} compares every
 * timestamp with its ceiling before anything changes, and asks for a higher one when it is reached.
 * There the ceiling is the end of int64; here it is the number on the disk.
 * - In the background, every half window, the ceiling moves to one window above the present.
 * - The ceiling can be reached before that: the event loop was blocked, the wall clock stepped
 *   forward, or a remote timestamp is far ahead. Then the caller waits for one synchronous write,
 *   which `stats()` counts. If that write fails, the call throws and the clock is as it was.
 *
 * Guarantee: the timestamps of all clocks ever opened on one file strictly increase in the order in
 * which they were handed out. The main assumptions: fsync tells the truth; the file is not deleted,
 * copied or restored from a backup; the lock file is not removed. The page
 * docs/guarantees/durable-clock.md lists all of them, and what happens without each.
 *
 * Sources: Percolator's timestamp oracle (Peng and Dabek, OSDI 2010, section 2.3) reserves ranges
 * this way, and CockroachDB persists an upper bound of its HLC
 * (`server.clock.persist_upper_bound_interval`).
 *
 * This file has more than 400 lines because a third of it documents public members.
 */
import type { Cancel, Clock } from '../time/clock.ts';
import { ArgumentTypeError, checkNumber, EpsilonClockError } from '../time/errors.ts';
import { asUnixNs, INT64_MAX } from '../time/instant.ts';
import { withJson } from '../time/json.ts';
import { checkOptionNames } from '../time/options.ts';
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
import { HYBRID_CLOCK_OPTIONS, HybridClock, type HybridClockOptions } from './hybrid-clock.ts';
import { type PhysicalClock, physicalReader } from './physical-clock.ts';
import { checkTimestamp, type HlcTimestamp } from './timestamp.ts';

/** The part of a `Clock` that a durable clock needs in order to wait. */
export type Timers = Pick<Clock, 'monotonicNs' | 'setTimer'>;

/**
 * Options of {@link DurableHybridClock.open}: those of a hybrid clock, and those about the ceiling.
 */
export interface DurableHybridClockOptions extends HybridClockOptions {
  /**
   * The file that keeps the ceiling, one per node id, on a local file system. Its directory must
   * exist. The lock is on a second file, `path` + `.lock`. That file stays when the clock is
   * closed; never delete it.
   */
  readonly path: string;
  /**
   * How much time is reserved at once, from 10 to 3,600,000 ms; default 1000. There are two small
   * writes per window, and a start after a crash waits for at most one window.
   */
  readonly windowMs?: number | undefined;
  /**
   * A ceiling to give up, once. If the file holds exactly this number, the clock starts from
   * physical time (and above `startAfter`) as if the file did not exist. For a clock that was once
   * years ahead. docs/guarantees/durable-clock.md says what to check before and what it costs. Any
   * other ceiling is kept, so the option does nothing when the clock is opened again. Default: no
   * ceiling is given up.
   */
  readonly forgetCeiling?: bigint | undefined;
  /** Waits and runs the timers. Default: `clock` if it has these methods, else the system clock. */
  readonly timers?: Timers | undefined;
  /** The file system. Default: the operating system's. */
  readonly disk?: Disk | undefined;
  /** The lock that keeps a second process away. Default: the kernel's lock. */
  readonly lock?: FileLock | undefined;
}

const NAMES: Readonly<Record<keyof DurableHybridClockOptions, true>> = {
  ...HYBRID_CLOCK_OPTIONS,
  path: true,
  windowMs: true,
  forgetCeiling: true,
  timers: true,
  disk: true,
  lock: true,
};

/** Counters of a durable clock since `open`, for monitoring. */
export interface DurableClockStats {
  /** How many background writes reached the disk; `open` makes the first one. */
  readonly backgroundWrites: number;
  /** How many synchronous writes there were: how often a caller had to wait for the disk. */
  readonly urgentWrites: number;
  /** How many writes failed. After an eighth of a window the next background write is tried. */
  readonly failedWrites: number;
  /** Why the last attempt to write failed; undefined once a write has succeeded again. */
  readonly failure: DurableClockStorageError | undefined;
  /** No timestamp above this is handed out before a higher ceiling is on the disk. */
  readonly ceilingNs: HlcTimestamp;
}

/** A durable clock was asked for a timestamp after `close`. */
export class DurableClockClosedError extends EpsilonClockError {
  readonly code = 'ERR_DURABLE_CLOCK_CLOSED' as const;
  /** The clock's file. */
  readonly path: string;

  constructor(path: string) {
    super(`the durable clock at ${path} is closed`);
    this.name = 'DurableClockClosedError';
    this.path = path;
  }
}

/**
 * A {@link HybridClock} that never repeats a timestamp or goes back, even after a crash, a restart
 * or a wall clock that was moved back. Every method that advances it may, besides its own errors,
 * throw `DurableClockStorageError` (`ERR_DURABLE_CLOCK_STORAGE`: the ceiling was reached and could
 * not be raised) and `DurableClockClosedError` (`ERR_DURABLE_CLOCK_CLOSED`). The clock is then as
 * it was before the call.
 *
 * Cost: that of the plain clock, and two file replacements per window in the background.
 *
 * @example
 * const hlc = await DurableHybridClock.open({
 *   clock: systemClock(),
 *   nodeId: 'orders-3',
 *   path: '/tmp/orders-3.hlc',
 * });
 * hlc.now();
 * await hlc.close();
 */
export class DurableHybridClock extends HybridClock {
  /**
   * How far the ceiling that `open` found was still ahead of physical time after the wait, in ns;
   * 0n when the wait was enough, or physical time could not be read. A large value means that the
   * wall clock was moved back. Until it has caught up, peers with a limit may refuse what we send.
   * `leadNs()` tells how far the clock is ahead now.
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
    if (!(window instanceof Window)) {
      throw new ArgumentTypeError('window', 'made by DurableHybridClock.open()', window);
    }
    this.startedAheadNs = startedAheadNs;
    this.#window = window;
    this.#file = file;
    this.#unlock = unlock;
    this.ceilingNs = this.peek();
  }

  /**
   * Opens the clock kept at `options.path`: takes the lock, reads the ceiling, waits until physical
   * time has passed it (at most one window), and reserves the first window. If the file does not
   * exist, this is a first start.
   *
   * When physical time can't be read (a bounded clock that never synchronised), the clock does not
   * wait: it starts above the ceiling at once. So wait for the synchronisation first.
   *
   * A ceiling that `options.forgetCeiling` names is given up.
   *
   * @throws DurableClockInUseError (`ERR_DURABLE_CLOCK_IN_USE`) when another clock has the file
   * @throws DurableClockFileError (`ERR_DURABLE_CLOCK_FILE`) when the file is damaged or not ours
   * @throws DurableClockStorageError (`ERR_DURABLE_CLOCK_STORAGE`) when the file system refuses
   * @throws DurableClockLockError (`ERR_DURABLE_CLOCK_LOCK`) when the platform has no such lock
   * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
   */
  static async open(options: DurableHybridClockOptions): Promise<DurableHybridClock> {
    const {
      path,
      forgetCeiling,
      disk = systemDisk,
      lock = kernelLock,
      windowMs,
      timers,
      ...logical
    } = checkOptionNames(options, NAMES);
    if (typeof path !== 'string' || path === '') {
      throw new ArgumentTypeError('path', 'the name of a file', path);
    }
    if (forgetCeiling !== undefined) checkTimestamp('forgetCeiling', forgetCeiling);
    new HybridClock(logical); // refuses a bad option before any file is touched
    const window = new Window({ windowMs, timers, ...logical });
    const file = await canonicalPath(path, disk);
    // Before the lock, so that no lock file is made beside a file that is not a ceiling.
    await CeilingFile.read(file, disk);
    const unlock = releaseOf(await lock(`${file}.lock`));
    try {
      const ceiling = await CeilingFile.read(file, disk);
      // As if the file had no ceiling: physical time alone decides where the clock starts.
      const forgotten = ceiling.ceilingNs === forgetCeiling;
      const storedNs = forgotten ? 0n : (ceiling.ceilingNs ?? 0n);
      const startedAheadNs = await window.waitUntilPast(storedNs);
      const { startAfter = 0n } = logical;
      const clock = new DurableHybridClock(
        { ...logical, startAfter: startAfter > storedNs ? startAfter : storedNs },
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
    return withJson({
      backgroundWrites: this.#backgroundWrites,
      urgentWrites: this.#urgentWrites,
      failedWrites: this.#failedWrites,
      failure: this.#failure,
      ceilingNs: asUnixNs(this.#file.ceilingNs!),
    });
  }

  /**
   * Ends the clock: from now on it gives no timestamp (`ERR_DURABLE_CLOCK_CLOSED`). Lowers the
   * ceiling on the disk to the last timestamp, so that the next start need not wait, and releases
   * the lock. Never rejects. If that write fails, the ceiling stays high, and the next start waits
   * as after a crash.
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

  /** Raises the ceiling in the background. True when it is high enough; false when that failed. */
  async #renew(): Promise<boolean> {
    const targetNs = this.#target();
    // While a wall clock that was moved back catches up, the present hardly moves. Then there is
    // nothing to write.
    if (targetNs - this.#file.ceilingNs! < this.#window.ns >> 2n) return true;
    return this.#write(targetNs);
  }

  /** One window above the present: above physical time, or above our last timestamp if greater. */
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

  /** Lets the hot path go up to the ceiling. Call only when that ceiling is on the disk. */
  #adoptCeiling(): void {
    this.#failure = undefined;
    this.ceilingNs = this.#file.ceilingNs!;
  }

  async #end(): Promise<void> {
    const last: HlcTimestamp = this.peek();
    this.ceilingNs = last; // now every timestamp asks for a higher ceiling, and is refused
    this.#cancelTimer();
    await this.#renewal; // otherwise its rename could come after the lock is released
    await this.#write(last);
    this.#unlock();
  }

  #failed(error: unknown): void {
    this.#failedWrites += 1;
    this.#failure = error as DurableClockStorageError;
  }
}

/** How much time is reserved at once, and the physical time from which it is reserved. */
class Window {
  readonly ms: number;
  readonly ns: bigint;
  readonly timers: Timers;
  readonly #readPhysical: () => bigint;

  constructor({
    windowMs = 1000,
    timers,
    clock,
    beforeSync,
  }: Omit<DurableHybridClockOptions, 'path'>) {
    this.ms = checkNumber('windowMs', windowMs, 10, 3_600_000);
    this.ns = nsFromMsDown(windowMs);
    this.timers = timers ?? (hasTimers(clock) ? clock : systemClock());
    this.#readPhysical = physicalReader(clock, beforeSync ?? 'throw');
  }

  /** Physical time; undefined while it can't be read. The next event throws the reason. */
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
   * Waits until physical time is past `instantNs`, but at most one window. Returns how far physical
   * time is still behind, ns. Timers may fire early, so time is read again after each.
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

/**
 * The release function that a user's lock returned. If it throws, that becomes an unhandled
 * rejection of its own. The clock is closed anyway, and the end of the process frees the lock.
 */
function releaseOf(unlock: unknown): () => void {
  if (typeof unlock !== 'function') {
    throw new ArgumentTypeError('lock', 'a function whose promise gives a function', unlock);
  }
  return () => {
    try {
      unlock();
    } catch (error) {
      void Promise.reject(error);
    }
  };
}

function hasTimers(clock: PhysicalClock): clock is PhysicalClock & Timers {
  return 'setTimer' in clock && 'monotonicNs' in clock;
}
