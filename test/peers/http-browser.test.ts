/**
 * Time over HTTP in Chromium. The server knows true time, which is a count of this machine's
 * monotonic clock, and serves it from a bounded clock with a liar among its sources. The page's
 * clock counts the same, from an origin that the test brackets, so each fact and each reading of
 * the page is judged.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { serverTiming, timeHandler } from '../../src/http.ts';
import { BoundedClock, systemClock } from '../../src/index.ts';
import { pollingSource } from '../../src/sources.ts';
import { asUnixNs } from '../../src/time/instant.ts';
import { TcpProxy } from '../kit/tcp-proxy.ts';

const MS = 1_000_000n;
const local = systemClock();
/** True time, Unix ns: the monotonic clock of this machine, from an origin of our own. */
const truth = (): bigint => local.monotonicNs() + 1_795_000_000_000n * MS;

interface Sample {
  sentAt: number;
  receivedAt: number;
  upper: string;
  lower: string;
  path: number;
  reading?: Reading;
}
interface Reading {
  before: number;
  after: number;
  earliest: string;
  latest: string;
}
interface Sampled {
  samples: Sample[];
  misses: Record<string, number>;
}

let browser: Browser;
let context: BrowserContext;
/** A page that is cross-origin isolated, so that its clock is fine, and one that is not. */
let isolated: Lab;
let plain: Lab;
let server: BoundedClock;
let port = 0;
const ends: (() => unknown)[] = [];
/** How many questions the time server got, by path. */
const asked = new Map<string, number>();
const origin = (): string => `http://127.0.0.1:${port}`;
/** By another name of this machine: another origin. */
const elsewhere = (path: string): string => `http://localhost:${port}${path}`;

const station = (name: string, lieMs = 0n) =>
  pollingSource({
    name,
    pollIntervalMs: 1000,
    ask: async () => {
      const now = asUnixNs(truth() + lieMs * MS);
      return { serverReceivedAt: now, serverSentAt: now, serverErrorNs: 20_000n };
    },
  });

beforeAll(async () => {
  const sources = [station('a'), station('b'), station('liar', 250n)];
  server = BoundedClock.start({ sources, hostClock: 'free-running', maxDriftPpm: 50 });
  ends.push(() => server.stop());
  await server.waitSynced({ timeoutMs: 5000 });
  const { outputFiles } = await build({
    entryPoints: [new URL('../kit/page-lab.js', import.meta.url).pathname],
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'error',
  });
  const page = `<!doctype html><meta charset="utf-8"><script type="module" src="/lab.js"></script>`;
  const http = createServer((request, response) =>
    route(request, response, page, outputFiles[0]!.text),
  );
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  port = (http.address() as AddressInfo).port;
  ends.push(() => {
    http.closeAllConnections();
    return new Promise((resolve) => http.close(resolve));
  });
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  ends.push(() => browser.close());
  context = await browser.newContext();
  isolated = await open('/isolated');
  plain = await open('/');
});

afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

function route(
  request: IncomingMessage,
  response: ServerResponse,
  page: string,
  lab: string,
): void {
  const path = new URL(request.url ?? '/', 'http://localhost').pathname;
  asked.set(path, (asked.get(path) ?? 0) + 1);
  const open = timeHandler({ clock: server, allowOrigin: '*' });
  switch (path) {
    case '/time':
      open.node(request, response);
      return;
    case '/cold':
      response.shouldKeepAlive = false;
      open.node(request, response);
      return;
    case '/untold': // of another origin, and its times withheld
      timeHandler({ clock: server }).node(request, {
        writeHead: (status, headers) =>
          response.writeHead(status, { ...headers, 'access-control-allow-origin': '*' }),
        end: (body) => response.end(body),
      });
      return;
    case '/early': // 103 Early Hints first, and much later the reply
      response.writeEarlyHints({ link: '</a.css>; rel=preload; as=style' });
      setTimeout(() => open.node(request, response), 40);
      return;
    case '/stored': // a cache that heeds no nonce
      open.node({ ...request, url: '/time?nonce=stored', headers: {} }, response);
      return;
    case '/moved':
      response.writeHead(302, { location: `/time${request.url?.slice(6)}` }).end();
      return;
    case '/api':
      api(response);
      return;
    case '/lab.js':
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(lab);
      return;
    default: {
      const isolation = {
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-embedder-policy': 'require-corp',
      };
      const headers = { 'content-type': 'text/html', ...(path === '/isolated' && isolation) };
      response.writeHead(200, headers).end(page);
    }
  }
}

