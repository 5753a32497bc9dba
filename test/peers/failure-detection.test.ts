/**
 * Real processes that watch each other over UDP. One is stopped, or blocks its own event loop. The
 * others must suspect it, and it must suspect nobody: it is the observer who did not run.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';

const NAMES = ['a', 'b', 'c'];
const PAUSE_MS = 10_000;

interface Told {
  readonly type?: string;
  readonly peer?: string;
  readonly pause?: string;
  readonly ms?: number;
  readonly received?: number;
  readonly port?: number;
}

class Node {
  readonly told: Told[] = [];
  readonly process: ChildProcess;

  constructor(name: string) {
    const child = new URL('membership.child.mjs', import.meta.url).pathname;
    this.process = fork(child, [name]);
    this.process.on('message', (message) => this.told.push(message as Told));
  }

  /** Resolves once it has told what `wanted` accepts. */
  async until(wanted: (told: Told) => boolean): Promise<Told> {
    for (;;) {
      const found = this.told.find(wanted);
      if (found !== undefined) return found;
      if (this.process.exitCode !== null) throw new Error('the child has died');
      await delay(20);
    }
  }

  /** What it thinks of its peers, in order. */
  get changes(): string[] {
    return this.told.flatMap(({ type, peer }) => (type === undefined ? [] : [`${peer} ${type}`]));
  }
}

let nodes: Node[] = [];

afterEach(() => {
  for (const node of nodes) node.process.kill('SIGKILL');
});

async function startCluster(): Promise<[Node, Node, Node]> {
  nodes = NAMES.map((name) => new Node(name));
  const ports = await Promise.all(
    nodes.map((node) => node.until(({ port }) => port !== undefined)),
  );
  const all = ports.map(({ port }, i) => ({ port, nodeId: NAMES[i] }));
  nodes.forEach((node, i) => {
    node.process.send({ peers: all.filter((_, j) => j !== i) });
  });
  // Twenty heartbeats of each peer.
  await Promise.all(nodes.map((node) => node.until(({ received = 0 }) => received >= 40)));
  return nodes as [Node, Node, Node];
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(20);
}

test('a process that is stopped for 10 s is convicted; it accuses nobody, and returns', async () => {
  const [stopped, b, c] = await startCluster();
  stopped.process.kill('SIGSTOP');
  await delay(PAUSE_MS);
  stopped.process.kill('SIGCONT');
  for (const other of [b, c]) await until(() => other.changes.includes('a returned'));
  const pause = await stopped.until(({ ms = 0 }) => ms > PAUSE_MS / 2);
  expect(pause.pause).toBe('stopped');
  await delay(2000); // whatever it has to say of its peers it has said by then
  expect(stopped.changes).toEqual([]);
  for (const other of [b, c]) {
    expect(other.changes.filter((change) => change.startsWith('a '))).toEqual([
      ...['a suspected', 'a convicted', 'a returned'],
    ]);
  }
});

test('a process whose event loop is blocked for 10 s accuses nobody', async () => {
  const [blocked, b, c] = await startCluster();
  blocked.process.send({ block: PAUSE_MS });
  for (const other of [b, c]) await until(() => other.changes.includes('a returned'));
  const pause = await blocked.until(({ ms = 0 }) => ms >= PAUSE_MS - 101);
  expect(['blocked', 'stopped']).toContain(pause.pause); // by how much processor it got
  await delay(2000);
  expect(blocked.changes).toEqual([]);
});

test('a process that was killed is convicted by all', async () => {
  const [killed, b, c] = await startCluster();
  killed.process.kill('SIGKILL');
  for (const other of [b, c]) await until(() => other.changes.includes('a convicted'));
  expect(b.changes.filter((change) => change.startsWith('c '))).toEqual([]);
});
