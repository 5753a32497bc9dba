/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The writer of a host's page: each publication of a bounded clock goes into a file, where the
 * other processes of the machine read it (host-clock.ts).
 *
 * It has no timer of its own. A bounded clock publishes whenever it learns something, and at each
 * tick, once a second, so that readers see a writer that is alive.
 *
 * A new publisher writes a new file and renames it into place. So a reader never finds half a file,
 * and a full disk leaves the old page as it was. It takes the place of nothing but an empty file or
 * a page, because what else is there is somebody's. From then on the place is the publisher's. Each
 * publication is one write of one copy (page-bytes.ts). A publisher whose file was deleted, moved,
 * replaced or cut short makes another one.
 *
 * One publisher at a time: the kernel's lock on `<path>.lock` (logical/durable-lock.ts). It ends
 * with the process, however that ends.
 *
 * What it finds against a bound it says even to a reader that sleeps meanwhile: each page has a
 * number, and earlier bounds with that number stand. A publisher that knows nothing yet takes it
 * over from the page that it replaces. When it finds something, or cannot read that page, it draws
 * another one.
 *
 * When a write fails, the page that readers have stays and ages, as if the writer had died; what
 * refuted it meanwhile does not reach them. The next publication is written again.
 */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { NO_BOUND_REASONS } from '../bound/bound.ts';
import { type BoundedReader, checkReader } from '../bounded-clock/bounded-reader.ts';
import {
  BOUNDED,
  ERA,
  EVER_BOUNDED,
  NO_BOUND,
  PAGE_SLOTS,
  REASON,
  STATE,
} from '../bounded-clock/page/page.ts';
import {
  DurableClockInUseError,
  DurableClockLockError,
  kernelLock,
} from '../logical/durable-lock.ts';
import { ArgumentTypeError } from '../time/errors.ts';
import { withJson } from '../time/json.ts';
import { Listeners } from '../time/listeners.ts';
import { checkOptionNames } from '../time/options.ts';
import { HostClockRefusedError } from './errors.ts';
import { CopyBytes, FILE_BYTES, headerBytes } from './page-bytes.ts';
import { checkReplaceable, PageFile } from './page-file.ts';
import { checkPath } from './path.ts';
import { thisHost } from './this-host.ts';
import { checkTrust } from './trust.ts';

/** Options of {@link HostClockPublisher}. */
export interface HostClockPublisherOptions {
  /** The clock to publish: a `BoundedClock` that runs in this thread. */
  readonly clock: BoundedReader;
  /**
   * The file, in a directory that only its owner may write, and best in memory:
   * `/run/epsilon-clock/clock`. The directory must exist. A file of something else is refused.
   */
  readonly path: string;
}

/** What became of the publications since the start. */
export interface HostClockPublisherStats {
  /** Publications in the file. */
  readonly published: number;
  /** Those that could not be written. */
  readonly failed: number;
  /** Why the last one could not; absent when it could. For people. */
  readonly lastFailure: string | undefined;
  /** The statistics as JSON has them. */
  toJSON(): unknown;
}

const NAMES: Readonly<Record<keyof HostClockPublisherOptions, true>> = { clock: true, path: true };
/** Everybody may read the page. */
const MODE = 0o644;
/** Who can open the lock file can take the lock, and keep the clock from being started again. */
const LOCK_MODE = 0o600;
const LOCK_FLAGS: number =
  fs.constants.O_RDWR | fs.constants.O_CREAT | (fs.constants.O_NOFOLLOW ?? 0);
const STOPPED = BigInt(NO_BOUND_REASONS.indexOf('stopped'));
const STARTING = BigInt(NO_BOUND_REASONS.indexOf('starting'));
const TOO_FEW_SOURCES = BigInt(NO_BOUND_REASONS.indexOf('too-few-sources'));

/**
 * Publishes a bounded clock to the other processes of this host, which read it by `HostClock.open`.
 * Made by {@link HostClockPublisher.start}. It does not keep the process alive.
 *
 * @example
 * const clock = BoundedClock.start({ sources });
 * const publisher = await HostClockPublisher.start({ clock, path });
 * // ... and when the program ends:
 * await publisher.stop();
 * clock.stop();
 */
