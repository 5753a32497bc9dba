/**
 * Where the page is published by default, and the directory for it.
 *
 * The directory belongs to the daemon and nobody else may write there: a process that can write the
 * page can lie about time. A directory that is there already is used only if that holds, because in
 * a directory that all may write, such as /dev/shm, somebody else may have made it first.
 */
import { access, chmod, constants, lstat, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const NAME = 'clock';
/** The owner writes, all read. */
const DIRECTORY_MODE = 0o755;
const WRITABLE_BY_OTHERS = 0o022;

/**
 * The first of these that this user may use: the service's directory in /run, the user's runtime
 * directory, shared memory, the directory for temporary files.
 */
export function pageDirectories(
  uid: number,
  { XDG_RUNTIME_DIR: runtime }: NodeJS.ProcessEnv,
): readonly string[] {
  return [
    '/run/epsilon-clock',
    ...(runtime?.startsWith('/') ? [join(runtime, 'epsilon-clock')] : []),
    `/dev/shm/epsilon-clock-${uid}`,
    join(tmpdir(), `epsilon-clock-${uid}`),
  ];
}

/** The path of the page in the first of `directories` that can be used; `undefined` without one. */
export async function pageIn(
  directories: readonly string[],
  uid: number,
): Promise<string | undefined> {
  for (const directory of directories) {
    if (await isOurs(directory, uid)) return join(directory, NAME);
  }
  return undefined;
}

/**
 * Makes the directory of `path` if it is not there. Those above it must be there.
 *
 * Not `recursive`: Node then tries for ever where the system refuses a directory with ENOENT, as in
 * /proc.
 */
export async function makeDirectoryOf(path: string): Promise<void> {
  const directory = dirname(path);
  await makeDirectory(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { mode: DIRECTORY_MODE });
  // The umask may have taken the right to read from others.
  await chmod(directory, DIRECTORY_MODE);
}

async function isOurs(directory: string, uid: number): Promise<boolean> {
  try {
    await makeDirectory(directory);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
  }
  try {
    const found = await lstat(directory);
    if (!found.isDirectory() || found.uid !== uid) return false;
    if ((found.mode & WRITABLE_BY_OTHERS) !== 0) return false;
    await access(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
