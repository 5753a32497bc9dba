/**
 * One process per file. Two durable clocks that trust one ceiling would both hand out what lies
 * under it, so the second opener must fail, always; and the lock must end with its process, however
 * that ends: a stale lock keeps a service down.
 *
 * Only the kernel can promise both. What a program can build from files cannot:
 * - A pid file outlives `kill -9`. Telling a stale one from a live one by pid, boot id and start
 *   time fails across containers (each has its own pids), and between the verdict "stale" and the
 *   removal another opener may have taken the lock: both win.
 * - A socket bound in the file system leaves its name behind: the same race. An abstract Unix
 *   socket or a port vanishes with the process, but belongs to a *network* namespace: two
 *   containers with one volume would both win.
 *
 * A kernel lock on an open file description does: at most one holder per file on this machine, in
 * whatever container; released when the last descriptor closes, so with the process; and two opens
 * in one process exclude each other too. Node has no call for it, but:
 * - macOS, BSD: `open(2)` takes it itself (`O_EXLOCK`). Windows: libuv's flag of that name opens
 *   without sharing.
 * - Linux: `flock(1)` (util-linux, busybox) locks a descriptor it *inherits*. The lock belongs to
 *   the open file description, which is ours, so it stays when that program ends, some milliseconds
 *   later. Node opens close-on-exec, so no other child ever inherits the lock.
 *
 * Where none of these is to be had the clock does not open (`ERR_DURABLE_CLOCK_LOCK`): no weaker
 * lock is taken in silence. A {@link FileLock} of the user's own can be given instead.
 *
 * Assumed: nobody deletes or replaces the lock file (a lock is on the file, not on its name; this
 * module never removes it), and the file system is local or carries flock between machines.
 */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { EpsilonClockError } from '../time/errors.ts';
import { DurableClockStorageError } from './durable-file.ts';

/**
 * Takes the exclusive lock named `path` (a file, created when missing) at once or not at all, and
 * gives what releases it. The end of the process, however it comes, must release it too.
 *
 * @throws DurableClockInUseError (`ERR_DURABLE_CLOCK_IN_USE`) when another has it
 */
export type FileLock = (path: string) => Promise<() => void>;

/** Another process, or another clock in this one, has the file. */
export class DurableClockInUseError extends EpsilonClockError {
  readonly code = 'ERR_DURABLE_CLOCK_IN_USE' as const;
  /** The lock file. */
  readonly path: string;

  constructor(path: string) {
    super(`another durable clock holds ${path}`);
    this.name = 'DurableClockInUseError';
    this.path = path;
  }
}

/** This platform gave no lock, so nothing would keep a second process away. */
export class DurableClockLockError extends EpsilonClockError {
  readonly code = 'ERR_DURABLE_CLOCK_LOCK' as const;
  /** The lock file. */
  readonly path: string;

  constructor(path: string, reason: string, cause?: unknown) {
    super(`no lock to be had on ${path}: ${reason}`, { cause });
    this.name = 'DurableClockLockError';
    this.path = path;
  }
}

/** The kernel's lock on this platform; errors as {@link FileLock}, and `ERR_DURABLE_CLOCK_LOCK`. */
export const kernelLock: FileLock = (path) => {
  switch (process.platform) {
    case 'linux':
    case 'android':
      return inheritedLock(path);
    case 'darwin':
    case 'freebsd':
    case 'openbsd':
      return openedLock(path, 0x20 | fs.constants.O_NONBLOCK, 'EAGAIN');
    case 'win32':
      return openedLock(path, 0x1000_0000, 'EBUSY');
    default:
      return Promise.reject(new DurableClockLockError(path, `unknown on ${process.platform}`));
  }
};

/** Opens the lock file for reading and writing, created when missing. */
function openLockFile(path: string, flags: number): number {
  return fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT | flags, 0o666);
}

/** The lock that `open` takes by a flag: `O_EXLOCK`, a number that Node has no name for. */
async function openedLock(path: string, exclusive: number, taken: string): Promise<() => void> {
  try {
    const file = openLockFile(path, exclusive);
    return () => fs.closeSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === taken) throw new DurableClockInUseError(path);
    throw new DurableClockStorageError(path, error);
  }
}

/** The lock that flock(1) takes on a descriptor of ours, which it inherits as its number 3. */
async function inheritedLock(path: string): Promise<() => void> {
  let file: number;
  try {
    file = openLockFile(path, 0);
  } catch (error) {
    throw new DurableClockStorageError(path, error);
  }
  try {
    await flock(path, file);
  } catch (error) {
    fs.closeSync(file);
    throw error;
  }
  return () => fs.closeSync(file);
}

function flock(path: string, file: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'pipe', file] });
    let complaint = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    child.on('error', (error) => {
      reject(new DurableClockLockError(path, 'flock(1) could not be run', error));
    });
    child.on('close', (status, signal) => {
      // Both implementations end with 1 and say nothing when the lock is taken; busybox also ends
      // with 1, and a message, when the file system has no locks.
      if (status === 0) resolve();
      else if (status === 1 && complaint === '') reject(new DurableClockInUseError(path));
      else
        reject(
          new DurableClockLockError(path, complaint.trim() || `flock(1): ${signal ?? status}`),
        );
    });
  });
}