export class HostClockPublisher implements AsyncDisposable {
  /** The file, from the root directory. */
  readonly path: string;
  readonly #clock: BoundedReader;
  readonly #unlock: () => void;
  readonly #copy: CopyBytes;
  readonly #page = new BigInt64Array(PAGE_SLOTS);
  /** Nothing that is known here speaks against earlier bounds with this number. */
  #standing = draw();
  /** The era of the last bound that was published. */
  #era: bigint | undefined;
  readonly #onPublication: () => void = () => this.#publish();
  #file: number | undefined;
  /** Which file that is. No other one is numbered so while it is open. */
  #made: fs.Stats | undefined;
  #version = 0n;
  #published = 0;
  #failed = 0;
  #lastFailure: string | undefined;
  readonly #troubles = new Listeners<Error | undefined>();
  #stopped = false;

  private constructor(clock: BoundedReader, path: string, copy: CopyBytes, unlock: () => void) {
    if (!(copy instanceof CopyBytes)) {
      throw new ArgumentTypeError('copy', 'made by HostClockPublisher.start()', copy);
    }
    this.path = path;
    this.#clock = clock;
    this.#unlock = unlock;
    this.#copy = copy;
  }

  /**
   * Takes the page for this process, and publishes what the clock knows. Costs some milliseconds;
   * after that, some microseconds at each publication.
   *
   * Rejects with a HostClockRefusedError (`ERR_HOST_CLOCK_REFUSED`) when another publisher has the
   * page, when a file of something else is there, when it cannot be written, or when readers would
   * not believe it; with an ArgumentTypeError or ArgumentRangeError on a bad option.
   */
  static async start(options: HostClockPublisherOptions): Promise<HostClockPublisher> {
    const { clock, path: given } = checkOptionNames(options, NAMES);
    if (checkReader(clock).publishListeners === undefined) {
      throw new ArgumentTypeError('clock', 'the BoundedClock itself: publish where it runs', clock);
    }
    const path = checkPath(given);
    const unlock = await lock(path);
    const copy = new CopyBytes({ ...thisHost(), pid: process.pid, id: draw() });
    const publisher = new HostClockPublisher(clock, path, copy, unlock);
    try {
      publisher.#begin();
    } catch (error) {
      publisher.#end();
      throw error;
    }
    clock.publishListeners?.add(publisher.#onPublication);
    return publisher;
  }

  /** How many publications were written, and how many could not be. */
  stats(): HostClockPublisherStats {
    return withJson({
      published: this.#published,
      failed: this.#failed,
      lastFailure: this.#lastFailure,
    });
  }

  /**
   * Calls `listener` when a publication could not be written, with why, and with `undefined` once
   * one could again. Readers meanwhile have the page of before, which ages. Returns a function that
   * ends the calls; so does `signal`.
   *
   * @throws ArgumentTypeError when `listener` is not a function
   */
  onTrouble(
    listener: (trouble: Error | undefined) => void,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): () => void {
    return this.#troubles.add(listener, options);
  }

  /**
   * Ends publishing. Readers go on with the bound that they have, until it ends or a new publisher
   * has one; those that begin now have none. The file stays. May be called again.
   */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#clock.publishListeners?.delete(this.#onPublication);
    this.#copyPage();
    this.#judge();
    if (this.#page[STATE] === BOUNDED || this.#page[REASON] === STARTING) {
      this.#page[STATE] = NO_BOUND;
      this.#page[REASON] = STOPPED;
    }
    this.#attempt(() => this.#write());
    this.#end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #begin(): void {
    // Renaming puts a file in its place: a mistyped path would cost what is there.
    checkReplaceable(this.path);
    this.#clock.copyPage(this.#page);
    // A clock that has lost its bound may have refuted that of before, and not know it now.
    if (this.#hasLostNothing()) this.#standing = standingAt(this.path) ?? draw();
    this.#judge();
    try {
      this.#create();
    } catch (error) {
      if (error instanceof HostClockRefusedError) throw error;
      throw new HostClockRefusedError(this.path, 'unwritable', describe(error), error);
    }
    this.#published++;
  }

  /**
   * What the clock says now. `stopped` says nothing against the bound of before, so it must not
   * hide what does: a reader may have seen neither yet.
   */
  #copyPage(): void {
    const { [STATE]: state, [REASON]: reason } = this.#page;
    this.#clock.copyPage(this.#page);
    if (this.#page[REASON] !== STOPPED || state === BOUNDED || reason === STARTING) return;
    this.#page[STATE] = state!;
    this.#page[REASON] = reason!;
  }

  /** Eras are counted from 0, from one loss of the bound to the next. */
  #hasLostNothing(): boolean {
    const { [STATE]: state, [ERA]: era, [EVER_BOUNDED]: everBounded } = this.#page;
    return everBounded === 0n || (state === BOUNDED && era === 0n);
  }