/** A reply that takes a while, as they do. */
function api(response: ServerResponse): void {
  const timing = serverTiming({ clock: server });
  setTimeout(() => {
    const headers = { 'cache-control': 'no-store', 'timing-allow-origin': '*' };
    response.writeHead(200, { ...headers, 'server-timing': timing() }).end('{}');
  }, 15);
}

/** A page that has loaded the lab, and where its clock stands. */
interface Lab {
  readonly page: Page;
  readonly judge: Judge;
}

async function open(path: string): Promise<Lab> {
  const page = await context.newPage();
  await page.goto(`${origin()}${path}`);
  await page.waitForFunction("document.title === 'ready'");
  return { page, judge: await Judge.of(page) };
}

const lab = <T>(page: Page, call: string, argument?: unknown): Promise<T> =>
  page.evaluate(`lab.${call}(${argument === undefined ? '' : JSON.stringify(argument)})`);

/** Ns of a page's reading in ms, rounded down as the library does it. */
const nsOf = (ms: number): bigint => BigInt(Math.floor(ms * 1e6));

/** Knows true time minus a page's clock to some tenths of a millisecond. */
class Judge {
  readonly #lower: bigint;
  readonly #upper: bigint;
  /** By how much a reading of the page's clock may be off, either way. */
  readonly #gridNs: bigint;

  private constructor(lower: bigint, upper: bigint, gridNs: bigint) {
    this.#lower = lower;
    this.#upper = upper;
    this.#gridNs = gridNs;
  }

  /** Brackets the page's clock many times; the intersection is narrow. */
  static async of(page: Page): Promise<Judge> {
    const gridNs = (await lab<boolean>(page, 'isolated')) ? 5_000n : 100_000n;
    let lower = -(2n ** 63n);
    let upper = 2n ** 63n;
    for (let i = 0; i < 200; i++) {
      const before = truth();
      const reading = nsOf(await lab<number>(page, 'now'));
      const after = truth();
      if (before - reading - gridNs > lower) lower = before - reading - gridNs;
      if (after - reading + gridNs < upper) upper = after - reading + gridNs;
    }
    expect(lower <= upper).toBe(true);
    return new Judge(lower, upper, gridNs);
  }

