/**
 * The file behind a durable clock: one number, the *ceiling*. No timestamp above it was ever handed
 * out, so a process that starts above it repeats nothing, whatever the wall clock says by then.
 *
 * The number must survive a crash at any instant, so the file is never changed in place. It is
 * replaced: write a temporary file, fsync it, rename it over the old one, fsync the directory.
 * - Without the first fsync a crash can keep the rename and lose the bytes: a torn file.
 * - Without the second a crash can undo the rename: the old, *lower* ceiling comes back.
 * - `rename` is atomic (POSIX), so a reader sees the old number or the new one, never a mixture,
 *   So no crash can leave a file with a wrong checksum: such a file was damaged. It is refused, and
 *   its number is never guessed.
 *
 * The replacement is written once, as a generator of disk calls, and run in two ways: a
 * *background* write awaits one call after the other, an *urgent* write performs them all before it
 * returns. The two may overlap, and then the background write must not rename its lower ceiling
 * over the higher one of the urgent write. So each has a temporary file of its own, and the
 * background write checks whether it was overtaken and renames in the same turn of the event loop.
 * The lock (durable-lock.ts) keeps other processes away.
 *
 * A write that fails leaves the ceiling where it was. Each attempt writes the temporary file anew,
 * because after a failed fsync the kernel may call the same pages clean: it reports each fsync
 * error only once.
 *
 * Format, version 1: 53 bytes of ASCII, which people can read too.
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

/**
 * One call to the file system, with the name and arguments that `node:fs` has. `open` returns a
 * number. `readFile` returns the bytes of a regular file, at least the first `limit` of them.
 * Anything that is not a regular file (a pipe, a device) it refuses with code `EFTYPE`, without
 * waiting for it.
 */
export type DiskCall =
  | readonly ['open', path: string, flags: 'r' | 'w']
  | readonly ['writeFile', file: number, bytes: Uint8Array]
  | readonly ['fsync', file: number]
  | readonly ['close', file: number]
  | readonly ['rename', from: string, to: string]
  | readonly ['readFile', path: string, limit: number]
  | readonly ['realpath', path: string]
  | readonly ['readlink', path: string];

/** A file system whose calls block or are awaited. Errors carry Node's `code`, such as `ENOSPC`. */
export interface Disk {
  /** Performs the call before it returns. */
  now(call: DiskCall): unknown;
  /** Performs the call without blocking the event loop. */
  later(call: DiskCall): Promise<unknown>;
}

/**
 * Flag for `open`. Without it, opening a pipe whose other end is not open never returns. Windows
 * does not have it.
 */
const NONBLOCK: number = fs.constants.O_NONBLOCK ?? 0;
const OPEN_FLAGS = {
  r: fs.constants.O_RDONLY | NONBLOCK,
  w: fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_TRUNC | NONBLOCK,
};

const now = {
  open: (path: string, flags: 'r' | 'w') => fs.openSync(path, OPEN_FLAGS[flags]),
  writeFile: fs.writeFileSync,
  fsync: fs.fsyncSync,
  close: fs.closeSync,
  rename: fs.renameSync,
  readFile: readRegular,
  realpath: fs.realpathSync.native,
  readlink: fs.readlinkSync,
};
const later = {
  open: (path: string, flags: 'r' | 'w') => promisify(fs.open)(path, OPEN_FLAGS[flags]),
  writeFile: promisify(fs.writeFile),
  fsync: promisify(fs.fsync),
  close: promisify(fs.close),
  rename: promisify(fs.rename),
  // The same blocking read: it is small, and happens once in a clock's life.
  readFile: async (path: string, limit: number) => readRegular(path, limit),
  realpath: promisify(fs.realpath.native),
  readlink: promisify(fs.readlink),
};

/** Reads at most `limit` bytes of a regular file. Never reads a pipe or an endless device. */
function readRegular(path: string, limit: number): Uint8Array {
  const file = fs.openSync(path, OPEN_FLAGS.r);
  try {
    const stat = fs.fstatSync(file);
    // Not for a directory: there `read` fails with EISDIR.
    if (!stat.isFile() && !stat.isDirectory()) {
      throw Object.assign(new Error(`EFTYPE: not a regular file, read '${path}'`), {
        code: 'EFTYPE',
      });
    }
    const bytes = new Uint8Array(limit);
    let length = 0;
    while (length < limit) {
      const read = fs.readSync(file, bytes, length, limit - length, null);
      if (read === 0) break;
      length += read;
    }
    return bytes.subarray(0, length);
  } finally {
    fs.closeSync(file);
  }
}

/** The file system of the operating system. */
export const systemDisk: Disk = {
  now: ([name, ...args]) => (now[name] as (...args: unknown[]) => unknown)(...args),
  later: ([name, ...args]) => (later[name] as (...args: unknown[]) => Promise<unknown>)(...args),
};

/**
 * The rule that a ceiling file breaks. `kind`: it is not a regular file. The others are about its
 * content.
 */
export type CeilingFileReason = 'kind' | 'magic' | 'version' | 'length' | 'checksum' | 'range';

/**
 * The file exists, but this version can't read a ceiling from it: it is damaged, cut short, not
 * ours, or from a later version. No timestamp is handed out, because the ceiling it held is not
 * known. To go on, restore a ceiling at or above the last timestamp used anywhere, or delete the
 * file and accept a first start.
 */
