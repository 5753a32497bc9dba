/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Our bound for the clients of AWS ClockBound: its library for C and Rust, what is built on that,
 * and databases that use it. The segment of shared memory that its daemon writes is written here
 * from a bounded clock (version 2 of its protocol; fields in sources/clock-bound/segment.ts).
 *
 * **What a client computes.** It copies the segment, then reads CLOCK_REALTIME, then
 * CLOCK_MONOTONIC_COARSE, and answers
 *
 *     wall clock  +-  (bound + (monotonic - as of) * drift)
 *
 * It believes the status of the segment until 5 s after `as of` (60 s in version 3 of the library),
 * whatever `void after` says, and then until `void after` at most.
 *
 * **The problem.** Our bound is on theta = true - monotonic. Theirs is on true - wall. What is
 * published must hold for the wall clock, for as long as any client may use it.
 *
 * **The idea.** Let c = wall - monotonic. Linux slews both clocks together, so c stands still, and
 *
 *     true - wall  =  theta - c
 *
 * With theta in [lo, hi] and c in [cLo, cHi] that is at most max(hi - cLo, cHi - lo), and grows no
 * faster than an edge of our bound moves outward. So the published drift is the steepest slope of
 * either edge within the next minute, rounded up to ppb. Each publication looks at c, and once a
 * second it is measured anew from some hundred reads, to some ten us.
 *
 * **A daemon that slews** beyond the drift bound (A1) slews towards the wall clock's own idea of
 * true time (A4), which is where theta = c. So true - wall only shrinks meanwhile. The segment
 * needs no more here than the clock that it is made from.
 *
 * **A step moves c.** Until the step is noticed, clients are wrong by as much as it was, because
 * they start from the wall clock. It is looked for ten times a second: one above 2.5 ms is noticed
 * within 100 ms, a smaller one within 2 s. Then the segment is disrupted, or holds for the wall
 * clock as it is now. A suspend of the machine is such a step on waking up. If this process is
 * stopped or dies, nobody notices a step, until the segment ends for the clients: 5 s, or 60 s with
 * version 3. ClockBound itself has this weakness too, but not for steps by its own time daemon. So
 * where this is published, let the daemon step at boot only.
 *
 * **A leap second** is a step as well. The clock ends its bound for one; here the bound ends a
 * minute before that.
 *
 * **The age.** The coarse clock is up to a tick behind, and `as of` early by two. A machine whose
 * ticks are later than 20 ms (a guest that is stopped) counts too small an age: by 200 ns for each
 * ms at 200 ppm.
 *
 * **Disruptions** are published at once by the thread that runs the clock, and within 100 ms by a
 * reader in another. On a machine with a VMClock, clients also compare the disruption marker, and
 * so see a migration before anyone publishes anything. The marker is read before the bound: one
 * that changes in between is not vouched for.
 *
 * **What is not promised.** Clients in other time namespaces count another age: theirs is refused
 * or too great in most cases, but not in all. The segment does not say which timescale it is of.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { type BoundedReader, checkReader } from '../bounded-clock/bounded-reader.ts';
import { type FileLock, kernelLock } from '../logical/durable-lock.ts';
import { DISRUPTED, type SegmentFields, UNKNOWN } from '../sources/clock-bound/segment.ts';
import { hasOwnMonotonicClock } from '../sources/clock-bound/time-namespace.ts';
import { lookAtWall } from '../sources/wall-look.ts';
import type { Cancel } from '../time/clock.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';
import { Listeners } from '../time/listeners.ts';
import { checkOptionNames } from '../time/options.ts';
import { VmClockPage } from '../time/vm-clock.ts';
import { readWallOffset, WallOffset } from '../time/wall-offset.ts';
import { fieldsOf, fieldsWithoutBound, LIFE_NS } from './clock-bound-fields.ts';
import { ClockBoundFile, ClockBoundPageError } from './clock-bound-file.ts';

/** Options of {@link ClockBoundPublisher.start}. */
export interface ClockBoundPublisherOptions {
  /** The clock whose bound is published. It must run on the system's clocks, which clients read. */
  readonly clock: BoundedReader;
  /**
   * The segment. ClockBound's clients look for it at `/var/run/clockbound/shm0` unless told
   * otherwise. Its folder must exist. A file of something else is refused.
   */
  readonly path: string;
  /**
   * The page of the machine's VMClock. Default `/dev/vmclock0`. Where it can be read, all clients
   * must be able to read it too.
   */
  readonly vmClockPath?: string | undefined;
  /** The lock that keeps a second writer away. Default: the kernel's, on the segment itself. */
  readonly lock?: FileLock | undefined;
}