  get uncertaintyNs(): bigint {
    return (this.#upper - this.#lower) / 2n;
  }

  /** The samples and readings that exclude every true time that is possible. */
  wrong(samples: readonly Sample[]): Sample[] {
    return samples.filter(({ upper, lower, reading }) => {
      const factsHold =
        BigInt(upper) >= this.#lower - this.#gridNs && BigInt(lower) <= this.#upper + this.#gridNs;
      return !factsHold || reading === undefined || !this.holds(reading);
    });
  }

  holds({ before, after, earliest, latest }: Reading): boolean {
    const notBefore = nsOf(before) + this.#lower - this.#gridNs;
    const notAfter = nsOf(after) + this.#upper + this.#gridNs;
    return BigInt(earliest) <= notAfter && notBefore <= BigInt(latest);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const halfWidthMs = ({ upper, lower }: Sample): number =>
  Number(BigInt(upper) - BigInt(lower)) / 2e6;

const said = ({ samples, misses }: Sampled): string =>
  `${samples.length} samples, median ± ${median(samples.map(halfWidthMs)).toFixed(2)} ms, ` +
  `misses ${JSON.stringify(misses)}`;

describe('500 samples over paths of 2 to 80 ms that differ by direction, with jitter and loss', () => {
  const proxies: TcpProxy[] = [];
  beforeAll(async () => {
    for (let i = 0; i < 18; i++) {
      const [short, long] = [[2, 20] as const, [20, 80] as const];
      const path =
        i % 2 === 0
          ? { toServerMs: short, toClientMs: long, loss: 0.01 }
          : { toServerMs: long, toClientMs: short, loss: 0.01 };
      proxies.push(await TcpProxy.start(port, path, i + 1));
    }
  });
  afterAll(async () => {
    for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
  });

  it.each([
    ['not isolated, warm', () => plain, '/time', false],
    ['not isolated, its grid measured, cold', () => plain, '/cold', true],
    ['isolated, warm', () => isolated, '/time', false],
    ['isolated, cold', () => isolated, '/cold', false],
  ])('%s: the interval holds true time each time', async (name, which, time, measured) => {
    const { page, judge } = which();
    expect(await lab(page, 'isolated')).toBe(which() === isolated);
    const urls = proxies.map((proxy) => `http://127.0.0.1:${proxy.port}${time}`);
    const sampled = await lab<Sampled>(page, 'sample', { urls, count: 30, measured });
    console.log(`${name}: ${said(sampled)}; known to ± ${judge.uncertaintyNs} ns`);
    expect(judge.wrong(sampled.samples)).toEqual([]);
    expect(sampled.samples.length).toBeGreaterThanOrEqual(500);
    const lost = ['unreachable', 'cut-off', 'timeout'];
    expect(Object.keys(sampled.misses).filter((reason) => !lost.includes(reason))).toEqual([]);
  });
});

test('the judge finds a server that is 5 ms off', async () => {
  const { page, judge } = isolated;
  const { samples } = await lab<Sampled>(page, 'sample', { urls: [`${origin()}/time`], count: 40 });
  const off = samples.map((sample) => ({
    ...sample,
    upper: String(BigInt(sample.upper) - 5n * MS),
    lower: String(BigInt(sample.lower) - 5n * MS),
  }));
  expect(judge.wrong(samples)).toEqual([]);
  expect(judge.wrong(off).length).toBeGreaterThan(20);
});

test('Resource Timing makes the interval narrower', async () => {
  const { page, judge } = isolated;
  const urls = [`${origin()}/time`];
  const inner = await lab<Sampled>(page, 'sample', { urls, count: 100 });
  const outer = await lab<Sampled>(page, 'sample', { urls, count: 30, ownReadingsOnly: true });
  expect(judge.wrong([...inner.samples, ...outer.samples])).toEqual([]);
  const ratio = (of: (sample: Sample) => number): number =>
    median(inner.samples.map(of)) / median(outer.samples.map(of));
  console.log(
    `with Resource Timing: ${said(inner)}; without: ${said(outer)}; ` +
      `ratio of half-widths ${ratio(halfWidthMs).toFixed(2)}, of paths ${ratio(({ path }) => path).toFixed(2)}`,
  );
  expect(ratio(halfWidthMs)).toBeLessThan(0.8);
});

test('a page may measure its grid', async () => {
  expect(await lab(plain.page, 'grid', false)).toBe(2_000_000);
  expect(await lab(plain.page, 'grid', true)).toBe(200_000);
  expect(await lab(isolated.page, 'grid', false)).toBe(40_000);
  expect(await lab(isolated.page, 'grid', true)).toBe(10_000);
});

describe('what must not be believed', () => {
  it.each<[string, () => string, string | undefined, string]>([
    ['the nonce of another request, as of a cache', () => `${origin()}/stored`, undefined, 'nonce'],
    ['a redirect', () => `${origin()}/moved`, undefined, 'redirected'],
    ['an opaque reply', () => elsewhere('/time'), 'no-cors', 'opaque'],
    ['a reply that another origin may not read', () => elsewhere('/api'), undefined, 'unreachable'],
    ['another kind of reply', () => `${origin()}/api`, undefined, 'content-type'],
  ])('%s', async (_, url, mode, reason) => {
    const argument = { urls: [url()], count: 3, mode };
    const { samples, misses } = await lab<Sampled>(plain.page, 'sample', argument);
    expect([samples, misses]).toEqual([[], { [reason]: 3 }]);
  });

  it('the times of another origin that withholds them: the bracket is our own', async () => {
    const { page, judge } = isolated;
    const urls = [elsewhere('/untold')];
    const sampled = await lab<Sampled>(page, 'sample', { urls, count: 20 });
    expect(sampled.samples.length).toBe(20);
    expect(judge.wrong(sampled.samples)).toEqual([]);
  });

  it('103 Early Hints: the bracket ends with the final reply', async () => {
    const { page, judge } = isolated;
    const sampled = await lab<Sampled>(page, 'sample', { urls: [`${origin()}/early`], count: 20 });
    expect(sampled.samples.length).toBe(20);
    expect(judge.wrong(sampled.samples)).toEqual([]);
    for (const { receivedAt, sentAt } of sampled.samples) {
      expect(receivedAt - sentAt).toBeGreaterThan(38e6);
    }
  });
});

test('ordinary replies of an API tell the time', async () => {
  const { page, judge } = isolated;
  const argument = { origin: origin(), url: '/api', count: 50 };
  const sampled = await lab<Sampled>(page, 'listen', argument);
  console.log(`Server-Timing: ${said(sampled)}`);
  expect(sampled.samples.length).toBe(50);
  expect(judge.wrong(sampled.samples)).toEqual([]);
});

test('frozen and thawed, a page gives no false reading, and says what it rests on', async () => {
  const { page, judge } = plain;
  await lab(page, 'start', { name: 'a', url: '/time', pollIntervalMs: 500 });
  const session = await context.newCDPSession(page);
  for (let i = 0; i < 3; i++) {
    await session.send('Page.setWebLifecycleState', { state: 'frozen' });
    const until = local.monotonicNs() + 700n * MS;
    while (local.monotonicNs() < until) await new Promise((resolve) => setTimeout(resolve, 100));
    await session.send('Page.setWebLifecycleState', { state: 'active' });
    for (let k = 0; k < 20; k++) {
      const reading = await lab<Reading | undefined>(page, 'read', 'a');
      expect(reading === undefined || judge.holds(reading)).toBe(true);
    }
  }
  const { sources } = await lab<{ sources: { restsOn: string; verdict: string }[] }>(
    page,
    'explain',
    'a',
  );
  expect(sources[0]).toMatchObject({
    verdict: 'agrees',
    restsOn: `the bound that ${origin()}/time claims for its own clock, which rests on the sources of that clock`,
  });
  await lab(page, 'stop', 'a');
});

test('three tabs: one asks the server, and all hold true time', async () => {
  const tabs = [await open('/'), await open('/'), await open('/')];
  const before = asked.get('/time') ?? 0;
  const start = { name: 'a', url: '/time', pollIntervalMs: 30_000, shared: 'test' };
  for (const { page } of tabs) await lab(page, 'start', start);
  for (const { page, judge } of tabs) {
    for (let k = 0; k < 10; k++) {
      const reading = await lab<Reading | undefined>(page, 'read', 'a');
      expect(reading !== undefined && judge.holds(reading)).toBe(true);
    }
  }
  // One tab alone begins with four questions, a second apart.
  expect((asked.get('/time') ?? 0) - before).toBeLessThanOrEqual(4);
  await tabs[0]!.page.close();
  const [, second] = tabs;
  const reading = await lab<Reading | undefined>(second!.page, 'read', 'a');
  expect(reading !== undefined && second!.judge.holds(reading)).toBe(true);
  for (const { page } of tabs.slice(1)) await page.close();
});
