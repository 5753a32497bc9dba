/**
 * Servers that keep leases: Redis, etcd and NATS, each on loopback ports and in a directory of its
 * own, ended by its pid.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** A server that runs until it is stopped. */
export interface LeaseServer {
  readonly port: number;
  /** Kills it, and starts it again on its port with what it has kept. */
  restart(): Promise<void>;
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export const startRedis = (): Promise<LeaseServer> =>
  start('redis-server', 'redis-server', (port, directory) => [
    ...['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory],
    ...['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'],
  ]);

export const startNats = (): Promise<LeaseServer> =>
  start('nats-server', 'nats-server', (port, directory) => [
    ...['-a', '127.0.0.1', '-p', `${port}`, '-js', '-sd', directory],
  ]);

export async function startEtcd(): Promise<LeaseServer> {
  const peerPort = await freePort();
  return start('etcd', 'etcd-server', (port, directory) => [
    ...['--data-dir', directory, '--log-level', 'error', '--unsafe-no-fsync'],
    ...['--listen-client-urls', `http://127.0.0.1:${port}`],
    ...['--advertise-client-urls', `http://127.0.0.1:${port}`],
    ...['--listen-peer-urls', `http://127.0.0.1:${peerPort}`],
    ...['--initial-advertise-peer-urls', `http://127.0.0.1:${peerPort}`],
    ...['--initial-cluster', `default=http://127.0.0.1:${peerPort}`],
  ]);
}

async function start(
  program: string,
  debianPackage: string,
  flags: (port: number, directory: string) => readonly string[],
): Promise<LeaseServer> {
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .concat('/usr/sbin')
    .map((folder) => join(folder, program))
    .find((file) => existsSync(file));
  if (path === undefined) throw new Error(`no ${program}: apt-get install -y ${debianPackage}`);
  const directory = mkdtempSync(join(tmpdir(), `${program}-`));
  const port = await freePort();
  const run = (): ChildProcess => spawn(path, flags(port, directory), { stdio: 'ignore' });
  let child = run();
  await listening(port, child);
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  return {
    port,
    async restart() {
      await end('SIGKILL');
      child = run();
      await listening(port, child);
    },
    async stop(signal = 'SIGTERM') {
      await end(signal);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves when somebody answers at the port; rejects when the process ended instead. */
async function listening(port: number, child: ChildProcess): Promise<void> {
  const { connect } = await import('node:net');
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended: ${child.exitCode}`);
    const socket = connect(port, '127.0.0.1');
    const answered = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