const NAMES: Readonly<Record<keyof ClockBoundPublisherOptions, true>> = {
  clock: true,
  path: true,
  vmClockPath: true,
  lock: true,
};
const PUBLISH_EVERY_MS = 100;
const LOOK_EVERY_NS = 1_000_000_000n;

/**
 * Publishes the bound of a clock in AWS ClockBound's segment of shared memory, ten times a second,
 * for its clients in C, Rust and what else reads it. Linux only.
 *
 * Clients take the wall clock give or take what is published. That is sound under the assumptions
 * of the clock itself, and while nobody steps the wall clock; docs/guarantees/host-sources.md says
 * what happens when somebody does.
 *
 * It does not keep the process alive. What clients see while it does not run: the last segment for
 * 5 s (60 s with version 3 of their library), then no bound. After {@link
 * ClockBoundPublisher.stop}: no bound, at once.
 */
export class ClockBoundPublisher {
  /** The segment. */
  readonly path: string;
  readonly #clock: BoundedReader;
  readonly #file: ClockBoundFile;
  readonly #vmClock: VmClockDevice | undefined;
  readonly #stopping = new AbortController();
  readonly #onPublication = (): void => this.#publishSoon();
  #wall = new WallOffset();
  #lookedAt: bigint | undefined;
  #looking = false;
  #cancelTimer: Cancel = () => {};
  #cancelTurn: Cancel | undefined;
  #lastError: unknown;
  readonly #troubles = new Listeners<Error | undefined>();

  private constructor(
    options: ClockBoundPublisherOptions,
    file: ClockBoundFile,
    vmClock: VmClockDevice | undefined,
  ) {
    if (!(file instanceof ClockBoundFile)) {
      throw new ArgumentTypeError('file', 'made by ClockBoundPublisher.start()', file);
    }
    this.path = options.path;
    this.#clock = options.clock;
    this.#file = file;
    this.#vmClock = vmClock;
  }

  /**
   * Opens or creates the segment and begins to publish. Clients see the status `UNKNOWN` until the
   * clock has a bound.
   *
   * Rejects with a ClockBoundPageError (`ERR_CLOCK_BOUND_PAGE`), whose `reason` says why the
   * segment cannot be published there.
   *
   * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault, as a rejection
   * @example
   * // const path = '/var/run/clockbound/shm0';
   * // const publisher = await ClockBoundPublisher.start({ clock, path });
   * // await publisher.stop();
   */
  static async start(options: ClockBoundPublisherOptions): Promise<ClockBoundPublisher> {
    const { clock, path, vmClockPath = '/dev/vmclock0', lock } = checkOptionNames(options, NAMES);
    checkReader(clock);
    checkPath('path', path);
    checkPath('vmClockPath', vmClockPath);
    if (lock !== undefined && typeof lock !== 'function') {
      throw new ArgumentTypeError('lock', 'a function', lock);
    }
    if (process.platform !== 'linux') throw new ClockBoundPageError(path, 'platform');
    if (hasOwnMonotonicClock()) throw new ClockBoundPageError(path, 'other-clock');
    const file = await ClockBoundFile.open(path, lock ?? kernelLock);
    const publisher = new ClockBoundPublisher(options, file, openVmClock(vmClockPath));
    publisher.#begin();
    return publisher;
  }

  /** Why the last publication failed; `undefined` while they succeed. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /**
   * Calls `listener` when a publication fails, with why, and with `undefined` once one succeeds
   * again. Returns a function that ends the calls; so does `signal`.
   *
   * @throws ArgumentTypeError when `listener` is not a function
   */
  onTrouble(
    listener: (trouble: Error | undefined) => void,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): () => void {
    return this.#troubles.add(listener, options);
  }

