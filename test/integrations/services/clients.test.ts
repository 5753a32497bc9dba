/** Clients: `fetch`, undici and gRPC, where they differ from the common case. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import {
  type Client,
  InterceptingCall,
  type Interceptor,
  Metadata,
  ServerInterceptingCall,
  status as Status,
} from '@grpc/grpc-js';
import { Agent, type Dispatcher, interceptors } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { HybridClock, type UnixNs } from '../../../src/index.ts';
import { hlcFetch } from '../../../src/integrations/fetch.ts';
import { hlcClientInterceptor, hlcServerInterceptor } from '../../../src/integrations/grpc.ts';
import { hlcInterceptor } from '../../../src/integrations/undici.ts';
import { PropagationCounts } from '../../../src/propagation/counts.ts';
import type { Extracted } from '../../../src/propagation/propagation.ts';
import { callUnary, grpcClient, serveUnary, type Unary } from './hosts.ts';

const T = 1_795_227_787_534_418_003n;
const REPLY = `${T + 5000n}@billing-1`;
const STAMP = /^\d{19}@orders-3$/;

const clockAt = (ns: bigint, nodeId: string): HybridClock =>
  new HybridClock({ clock: { wallNs: () => ns as UnixNs }, nodeId });
const ours = (): HybridClock => clockAt(T, 'orders-3');

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A server of Node. Resolves to its address. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** Answers with the headers of the request, and with the stamp `reply`. */
const echo =
  (reply: string | string[] = REPLY): RequestListener =>
  (req, res) => {
    res.setHeader('epsilon-hlc', reply);
    res.end(JSON.stringify(req.headers));
  };

const boom = (): never => {
  throw new Error('boom');
};

const broken = (): HybridClock => new HybridClock({ clock: { wallNs: boom }, nodeId: 'a' });

describe('fetch', () => {
  test('stamps the request, and takes the timestamp of the reply', async () => {
    const hlc = ours();
    const url = await serve(echo());
    const response = await hlcFetch(globalThis.fetch, { hlc, trust: true })(url);
    expect(await response.json()).toMatchObject({ 'epsilon-hlc': `${T}@orders-3` });
    expect(hlc.peek()).toBe(T + 5001n);
  });

  test('trusts nobody by default, and can judge the response', async () => {
    const hlc = ours();
    const url = await serve(echo());
    await hlcFetch(globalThis.fetch, { hlc })(url);
    await hlcFetch(globalThis.fetch, { hlc, trust: ({ status }) => status === 500 })(url);
    expect(hlc.peek()).toBe(T + 1n); // two sends
    const trust = (response: Response): boolean => new URL(response.url).origin === url;
    await hlcFetch(globalThis.fetch, { hlc, trust })(url);
    expect(hlc.peek()).toBe(T + 5001n);
  });

  test.each([
    ['an object', { headers: { 'x-a': 'b', 'Epsilon-HLC': 'old' } }],
    ['Headers', { headers: new Headers({ 'x-a': 'b', 'epsilon-hlc': 'old' }) }],
    ['pairs', { headers: [['x-a', 'b'] as [string, string]] }],
  ])('leaves the other headers: %s', async (_, init) => {
    const before = JSON.stringify([...new Headers(init.headers)]);
    const url = await serve(echo());
    const response = await hlcFetch(globalThis.fetch, { hlc: ours() })(url, init);
    expect(await response.json()).toMatchObject({ 'x-a': 'b', 'epsilon-hlc': `${T}@orders-3` });
    expect(JSON.stringify([...new Headers(init.headers)])).toBe(before);
  });

  test('leaves a Request as it is', async () => {
    const url = await serve(async (req, res) => {
      const body: Buffer[] = [];
      for await (const chunk of req) body.push(chunk);
      const { method, headers } = req;
      res.end(JSON.stringify({ method, headers, body: String(Buffer.concat(body)) }));
    });
    const request = new Request(url, { method: 'PUT', body: 'text', headers: { 'x-a': 'b' } });
    const response = await hlcFetch(globalThis.fetch, { hlc: ours() })(request);
    const { method, headers, body } = (await response.json()) as {
      method: string;
      headers: Record<string, string>;
      body: string;
    };
    expect([method, headers['x-a'], body]).toEqual(['PUT', 'b', 'text']);
    expect(headers['epsilon-hlc']).toMatch(STAMP);
    expect(request.headers.has('epsilon-hlc')).toBe(false);
    const got = await hlcFetch(globalThis.fetch, { hlc: ours() })(new URL(url));
    expect(await got.json()).toMatchObject({ method: 'GET' });
  });

  test.each([
    ['garbage', 'garbage', 'malformed'],
    ['two stamps', [REPLY, REPLY], 'malformed'],
    ['an hour ahead', `${T + 3_600_000_000_000n}@b`, 'ahead'],
  ] as const)('a reply with %s is a reply, and is counted', async (_, value, reason) => {
    const counts = new PropagationCounts();
    const url = await serve(echo(value as string | string[]));
    const options = { hlc: ours(), trust: true, counts, onRefused: boom };
    const response = await hlcFetch(globalThis.fetch, options)(url);
    expect(response.status).toBe(200);
    expect(counts).toEqual({ ...new PropagationCounts(), sent: 1, [reason]: 1 });
  });

  test('without a time the request goes without a stamp', async () => {
    const counts = new PropagationCounts();
    const url = await serve(echo());
    const options = { hlc: broken(), trust: true, counts };
    const response = await hlcFetch(globalThis.fetch, options)(url);
    expect(await response.json()).not.toHaveProperty('epsilon-hlc');
    expect([counts.unsent, counts.failed]).toEqual([1, 1]);
  });

  test('a request that fails rejects as without it', async () => {
    const failing = hlcFetch(() => Promise.reject(new Error('boom')), { hlc: ours() });
    await expect(failing('http://orders/')).rejects.toThrow('boom');
  });
});

