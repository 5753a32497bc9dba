/**
 * The file behind a durable clock: one number, the *ceiling*. No timestamp above it was ever handed
 * out, so a process that starts above it repeats nothing, whatever the wall clock says by then.
 *
 * The number must survive a crash at any instant, so the file is never changed in place. It is
 * replaced: write a temporary file, fsync it, rename it over the old one, fsync the directory.
 * - Without the first fsync a crash can keep the rename and lose the bytes: a torn file.
 * - Without the second a crash can undo the rename: the old, *lower* ceiling comes back.
 * - `rename` is atomic (POSIX), so a reader sees the old number or the new one, never a mixture,
 *   and a file that does not check out is damage and not a crash. It is refused, never guessed
 *   around.
 *
 * The replacement is written once, as a generator of disk calls, and run at two speeds: awaited
 * call by call in the background, or at once when a caller cannot wait. The two may overlap, and
 * then a background write must not rename its lower ceiling over an urgent, higher one. So the
 * background looks whether it was overtaken, and renames in the same turn of the event loop as it
 * looked; and the two have a temporary file each. Other processes are kept away by the lock
 * (durable-lock.ts).
 *
 * A write that fails leaves the ceiling where it was. Each attempt writes the temporary
 * file anew: after a failed fsync the kernel may call the same pages clean (fsync's errors are reported
 * once).
 *
 * Format, version 1: 53 bytes of ASCII, for people too.
 *
 *     epsilon-clock ceiling 1 1795227787534418003 8548682a\n
 *     magic                 |  19 digits, Unix ns CRC-32 (ISO-HDLC) of all before its 8 hex digits
 *                           version
 *
 * Beside `path` there may be `path.next` and `path.urgent` (temporary; a crash can leave them, and
 * they are never read) and `path.lock`.
 */
import * as fs from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { EpsilonClockError } from '../time/errors.ts';
import { INT64_MAX } from '../time/instant.ts';

/** One call to the file system, named and shaped as in `node:fs`. `open` gives a number. */
export type DiskCall =
  | readonly ['open', path: string, flags: 'r' | 'w']
  | readonly ['writeFile', file: number, bytes: Uint8Array]
  | readonly ['fsync', file: number]
  | readonly ['close', file: number]
  | readonly ['rename', from: string, to: string]
  | readonly ['readFile', path: string]
  | readonly ['realpath', path: string]
  | readonly ['readlink', path: string];

/** A file system, at two speeds. Errors are Node's: they carry `code`, such as `ENOSPC`. */
export interface Disk {
  /** Performs the call before it returns. */
  now(call: DiskCall): unknown;
  /** Performs the call without holding up the event loop. */
  later(call: DiskCall): Promise<unknown>;
}

const now = {
  open: fs.openSync,
  writeFile: fs.writeFileSync,
  fsync: fs.fsyncSync,
  close: fs.closeSync,
  rename: fs.renameSync,
  readFile: fs.readFileSync,
  realpath: fs.realpathSync.native,
  readlink: fs.readlinkSync,
};
const later = {
  open: promisify(fs.open),
  writeFile: promisify(fs.writeFile),
  fsync: promisify(fs.fsync),
  close: promisify(fs.close),
  rename: promisify(fs.rename),
  readFile: promisify(fs.readFile),
  realpath: promisify(fs.realpath.native),
  readlink: promisify(fs.readlink),
};

/** The file system of the operating system. */
export const systemDisk: Disk = {
  now: ([name, ...args]) => (now[name] as (...args: unknown[]) => unknown)(...args),
  later: ([name, ...args]) => (later[name] as (...args: unknown[]) => Promise<unknown>)(...args),
};

/** What is wrong with the content of a ceiling file. */
export type CeilingFileFault = 'magic' | 'version' | 'length' | 'checksum' | 'range';

/**
 * The file is there and is not a ceiling this version can read: damaged, cut short, not ours, or
 * from a later version. Nothing is handed out, since the ceiling it held is not known. To go on,
 * restore a ceiling at or above the last timestamp used anywhere, or delete the file and accept a
 * first start.
 */
