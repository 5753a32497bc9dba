/**
 * Four services whose wall clocks are -300 to +400 ms off and drift by 500 ppm, one of which steps
 * by 2 s. They call each other over HTTP and stamp their log lines. This process, whose clocks are
 * true, makes each event happen and notes when: between `before` and `after` of its own monotonic
 * clock. So it knows of many pairs of lines which came first, and nothing that `epsilon-clock
 * order` calls certain may contradict that. Sorting by the reading of the wall clock does.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from 'epsilon-clock';
import { NtpServer } from 'epsilon-clock/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { removeSkewed, type Skew, skewedEnvironment } from '../kit/child-clock.ts';

const CHILD = fileURLToPath(new URL('../kit/stamped-service.child.mjs', import.meta.url));
const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const EVENTS = 2000;

interface Bracket {
  readonly before: bigint;
  readonly after: bigint;
}

interface Line {
  readonly event: number;
  readonly order: { readonly group: number; readonly certain: boolean; readonly watermark: number };
}

class Service {
  readonly file: string;
  port = 0;
  readonly #child: ChildProcess;
  #asked = 0;

  constructor(folder: string, nodeId: string, skew: Skew, servers: object[]) {
    this.file = join(folder, `${nodeId}.ndjson`);
    this.#child = fork(CHILD, [nodeId, this.file, JSON.stringify(servers)], {
      env: { ...process.env, ...skewedEnvironment(skew) },
    });
  }

  async ready(): Promise<void> {
    const [{ port }] = (await once(this.#child, 'message')) as [{ port: number }];
    this.port = port;
  }

  /** Has the service do something. Resolves to when it was done. */
  async ask(operation: string, argument: object): Promise<Bracket> {
    const before = process.hrtime.bigint();
    this.#child.send({ id: this.#asked++, operation, ...argument });
    await once(this.#child, 'message');
    return { before, after: process.hrtime.bigint() };
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.disconnect();
    await exit;
    await removeSkewed(this.#child.pid);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'order-logs-'));
const wallFile = join(folder, 'skew');
const brackets = new Map<number, Bracket>();
let server: NtpServer;
let services: Service[] = [];

const step = (text: string): void => {
  writeFileSync(`${wallFile}.next`, text);
  renameSync(`${wallFile}.next`, wallFile);
};

beforeAll(async () => {
  server = await NtpServer.start({ clock: systemClock() });
  step('+0.1');
  const skews: Skew[] = [
    { whole: '-0.3 x1.0005' },
    { whole: '+0.4 x0.9995' },
    { whole: '+0.15 x1.0002' },
    { wallFile },
  ];
  const servers = [{ address: '127.0.0.1', port: server.port }];
  services = skews.map((skew, i) => new Service(folder, `service-${i}`, skew, servers));
  await Promise.all(services.map((service) => service.ready()));
  for (let event = 0; event < EVENTS; event += 2) {
    if (event === EVENTS / 2) step('+2.1');
    const service = services[(event / 2) % 4]!;
    const peer = services[(event / 2 + 1 + (event % 3)) % 4]!;
    if (event % 8 === 0 && peer !== service) {
      const bracket = await service.ask('call', { event, port: peer.port });
      brackets.set(event, bracket);
      brackets.set(event + 1, bracket);
    } else brackets.set(event, await service.ask('log', { event }));
    await delay(2);
  }
});

afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()));
  await server?.stop();
  rmSync(folder, { recursive: true });
});

function run(program: string, ...args: string[]): string {
  const env = { ...process.env, LC_ALL: 'C', TERM: 'xterm', HOME: folder };
  return execFileSync(program, args, { encoding: 'utf8', env, maxBuffer: 2 ** 28, input: '' });
}

/** The log as a service without stamps writes it. */
function plainCopyOf(file: string): string {
  const copy = `${file}.log`;
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const plain = lines.map((line) => {
    const { wall, node, event } = JSON.parse(line);
    return `${new Date(wall).toISOString()} ${node} event ${event}\n`;
  });
  writeFileSync(copy, plain.join(''));
  return copy;
}

function order(...options: string[]): Line[] {
  const files = services.map(({ file }) => file);
  const args = [CLI, 'order', '--json', ...options, ...files];
  const text = execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** How many lines are said to come after a line that certainly came after them. */
function falsehoods(lines: readonly { event: number; below: number }[]): number {
  // The latest beginning among the first lines.
  const begin = [0n];
  for (const { event } of lines) {
    const { before } = brackets.get(event)!;
    const last = begin.at(-1)!;
    begin.push(before > last ? before : last);
  }
  return lines.filter(({ event, below }) => begin[below]! > brackets.get(event)!.after).length;
}

test('nothing that order calls certain is false', () => {
  const lines = order();
  expect(lines.length).toBe(brackets.size);
  expect(falsehoods(lines.map(({ event, order }) => ({ event, below: order.watermark })))).toBe(0);
  const decided = lines.reduce((sum, { order }) => sum + order.watermark, 0);
  const pairs = (lines.length * (lines.length - 1)) / 2;
  expect(decided / pairs).toBeGreaterThan(0.8);
  expect(lines.filter(({ order }) => order.certain).length).toBeGreaterThan(0);

  console.log(
    `${lines.length} lines: order calls ${((100 * decided) / pairs).toFixed(1)} % of all pairs ` +
      'certain, and none of them is false',
  );
});

test.each([
  ['sort -m', (files: string[]) => run('sort', '-m', ...files)],
  ['lnav', (files: string[]) => run('lnav', '-n', ...files)],
])('%s, which goes by the wall clocks, shows lines above what came before them', (name, merge) => {
  const text = merge(services.map(({ file }) => plainCopyOf(file)));
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => Number(/ event (\d+)$/.exec(line)?.[1]));
  expect([...lines].sort((a, b) => a - b)).toEqual([...brackets.keys()]);
  const wrong = falsehoods(lines.map((event, i) => ({ event, below: i })));
  console.log(`${name}: of ${lines.length} lines ${wrong} stand below one that came after them`);
  expect(wrong).toBeGreaterThan(0);
});

test('the oracle notices a false claim: wall clocks said to be right to 1 ms', () => {
  const lines = order('--hlc', 'none', '--time', 'wall', '--uncertainty', '1ms', '--sort');
  const said = lines.map(({ event, order }) => ({ event, below: order.watermark }));
  expect(falsehoods(said)).toBeGreaterThan(100);
});
