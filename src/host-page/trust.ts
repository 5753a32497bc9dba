/**
 * Who may write the page can lie about time. So a reader believes a page only if nobody can have
 * written it, or put it there, but root, the reader's own user, or somebody to whom one of these
 * gave the place.
 *
 * The rule, from the root directory down. A directory that only its owner may write is a gift: who
 * owns what is in it was chosen by its owner. In one that others may write as well, such as `/tmp`
 * and `/dev/shm`, only root and this user are believed, and only where the sticky bit keeps others
 * from replacing what is there. `sshd` looks at the way to its files in much the same manner.
 *
 * A symbolic link on the way is an entry like any other: who owns it chose where it leads. So a
 * link that a stranger made in `/tmp` is not followed into the stranger's home, which root gave
 * away.
 *
 * So `/run/epsilon-clock/clock` of a daemon with a user of its own is believed, because root made
 * that directory and gave it to the daemon. `/dev/shm/epsilon-clock-1000/clock` is believed by user
 * 1000 only if user 1000, or root, made that directory.
 *
 * Where the platform has no user ids (Windows), the permissions of the directory are all there is.
 */
import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { HostClockRefusedError } from './errors.ts';

const OTHERS_MAY_WRITE = 0o022;
const STICKY = 0o1000;
/** As Linux has it. */
const MAX_LINKS = 40;

/**
 * @param path the page's
 * @param file what was opened there
 * @throws HostClockRefusedError unless all who can have written it are trusted
 */
export function checkTrust(path: string, file: Stats): void {
  if (!file.isFile()) throw new HostClockRefusedError(path, 'not-a-file');
  const own = process.getuid?.();
  if (own === undefined) return;
  const believed = new Set([0, own]);
  let given = true;
  const believe = (uid: number, what: string): void => {
    if (!given && !believed.has(uid)) {
      throw new HostClockRefusedError(
        path,
        'owner',
        `${what} belongs to user ${uid}, below a directory that others may write; ` +
          'for other users publish in a directory that root made, such as /run/epsilon-clock',
      );
    }
    believed.add(uid);
  };
  const enter = (directory: string): void => {
    const { uid, mode } = lstatSync(directory);
    believe(uid, directory);
    given = (mode & OTHERS_MAY_WRITE) === 0;
    if (!given && (mode & STICKY) === 0) {
      throw new HostClockRefusedError(path, 'writable', `others may write ${directory}`);
    }
  };
  enter('/');
  let at = '/';
  const names = namesIn(dirname(resolve(path)));
  for (let links = 0; names.length > 0; ) {
    const next = join(at, names.shift()!);
    const entry = lstatSync(next);
    if (!entry.isSymbolicLink()) {
      at = next;
      enter(at);
      continue;
    }
    believe(entry.uid, next);
    if (++links > MAX_LINKS) throw new HostClockRefusedError(path, 'symbolic-link');
    const target = readlinkSync(next);
    names.unshift(...namesIn(target));
    if (!target.startsWith('/')) continue;
    at = '/';
    enter(at);
  }
  believe(file.uid, 'it');
  if ((file.mode & OTHERS_MAY_WRITE) !== 0) throw new HostClockRefusedError(path, 'writable');
}

const namesIn = (path: string): string[] => path.split('/').filter((name) => name !== '');
