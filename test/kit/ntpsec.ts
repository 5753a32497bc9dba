/**
 * ntpsec as an NTS server, in a network namespace of its own, because it listens on port 123 alone.
 * Needs root. It cannot set the machine's clock: it runs without CAP_SYS_TIME.
 *
 * Its Debian package cannot be installed beside chrony, so it is unpacked somewhere:
 * `apt-get download ntpsec && dpkg -x ntpsec_*.deb DIRECTORY`, and `NTPSEC=DIRECTORY` names it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Certificate } from './certificate.ts';

const run = promisify(execFile);
const SERVER = '10.77.0.2';
const CHILD = new URL('nts-client.child.mjs', import.meta.url).pathname;

/** What a client in the other namespace saw. */
export interface Seen {
  /** The number of samples, and of those that hold true time. */
  readonly samples: number;
  readonly holding: number;
  readonly misses: readonly (readonly [reason: string, cause: string | null])[];
}

export class Ntpsec implements AsyncDisposable {
  static readonly address: string = SERVER;
  readonly #directory: string;
  readonly #namespaces: readonly [client: string, server: string];
  readonly #process: ChildProcess;

  private constructor(directory: string, namespaces: [string, string], process: ChildProcess) {
    this.#directory = directory;
    this.#namespaces = namespaces;
    this.#process = process;
  }

  /** @param root where the package was unpacked */
  static async start(root: string, { key, cert }: Certificate): Promise<Ntpsec> {
    const directory = await mkdtemp(join(tmpdir(), 'epsilon-clock-ntpsec-'));
    const file = (name: string): string => join(directory, name);
    const settings = [
      'interface ignore all',
      `interface listen ${SERVER}`,
      'tos orphan 1 orphanwait 1',
      'limit average 1000 burst 1000',
      'nts enable',
      `nts key ${file('key.pem')}`,
      `nts cert ${file('cert.pem')}`,
      `nts cookie ${file('cookies')}`,
    ];
    await writeFile(file('key.pem'), key, { mode: 0o600 });
    await writeFile(file('cert.pem'), cert);
    await writeFile(file('ntp.conf'), `${settings.join('\n')}\n`);
    const names: [string, string] = [`ec-${process.pid}-a`, `ec-${process.pid}-b`];
    const [client, server] = names;
    await ip('netns', 'add', client);
    await ip('netns', 'add', server);
    const pair = ['veth', 'peer', 'name', 'ecb', 'netns', server];
    await ip('link', 'add', 'eca', 'netns', client, 'type', ...pair);
    await ip('-n', client, 'addr', 'add', '10.77.0.1/24', 'dev', 'eca');
    await ip('-n', server, 'addr', 'add', `${SERVER}/24`, 'dev', 'ecb');
    for (const [name, device] of [[client, 'eca'] as const, [server, 'ecb'] as const]) {
      await ip('-n', name, 'link', 'set', 'lo', 'up');
      await ip('-n', name, 'link', 'set', device, 'up');
    }
    const unprivileged = ['setpriv', '--bounding-set=-sys_time', '--inh-caps=-sys_time'];
    const ntpd = [join(root, 'usr/sbin/ntpd'), '-n', '-c', file('ntp.conf')];
    const child = spawn('ip', ['netns', 'exec', server, ...unprivileged, ...ntpd], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return new Ntpsec(directory, names, child);
  }

  /** Polls the server `polls` times from the other namespace. */
  async ask(polls: number): Promise<Seen> {
    const ca = join(this.#directory, 'cert.pem');
    const command = [process.execPath, CHILD, SERVER, ca, String(polls)];
    const { stdout } = await run('ip', ['netns', 'exec', this.#namespaces[0], ...command]);
    return JSON.parse(stdout) as Seen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGTERM');
      await once(this.#process, 'exit');
    }
    for (const name of this.#namespaces) await ip('netns', 'del', name);
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function ip(...args: readonly string[]): Promise<void> {
  await run('ip', args);
}
