/**
 * The daemon as it runs: `dist/cli.js serve` in a process of its own, with servers of the test. No
 * test here measures time: each waits for lines of the log.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { systemClock } from 'epsilon-clock';
import { HostClock, NtpServer, type NtpServerBehaviour } from 'epsilon-clock/node';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';

const CLI = new URL('../../../dist/cli.js', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'epsilon-daemon-'));
const open: { stop(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.stop()));
});
afterAll(() => rmSync(folder, { recursive: true }));

type Line = Readonly<Record<string, unknown>> & {
  readonly event: string;
  readonly serves?: Readonly<Record<string, string>>;
};

class Daemon {
  readonly child: ChildProcess;
  readonly lines: Line[] = [];
  stderr = '';
  readonly #ended: Promise<number | null>;
  #rest = '';

  /** @param through a command that runs what stands behind it, in the same process */
  constructor(
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    through: readonly string[] = [],
  ) {
    const [program, ...rest] = [...through, process.execPath, CLI, 'serve', ...args];
    this.child = spawn(program!, rest, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (this.#rest + chunk).split('\n');
      this.#rest = lines.pop()!;
      this.lines.push(...lines.map((line) => JSON.parse(line)));
    });
    this.child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
      this.stderr += chunk;
    });
    this.#ended = once(this.child, 'close').then(([code]) => code);
    open.push({ stop: () => this.child.exitCode ?? this.child.kill('SIGKILL') });
  }

  /** The first line, or the first one from `after` on, that `fits`. */
  async line(fits: (line: Line) => boolean, after = 0): Promise<Line> {
    for (;;) {
      const found = this.lines.slice(after).find(fits);
      if (found !== undefined) return found;
      if (this.child.exitCode !== null) throw new Error(`ended: ${this.stderr}`);
      await Promise.race([once(this.child.stdout!, 'data'), this.#ended]);
    }
  }

  event(event: string, after = 0): Promise<Line> {
    return this.line((line) => line.event === event, after);
  }

  /** Hangs up, and returns the line that says what came of it. */
  async reload(): Promise<Line> {
    const after = this.lines.length;
    this.child.kill('SIGHUP');
    return this.line(({ event }) => event.startsWith('reload'), after);
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal);
    return this.#ended;
  }

  get ended(): Promise<number | null> {
    return this.#ended;
  }
}