export class DurableClockFileError extends EpsilonClockError {
  readonly code = 'ERR_DURABLE_CLOCK_FILE' as const;
  readonly path: string;
  /** The first rule that the content breaks. */
  readonly fault: CeilingFileFault;

  constructor(path: string, fault: CeilingFileFault) {
    super(`${path} holds no readable ceiling of a durable clock (${fault})`);
    this.name = 'DurableClockFileError';
    this.path = path;
    this.fault = fault;
  }
}

/**
 * The file system refused: no such directory, no space (`ENOSPC`), read-only, no permission, input
 * or output error. `systemCode` and `cause` say which; the ceiling and the clock are as before.
 */
export class DurableClockStorageError extends EpsilonClockError {
  readonly code = 'ERR_DURABLE_CLOCK_STORAGE' as const;
  readonly path: string;
  readonly systemCode: string;

  constructor(path: string, cause: unknown) {
    const systemCode = (cause as NodeJS.ErrnoException | undefined)?.code ?? 'unknown';
    super(`the ceiling of the durable clock at ${path} can't be kept: ${systemCode}`, { cause });
    this.name = 'DurableClockStorageError';
    this.path = path;
    this.systemCode = systemCode;
  }
}

const MAGIC = 'epsilon-clock ceiling ';
const HEAD = `${MAGIC}1 `;
const LENGTH = HEAD.length + 19 + 1 + 8 + 1;

/** The file's content for a ceiling from 0 to 2^63 - 1. */
export function encodeCeiling(ceilingNs: bigint): Uint8Array {
  const body = `${HEAD}${String(ceilingNs).padStart(19, '0')} `;
  return Buffer.from(`${body}${crc32(body).toString(16).padStart(8, '0')}\n`, 'latin1');
}

/** The ceiling in `bytes`, or their first fault. Accepts only what `encodeCeiling` writes. */
export function decodeCeiling(bytes: Uint8Array): bigint | CeilingFileFault {
  const text = Buffer.from(bytes).toString('latin1');
  if (!text.startsWith(MAGIC)) return MAGIC.startsWith(text) ? 'length' : 'magic';
  if (!text.startsWith(HEAD)) return HEAD.startsWith(text) ? 'length' : 'version';
  if (text.length !== LENGTH) return 'length';
  const digits = text.slice(HEAD.length, HEAD.length + 19);
  if (!/^\d{19}$/.test(digits)) return 'checksum';
  const ceilingNs = BigInt(digits);
  if (!Buffer.from(encodeCeiling(ceilingNs)).equals(bytes)) return 'checksum';
  return ceilingNs > INT64_MAX ? 'range' : ceilingNs;
}

/**
 * The one name of the file that `path` leads to, which need not exist yet: two names of one file (a
 * symbolic link, another spelling) must not lead to two locks, and a rename must not replace a
 * link.
 *
 * @throws DurableClockStorageError (`ERR_DURABLE_CLOCK_STORAGE`) when its directory can't be
 *   reached
 */
