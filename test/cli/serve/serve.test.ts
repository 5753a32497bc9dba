/** The daemon in this process, where the faults of the list can be planted. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { BoundedClock } from '../../../src/bounded-clock/bounded-clock.ts';
import { Interrupted } from '../../../src/cli/exit.ts';
import type { Output } from '../../../src/cli/output.ts';
import { plainPaint } from '../../../src/cli/paint.ts';
import { serve } from '../../../src/cli/serve/serve.ts';
import { NtpServer } from '../../../src/sources/ntp/udp-server.ts';
import { systemClock } from '../../../src/time/system-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'epsilon-serve-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Line = Readonly<Record<string, unknown>> & { readonly event: string };

/** Runs `serve` on the file that `write` wrote last. */
class InProcess {
  readonly path = join(mkdtempSync(join(folder, 'run-')), 'serve.json');
  readonly lines: Line[] = [];
  readonly #controller = new AbortController();
  #waiting: (() => void)[] = [];
  #ended: Promise<unknown> = Promise.resolve();

  write(config: object): this {
    writeFileSync(this.path, JSON.stringify(config));
    return this;
  }

  start(): this {
    const output: Output = {
      print: (line) => {
        this.lines.push(JSON.parse(line));
        for (const each of this.#waiting.splice(0)) each();
      },
      remark: () => {},
      paint: plainPaint,
      terminal: undefined,
    };
    const args = { config: this.path, choices: {} };
    this.#ended = serve(args, output, this.#controller.signal).catch((error: unknown) => error);
    return this;
  }

  async event(event: RegExp, after = 0): Promise<Line> {
    for (;;) {
      const found = this.lines.slice(after).find((line) => event.test(line.event));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  reload(config: object): Promise<Line> {
    const after = this.lines.length;
    this.write(config);
    process.emit('SIGHUP');
    return this.event(/^reload/, after);
  }

  end(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<unknown> {
    this.#controller.abort(new Interrupted(signal));
    return this.#ended;
  }
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

test('outputs that did not change are not started again', async () => {
  await using server = await NtpServer.start({ clock: systemClock() });
  const base = { sources: [`127.0.0.1:${server.port}`], http: '127.0.0.1:0', ntp: '127.0.0.1:0' };
  const run = new InProcess().write(base).start();
  const { serves } = await run.event(/^start$/);
  expect((await run.reload({ ...base, page: join(folder, 'clock') })).serves).toEqual({
    ...(serves as object),
    page: join(folder, 'clock'),
  });
  expect(await run.end()).toBeUndefined();
  expect(run.lines.at(-1)).toMatchObject({ event: 'stop', signal: 'SIGTERM' });
  expect(process.listenerCount('SIGHUP')).toBe(0);
});

test('sources that did not change stay the same objects, however often the file is read', async () => {
  const replaced = vi.spyOn(BoundedClock.prototype, 'replaceSources');
  const started = vi.spyOn(BoundedClock, 'start');
  await using server = await NtpServer.start({ clock: systemClock() });
  const config = { sources: [`127.0.0.1:${server.port}`], page: join(folder, 'same') };
  const run = new InProcess().write(config).start();
  await run.event(/^start$/);
  for (let i = 0; i < 3; i++) expect((await run.reload(config)).event).toBe('reload');
  await run.end();
  const [source] = started.mock.calls[0]![0].sources;
  expect(replaced).toHaveBeenCalledTimes(3);
  for (const [sources] of replaced.mock.calls) {
    expect(sources).toHaveLength(1);
    expect(sources[0]).toBe(source);
  }
  vi.restoreAllMocks();
});

test('a reload that fails half-way closes what it had opened', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const http = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
  const ntp = `127.0.0.1:${await freePort()}`;
  const base = { sources: ['127.0.0.1:1'], page: join(folder, 'half') };
  const run = new InProcess().write(base).start();
  await run.event(/^start$/);
  expect(await run.reload({ ...base, ntp, http })).toMatchObject({
    event: 'reload-failed',
    message: `cannot serve HTTP at ${http}: EADDRINUSE`,
  });
  expect(await run.reload({ ...base, ntp })).toMatchObject({ event: 'reload' });
  // Sources that are refused close the outputs of the same file too.
  const moved = `127.0.0.1:${await freePort()}`;
  const witness = 'roughtime://a?key=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';
  expect(await run.reload({ ...base, sources: [witness], ntp: moved })).toMatchObject({
    event: 'reload-failed',
  });
  expect((await run.reload({ ...base, ntp: moved })).serves).toEqual({
    page: base.page,
    ntp: moved,
  });
  await run.end();
  taken.close();
});

test('a page that cannot be written is said, and that it can again', async () => {
  await using server = await NtpServer.start({ clock: systemClock() });
  const directory = mkdtempSync(join(folder, 'gone-'));
  const sources = [`127.0.0.1:${server.port}`];
  const run = new InProcess().write({ sources, page: join(directory, 'clock') }).start();
  await run.event(/^start$/);
  rmSync(directory, { recursive: true });
  expect(await run.event(/^output-failed$/)).toMatchObject({ output: 'page', message: 'ENOENT' });
  mkdirSync(directory);
  expect(await run.event(/^output-recovered$/)).toMatchObject({ level: 'info', output: 'page' });
  await run.end();
});

test.each([
  [{ hostClock: 'free-running' }, 'hostClock'],
  [{ maxDriftPpm: 100 }, 'maxDriftPpm'],
  [{ maxFaulty: 0 }, 'maxFaulty'],
  [{ maxUncertaintyMs: 5 }, 'maxUncertaintyMs'],
])('other assumptions need a restart: %j', async (assumption, name) => {
  const base = { sources: ['127.0.0.1:1'], page: join(folder, name), maxDriftPpm: 200 };
  const run = new InProcess().write(base).start();
  await run.event(/^start$/);
  expect(await run.reload({ ...base, ...assumption })).toMatchObject({
    event: 'reload-failed',
    message: `${name} has changed: that needs a restart, and nothing was reloaded`,
  });
  expect(await run.reload(base)).toMatchObject({ event: 'reload' });
  await run.end();
});

test('SIGTERM is an end, any other signal a reason', async () => {
  const run = new InProcess().write({ sources: ['127.0.0.1:1'], page: join(folder, 'x') }).start();
  await run.event(/^start$/);
  expect(await run.end('SIGINT')).toBeInstanceOf(Interrupted);
});
