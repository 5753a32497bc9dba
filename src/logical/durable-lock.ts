/**
 * One process per file. Two durable clocks on one ceiling would both hand out the timestamps below
 * it, so the second opener must always fail. And the lock must end with its process, however that
 * ends, because a stale lock keeps a service down.
 *
 * Only the kernel can promise both. A lock that a program builds from files cannot:
 * - A pid file outlives `kill -9`. Pid, boot id and start time cannot tell a stale file from a live
 *   one across containers, because each container has its own pids. And between the verdict "stale"
 *   and the removal another opener may have taken the lock: both win.
 * - A socket bound in the file system leaves its name behind, which is the same race. An abstract
 *   Unix socket or a port vanishes with the process, but it belongs to a *network* namespace: two
 *   containers with one volume would both win.
 *
 * A kernel lock on an open file description keeps both promises. It has at most one holder per file
 * on this machine, in any container. It is released when the last descriptor closes, so at the
 * latest when the process ends. Two opens in one process exclude each other too. Node has no call
 * for it, but:
 * - macOS, BSD: `open(2)` takes it itself (`O_EXLOCK`). Windows: libuv's flag of that name opens
 *   without sharing.
 * - Linux: `flock(1)` (util-linux, busybox) locks a descriptor it *inherits*. The lock belongs to
 *   the open file description, which is ours, so it stays when that program ends, some milliseconds
 *   later. Node opens files close-on-exec, so no other child ever inherits the lock.
 *
 * Where the platform has none of these, the clock does not open (`ERR_DURABLE_CLOCK_LOCK`). It
 * never takes a weaker lock silently. The user can pass a {@link FileLock} of their own instead.
 *
 * Assumptions: the lock file is not deleted or replaced, because the lock is on the file and not on
 * its name (this module never removes it). The file system is local, or carries flock between
 * machines.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { EpsilonClockError } from '../time/errors.ts';
import { DurableClockStorageError } from './durable-file.ts';

/**
 * Takes the exclusive lock on the file `path`, which it creates when missing, and returns the
 * function that releases it. It never waits for the lock. The end of the process, however it comes,
 * must release the lock too.
 *
 * @throws DurableClockInUseError (`ERR_DURABLE_CLOCK_IN_USE`) when another clock has the lock
 */
export type FileLock = (path: string) => Promise<() => void>;

/** Another process, or another clock in this process, has locked the file. */
export class DurableClockInUseError extends EpsilonClockError {
  readonly code = 'ERR_DURABLE_CLOCK_IN_USE' as const;
  /** The lock file. */
  readonly path: string;

  constructor(path: string) {
    super(`another process or clock holds ${path}`);
    this.name = 'DurableClockInUseError';
    this.path = path;
  }
}

/** This platform has no suitable lock, so nothing would keep a second process away. */
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

/** The kernel's lock. Errors as {@link FileLock}; `ERR_DURABLE_CLOCK_LOCK` without such a lock. */
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

/** Opens the lock file for reading and writing. Creates it when missing. */
function openLockFile(path: string, flags: number): number {
  return fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT | flags, 0o666);
}

/** The lock that `open` takes by a flag: `O_EXLOCK`, a number for which Node has no constant. */
async function openedLock(path: string, exclusive: number, taken: string): Promise<() => void> {
  try {
    const file = openLockFile(path, exclusive);
    return () => fs.closeSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === taken) throw new DurableClockInUseError(path);
    throw new DurableClockStorageError(path, error);
  }
}

/** The lock that flock(1) takes on our descriptor, which it inherits as its descriptor 3. */
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

/** Starts flock(1). Under Node's permission model `spawn` throws at once. */
function spawnFlock(path: string, file: number): ChildProcess {
  try {
    return spawn('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'pipe', file] });
  } catch (error) {
    throw new DurableClockLockError(path, 'flock(1) could not be run', error);
  }
}

function flock(path: string, file: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawnFlock(path, file);
    let complaint = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    child.on('error', (error) => {
      reject(new DurableClockLockError(path, 'flock(1) could not be run', error));
    });
    child.on('close', (status, signal) => {
      // Both implementations exit with 1 and no message when the lock is taken. When the file
      // system has no locks, busybox exits with 1 too, but with a message.
      if (status === 0) resolve();
      else if (status === 1 && complaint === '') reject(new DurableClockInUseError(path));
      else
        reject(
          new DurableClockLockError(path, complaint.trim() || `flock(1): ${signal ?? status}`),
        );
    });
  });
}
