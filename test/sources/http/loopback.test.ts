/** Both ends over real sockets of loopback, in Node. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BoundedClock, systemClock } from 'epsilon-clock';
import { httpDate, httpTime, timeHandler } from 'epsilon-clock/http';
import { pollingSource } from 'epsilon-clock/sources';
import { afterEach, expect, it, test } from 'vitest';

const MS = 1_000_000n;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const local = systemClock();
const OFFSET = 3600n * 1000n * MS;
/** True time in these tests: an hour ahead of this machine's monotonic clock. */
const truth = (): bigint => local.monotonicNs() + OFFSET + 1_795_000_000_000n * MS;

/** A server whose time is off by `lieMs`, and which claims to be exact to 0.1 ms. */
const station = (name: string, lieMs = 0n) =>
  pollingSource({
    name,
    ask: async () => {
      const now = (truth() + lieMs * MS) as never;
      return { serverReceivedAt: now, serverSentAt: now, serverErrorNs: 100_000n };
    },
  });

function running(sources: Parameters<typeof BoundedClock.start>[0]['sources']): BoundedClock {
  const clock = BoundedClock.start({ sources, hostClock: 'free-running' });
  ends.push(() => clock.stop());
  return clock;
}

test('a chain: a server with a liar among its sources, and a client that says what it rests on', async () => {
  const server = running([station('a'), station('b'), station('liar', 250n)]);
  await server.waitSynced({ timeoutMs: 5000 });
  const url = `${await serve(timeHandler({ clock: server }).node)}/time`;
  const client = running([httpTime(url, { pollIntervalMs: 20 })]);
  await client.waitSynced({ timeoutMs: 5000 });
  for (let i = 0; i < 20; i++) {
    const before = truth();
    const { earliest, latest } = client.now();
    const after = truth();
    expect(earliest <= after && before <= latest).toBe(true);
    await client.pollNow();
  }
  const [source] = client.explain().sources;
  expect(source!.restsOn).toBe(
    `the bound that ${url} claims for its own clock, which rests on the sources of that clock`,
  );
  expect(source!.lastServerErrorNs).toBeGreaterThan(100_000n);
  expect(server.explain().sources.map(({ verdict }) => verdict)).toEqual([
    'agrees',
    'agrees',
    'falseticker',
  ]);
});

test('while the server has no bound, nor has the client, and it says why', async () => {
  const server = running([pollingSource({ name: 'mute', ask: () => new Promise(() => {}) })]);
  const url = `${await serve(timeHandler({ clock: server }).node)}/time`;
  const client = running([httpTime(url)]);
  await expect(client.waitSynced({ timeoutMs: 500 })).rejects.toThrow('its clock: starting');
  expect(client.explain().sources[0]).toMatchObject({
    lastReason: 'unsynchronized',
    verdict: 'refused',
    accepted: 0,
  });
});

it.each<[string, RequestListener, string]>([
  ['a reply that never ends', (_, response) => pour(response), 'too-long'],
  [
    'headers and nothing else',
    (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
    },
    'timeout',
  ],
  ['a connection that is cut', (request) => request.socket.destroy(), 'unreachable'],
  [
    'a body that is cut',
    (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{', () => response.destroy());
    },
    'cut-off',
  ],
  [
    'a redirect to itself',
    (_, response) => void response.writeHead(307, { location: '/' }).end(),
    'redirected',
  ],
])('a hostile server: %s', async (_, listener, reason) => {
  const client = running([httpTime(`${await serve(listener)}/time`, { timeoutMs: 300 })]);
  await client.pollNow();
  expect(client.explain().sources[0]!.lastReason).toBe(reason);
  expect(client.tryNow()).toBe(undefined);
});

function pour(response: Parameters<RequestListener>[1]): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  const chunk = ' '.repeat(65_536);
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  more();
}

test('103 before the reply: the bracket is our own, and holds', async () => {
  const server = running([station('a')]);
  await server.waitSynced({ timeoutMs: 5000 });
  const { node } = timeHandler({ clock: server });
  const url = await serve((request, response) => {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    setTimeout(() => node(request, response), 30);
  });
  const client = running([httpTime(`${url}/time`)]);
  await client.waitSynced({ timeoutMs: 5000 });
  const { earliest, latest } = client.now();
  expect(earliest <= truth() && truth() <= latest + 5n * MS).toBe(true);
  expect(client.explain().sources[0]!.lastDelayNs).toBeGreaterThan(28n * MS);
});

test('the Date header: a second and its error, and who is believed', async () => {
  const url = `${await serve((_, response) => response.end())}/`;
  const client = BoundedClock.start({ sources: [httpDate(url, { errorMs: 2000 })] });
  ends.push(() => client.stop());
  await client.waitSynced({ timeoutMs: 5000 });
  const now = BigInt(Date.now()) * MS;
  const { earliest, latest } = client.now();
  expect(earliest <= now && now <= latest + 5n * MS).toBe(true);
  expect(latest - earliest).toBeGreaterThan(4000n * MS);
  expect(client.explain().sources[0]!.restsOn).toContain('within 2000 ms is assumed');
});