  /** Draws another number if this page says something against bounds of before. */
  #judge(): void {
    const { [STATE]: state, [REASON]: reason, [EVER_BOUNDED]: everBounded } = this.#page;
    if (state === BOUNDED) {
      const era = this.#page[ERA]!;
      if (this.#era !== undefined && era !== this.#era) this.#standing = draw();
      this.#era = era;
      return;
    }
    const isNew = everBounded === 0n && (reason === STARTING || reason === TOO_FEW_SOURCES);
    if (reason !== STOPPED && !isNew) this.#standing = draw();
  }

  #publish(): void {
    this.#copyPage();
    this.#judge();
    this.#attempt(() => {
      if (this.#isInPlace()) this.#write();
      else this.#create();
    });
  }

  /** Whether readers find at the path what is written here. */
  #isInPlace(): boolean {
    const there = fs.lstatSync(this.path, { throwIfNoEntry: false });
    const { dev, ino } = this.#made!;
    return there?.ino === ino && there.dev === dev && there.size === FILE_BYTES;
  }

  /** A publication must not disturb the clock. */
  #attempt(write: () => void): void {
    try {
      write();
    } catch (error) {
      const first = this.#lastFailure === undefined;
      this.#failed++;
      this.#lastFailure = describe(error);
      if (first) this.#troubles.tell(error as Error);
      return;
    }
    this.#published++;
    if (this.#lastFailure === undefined) return;
    this.#lastFailure = undefined;
    this.#troubles.tell(undefined);
  }

  #write(): void {
    const at = this.#copy.fill(this.#version + 1n, this.#page, this.#standing);
    writeAll(this.#file!, this.#copy.bytes, at);
    this.#version++;
  }

  /** A whole file, under another name at first. */
  #create(): void {
    const unfinished = `${this.path}.new`;
    checkReplaceable(unfinished);
    fs.rmSync(unfinished, { force: true }); // of a publisher that was killed
    const file = fs.openSync(unfinished, 'wx+', MODE);
    let made: fs.Stats;
    try {
      fs.fchmodSync(file, MODE); // whatever the umask
      made = fs.fstatSync(file);
      checkTrust(this.path, made);
      const bytes = new Uint8Array(FILE_BYTES);
      bytes.set(headerBytes());
      const at = this.#copy.fill(this.#version + 1n, this.#page, this.#standing);
      bytes.set(this.#copy.bytes, at);
      writeAll(file, bytes, 0);
      fs.renameSync(unfinished, this.path);
    } catch (error) {
      fs.closeSync(file);
      fs.rmSync(unfinished, { force: true });
      throw error;
    }
    this.#version++;
    if (this.#file !== undefined) fs.closeSync(this.#file);
    this.#file = file;
    this.#made = made;
  }

  #end(): void {
    if (this.#file !== undefined) fs.closeSync(this.#file);
    this.#file = undefined;
    this.#unlock();
  }
}

async function lock(path: string): Promise<() => void> {
  const at = `${path}.lock`;
  try {
    fs.closeSync(fs.openSync(at, LOCK_FLAGS, LOCK_MODE));
    return await kernelLock(at);
  } catch (error) {
    const reason =
      error instanceof DurableClockInUseError || describe(error) === 'EBUSY' // as Windows says it
        ? 'in-use'
        : error instanceof DurableClockLockError
          ? 'no-lock'
          : 'unwritable';
    // The lock file may be in the way although the page is not, as when another user made it.
    const detail = reason === 'unwritable' ? `${describe(error)}: ${at}` : describe(error);
    throw new HostClockRefusedError(path, reason, detail, error);
  }
}

/** A number that nobody else has. */
function draw(): bigint {
  return randomBytes(8).readBigInt64LE();
}

/** The number on the page at `path`; `undefined` without a page, or with one that is refused. */
function standingAt(path: string): bigint | undefined {
  try {
    return new PageFile(path).read()?.standing;
  } catch (error) {
    if (error instanceof HostClockRefusedError) return undefined; // such as of another version
    throw error;
  }
}

function writeAll(file: number, bytes: Uint8Array, at: number): void {
  // A write that is cut short (a full disk) leaves a torn copy, which readers pass over.
  if (fs.writeSync(file, bytes, 0, bytes.length, at) !== bytes.length) {
    throw new Error('the system wrote a part only');
  }
}

function describe(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code !== undefined && !code.startsWith('ERR_') ? code : String(message);
}
