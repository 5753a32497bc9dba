/**
 * A file system in memory that loses at a crash what POSIX lets it lose. It keeps two views: what
 * running processes see, and what is certainly on the medium. fsync of a file moves its bytes to
 * the medium; fsync of a directory moves its names. Nothing else is certain. At a crash each
 * unsynced write is kept, lost or torn, and each unsynced create or rename (atomic in itself) has
 * happened or not, in any combination. `fate` decides.
 *
 * Background calls queue up until `step` performs the oldest. So a test can choose every
 * interleaving with urgent calls. `failNext` makes calls fail as a full or broken disk does.
 */
import type { Disk, DiskCall } from '../../src/logical/durable-file.ts';

/** What becomes of one unsynced write or name: 0 lost, 1 kept, 2 torn (a name is then kept). */
export type Fate = () => 0 | 1 | 2;

/** Every call after the crash throws this, because the process that called is dead. */
export class Crash extends Error {}

interface Inode {
  seen: Uint8Array;
  synced: Uint8Array;
}

interface NameChange {
  readonly name: string;
  readonly inode: Inode;
  readonly from: string | undefined;
}

const empty = new Uint8Array(0);

export class CrashDisk implements Disk {
  /** Calls left until the machine crashes. The call that reaches 0 does not happen. */
  callsToLive: number = Number.POSITIVE_INFINITY;
  crashed = false;
  /** Every call performed, for tests that check the order. */
  readonly log: string[] = [];

  #names = new Map<string, Inode>();
  #syncedNames = new Map<string, Inode>();
  #unsyncedNames: NameChange[] = [];
  #open = new Map<number, Inode | 'directory'>();
  #nextFile = 3;
  #queue: (() => void)[] = [];
  #failures: { name: DiskCall[0]; code: string; times: number }[] = [];

  now(call: DiskCall): unknown {
    if (!this.crashed && --this.callsToLive < 0) this.crashed = true;
    if (this.crashed) throw new Crash();
    this.log.push(call[0]);
    const failure = this.#failures.find((f) => f.name === call[0] && f.times > 0);
    if (failure) {
      failure.times -= 1;
      throw Object.assign(new Error(`${failure.code}, ${call[0]}`), { code: failure.code });
    }
    return this.#perform(call);
  }

  later(call: DiskCall): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#queue.push(() => {
        try {
          resolve(this.now(call));
        } catch (error) {
          // No call returns to a dead process.
          if (!(error instanceof Crash)) reject(error);
        }
      });
    });
  }

  /** Performs the oldest background call, if there is one. */
  step(): boolean {
    const perform = this.#queue.shift();
    perform?.();
    return perform !== undefined;
  }

  /** The next `times` calls named `name` fail with the system code `code`. */
  failNext(name: DiskCall[0], code: string, times = 1): void {
    this.#failures.push({ name, code, times });
  }

  heal(): void {
    this.#failures = [];
  }

  /** What a process reads at `path` now. */
  content(path: string): Uint8Array | undefined {
    return this.#names.get(path)?.seen;
  }

  /** Puts a file on the medium. */
  put(path: string, bytes: Uint8Array): void {
    const inode = { seen: bytes, synced: bytes };
    this.#names.set(path, inode);
    this.#syncedNames.set(path, inode);
  }

  /** Kills the process while the machine goes on: nothing is lost, and no call returns. */
  kill(): void {
    this.#open.clear();
    this.#queue = [];
    this.crashed = false;
    this.callsToLive = Number.POSITIVE_INFINITY;
  }

  /** The power fails and comes back. `fate` decides each unsynced thing; all processes are dead. */
  restart(fate: Fate): void {
    const names = new Map(this.#syncedNames);
    for (const { name, inode, from } of this.#unsyncedNames) {
      if (fate() === 0) continue;
      names.set(name, inode);
      if (from !== undefined && names.get(from) === inode) names.delete(from);
    }
    for (const inode of new Set(names.values())) {
      if (inode.seen === inode.synced) continue;
      const what = fate();
      if (what === 1) inode.synced = inode.seen;
      else if (what === 2) inode.synced = inode.seen.slice(0, inode.seen.length >> 1);
      inode.seen = inode.synced;
    }
    this.#names = names;
    this.#syncedNames = new Map(names);
    this.#unsyncedNames = [];
    this.kill();
  }

  #perform(call: DiskCall): unknown {
    switch (call[0]) {
      case 'open': {
        const file = this.#nextFile++;
        if (call[2] === 'r') {
          this.#open.set(file, 'directory');
          return file;
        }
        let inode = this.#names.get(call[1]);
        if (inode === undefined) {
          inode = { seen: empty, synced: empty };
          this.#names.set(call[1], inode);
          this.#unsyncedNames.push({ name: call[1], inode, from: undefined });
        }
        inode.seen = new Uint8Array(0);
        this.#open.set(file, inode);
        return file;
      }
      case 'writeFile':
        this.#file(call[1]).seen = call[2].slice();
        return;
      case 'fsync': {
        const inode = this.#open.get(call[1]);
        if (inode === 'directory') {
          this.#syncedNames = new Map(this.#names);
          this.#unsyncedNames = [];
        } else {
          this.#file(call[1]).synced = this.#file(call[1]).seen;
        }
        return;
      }
      case 'close':
        if (!this.#open.delete(call[1])) throw new Error('EBADF');
        return;
      case 'rename': {
        const [, from, to] = call;
        const inode = this.#names.get(from);
        if (inode === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
        this.#names.delete(from);
        this.#names.set(to, inode);
        this.#unsyncedNames.push({ name: to, inode, from });
        return;
      }
      case 'readFile': {
        const inode = this.#names.get(call[1]);
        if (inode === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
        return inode.seen;
      }
      case 'realpath':
        return call[1];
      case 'readlink':
        throw Object.assign(new Error('EINVAL'), { code: 'EINVAL' });
    }
  }

  #file(file: number): Inode {
    const inode = this.#open.get(file);
    if (inode === undefined || inode === 'directory') throw new Error('EBADF');
    return inode;
  }
}