  /** Tells the clients that there is no bound, and lets go of the file, which stays. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#cancelTimer();
    this.#cancelTurn?.();
    this.#clock.publishListeners?.delete(this.#onPublication);
    try {
      this.#file.write(fieldsWithoutBound(UNKNOWN, undefined));
    } catch (error) {
      this.#note(error); // The segment ends by itself, some seconds later.
    }
    this.#file.close();
    this.#vmClock?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #begin(): void {
    this.#write(fieldsWithoutBound(UNKNOWN, undefined));
    this.#clock.publishListeners?.add(this.#onPublication);
    this.#tick();
  }

  #tick(): void {
    const { localClock } = this.#clock;
    const next = (): void => this.#tick();
    this.#cancelTimer = localClock.setTimer(PUBLISH_EVERY_MS, next, { background: true });
    try {
      if (this.#isLookDue()) void this.#look();
      else this.#publish();
    } catch (error) {
      this.#fail(error);
    }
  }

  #isLookDue(): boolean {
    if (this.#looking) return false;
    const at = this.#lookedAt;
    return at === undefined || this.#clock.localClock.monotonicNs() - at >= LOOK_EVERY_NS;
  }

  /** Measures `wall - monotonic` anew, over a millisecond, and publishes. */
  async #look(): Promise<void> {
    this.#looking = true;
    try {
      const looked = await lookAtWall(this.#clock.localClock, this.#stopping.signal);
      if (looked !== undefined) {
        this.#wall = new WallOffset();
        this.#wall.observe(looked);
        this.#lookedAt = looked.readAt;
      }
    } catch (error) {
      this.#note(error); // A clock of the user's. The next tick tries again.
    }
    this.#looking = false;
    this.#publish();
  }

  /** The clock has published: once for all publications of this turn, and not inside of one. */
  #publishSoon(): void {
    this.#cancelTurn ??= this.#clock.localClock.nextTurn(() => {
      this.#cancelTurn = undefined;
      this.#publish();
    });
  }

  #publish(): void {
    if (this.#stopping.signal.aborted) return;
    let fields: SegmentFields | undefined;
    try {
      fields = this.#fields();
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (fields !== undefined) this.#write(fields);
  }

  /** `undefined` while the clocks cannot be read well: the last segment goes on to age. */
  #fields(): SegmentFields | undefined {
    // In this order: what changes the marker after this is not vouched for by this bound.
    const marker = this.#vmClock?.page.disruptionMarker();
    if (this.#vmClock !== undefined && marker === undefined) return undefined;
    const reading = this.#clock.read();
    if (reading.interval === undefined) {
      return fieldsWithoutBound(reading.status === 'disrupted' ? DISRUPTED : UNKNOWN, marker);
    }
    const readAt = this.#clock.answeredAt;
    const wall = this.#wallNow();
    if (wall === undefined) return undefined;
    return fieldsOf({
      reading,
      readAt,
      outlook: this.#clock.outlook(readAt + LIFE_NS),
      wall,
      gridNs: this.#clock.localClock.monotonicGridNs,
      marker,
    });
  }

  /** Bounds on `wall - monotonic`. One read shows a step, and replaces what was known before it. */
  #wallNow(): { readonly lowerNs: bigint; readonly upperNs: bigint } | undefined {
    const read = readWallOffset(this.#clock.localClock);
    if (read === undefined) return undefined;
    this.#wall.observe(read);
    return this.#wall.bounds;
  }

  /** Fake timers are installed, or a clock of the user's throws. */
  #fail(error: unknown): void {
    this.#write(fieldsWithoutBound(UNKNOWN, undefined), error);
  }

  /** @param trouble why `fields` have no bound, where that is to be said */
  #write(fields: SegmentFields, trouble?: unknown): void {
    try {
      this.#file.write(fields);
      this.#note(trouble);
    } catch (error) {
      this.#note(error);
    }
  }

  #note(error: unknown): void {
    const changes = (error === undefined) !== (this.#lastError === undefined);
    this.#lastError = error;
    if (changes) this.#troubles.tell(error as Error | undefined);
  }
}

function checkPath(name: string, path: unknown): void {
  if (typeof path !== 'string') throw new ArgumentTypeError(name, 'a string', path);
  if (!/^\/[^\0]{1,200}$/.test(path)) {
    throw new ArgumentRangeError(name, 'an absolute path of at most 200 characters', path);
  }
}

/** The page of the machine's VMClock, opened. */
interface VmClockDevice {
  readonly page: VmClockPage;
  close(): void;
}

/** The VMClock device; `undefined` if this process cannot read one. */
function openVmClock(path: string): VmClockDevice | undefined {
  try {
    const file = openSync(path, 'r');
    const page = new VmClockPage((bytes) => readSync(file, bytes, 0, bytes.length, 0));
    const close = (): void => closeSync(file);
    if (page.marker() !== undefined) return { page, close };
    close();
  } catch {
    // The machine has no such device, or this process may not read it.
  }
  return undefined;
}
