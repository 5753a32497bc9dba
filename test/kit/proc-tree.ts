import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { SteeringFacts } from '../../src/time/steering.ts';
import { readSteeringFacts, type SteeringFiles } from '../../src/time/steering-facts.ts';

/** The PID namespace of a machine, as the kernel numbers it. */
export const FIRST_NAMESPACE = 'pid:[4026531836]';

/**
 * A machine as its `/proc` and `/run` show it: the content of each file by its path. A path that
 * ends in a slash is a directory, one that begins with `-> ` a symbolic link.
 */
export type Tree = Readonly<Record<string, string | Uint8Array>>;

/** The row of a socket in `/proc/1/net/udp`. */
const row = (port: number, i: number): string =>
  `${String(i).padStart(5)}: 00000000:${port.toString(16).toUpperCase().padStart(4, '0')} ` +
  '00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 20907 2 0 0\n';

export const udpTable = (...ports: number[]): string =>
  `   sl  local_address rem_address   st tx_queue rx_queue\n${ports.map(row).join('')}`;

/** `/proc/1/mountinfo` of a machine, and then `more`, such as `0:41 / /run`. */
export const mounts = (...more: string[]): string =>
  ['254:0 / /', '0:21 / /proc', '0:25 / /run', ...more]
    .map((mount, i) => `${22 + i} 1 ${mount} rw,relatime shared:1 - tmpfs tmpfs rw\n`)
    .join('');

/** A machine on which nothing steers the clock. `more` adds files, or replaces some. */
export function aMachine(more: Tree = {}): Tree {
  return {
    '/proc/self/ns/pid': `-> ${FIRST_NAMESPACE}`,
    '/proc/self/mountinfo': mounts(),
    '/proc/1/comm': 'systemd\n',
    '/proc/1/mountinfo': mounts(),
    '/proc/2/comm': 'kthreadd\n',
    '/proc/713/comm': 'node\n',
    '/proc/meminfo': 'MemTotal: 1 kB\n',
    '/proc/1/net/udp': udpTable(53, 45_321),
    '/proc/1/net/udp6': udpTable(),
    '/run/lock/': '',
    ...more,
  };
}

/** A machine without one of its files. */
export function without(path: string, tree: Tree = aMachine()): Tree {
  const { [path]: _, ...rest } = tree;
  return rest;
}

/** What is read of a real directory tree of these files. `given` changes the file system. */
export function factsOf(tree: Tree, given: Partial<SteeringFiles> = {}): SteeringFacts | undefined {
  const root = fs.mkdtempSync(join(tmpdir(), 'epsilon-clock-proc-'));
  try {
    for (const [path, content] of Object.entries(tree)) {
      const at = join(root, path);
      if (path.endsWith('/')) {
        fs.mkdirSync(at, { recursive: true });
        continue;
      }
      fs.mkdirSync(dirname(at), { recursive: true });
      const target = typeof content === 'string' ? /^-> (.*)$/.exec(content)?.[1] : undefined;
      if (target !== undefined) fs.symlinkSync(target, at);
      else fs.writeFileSync(at, content);
    }
    return readSteeringFacts({ ...(fs as unknown as SteeringFiles), ...given }, root);
  } finally {
    fs.rmSync(root, { recursive: true });
  }
}
