/**
 * The file of a ClockBound segment, and how it is written under the eyes of clients that have it
 * mapped.
 *
 * **Generation.** Odd while the segment is written, even when it is whole, 0 only before the first
 * time. A client that sees an odd one keeps the copy it has. Node maps no files, so each step is a
 * `pwrite` of its own. Clients map the same pages of memory, so they see the bytes as soon as they
 * are copied, in any order within one `pwrite` and perhaps half a field at a time. But one call
 * ends before the next begins. So the order of the calls counts, and is this:
 *
 *     1. low byte of the generation: odd
 *     2. the fields
 *     3. high byte of the generation
 *     4. low byte of the generation: even
 *
 * Steps 1, 3 and 4 are single bytes, which cannot tear. After step 3 the generation is still odd. A
 * client that copies the fields between two reads of one even generation has therefore copied what
 * was whole: any byte of step 2 of the next time comes after step 1 of the next time.
 *
 * That takes other processors to see the stores of two calls in their order. x86 keeps the order of
 * all stores. Elsewhere the kernel takes and releases the locks of the file and of its page in each
 * call, and Linux promises that order across a lock that is released and taken again.
 *
 * **Another life.** If the file is a segment already, it is kept, and so is its generation: clients
 * that have it mapped go on with it. An empty file, or a segment of another kind, is made blank,
 * with its version at 0 first, which such clients take for a daemon that restarts. The file is
 * never truncated: a client would be killed when it reads behind the end. A file of something else
 * is refused as it is, because a mistyped path would cost it.
 *
 * **Whose file.** Who can write it can lie about time to all of its readers. So a symbolic link,
 * what is not a regular file, and the file of another user are refused; the mode becomes 0644. One
 * process writes: the kernel's lock on the file itself. ClockBound's own daemon does not know that
 * lock.
 */
import * as fs from 'node:fs';
import { DurableClockInUseError, type FileLock } from '../logical/durable-lock.ts';
import {
  blankSegment,
  FIELDS_AT,
  GENERATION_HIGH_AT,
  GENERATION_LOW_AT,
  generationOf,
  MAX_SEGMENT_BYTES,
  type SegmentFields,
  segmentFields,
  startsAsSegment,
  VERSION_AT,
  versionBytes,
} from '../sources/clock-bound/segment.ts';
import { EpsilonClockError } from '../time/errors.ts';

/** Why a ClockBound segment cannot be published. */
export type ClockBoundPageReason =
  /** Not on Linux: ClockBound's clients count the age by a clock of Linux. */
  | 'platform'
  /** This process is in a time namespace: its monotonic clock is not that of the clients. */
  | 'other-clock'
  /** Another process, or another publisher in this one, writes the file. */
  | 'in-use'
  /** The path ends in a symbolic link. */
  | 'symbolic-link'
  /** The path names a folder, a pipe, a socket or a device. */
  | 'not-a-file'
  /** A file of something else is there: move it away, or publish elsewhere. */
  | 'not-a-segment'
  /** The file belongs to another user, who could write it too. */
  | 'other-owner'
  /** While it was opened, the file was replaced by another one. */
  | 'replaced'
  /** The file could not be opened, locked or written; `cause` says why. */
  | 'unwritable';

/** A ClockBound segment cannot be published there. `code` is `ERR_CLOCK_BOUND_PAGE`. */
export class ClockBoundPageError extends EpsilonClockError {
  readonly code = 'ERR_CLOCK_BOUND_PAGE' as const;
  /** The segment. */
  readonly path: string;
  /** A stable word. */
  readonly reason: ClockBoundPageReason;

  constructor(path: string, reason: ClockBoundPageReason, cause?: unknown) {
    const advice = reason === 'not-a-segment' ? ' (move it away, or publish elsewhere)' : '';
    super(`no ClockBound segment can be published at ${path}: ${reason}${advice}`, { cause });
    this.name = 'ClockBoundPageError';
    this.path = path;
    this.reason = reason;
  }
}

const MODE = 0o644;
const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

/** An open segment, which this process alone writes. */
export class ClockBoundFile {
  readonly #file: number;
  readonly #unlock: () => void;
  /** The generation as it stands in the file. */
  #generation: number;

  private constructor(file: number, unlock: () => void, generation: number) {
    this.#file = file;
    this.#unlock = unlock;
    this.#generation = generation;
  }

