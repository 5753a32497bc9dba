/**
 * chronyd servers for tests: real peers on loopback, each in a directory and on a port of its own.
 * They cannot set the machine's clock: `-x` turns control of it off, and when the tests run as
 * root, chronyd gets an unprivileged user without CAP_SYS_TIME. Each server is stopped by its own
 * pid.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { type ClockSample, systemClock } from 'epsilon-clock';
import { ntp } from 'epsilon-clock/node';
import type { Certificate } from './certificate.ts';
import { RecordingSink } from './recording-sink.ts';

/** Another process may take the free port before chronyd does. */
const ATTEMPTS = 5;
/** A server that was not stopped, because its test was killed, ends by itself after this time. */
const LIFETIME_S = 900;
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** A chronyd that runs until it is stopped. */
export class Chronyd implements AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** The id that the library gives this server. */
  readonly sourceId: string;
  /** Where it takes commands by UDP, on 127.0.0.1. */
  readonly commandPort: number;
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #directory: string;

  constructor(
    process: ChildProcess,
    { address, port, commandPort }: { address: string; port: number; commandPort: number },
    directory: string,
  ) {
    this.address = address;
    this.port = port;
    this.commandPort = commandPort;
    const host = address.includes(':') ? `[${address}]` : address;
    this.sourceId = `ntp://${host}:${port}`;
    this.#process = process;
    this.#exited = once(process, 'exit');
    this.#directory = directory;
  }

  /** What `chronyc -c` prints for `command`: fields separated by commas. */
  async ask(command: string): Promise<string> {
    const args = ['-c', '-h', '127.0.0.1', '-p', String(this.commandPort), ...command.split(' ')];
    const { stdout } = await promisify(execFile)(installed('chronyc', 'chrony'), args);
    return stdout.trim();
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill(signal);
      await this.#exited;
    }
    await rm(this.#directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Starts a stratum 1 server of this machine's wall clock. */
export function startHonest(address: string): Promise<Chronyd> {
  return start(address, ['local stratum 1'], ({ samples }) => samples.length > 0);
}

/**
 * Starts a server that follows `honest` and serves its time plus `offsetMs`, with small root delay
 * and dispersion: a liar that looks good. Resolves once the lie is complete and steady (chronyd
 * slews there within a second).
 */
export function startLiar(
  address: string,
  { honest, offsetMs }: { honest: Chronyd; offsetMs: number },
): Promise<Chronyd> {
  const { address: server, port } = honest;
  const source = `server ${server} port ${port} iburst minpoll -4 maxpoll -4`;
  const lies = ({ samples }: RecordingSink): boolean => {
    const last = samples.slice(-10);
    return last.length === 10 && last.every((sample) => liesBy(sample, offsetMs));
  };
  return start(address, [`${source} offset ${offsetMs / 1000}`], lies);
}

/** Waits for all of them. When one does not start, the others are stopped. */
export async function startAll(...starting: Promise<Chronyd>[]): Promise<Chronyd[]> {
  const settled = await Promise.allSettled(starting);
  if (settled.some(({ status }) => status === 'rejected')) {
    await Promise.all(settled.map((each) => each.status === 'fulfilled' && each.value.stop()));
  }
  return Promise.all(starting);
}

/** Starts a chronyd with these directives. Resolves once it answers, whatever it says. */
export function startChronyd(
  address: string,
  directives: readonly string[],
  commandPort?: number,
): Promise<Chronyd> {
  const answers = ({ samples, misses }: RecordingSink): boolean =>
    samples.length > 0 ||
    misses.some(({ reason }) => reason !== 'timeout' && reason !== 'unreachable');
  return start(address, directives, answers, commandPort);
}

/** A chronyd that is an NTS server too. */
export interface NtsChronyd {
  readonly chronyd: Chronyd;
  /** The TCP port of the key exchange. */
  readonly ntsPort: number;
}

/** Starts a stratum 1 server of this machine's wall clock that also authenticates (RFC 8915). */
export async function startNts(
  address: string,
  { key, cert }: Certificate,
  directives: readonly string[] = [],
): Promise<NtsChronyd> {
  const ntsPort = await freePort(address);
  const prepare = async (directory: string): Promise<string[]> => [
    'local stratum 1',
    `ntsserverkey ${await privateFile(directory, 'key.pem', key)}`,
    `ntsservercert ${await privateFile(directory, 'cert.pem', cert)}`,
    `ntsport ${ntsPort}`,
    'ntsprocesses 1',
    `ntsdumpdir ${directory}`,
    ...directives,
  ];
  return { chronyd: await start(address, prepare, ({ samples }) => samples.length > 0), ntsPort };
}

/** Starts a server that has no time of its own and no server to ask. */
export function startUnsynchronized(address: string): Promise<Chronyd> {
  return startChronyd(address, []);
}

/**
 * How far `server` is ahead of the wall clock according to chronyd itself as a client, ns. Sets
 * nothing.
 */
export function queryOffsetNs({
  address,
  port,
}: Pick<Chronyd, 'address' | 'port'>): Promise<number> {
  return query(async () => [`server ${address} port ${port} iburst maxsamples 1`]);
}

/**
 * As {@link queryOffsetNs}, of an NTS server of this library: chronyd is the client that exchanges
 * keys, sends sealed requests and opens the replies.
 */
export function queryNtsOffsetNs(
  { ntpPort, port }: { readonly ntpPort: number; readonly port: number },
  { host, cert }: { readonly host: string; readonly cert: string },
): Promise<number> {
  return query(async (directory) => [
    `server ${host} port ${ntpPort} nts ntsport ${port} iburst maxsamples 2`,
    `ntstrustedcerts ${await privateFile(directory, 'cert.pem', cert)}`,
  ]);
}

async function query(directives: (directory: string) => Promise<string[]>): Promise<number> {
  const directory = await privateDirectory();
  try {
    const [file, args] = command([
      '-Q',
      ...['-t', '10'],
      ...(await directives(directory)),
      'cmdport 0',
      `pidfile ${join(directory, 'pid')}`,
    ]);
    const { stderr, stdout } = await promisify(execFile)(file, args);
    const found = /System clock wrong by (-?[\d.]+) seconds/.exec(stdout + stderr);
    if (found === null) throw new Error(`chronyd -Q measured nothing:\n${stdout}${stderr}`);
    return Number(found[1]) * 1e9;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function liesBy(sample: ClockSample, offsetMs: number): boolean {
  const wall = systemClock();
  const theta = Number((sample.lowerNs + sample.upperNs) / 2n - wall.wallNs() + wall.monotonicNs());
  return Math.abs(theta / 1e6 - offsetMs) < 0.04 * Math.abs(offsetMs);
}

async function start(
  address: string,
  directives: readonly string[] | ((directory: string) => Promise<string[]>),
  ready: (heard: RecordingSink) => boolean,
  givenCommandPort?: number,
): Promise<Chronyd> {
  for (let attempt = 1; ; attempt++) {
    const directory = await privateDirectory();
    const port = await freePort(address);
    const commandPort = givenCommandPort ?? (await freePort('127.0.0.1'));
    const file = join(directory, 'chrony.conf');
    const settings = [
      `port ${port}`,
      `bindaddress ${address}`,
      `allow ${address.includes(':') ? address : '127.0.0.0/8'}`,
      `cmdport ${address.includes(':') ? 0 : commandPort}`,
      'bindcmdaddress 127.0.0.1',
      `bindcmdaddress ${join(directory, 'command.sock')}`,
      `pidfile ${join(directory, 'pid')}`,
      ...(typeof directives === 'function' ? await directives(directory) : directives),
    ];
    await writeFile(file, `${settings.join('\n')}\n`, { mode: 0o644 });
    const family = address.includes(':') ? '-6' : '-4';
    const child = spawn(...command([family, '-d', '-t', String(LIFETIME_S), '-f', file]), {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const chronyd = new Chronyd(child, { address, port, commandPort }, directory);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        said += String(text);
      });
    }
    const sink = new RecordingSink(systemClock());
    const probe = ntp(address, { port, pollIntervalMs: 30 }).start(sink);
    try {
      const isReady = sink.until(() => ready(sink));
      await Promise.race([isReady, failure(child, () => said)]);
      return chronyd;
    } catch (error) {
      await chronyd.stop();
      if (attempt === ATTEMPTS) throw error;
    } finally {
      probe.stop();
    }
  }
}

async function failure(child: ChildProcess, said: () => string): Promise<never> {
  const [code] = await once(child, 'exit');
  throw new Error(`chronyd ended with code ${code} before it answered:\n${said()}`);
}

/** chronyd with `args`, as a user who could not set the clock even without `-x`. */
function command(args: readonly string[]): [file: string, args: string[]] {
  const chronyd = installed('chronyd', 'chrony');
  if (!isRoot) return [chronyd, ['-U', '-u', userInfo().username, '-x', ...args]];
  const setpriv = [
    `--reuid=${NOBODY}`,
    `--regid=${NOBODY}`,
    '--clear-groups',
    '--bounding-set=-sys_time',
    '--inh-caps=-sys_time',
  ];
  const unprivileged = [...setpriv, chronyd, '-U', '-u', 'nobody', '-x', ...args];
  return [installed('setpriv', 'util-linux'), unprivileged];
}

function installed(program: string, debianPackage: string): string {
  const path = (process.env.PATH ?? '').split(delimiter);
  for (const directory of [...path, '/usr/sbin', '/usr/local/sbin', '/sbin']) {
    const file = join(directory, program);
    if (directory !== '' && existsSync(file)) return file;
  }
  throw new Error(
    `${program} is not installed, and this test needs it: apt-get install -y ${debianPackage}`,
  );
}

/** chronyd refuses to put its sockets in a directory that others may read. */
async function privateDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'epsilon-clock-chronyd-'));
  await chmod(directory, 0o700);
  if (isRoot) await chown(directory, NOBODY, NOBODY);
  return directory;
}

/** A file that only chronyd can read. Returns its path. */
async function privateFile(directory: string, name: string, text: string): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, text, { mode: 0o600 });
  if (isRoot) await chown(file, NOBODY, NOBODY);
  return file;
}

async function freePort(address: string): Promise<number> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
