/**
 * Reads from `/proc` and `/run` what steering.ts judges.
 *
 * A user chooses the names of his processes, and how many there are. So every read has a limit,
 * what is beyond the limit is reported as not complete, and nothing throws. A process that
 * ends between the listing and the read is no process any more, and does not count.
 *
 * Ports and files are those of process 1. A container that has the processes of its host
 * (`--pid=host`) still has a network and a `/run` of its own.
 *
 * It is one pass of blocking reads: 15 to 25 us for each process, at the start, some more times in
 * the first minute, and then once a minute (bounded-clock/host-profile.ts), until a daemon is
 * seen.
 */
import { DAEMON_PATHS, type SteeringFacts } from './steering.ts';

/** What is used of `node:fs`. */
export interface SteeringFiles {
  existsSync(path: string): boolean;
  openSync(path: string, flags: string): number;
  readSync(file: number, bytes: Uint8Array, at: number, length: number, position: null): number;
  closeSync(file: number): void;
  readlinkSync(path: string): string;
  opendirSync(path: string): {
    readSync(): { readonly name: string } | null;
    closeSync(): void;
  };
}

/** More than most machines have, and as long as a pass may block the thread. */
const MAX_PROCESSES = 2048;
/** Files of `/proc` that are not processes are about 60. */
const MAX_ENTRIES: number = MAX_PROCESSES + 1024;
/** The kernel keeps 15 bytes of a name (more for its own threads), and adds a newline. */
const MAX_NAME_BYTES = 64;
/** A socket is a line of 128 bytes, a mount one of some hundred. */
const MAX_TABLE_BYTES = 262_144;

/**
 * What `files` shows below `root`, which is empty but in tests. `undefined` where there is no
 * `/proc` to list. Does not throw.
 */
export function readSteeringFacts(files: SteeringFiles, root = ''): SteeringFacts | undefined {
  const listed = listProcesses(files, `${root}/proc`);
  if (listed === undefined) return undefined;
  const processes: { pid: number; name: string }[] = [];
  const buffer = new Uint8Array(MAX_NAME_BYTES);
  let unreadable = 0;
  for (const pid of listed.pids) {
    const name = readText(files, `${root}/proc/${pid}/comm`, buffer);
    if (name === 'gone') continue;
    if (name === undefined) unreadable++;
    else processes.push({ pid, name: name.text.replace(/\n$/, '') });
  }
  const udp = readPorts(files, `${root}/proc/1/net/udp`);
  const udp6 = readPorts(files, `${root}/proc/1/net/udp6`);
  const paths = seesRunOfMachine(files, `${root}/proc`)
    ? attempt(() => DAEMON_PATHS.filter((path) => files.existsSync(`${root}${path}`)))
    : undefined;
  return {
    pidNamespace: attempt(() => files.readlinkSync(`${root}/proc/self/ns/pid`)),
    processes,
    unreadable,
    complete: listed.complete && udp !== 'cut' && udp6 !== 'cut',
    // A kernel without IPv6 has no udp6. One without udp hides it.
    udpPorts:
      udp === undefined || udp === 'gone' || udp6 === undefined
        ? undefined
        : [udp, udp6].flatMap((ports) => (typeof ports === 'string' ? [] : ports)),
    paths,
  };
}

function listProcesses(
  files: SteeringFiles,
  path: string,
): { readonly pids: readonly number[]; readonly complete: boolean } | undefined {
  return attempt(() => {
    const directory = files.opendirSync(path);
    try {
      const pids: number[] = [];
      for (let entries = 0; entries < MAX_ENTRIES; entries++) {
        const entry = directory.readSync();
        if (entry === null) return { pids, complete: true };
        if (!/^[1-9]\d{0,9}$/.test(entry.name)) continue;
        if (pids.length === MAX_PROCESSES) break;
        pids.push(Number(entry.name));
      }
      return { pids, complete: false };
    } finally {
      directory.closeSync();
    }
  });
}

/** The local ports of a table such as `/proc/1/net/udp`. */
function readPorts(files: SteeringFiles, path: string): number[] | 'cut' | 'gone' | undefined {
  const table = readText(files, path, new Uint8Array(MAX_TABLE_BYTES));
  if (table === undefined || table === 'gone') return table;
  if (table.cut) return 'cut';
  const ports: number[] = [];
  for (const [, port] of table.text.matchAll(/^ *\d+: [0-9A-F]+:([0-9A-F]{4}) /gm)) {
    ports.push(Number.parseInt(port!, 16));
  }
  return ports;
}

/** Whether `/run` is here what it is for process 1. */
function seesRunOfMachine(files: SteeringFiles, proc: string): boolean {
  const [own, first] = ['self', '1'].map((process) => {
    const table = readText(files, `${proc}/${process}/mountinfo`, new Uint8Array(MAX_TABLE_BYTES));
    return typeof table === 'string' ? undefined : table;
  });
  if (own === undefined || first === undefined) return false;
  // Each mount has a number of its own, so these are the same ones, also where they are cut.
  if (own.text === first.text) return true;
  if (own.cut || first.cut) return false;
  const run = mountOfRun(own.text);
  return run !== undefined && run === mountOfRun(first.text);
}

/** The file system that holds `/run`, and which directory of it is mounted. */
function mountOfRun(mountinfo: string): string | undefined {
  // A mount hides the ones before it at the same place.
  const at = (place: string): string | undefined =>
    [...mountinfo.matchAll(/^\d+ \d+ (\d+:\d+ \S+) (\S+) /gm)].findLast(
      ([, , point]) => point === place,
    )?.[1];
  return at('/run') ?? at('/');
}

/**
 * As much of a file as `buffer` takes; `'gone'` if the file does not exist, `undefined` if this
 * process may not read it.
 */
function readText(
  files: SteeringFiles,
  path: string,
  buffer: Uint8Array,
): { readonly text: string; readonly cut: boolean } | 'gone' | undefined {
  try {
    const file = files.openSync(path, 'r');
    try {
      let length = 0;
      for (let read = -1; read !== 0 && length < buffer.length; length += read) {
        read = files.readSync(file, buffer, length, buffer.length - length, null);
      }
      return { text: textOf(buffer.subarray(0, length)), cut: length === buffer.length };
    } finally {
      files.closeSync(file);
    }
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    // ESRCH: the process ended between the open and the read.
    return code === 'ENOENT' || code === 'ESRCH' ? 'gone' : undefined;
  }
}

/** Every byte is a letter, so that no name is refused. */
function textOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