describe('undici', () => {
  function agent(hlc: HybridClock, ...more: Dispatcher.DispatcherComposeInterceptor[]) {
    const counts = new PropagationCounts();
    const made = new Agent();
    ends.push(() => made.destroy());
    const interceptor = hlcInterceptor({ hlc, trust: true, counts });
    return { counts, client: made.compose(interceptor, ...more) };
  }
  const GET = { path: '/', method: 'GET' } as const;

  test('stamps the request, and takes the timestamp of the reply', async () => {
    const hlc = ours();
    const { client } = agent(hlc);
    const { body, headers } = await client.request({ ...GET, origin: await serve(echo()) });
    expect(await body.json()).toMatchObject({ 'epsilon-hlc': `${T}@orders-3` });
    expect(headers['epsilon-hlc']).toBe(REPLY);
    expect(hlc.peek()).toBe(T + 5001n);
  });

  test.each([
    ['none', undefined],
    ['null', null],
    ['an object', { 'x-a': 'b', 'Epsilon-HLC': 'old' }],
    ['a flat array', ['x-a', 'b', 'Epsilon-HLC', 'old']],
    ['a Map', new Map([['x-a', 'b']])],
    ['Headers', new Headers({ 'x-a': 'b', 'epsilon-hlc': 'old' })],
    ['values that are arrays', { 'x-a': ['b', 'c'] }],
    ['pairs whose values are arrays', new Map([['x-a', ['b', 'c']]])],
  ] as [string, Dispatcher.DispatchOptions['headers']][])('headers as %s', async (_, headers) => {
    const { client } = agent(ours());
    const before = JSON.stringify(headers);
    const origin = await serve(echo());
    const request = { ...GET, origin, headers: headers as string[] };
    const { body } = await client.request(request);
    const received = (await body.json()) as Record<string, string>;
    expect(received['epsilon-hlc']).toBe(`${T}@orders-3`);
    if (headers) expect(received['x-a']).toMatch(/^b(, c)?$/);
    expect(JSON.stringify(headers)).toBe(before);
  });

  test('headers that undici refuses are refused as without it', async () => {
    const { client } = agent(ours());
    const asked = client.request({ ...GET, origin: await serve(echo()), headers: ['x-a'] });
    await expect(asked).rejects.toThrow('headers array must be even');
  });

  test('each attempt of a retry has a stamp of its own', async () => {
    const seen: unknown[] = [];
    const { client } = agent(ours(), interceptors.retry({ minTimeout: 1, maxRetries: 2 }));
    const origin = await serve((req, res) => {
      seen.push(req.headers['epsilon-hlc']);
      res.statusCode = seen.length < 3 ? 503 : 200;
      res.end();
    });
    const { statusCode } = await client.request({ ...GET, origin });
    expect(statusCode).toBe(200);
    expect(seen).toEqual([T, T + 1n, T + 2n].map((timestamp) => `${timestamp}@orders-3`));
  });

  test('103 is not the reply yet', async () => {
    const { client, counts } = agent(ours());
    const origin = await serve((_, res) => {
      res.writeEarlyHints({ link: '</a.css>; rel=preload' });
      res.setHeader('epsilon-hlc', REPLY);
      res.end();
    });
    const { body } = await client.request({ ...GET, origin });
    await body.dump();
    expect([counts.received, counts.absent]).toEqual([1, 0]);
  });

  test('an upgrade is a reply', async () => {
    const { client, counts } = agent(ours());
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    ends.push(() => server.close());
    server.on('upgrade', (_, socket) => {
      const lines = [
        'HTTP/1.1 101 Up',
        'connection: upgrade',
        'upgrade: x',
        `epsilon-hlc: ${REPLY}`,
      ];
      socket.end([...lines, '', ''].join('\r\n'));
    });
    const origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    const { socket } = await client.upgrade({
      path: '/',
      protocol: 'x',
      origin,
    } as Dispatcher.UpgradeOptions);
    socket.destroy();
    expect(counts.received).toBe(1);
  });

  test('a stream, trailers and an error reach the caller as without it', async () => {
    const { client } = agent(ours());
    const origin = await serve((req, res) => {
      if (req.url === '/broken') {
        res.writeHead(200, { 'content-length': 5 });
        res.write('x', () => res.destroy());
        return;
      }
      res.writeHead(200, { trailer: 'x-t' });
      res.write('ab');
      res.addTrailers({ 'x-t': 'y' });
      res.end('cd');
    });
    const { body, trailers } = await client.request({ ...GET, origin });
    expect(await body.text()).toBe('abcd');
    expect(trailers).toEqual({ 'x-t': 'y' });
    const cut = await client.request({ ...GET, origin, path: '/broken' });
    await expect(cut.body.text()).rejects.toThrow();
  });

  test('what is reported reaches the handler, in full', () => {
    const heard: unknown[][] = [];
    const names = ['RequestStart', 'RequestUpgrade', 'ResponseStart', 'ResponseData'] as const;
    const methods = [...names, 'ResponseEnd', 'ResponseError'].map((name) => `on${name}`);
    const hear = (name: string) => [name, (...args: unknown[]) => heard.push([name, ...args])];
    const handler = Object.fromEntries(methods.map(hear));
    const said: unknown[][] = [
      ['onRequestStart', 'controller', 'context'],
      ['onRequestUpgrade', 'controller', 101, { a: 'b' }, 'socket'],
      ['onResponseStart', 'controller', 200, { a: 'b' }, 'OK'],
      ['onResponseData', 'controller', 'chunk'],
      ['onResponseEnd', 'controller', { a: 'b' }],
      ['onResponseError', 'controller', new Error('boom')],
    ];
    const dispatch = hlcInterceptor({ hlc: ours(), trust: true })((_, listening) => {
      for (const [name, ...args] of said) (listening as typeof handler)[name as string]!(...args);
      return false;
    });
    expect(dispatch({ path: '/' }, handler)).toBe(false);
    expect(heard).toEqual(said);
  });

  test('trust judges the request', async () => {
    const hlc = ours();
    const origin = await serve(echo());
    const asked: unknown[] = [];
    const made = new Agent();
    ends.push(() => made.destroy());
    const client = made.compose(
      hlcInterceptor({ hlc, trust: (request) => asked.push(request.origin, request.path) > 2 }),
    );
    await (await client.request({ ...GET, origin, path: '/a' })).body.dump();
    expect(hlc.peek()).toBe(T);
    await (await client.request({ ...GET, origin, path: '/b' })).body.dump();
    expect(hlc.peek()).toBe(T + 5001n);
    expect(asked).toEqual([origin, '/a', origin, '/b']);
  });
});