export class DurableClockFileError extends EpsilonClockError {
  readonly code = 'ERR_DURABLE_CLOCK_FILE' as const;
  /** The clock's file. */
  readonly path: string;
  /** The first rule that the content breaks. */
  readonly reason: CeilingFileReason;

  constructor(path: string, reason: CeilingFileReason) {
    super(`${path} holds no readable ceiling of a durable clock (${reason})`);
    this.name = 'DurableClockFileError';
    this.path = path;
    this.reason = reason;
  }
}

/**
 * The file system refused a call: no such directory, no space (`ENOSPC`), read-only, no permission,
 * an input or output error. `systemCode` and `cause` say which. The ceiling and the clock are as
 * before.
 */
export class DurableClockStorageError extends EpsilonClockError {
  readonly code = 'ERR_DURABLE_CLOCK_STORAGE' as const;
  /** The clock's file. */
  readonly path: string;
  /** The operating system's code, such as `ENOSPC`; `'unknown'` when there was none. */
  readonly systemCode: string;

  constructor(path: string, cause: unknown) {
    const systemCode = codeOf(cause) ?? 'unknown';
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
export function decodeCeiling(bytes: Uint8Array): bigint | CeilingFileReason {
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
 * The canonical name of the file that `path` leads to; the file need not exist yet. Two names of
 * one file (a symbolic link, another spelling) must not lead to two locks, and a rename must not
 * replace a link.
 *
 * @throws DurableClockStorageError (`ERR_DURABLE_CLOCK_STORAGE`) when its directory can't be
 *   reached
 */
export async function canonicalPath(path: string, disk: Disk): Promise<string> {
  try {
    try {
      return pathFrom(await disk.later(['realpath', path]));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
    const directory = pathFrom(await disk.later(['realpath', dirname(path)]));
    const own = join(directory, basename(path));
    try {
      // A link to a file that does not exist yet. Not `join`ed, because the kernel resolves `..`.
      const target = pathFrom(await disk.later(['readlink', own]));
      return await canonicalPath(isAbsolute(target) ? target : `${directory}/${target}`, disk);
    } catch (error) {
      // Nothing exists there, or another opener has just made a file.
      if (['ENOENT', 'EINVAL'].includes(codeOf(error) ?? '')) return own;
      throw error;
    }
  } catch (error) {
    throw error instanceof DurableClockStorageError
      ? error
      : new DurableClockStorageError(path, error);
  }
}

/** The path that a disk returned. It is checked, because the user may pass a disk of their own. */
function pathFrom(given: unknown): string {
  if (typeof given === 'string' && given !== '') return given;
  throw new TypeError('the disk gave no path');
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null | undefined)?.code;
}

/** The disk calls that replace `path`. They end before the rename if `overtaken()`. */
function* replacement(
  path: string,
  temporary: string,
  bytes: Uint8Array,
  overtaken: () => boolean,
): Generator<DiskCall, void, unknown> {
  const file = (yield ['open', temporary, 'w']) as number;
  try {
    yield ['writeFile', file, bytes];
    yield ['fsync', file];
  } finally {
    yield ['close', file];
  }
  if (overtaken()) return;
  yield ['rename', temporary, path];
  // Windows can't fsync a directory. There the rename relies on the file system's own journal.
  if (process.platform === 'win32') return;
  const directory = (yield ['open', dirname(path), 'r']) as number;
  try {
    yield ['fsync', directory];
  } finally {
    yield ['close', directory];
  }
}

/** The ceiling on the disk. One instance per file, in one process: the caller holds the lock. */
export class CeilingFile {
  readonly path: string;
  readonly #disk: Disk;
  #ceilingNs: bigint | undefined;
  /** How many urgent writes reached the disk. When it rises, a background write was overtaken. */
  #urgentWrites = 0;

  private constructor(path: string, disk: Disk, ceilingNs: bigint | undefined) {
    this.path = path;
    this.#disk = disk;
    this.#ceilingNs = ceilingNs;
  }

  /**
   * Reads the file at `path`. If it does not exist, this is a first start.
   *
   * @throws DurableClockFileError (`ERR_DURABLE_CLOCK_FILE`) when the content is not a ceiling
   * @throws DurableClockStorageError (`ERR_DURABLE_CLOCK_STORAGE`) when it can't be read
   */
  static async read(path: string, disk: Disk): Promise<CeilingFile> {
    let bytes: Uint8Array;
    try {
      // One byte more than a ceiling has, so that a file that is too long is noticed.
      const given = await disk.later(['readFile', path, LENGTH + 1]);
      if (!(given instanceof Uint8Array)) throw new TypeError('the disk gave no bytes');
      bytes = given;
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT') return new CeilingFile(path, disk, undefined);
      if (code === 'EFTYPE') throw new DurableClockFileError(path, 'kind');
      throw new DurableClockStorageError(path, error);
    }
    const ceilingNs = decodeCeiling(bytes);
    if (typeof ceilingNs !== 'bigint') throw new DurableClockFileError(path, ceilingNs);
    return new CeilingFile(path, disk, ceilingNs);
  }

  /** The ceiling that is certainly on the disk, if any: a crash now leaves at least this one. */
  get ceilingNs(): bigint | undefined {
    return this.#ceilingNs;
  }

  /**
   * Writes `ceilingNs` without blocking the event loop. Call it again only when it has settled. If
   * an urgent write overtakes it, the urgent ceiling stays and the result is false.
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
          // The rename blocks, so that nothing comes between it and the check for `overtaken`.
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