async function servers(...behaviours: readonly NtpServerBehaviour[]): Promise<NtpServer[]> {
  const started = await Promise.all(
    behaviours.map((behaviour) => NtpServer.start({ clock: systemClock(), behaviour })),
  );
  open.push(...started);
  return started;
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

const hostOf = ({ address, port }: NtpServer): string => `${address}:${port}`;

let files = 0;
function config(value: object): { path: string; write(value: object | string): void } {
  const path = join(folder, `serve-${files++}.json`);
  const write = (next: object | string): void =>
    writeFileSync(path, typeof next === 'string' ? next : JSON.stringify(next, null, 2));
  write(value);
  return { path, write };
}

const page = (name: string): string => join(folder, name, 'clock');
const bounded = (daemon: Daemon) => daemon.line(({ status }) => status === 'synchronized');
const health = async (url: string): Promise<{ status: string }> =>
  (await (await fetch(new URL('health', url))).json()) as { status: string };

describe('outputs', () => {
  test('all of them, until SIGTERM, which is exit code 0', async () => {
    const honest = await servers({}, {}, {});
    const daemon = new Daemon([
      ...honest.map(hostOf),
      `--page=${page('all')}`,
      '--ntp=0',
      '--http=0',
      '--clockbound',
      join(folder, 'all', 'shm0'),
    ]);
    const start = await daemon.event('start');
    expect(start).toMatchObject({ level: 'info', hostClock: 'disciplined', maxUncertaintyMs: 100 });
    expect(start.sources).toEqual(honest.map((each) => `ntp://${hostOf(each)}`));
    expect(Object.keys(start.serves!)).toEqual(['page', 'ntp', 'http', 'clockbound']);
    await bounded(daemon);
    const { http = '', ntp = '' } = start.serves!;
    expect(existsSync(page('all'))).toBe(true);
    expect((await health(http)).status).toBe('ok');
    const metrics = await (await fetch(new URL('metrics', http))).text();
    expect(metrics).toContain('epsilon_clock_status{status="synchronized"} 1');
    expect(await (await fetch(http)).text()).toContain('<title>epsilon-clock</title>');
    expect(await (await fetch(new URL('time', http))).json()).toMatchObject({ basis: 'bound' });
    expect((await fetch(new URL('none', http))).status).toBe(404);
    const reply = await askNtp(ntp);
    expect(reply.byteLength).toBe(48);
    expect(await daemon.end()).toBe(0);
    expect(daemon.lines.at(-1)).toMatchObject({ event: 'stop', signal: 'SIGTERM' });
    expect(daemon.stderr).toBe('');
    await expect(fetch(http)).rejects.toThrow('fetch failed');
  });

  // Root may write to /run, where a daemon of this machine may have its page.
  test.skipIf(process.getuid?.() === 0)(
    'the page alone is the default, in the runtime directory of the user',
    async () => {
      const [one] = await servers({});
      const runtime = mkdtempSync(join(folder, 'runtime-'));
      const daemon = new Daemon([hostOf(one!)], { XDG_RUNTIME_DIR: runtime });
      const { serves } = await daemon.event('start');
      expect(serves).toEqual({ page: join(runtime, 'epsilon-clock', 'clock') });
      expect(await daemon.end()).toBe(0);
    },
  );

  test.runIf(process.platform === 'linux')(
    'the page alone is the default, in /run for root',
    async () => {
      const [one] = await servers({});
      // A /run of its own, because that of this machine may have a page.
      const script = 'mount -t tmpfs none /run && exec "$@"';
      const own = ['unshare', '-U', '-r', '--mount', 'sh', '-c', script, 'sh'];
      const daemon = new Daemon([hostOf(one!)], {}, own);
      const { serves } = await daemon.event('start');
      expect(serves).toEqual({ page: '/run/epsilon-clock/clock' });
      expect(await daemon.end()).toBe(0);
    },
  );

  test('browsers under a foreign name see neither dashboard nor metrics', async () => {
    const [one] = await servers({});
    const { path } = config({
      sources: [hostOf(one!)],
      http: { address: '127.0.0.1:0', hosts: ['clock.example'] },
    });
    const daemon = new Daemon(['--config', path]);
    const { serves } = await daemon.event('start');
    const statusAs = async (host: string, place: string): Promise<number> => {
      const sent = request(new URL(place, serves!.http), { headers: { host } }).end();
      const [response] = await once(sent, 'response');
      await text(response);
      return response.statusCode;
    };
    expect(await statusAs('evil.example', '/')).toBe(403);
    expect(await statusAs('evil.example', '/metrics')).toBe(403);
    expect(await statusAs('clock.example', '/metrics')).toBe(200);
    expect(await statusAs('evil.example', '/time')).not.toBe(403);
    await daemon.end();
  });

  test.runIf(process.platform === 'linux')(
    'a page on a disk that is full for a while',
    async () => {
      const honest = await servers({}, {}, {});
      const directory = mkdtempSync(join(folder, 'full-'));
      const daemon = new Daemon(
        [...honest.map(hostOf), '--poll=1s', `--page=${directory}/clock`, '--http=0'],
        {},
        [
          ...['unshare', '-U', '-r', '--mount', 'sh', '-c'],
          'mount -t tmpfs -o size=32k,mode=755 none "$0" && exec "$@"',
          directory,
        ],
      );
      const { http = '' } = (await daemon.event('start')).serves!;
      await bounded(daemon);
      const mounted = `/proc/${daemon.child.pid}/root${directory}`;
      // The page that is there has its place, and is written all the same. A new one has none.
      expect(() => writeFileSync(join(mounted, 'rest'), Buffer.alloc(100_000))).toThrow('ENOSPC');
      rmSync(join(mounted, 'clock'));
      expect(await daemon.event('output-failed')).toMatchObject({
        level: 'error',
        output: 'page',
        message: 'ENOSPC',
      });
      expect((await health(http)).status).toBe('ok');
      rmSync(join(mounted, 'rest'));
      expect(await daemon.event('output-recovered')).toMatchObject({
        level: 'info',
        output: 'page',
      });
      expect(existsSync(join(mounted, 'clock'))).toBe(true);
      expect(daemon.lines.filter(({ event }) => event.startsWith('output-'))).toHaveLength(2);
      expect(await daemon.end()).toBe(0);
    },
  );

  test('a reader of the page keeps its bound while daemons come and go', async () => {
    const honest = await servers({}, {}, {});
    const { path } = config({
      sources: honest.map(hostOf),
      pollIntervalMs: 1000,
      page: page('goes'),
    });
    const daemon = async (): Promise<Daemon> => {
      const started = new Daemon(['--config', path]);
      await bounded(started);
      return started;
    };
    let writer = await daemon();
    await using reader = await HostClock.open({ path: page('goes') });
    await reader.waitSynced({ timeoutMs: 30_000 });
    let lost = 0;
    const look = setInterval(() => {
      if (reader.tryNow() === undefined) lost++;
    }, 5);
    open.push({ stop: () => clearInterval(look) });
    for (let i = 0; i < 3; i++) expect((await writer.reload()).event).toBe('reload');
    expect(await writer.end()).toBe(0);
    expect(reader.read().interval).toBeDefined();
    // One that began later has nothing to keep.
    await using late = await HostClock.open({ path: page('goes') });
    expect(late.read()).toMatchObject({ status: 'unsynchronized', reason: 'stopped' });
    writer = await daemon();
    await late.waitSynced({ timeoutMs: 30_000 });
    await writer.end('SIGKILL');
    expect(reader.read().interval).toBeDefined();
    expect(late.read().interval).toBeDefined();
    writer = await daemon();
    expect(reader.read().interval).toBeDefined();
    expect(await writer.end()).toBe(0);
    expect(lost).toBe(0);
  });

  test('two daemons that follow each other: one of them refuses the other', async () => {
    const honest = await servers({}, {});
    const [first, second] = [await freePort(), await freePort()];
    const daemons = [
      [first, second],
      [second, first],
    ].map(
      ([own, other]) =>
        new Daemon([
          ...honest.map(hostOf),
          `127.0.0.1:${other}`,
          `--ntp=${own}`,
          '--poll=1s',
          '--http=0',
        ]),
    );
    const starts = await Promise.all(daemons.map((daemon) => daemon.event('start')));
    await Promise.all(daemons.map(bounded));
    const refusals = async (): Promise<string> => {
      const texts = starts.map(async ({ serves }) =>
        (await fetch(new URL('metrics', serves!.http))).text(),
      );
      return (await Promise.all(texts)).join('');
    };
    await vi.waitFor(async () => expect(await refusals()).toContain('reason="loop"'), 30_000);
    // `degraded` where two of three sources are left, which is a bound all the same.
    for (const { serves } of starts) {
      expect(['ok', 'degraded']).toContain((await health(serves!.http!)).status);
    }
  });
});

describe('SIGHUP', () => {
  test('new sources and outputs; what did not change does not drop', async () => {
    const [a, b, c, d] = (await servers({}, {}, {}, {})).map(hostOf);
    const base = { page: page('reload'), ntp: '127.0.0.1:0', http: '127.0.0.1:0' };
    const { path, write } = config({ ...base, sources: [a, b] });
    const daemon = new Daemon(['--config', path]);
    const before = (await daemon.event('start')).serves!;
    await bounded(daemon);
    const stream = await fetch(new URL('?events', before.http));
    const reader = stream.body!.getReader();
    await reader.read();

    write({ ...base, sources: [c, d], ntp: false });
    const reload = await daemon.reload();
    expect(reload).toMatchObject({ event: 'reload', sources: [`ntp://${c}`, `ntp://${d}`] });
    expect(reload.serves).toEqual({ page: before.page, http: before.http });
    // The stream of before goes on, and metrics come to name the new sources alone.
    expect((await reader.read()).done).toBe(false);
    const metrics = async (): Promise<string> =>
      (await fetch(new URL('metrics', before.http))).text();
    for (let shown = await metrics(); shown.includes(a!) || !shown.includes(d!); ) {
      await reader.read();
      shown = await metrics();
      expect(shown).toContain('epsilon_clock_uncertainty_seconds ');
      expect(shown).not.toMatch(/^epsilon_clock_no_bound\{/m);
    }
    expect(daemon.lines.filter(({ status }) => status === 'unsynchronized').slice(1)).toEqual([]);
    await reader.cancel();
    expect(await daemon.end()).toBe(0);
  });

  test('a wrong file changes nothing, and the log says where it is wrong', async () => {
    const [a] = (await servers({})).map(hostOf);
    const good = { sources: [a], http: '127.0.0.1:0' };
    const { path, write } = config(good);
    const daemon = new Daemon(['--config', path]);
    const { serves } = await daemon.event('start');
    await bounded(daemon);
    const file = path.split('/').at(-1);
    for (const [wrong, message] of [
      ['{ "sources": [,] }', `${file}:1:15: expected a value, found ",]"`],
      ['{\n  "source": []\n}', `${file}:2:3: there is no key "source": did you mean sources?`],
      [{ ...good, hostClock: 'free-running' }, 'hostClock has changed: that needs a restart'],
      [
        { ...good, sources: ['roughtime://a?key=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='] },
        'sources',
      ],
      [{ ...good, page: '/proc/none/clock' }, 'cannot publish the page /proc/none/clock: ENOENT'],
    ] as const) {
      write(wrong);
      const line = await daemon.reload();
      expect(line).toMatchObject({ event: 'reload-failed', level: 'error' });
      expect(line.message).toContain(message);
      expect((await health(serves!.http!)).status).toBe('ok');
    }
    write(good);
    expect(await daemon.reload()).toMatchObject({ event: 'reload', serves });
    expect(await daemon.end()).toBe(0);
  });

  test('an output that cannot be opened: those that were opened with it are closed', async () => {
    const [a] = (await servers({})).map(hostOf);
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    open.push({ stop: () => taken.close() });
    const { port } = taken.address() as AddressInfo;
    const free = createSocket('udp4').bind(0, '127.0.0.1');
    await once(free, 'listening');
    const ntp = `127.0.0.1:${free.address().port}`;
    await new Promise<void>((resolve) => free.close(() => resolve()));
    const { path, write } = config({ sources: [a], page: page('rollback') });
    const daemon = new Daemon(['--config', path]);
    await daemon.event('start');
    write({ sources: [a], page: page('rollback'), ntp, http: `127.0.0.1:${port}` });
    expect((await daemon.reload()).message).toBe(
      `cannot serve HTTP at 127.0.0.1:${port}: EADDRINUSE`,
    );
    // The port of NTP is free again.
    write({ sources: [a], page: page('rollback'), ntp });
    expect((await daemon.reload()).serves).toEqual({ page: page('rollback'), ntp });
    expect(await daemon.end()).toBe(0);
  });

  test('without a configuration it ends the daemon, as it ends other programs', async () => {
    const [a] = (await servers({})).map(hostOf);
    const daemon = new Daemon([a!, '--page', page('hang-up')]);
    await daemon.event('start');
    expect(await daemon.end('SIGHUP')).toBe(129);
    expect(daemon.lines.at(-1)).toMatchObject({ event: 'stop', signal: 'SIGHUP' });
  });
});

describe('a start that fails says why', () => {
  test('a port in use: exit code 69', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    open.push({ stop: () => taken.close() });
    const where = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    const daemon = new Daemon(['127.0.0.1:1', '--http', where]);
    expect(await daemon.ended).toBe(69);
    expect(daemon.stderr).toBe(`epsilon-clock: cannot serve HTTP at ${where}: EADDRINUSE\n`);
    expect(daemon.lines).toEqual([]);
  });

  test('a wrong file: exit code 64', async () => {
    const { path } = config({ sources: ['a'], maxfaulty: 1 });
    const daemon = new Daemon(['--config', path]);
    expect(await daemon.ended).toBe(64);
    expect(daemon.stderr).toContain(
      '.json:5:3: there is no key "maxfaulty": did you mean maxFaulty?',
    );
  });

  test('no source: exit code 64', async () => {
    const daemon = new Daemon([]);
    expect(await daemon.ended).toBe(64);
    expect(daemon.stderr).toContain('serve needs a source');
  });
});

test('sources that do not answer are not an error: the log says what each of them said', async () => {
  const [silent] = await servers({ silent: true });
  const daemon = new Daemon([hostOf(silent!), '--page', page('silent')]);
  const line = await daemon.event('no-bound');
  expect(line).toMatchObject({ level: 'warn', status: 'unsynchronized' });
  expect(line.sources).toEqual([
    { source: `ntp://${hostOf(silent!)}`, verdict: 'silent', reason: 'timeout' },
  ]);
  silent!.behave({});
  await bounded(daemon);
  expect(await daemon.end()).toBe(0);
});

test('a log that nobody reads any more does not end it', async () => {
  const [a] = (await servers({})).map(hostOf);
  const { path, write } = config({ sources: [a], http: '127.0.0.1:0' });
  const daemon = new Daemon(['--config', path]);
  const { serves } = await daemon.event('start');
  daemon.child.stdout!.destroy();
  write({ sources: [a], http: '127.0.0.1:0', ntp: '127.0.0.1:0' });
  // Each of these writes a line into the closed pipe.
  for (let i = 0; i < 3; i++) {
    daemon.child.kill('SIGHUP');
    expect((await health(serves!.http!)).status).toMatch(/ok|failing|degraded/);
  }
  expect(await daemon.end()).toBe(0);
  expect(daemon.stderr).toBe('');
});

test('Ctrl-C ends it with 130', async () => {
  const [a] = (await servers({})).map(hostOf);
  const daemon = new Daemon([a!, '--page', page('interrupt')]);
  await daemon.event('start');
  expect(await daemon.end('SIGINT')).toBe(130);
});

/** One request of NTP, version 4, and the reply. */
async function askNtp(where: string): Promise<Buffer> {
  const { hostname, port } = new URL(`udp://${where}`);
  const socket = createSocket('udp4');
  open.push({ stop: () => socket.close() });
  const packet = Buffer.alloc(48);
  packet[0] = 0x23;
  packet.writeBigUInt64BE(1n, 40);
  socket.send(packet, Number(port), hostname);
  const [reply] = await once(socket, 'message');
  return reply;
}