describe('gRPC', () => {
  interface World {
    readonly hlc: HybridClock;
    readonly theirs: HybridClock;
    readonly client: Client;
    readonly counts: PropagationCounts;
    readonly theirCounts: PropagationCounts;
  }
  async function world(
    visit: Unary,
    more: { client?: Interceptor[]; trust?: boolean; theirs?: HybridClock } = {},
  ): Promise<World> {
    const hlc = ours();
    const theirs = more.theirs ?? clockAt(T + 5000n, 'billing-1');
    const counts = new PropagationCounts();
    const theirCounts = new PropagationCounts();
    const trust = more.trust ?? true;
    const server = hlcServerInterceptor({ hlc: theirs, trust, counts: theirCounts });
    const host = await serveUnary([server], visit);
    const own = hlcClientInterceptor({ hlc, trust, counts });
    const client = grpcClient(host.address, [own, ...(more.client ?? [])]);
    ends.push(host.stop, () => client.close());
    return { hlc, theirs, client, counts, theirCounts };
  }

  test('stamps the call, and takes the timestamps of both ends of the reply', async () => {
    const seen: unknown[] = [];
    const { hlc, client, counts, theirCounts } = await world((call, reply) => {
      seen.push(call.metadata.get('epsilon-hlc'));
      reply(null, { ok: true });
    });
    const heard: unknown[] = [];
    const answer = await callUnary(client, {}, new Metadata(), (event, metadata) => {
      heard.push([event, metadata.get('epsilon-hlc')]);
    });
    expect(answer).toEqual({ ok: true });
    expect(seen).toEqual([[`${T}@orders-3`]]);
    expect(heard).toEqual([
      ['metadata', [`${T + 5001n}@billing-1`]],
      ['status', [`${T + 5002n}@billing-1`]],
    ]);
    expect(hlc.peek()).toBe(T + 5003n);
    expect(counts).toEqual({ ...new PropagationCounts(), sent: 1, received: 2 });
    expect(theirCounts).toEqual({ ...new PropagationCounts(), sent: 2, received: 1 });
  });

  test('a handler knows what came of the receipt', async () => {
    const seen: Extracted[] = [];
    const { client } = await world((call, reply) => {
      const { metadata } = call as unknown as { metadata: { getOpaque(key: string): Extracted } };
      seen.push(metadata.getOpaque('hlc'));
      reply(null, {});
    });
    await callUnary(client, {});
    expect(seen).toMatchObject([{ status: 'received', from: `${T}@orders-3` }]);
  });

  test('an error is a reply too', async () => {
    const { hlc, client, counts } = await world((_, reply) => {
      reply({ code: Status.NOT_FOUND, details: 'no such order' });
    });
    await expect(callUnary(client, {})).rejects.toMatchObject({
      code: Status.NOT_FOUND,
      details: 'no such order',
    });
    expect(hlc.peek()).toBeGreaterThan(T + 5000n);
    expect(counts.received).toBe(1);
  });

  test('metadata of a handler stays, at both ends', async () => {
    const trailers = new Metadata();
    trailers.set('x-end', '2');
    const { client } = await world((call, reply) => {
      const metadata = new Metadata();
      metadata.set('x-begin', '1');
      call.sendMetadata(metadata);
      reply(null, {}, trailers);
    });
    const heard: unknown[] = [];
    await callUnary(client, {}, new Metadata(), (_, metadata) => {
      heard.push([metadata.get('x-begin'), metadata.get('x-end')]);
      heard.push(metadata.get('epsilon-hlc').length);
    });
    expect(heard).toEqual([[['1'], []], 1, [[], ['2']], 1]);
    expect(trailers.get('epsilon-hlc')).toEqual([]);
  });

  test('metadata that a caller uses again is not changed', async () => {
    const seen: unknown[] = [];
    const { client } = await world((call, reply) => {
      seen.push(call.metadata.get('epsilon-hlc')[0], call.metadata.get('x-a')[0]);
      reply(null, {});
    });
    const metadata = new Metadata();
    metadata.set('x-a', 'b');
    await Promise.all([callUnary(client, {}, metadata), callUnary(client, {}, metadata)]);
    expect(new Set(seen).size).toBe(3);
    expect(metadata.get('epsilon-hlc')).toEqual([]);
  });

  test('beside other interceptors, of grpc-js itself', async () => {
    const order: string[] = [];
    const other: Interceptor = (options, nextCall) =>
      new InterceptingCall(nextCall(options), {
        start(metadata, _, next) {
          order.push(`sent ${metadata.get('epsilon-hlc').length}`);
          next(metadata, {
            onReceiveMetadata(received, go) {
              order.push(`received ${received.get('epsilon-hlc').length}`);
              go(received);
            },
          });
        },
      });
    const hlc = ours();
    const theirs = hlcServerInterceptor({ hlc: clockAt(T + 5000n, 'b'), trust: true });
    const host = await serveUnary(
      [
        (_, call) => new ServerInterceptingCall(call),
        theirs,
        (_, call) => new ServerInterceptingCall(call),
      ],
      (_, reply) => reply(null, 'x'),
    );
    const client = grpcClient(host.address, [hlcClientInterceptor({ hlc, trust: true }), other]);
    const outer = grpcClient(host.address, [other, hlcClientInterceptor({ hlc, trust: true })]);
    ends.push(
      host.stop,
      () => client.close(),
      () => outer.close(),
    );
    expect(await callUnary(client, {})).toBe('x');
    expect(await callUnary(outer, {})).toBe('x');
    expect(order).toEqual(['sent 1', 'received 1', 'sent 0', 'received 1']);
    expect(hlc.peek()).toBeGreaterThan(T + 5000n);
  });

  test('garbage leaves calls unharmed, and is counted', async () => {
    const { client, theirCounts } = await world((_, reply) => reply(null, 'x'), {
      client: [
        (options, nextCall) =>
          new InterceptingCall(nextCall(options), {
            start(metadata, listener, next) {
              const [kind] = metadata.get('x-kind');
              const old = String(metadata.get('epsilon-hlc')[0]);
              if (kind === 'twice') metadata.add('epsilon-hlc', old);
              else metadata.set('epsilon-hlc', String(kind));
              next(metadata, listener);
            },
          }),
      ],
    });
    const kinds = ['', '1'.repeat(20), '-795227787534418003@a', '1'.repeat(4000), 'twice'];
    for (const kind of kinds) {
      const metadata = new Metadata();
      metadata.set('x-kind', kind);
      expect(await callUnary(client, {}, metadata)).toBe('x');
    }
    expect(theirCounts).toMatchObject({ malformed: kinds.length, received: 0 });
  });

  test('nobody is trusted by default, and trust judges the call', async () => {
    const peers: string[] = [];
    const hlc = ours();
    const theirs = clockAt(T, 'billing-1');
    const host = await serveUnary([hlcServerInterceptor({ hlc: theirs })], (_, reply) =>
      reply(null, 'x'),
    );
    const trust = (call: { getPeer(): string }): boolean => peers.push(call.getPeer()) < 0;
    const client = grpcClient(host.address, [hlcClientInterceptor({ hlc, trust })]);
    ends.push(host.stop, () => client.close());
    await callUnary(client, {});
    expect(theirs.peek()).toBe(T + 1n); // two sends
    expect(hlc.peek()).toBe(T);
    expect(peers[0]).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  test('a server without the interceptor, and no server at all', async () => {
    const hlc = ours();
    const counts = new PropagationCounts();
    const host = await serveUnary([], (_, reply) => reply(null, 'x'));
    const client = grpcClient(host.address, [hlcClientInterceptor({ hlc, trust: true, counts })]);
    expect(await callUnary(client, {})).toBe('x');
    expect([counts.absent, counts.sent]).toEqual([1, 1]);
    client.close();
    await host.stop();
    const nobody = grpcClient(host.address, [hlcClientInterceptor({ hlc, trust: true, counts })]);
    ends.push(() => nobody.close());
    await expect(callUnary(nobody, {})).rejects.toMatchObject({ code: Status.UNAVAILABLE });
    expect([counts.absent, counts.sent]).toEqual([1, 2]);
  });

  test('without a time, calls are answered without a stamp', async () => {
    const { client, hlc, theirCounts } = await world((_, reply) => reply(null, 'x'), {
      theirs: broken(),
    });
    expect(await callUnary(client, {})).toBe('x');
    expect(hlc.peek()).toBe(T);
    expect([theirCounts.failed, theirCounts.unsent, theirCounts.sent]).toEqual([1, 2, 0]);
  });

  test('a header with binary values is refused', () => {
    const options = { hlc: ours(), header: 'x-bin' };
    const range = expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' });
    expect(() => hlcClientInterceptor(options)).toThrow(range);
    expect(() => hlcServerInterceptor(options)).toThrow(range);
  });
});
