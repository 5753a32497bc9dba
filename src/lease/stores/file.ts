/**
 * Leases in files, for the processes of one host: one file per name in a directory, read and
 * replaced under the kernel's lock on the directory's file `lock` (durable-lock.ts).
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DurableClockInUseError, kernelLock } from '../../logical/durable-lock.ts';
import { checkText } from '../lease-options.ts';
import type { LeaseStore, StoreCallOptions } from '../lease-store.ts';
import { versionedLeases } from './versioned.ts';

/** Somebody else has the lock, for as long as it takes to replace a file. */
const LOCK_RETRY_MS = 10;

/**
 * Leases in the directory `path`, which is made when missing: for the processes of one host, in any
 * of its containers that share the directory. It must be on a local file system.
 *
 * Each call takes the kernel's lock, which costs some milliseconds. Where the platform has none
 * that ends with its process, calls reject with `ERR_DURABLE_CLOCK_LOCK` as the cause.
 *
 * @throws ArgumentTypeError, ArgumentRangeError unless `path` is a text of 1 to 256 characters
 * @example const store = fileLeases('/var/lib/worker/leases');
 */
export function fileLeases(path: string): LeaseStore {
  checkText('path', path);
  const directory = resolve(path); // for a program that changes its working directory
  // A lease may have any name, and a file may not.
  const fileOf = (name: string): string =>
    join(directory, `${createHash('sha256').update(name).digest('hex')}.json`);

  const unlocked = versionedLeases({
    name: 'file',
    async read(name) {
      try {
        return { text: await readFile(fileOf(name), 'utf8'), version: 0 };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async replace(name, text) {
      const temporary = join(directory, `${randomUUID()}.new`);
      const file = await open(temporary, 'wx');
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, fileOf(name));
      await syncDirectory(directory);
      return true;
    },
  });

  // One after the other, because each call that waits for the lock asks the kernel again and again.
  let last: Promise<unknown> = Promise.resolve();
  function locked<T>(options: StoreCallOptions, run: () => Promise<T>): Promise<T> {
    const own = last.then(() => lockedNow(options, run));
    last = own.catch(() => {});
    return own;
  }

  async function lockedNow<T>({ signal }: StoreCallOptions, run: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    await mkdir(directory, { recursive: true });
    const unlock = await lock(signal);
    try {
      signal.throwIfAborted();
      return await run();
    } finally {
      unlock();
    }
  }

  async function lock(signal: AbortSignal): Promise<() => void> {
    for (;;) {
      try {
        return await kernelLock(join(directory, 'lock'));
      } catch (error) {
        if (!(error instanceof DurableClockInUseError)) throw error;
        await sleep(LOCK_RETRY_MS * (0.5 + Math.random()), undefined, { signal });
      }
    }
  }

  return {
    name: 'file',
    take: (claim, options) => locked(options, () => unlocked.take(claim, options)),
    extend: (extension, options) => locked(options, () => unlocked.extend(extension, options)),
    end: (name, token, options) => locked(options, () => unlocked.end(name, token, options)),
  };
}

/** So that the new name survives a power cut. Windows cannot do it, and does not need to. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const file = await open(directory, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