export async function canonicalPath(path: string, disk: Disk): Promise<string> {
  try {
    try {
      return (await disk.later(['realpath', path])) as string;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const directory = (await disk.later(['realpath', dirname(path)])) as string;
    const own = join(directory, basename(path));
    try {
      // A link to a file that is yet to be made. Not `join`ed: `..` is the kernel's to resolve.
      const target = (await disk.later(['readlink', own])) as string;
      return await canonicalPath(isAbsolute(target) ? target : `${directory}/${target}`, disk);
    } catch (error) {
      // Nothing there, or a file that another opener made this moment.
      if (['ENOENT', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) return own;
      throw error;
    }
  } catch (error) {
    throw error instanceof DurableClockStorageError
      ? error
      : new DurableClockStorageError(path, error);
  }
}

/** The disk calls that replace `path`. Ends without the rename, false, when it was `overtaken`. */
function* replacement(
  path: string,
  temporary: string,
  bytes: Uint8Array,
  overtaken: () => boolean,
): Generator<DiskCall, boolean, unknown> {
  const file = (yield ['open', temporary, 'w']) as number;
  try {
    yield ['writeFile', file, bytes];
    yield ['fsync', file];
  } finally {
    yield ['close', file];
  }
  if (overtaken()) return false;
  yield ['rename', temporary, path];
  // Windows can't fsync a directory; there the rename rests on the file system's own journal.
  if (process.platform === 'win32') return true;
  const directory = (yield ['open', dirname(path), 'r']) as number;
  try {
    yield ['fsync', directory];
  } finally {
    yield ['close', directory];
  }
  return true;
}

/** The ceiling on the disk. One instance, in one process, per file: the caller holds the lock. */
export class CeilingFile {
  readonly path: string;
  readonly #disk: Disk;
  #ceilingNs: bigint | undefined;
  /** Urgent writes that reached the disk: tells a background write that it was overtaken. */
  #urgentWrites = 0;

  private constructor(path: string, disk: Disk, ceilingNs: bigint | undefined) {
    this.path = path;
    this.#disk = disk;
    this.#ceilingNs = ceilingNs;
  }

  /**
   * Reads the file at `path`; no such file is a first start.
   *
   * @throws DurableClockFileError (`ERR_DURABLE_CLOCK_FILE`) when the content is no ceiling
   * @throws DurableClockStorageError (`ERR_DURABLE_CLOCK_STORAGE`) when it can't be read
   */
  static async read(path: string, disk: Disk): Promise<CeilingFile> {
    let bytes: Uint8Array;
    try {
      bytes = (await disk.later(['readFile', path])) as Uint8Array;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        throw new DurableClockStorageError(path, error);
      }
      return new CeilingFile(path, disk, undefined);
    }
    const ceilingNs = decodeCeiling(bytes);
    if (typeof ceilingNs !== 'bigint') throw new DurableClockFileError(path, ceilingNs);
    return new CeilingFile(path, disk, ceilingNs);
  }

  /** What a crash now would leave at least: the ceiling that is certainly on the disk, if any. */
  get ceilingNs(): bigint | undefined {
    return this.#ceilingNs;
  }

  /**
   * Writes `ceilingNs` without holding up the event loop; call it again only when it has settled.
   * An urgent write in between wins: its ceiling stays, and the result is false.
   *
   * @throws DurableClockStorageError (`ERR_DURABLE_CLOCK_STORAGE`); `ceilingNs` is as it was
   */
  async write(ceilingNs: bigint): Promise<boolean> {
    const urgentWrites = this.#urgentWrites;
    const overtaken = () => this.#urgentWrites !== urgentWrites;
    const calls = replacement(this.path, `${this.path}.next`, encodeCeiling(ceilingNs), overtaken);
    try {
      let next = calls.next();
      while (!next.done) {
        let result: unknown;
        try {
          const call = next.value;
          // At once: nothing may come between the look whether we were overtaken and the rename.
          result = call[0] === 'rename' ? this.#disk.now(call) : await this.#disk.later(call);
        } catch (error) {
          next = calls.throw(error);
          continue;
        }
        next = calls.next(result);
      }
    } catch (error) {
      throw new DurableClockStorageError(this.path, error);
    }
    if (overtaken()) return false;
    this.#ceilingNs = ceilingNs;
    return true;
  }

  /**
   * Writes `ceilingNs` before it returns: a few disk operations on the caller's thread.
   *
   * @throws DurableClockStorageError (`ERR_DURABLE_CLOCK_STORAGE`); `ceilingNs` is as it was
   */
  writeNow(ceilingNs: bigint): void {
    const bytes = encodeCeiling(ceilingNs);
    const calls = replacement(this.path, `${this.path}.urgent`, bytes, () => false);
    try {
      let next = calls.next();
      while (!next.done) {
        let result: unknown;
        try {
          result = this.#disk.now(next.value);
        } catch (error) {
          next = calls.throw(error);
          continue;
        }
        next = calls.next(result);
      }
    } catch (error) {
      throw new DurableClockStorageError(this.path, error);
    }
    this.#urgentWrites += 1;
    this.#ceilingNs = ceilingNs;
  }
}
