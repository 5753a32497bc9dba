/**
 * One look at the page's file, by a reader, or by a publisher that wants its place.
 *
 * A reader opens it anew each time, because a new writer puts a new file in its place, and the
 * owner of that one must be trusted again.
 */
import * as fs from 'node:fs';
import { HostClockRefusedError } from './errors.ts';
import { FILE_BYTES, newestCopy, type Publication, startsAsPage } from './page-bytes.ts';
import { checkTrust } from './trust.ts';

/** A writer writes for a microsecond, some times a second. */
const ATTEMPTS = 16;
/** Opening a pipe would wait for its writer. Windows has neither flag. */
const FLAGS: number =
  fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0) | (fs.constants.O_NONBLOCK ?? 0);

export class PageFile {
  readonly path: string;
  readonly #bytes = new Uint8Array(FILE_BYTES);
  /** The file that was found to be trusted: its device, inode, owner and permissions. */
  #trusted = '';

  constructor(path: string) {
    this.path = path;
  }

  /**
   * The newest whole copy; `undefined` while nothing is there.
   *
   * @throws HostClockRefusedError when what is there is no page that may be believed
   */
  read(): Publication | undefined {
    return looked(this.path, (file) => this.#readFrom(file));
  }

  #readFrom(file: number): Publication {
    const stats = fs.fstatSync(file);
    const { dev, ino, uid, gid, mode } = stats;
    const shown = [dev, ino, uid, gid, mode].join();
    if (shown !== this.#trusted) checkTrust(this.path, stats);
    this.#trusted = shown;
    for (let attempt = 1; ; attempt++) {
      const length = fs.readSync(file, this.#bytes, 0, FILE_BYTES, 0);
      const found = newestCopy(this.#bytes.subarray(0, length));
      if (typeof found !== 'string') return found;
      if (found === 'layout' || attempt === ATTEMPTS) {
        throw new HostClockRefusedError(this.path, found);
      }
    }
  }
}

/**
 * Checks that a publisher may put a file in the place of what is at `path`: of nothing, of an empty
 * file, or of a page of any version. Anything else is somebody's.
 *
 * @throws HostClockRefusedError
 */
export function checkReplaceable(path: string): void {
  // Not opened yet: opening a device may do something.
  const there = fs.lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (there.isSymbolicLink()) {
    throw new HostClockRefusedError(path, 'symbolic-link', 'remove it, or publish elsewhere');
  }
  if (!there.isFile()) throw new HostClockRefusedError(path, 'not-a-file');
  looked(path, (file) => {
    const start = new Uint8Array(8);
    const length = fs.readSync(file, start, 0, start.length, 0);
    if (length === 0 || startsAsPage(start)) return;
    throw new HostClockRefusedError(path, 'not-a-page', 'move it away, or publish elsewhere');
  });
}

/** What `look` says of the open file; `undefined` when nothing is there. */
function looked<T>(path: string, look: (file: number) => T): T | undefined {
  let file: number;
  try {
    file = fs.openSync(path, FLAGS);
  } catch (error) {
    return notOpened(path, error as NodeJS.ErrnoException);
  }
  try {
    return look(file);
  } catch (error) {
    if (error instanceof HostClockRefusedError) throw error;
    throw new HostClockRefusedError(path, 'unreadable', codeOf(error), error);
  } finally {
    fs.closeSync(file);
  }
}

function notOpened(path: string, error: NodeJS.ErrnoException): undefined {
  switch (error.code) {
    case 'ENOENT':
      return undefined;
    case 'ELOOP':
    case 'EMLINK': // as FreeBSD says it
      throw new HostClockRefusedError(path, 'symbolic-link');
    case 'ENXIO': // a socket
      throw new HostClockRefusedError(path, 'not-a-file');
    default:
      throw new HostClockRefusedError(path, 'unreadable', codeOf(error), error);
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