  /** @throws ClockBoundPageError */
  static async open(path: string, lock: FileLock): Promise<ClockBoundFile> {
    const file = openOwn(path);
    let unlock: (() => void) | undefined;
    try {
      unlock = await locked(path, lock);
      const { ino, dev } = fs.fstatSync(file);
      const named = fs.lstatSync(path);
      if (named.ino !== ino || named.dev !== dev) throw new ClockBoundPageError(path, 'replaced');
      return new ClockBoundFile(file, unlock, firstGeneration(file));
    } catch (error) {
      unlock?.();
      fs.closeSync(file);
      throw error instanceof ClockBoundPageError
        ? error
        : new ClockBoundPageError(path, 'unwritable', error);
    }
  }

  /** Writes the fields. Throws what the system throws; clients then keep the copy they have. */
  write(fields: SegmentFields): void {
    const { writes, generation } = updateOf(this.#generation, fields);
    for (const { at, bytes } of writes) put(this.#file, bytes, at);
    this.#generation = generation;
  }

  /** Lets go of the file. It stays, as it was last written. */
  close(): void {
    this.#unlock();
    fs.closeSync(this.#file);
  }
}

/** A write of its own. */
export interface Write {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** The writes that bring a segment at `generation` to `fields`, as the header of this file says. */
export function updateOf(
  generation: number,
  fields: SegmentFields,
): { readonly writes: readonly Write[]; readonly generation: number } {
  const odd = generation | 1;
  // Never 0 again, which says that nothing was written yet.
  const even = odd === 0xffff ? 2 : odd + 1;
  const writes = [
    byteAt(GENERATION_LOW_AT, odd & 0xff),
    { at: FIELDS_AT, bytes: segmentFields(fields) },
    byteAt(GENERATION_HIGH_AT, even >> 8),
    byteAt(GENERATION_LOW_AT, even & 0xff),
  ];
  return { writes, generation: even };
}

function byteAt(at: number, value: number): Write {
  return { at, bytes: Uint8Array.of(value) };
}

/** Opens the file, and creates it when missing. */
function openOwn(path: string): number {
  let file: number;
  try {
    // O_NONBLOCK, because opening a pipe would wait for its other end.
    file = fs.openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, MODE);
  } catch (error) {
    throw new ClockBoundPageError(path, reasonOf(error), error);
  }
  try {
    const stat = fs.fstatSync(file);
    if (!stat.isFile()) throw new ClockBoundPageError(path, 'not-a-file');
    if (stat.uid !== process.geteuid?.()) throw new ClockBoundPageError(path, 'other-owner');
    const start = startOf(file);
    if (start.length > 0 && !startsAsSegment(start)) {
      throw new ClockBoundPageError(path, 'not-a-segment');
    }
    fs.fchmodSync(file, MODE);
    return file;
  } catch (error) {
    fs.closeSync(file);
    throw error instanceof ClockBoundPageError
      ? error
      : new ClockBoundPageError(path, 'unwritable', error);
  }
}

function reasonOf(error: unknown): ClockBoundPageReason {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ELOOP') return 'symbolic-link';
  return code === 'EISDIR' || code === 'ENXIO' ? 'not-a-file' : 'unwritable';
}

async function locked(path: string, lock: FileLock): Promise<() => void> {
  try {
    return await lock(path);
  } catch (error) {
    throw new ClockBoundPageError(
      path,
      error instanceof DurableClockInUseError ? 'in-use' : 'unwritable',
      error,
    );
  }
}

/** The generation of the segment in `file`, which is made a blank one otherwise. */
function firstGeneration(file: number): number {
  const generation = generationOf(startOf(file));
  if (generation !== undefined) return generation;
  // Each in a call of its own: clients look at the version first.
  put(file, new Uint8Array(2), VERSION_AT);
  put(file, blankSegment(), 0);
  put(file, versionBytes(), VERSION_AT);
  return 0;
}

/** As many bytes as a segment may have. */
function startOf(file: number): Uint8Array {
  const bytes = Buffer.alloc(MAX_SEGMENT_BYTES);
  return bytes.subarray(0, fs.readSync(file, bytes, 0, bytes.length, 0));
}

/** Writes all of `bytes`. A call that writes less is followed by another one. */
function put(file: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += fs.writeSync(file, bytes, done, bytes.length - done, at + done);
  }
}
