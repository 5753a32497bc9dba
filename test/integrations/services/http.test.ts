/** Fastify, Express, Hono and handlers of requests, where they differ from the common case. */
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { fastify } from 'fastify';
import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { HybridClock, systemClock, type UnixNs } from '../../../src/index.ts';
import { hlcMiddleware } from '../../../src/integrations/express.ts';
import { hlcPlugin } from '../../../src/integrations/fastify.ts';
import { hlcHandler } from '../../../src/integrations/fetch.ts';
import { hlcMiddleware as honoMiddleware } from '../../../src/integrations/hono.ts';
import { PropagationCounts } from '../../../src/propagation/counts.ts';
import type { PropagationOptions } from '../../../src/propagation/options.ts';
import type { Extracted } from '../../../src/propagation/propagation.ts';
import { askHttp2, serveHttp2 } from './hosts.ts';

const T = 1_795_227_787_534_418_003n;
const PEER = `${T + 1000n}@billing-1`;
const STAMP = /^\d{19}@orders-3$/;
const headers = { 'epsilon-hlc': PEER };

const ours = (): HybridClock =>
  new HybridClock({ clock: { wallNs: () => T as UnixNs }, nodeId: 'orders-3' });

const boom = (): never => {
  throw new Error('boom');
};

describe('Fastify', () => {
  type WithHlc = { hlc: Extracted };

  test('a request knows what came of the receipt', async () => {
    const app = fastify();
    const hlc = ours();
    app.register(hlcPlugin, { hlc, trust: true });
    app.get('/', (request) => (request as unknown as WithHlc).hlc);
    const { body } = await app.inject({ url: '/', headers });
    const received = { status: 'received', timestamp: String(T + 1001n), from: PEER };
    expect(JSON.parse(body)).toEqual(received);
    expect((await app.inject('/')).json()).toEqual({ status: 'absent' });
  });

  test('nobody is trusted by default', async () => {
    const app = fastify();
    app.register(hlcPlugin, { hlc: ours() });
    app.get('/', (request) => (request as unknown as WithHlc).hlc);
    expect((await app.inject({ url: '/', headers })).json()).toEqual({ status: 'untrusted' });
  });

  test('trust judges the request', async () => {
    const app = fastify();
    app.register(hlcPlugin, { hlc: ours(), trust: ({ ip, headers }) => ip === headers.host });
    app.get('/', (request) => (request as unknown as WithHlc).hlc);
    const host = (name: string) =>
      app.inject({ url: '/', headers: { ...headers, host: name }, remoteAddress: '10.0.0.7' });
    expect((await host('10.0.0.7')).json()).toMatchObject({ status: 'received' });
    expect((await host('10.0.0.8')).json()).toMatchObject({ status: 'untrusted' });
  });

  test('every reply is stamped: routes of other plugins, errors, 404, streams', async () => {
    const app = fastify();
    app.register(hlcPlugin, { hlc: ours() });
    app.register(async (inner) => {
      inner.get('/inner', async () => 'x');
    });
    app.get('/error', boom);
    app.get('/stream', (_, reply) => reply.send(new Response('x').body));
    app.get('/empty', (_, reply) => reply.code(204).send());
    for (const url of ['/inner', '/error', '/nowhere', '/stream', '/empty']) {
      const reply = await app.inject({ url, headers });
      expect(reply.headers['epsilon-hlc'], url).toMatch(STAMP);
    }
  });

  test('within a plugin it is for that plugin alone', async () => {
    const app = fastify();
    app.register(async (inner) => {
      inner.register(hlcPlugin, { hlc: ours() });
      inner.get('/inner', async () => 'x');
    });
    app.get('/outer', async () => 'x');
    expect((await app.inject('/inner')).headers['epsilon-hlc']).toMatch(STAMP);
    expect((await app.inject('/outer')).headers['epsilon-hlc']).toBeUndefined();
  });

  test('the reply covers what the handler has stamped', async () => {
    const app = fastify();
    const hlc = ours();
    app.register(hlcPlugin, { hlc });
    app.get('/', () => ({ row: String(hlc.now()) }));
    const reply = await app.inject('/');
    expect(String(reply.headers['epsilon-hlc']).slice(0, 19) > reply.json().row).toBe(true);
  });

  test('wrong options are refused when the service starts', async () => {
    const app = fastify({ pluginTimeout: 500 });
    app.register(hlcPlugin, { hlc: {} as HybridClock });
    await expect(app.ready()).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    const other = fastify();
    other.register(hlcPlugin, { hlc: ours(), trusted: true } as never);
    await expect(other.ready()).rejects.toThrow('did you mean trust?');
  });

  test('with a clock of the system, across a real connection', async () => {
    const app = fastify({ forceCloseConnections: true });
    app.register(hlcPlugin, { hlc: new HybridClock({ clock: systemClock(), nodeId: 'orders-3' }) });
    app.get('/', async () => 'x');
    const reply = await fetch(await app.listen({ port: 0, host: '127.0.0.1' }));
    await app.close();
    expect(reply.headers.get('epsilon-hlc')).toMatch(STAMP);
  });
});

describe('Express', () => {
  /** The header of the reply that an app gives. */
  async function stampOf(app: express.Express, path = '/'): Promise<string | null> {
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const reply = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
    await reply.arrayBuffer();
    server.close();
    server.closeAllConnections();
    return reply.headers.get('epsilon-hlc');
  }

  const app = (options: Partial<PropagationOptions> = {}): express.Express => {
    const made = express();
    made.use(hlcMiddleware({ hlc: ours(), trust: true, ...(options as object) }));
    return made;
  };

  test.each([
    ['send', (_: express.Request, res: express.Response) => res.send('x')],
    ['an object', (_: express.Request, res: express.Response) => res.json({})],
    ['end', (_: express.Request, res: express.Response) => res.end()],
    [
      'write',
      (_: express.Request, res: express.Response) => {
        res.write('x');
        res.end('y');
      },
    ],
    [
      'flushHeaders',
      (_: express.Request, res: express.Response) => {
        res.flushHeaders();
        res.end();
      },
    ],
    ['writeHead', (_: express.Request, res: express.Response) => res.writeHead(201).end()],
    [
      'writeHead with a text and headers',
      (_: express.Request, res: express.Response) =>
        res.writeHead(201, 'Made', { 'x-a': 'b' }).end(),
    ],
    [
      'writeHead with an array',
      (_: express.Request, res: express.Response) => res.writeHead(201, ['x-a', 'b']).end(),
    ],
    ['a redirect', (_: express.Request, res: express.Response) => res.redirect(304, '/a')],
    ['an error', boom],
  ] as [string, express.RequestHandler][])('a reply by %s is stamped', async (_, handler) => {
    const service = app();
    service.get('/', handler);
    service.use(((_error, _req, res, _next) =>
      res.status(500).end()) as express.ErrorRequestHandler);
    expect(await stampOf(service)).toMatch(STAMP);
  });

  describe('headers that a handler gives to writeHead', () => {
    const given: [string, unknown][] = [
      ['an object', { 'epsilon-hlc': 'old', 'x-a': 'b' }],
      ['an object in capitals', { 'Epsilon-HLC': 'old', 'x-a': 'b' }],
      ['an array', ['Epsilon-Hlc', 'old', 'x-a', 'b']],
    ];

    test.each(given)('%s: the stamp is ours, and the only one', async (_, own) => {
      const counts = new PropagationCounts();
      const service = app({ counts });
      service.get('/', (_, res) => void res.writeHead(200, own as never).end());
      const server = createServer(service).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const [reply] = (await once(get({ port, host: '127.0.0.1' }), 'response')) as [
        IncomingMessage,
      ];
      reply.resume();
      await once(reply, 'end');
      server.close();
      server.closeAllConnections();
      expect(reply.headersDistinct['epsilon-hlc']).toEqual([expect.stringMatching(STAMP)]);
      expect(reply.headers['x-a']).toBe('b');
      expect(counts.sent).toBe(1);
    });

    test.each(given)('%s, over HTTP/2', async (_, own) => {
      const middleware = hlcMiddleware({ hlc: ours() });
      const server = createHttp2Server((req, res) =>
        middleware(req, res as never, () => void res.writeHead(200, own as never).end()),
      );
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const reply = await askHttp2(`http://127.0.0.1:${port}`, {});
      server.close();
      expect(reply['epsilon-hlc']).toMatch(STAMP);
      expect(reply['x-a']).toBe('b');
    });

    test.each<[string, unknown]>([
      ['of one name twice', ['set-cookie', 'a=1', 'set-cookie', 'b=2']],
      ['of a list', ['set-cookie', ['a=1', 'b=2']]],
      ['of pairs', [['set-cookie', 'a=1'], ['set-cookie', 'b=2']]], // biome-ignore format: pairs
    ])('an array %s keeps both cookies', async (_, own) => {
      const service = app();
      // With any header that was set before, Node itself keeps only the last of one name.
      service.disable('x-powered-by');
      service.get('/', (_, res) => void res.writeHead(200, own as never).end());
      const server = createServer(service).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const [sent] = (await once(get({ port, host: '127.0.0.1' }), 'response')) as [
        IncomingMessage,
      ];
      sent.resume();
      await once(sent, 'end');
      server.close();
      server.closeAllConnections();
      expect(sent.headers['set-cookie']).toEqual(['a=1', 'b=2']);
      expect(sent.headers['epsilon-hlc']).toMatch(STAMP);
    });
  });

  test('a reply that nobody gave is stamped', async () => {
    expect(await stampOf(app(), '/nowhere')).toMatch(STAMP);
  });

  test('a request knows what came of the receipt, and trust judges the request', async () => {
    const seen: unknown[] = [];
    const service = app({ trust: ((req: express.Request) => req.url === '/a') as never });
    service.use((req, res) => {
      seen.push(req.hlc?.status, req.hlc?.from);
      res.end();
    });
    await stampOf(service, '/a');
    await stampOf(service, '/b');
    expect(seen).toEqual(['received', PEER, 'untrusted', undefined]);
  });

  test('the reply covers what the handler has stamped, once', async () => {
    const hlc = ours();
    const counts = new PropagationCounts();
    const service = app({ hlc, counts });
    let row = 0n;
    service.get('/', (_, res) => {
      row = hlc.now();
      res.write('x');
      res.end();
    });
    const stamp = await stampOf(service);
    expect(BigInt(stamp!.slice(0, 19))).toBeGreaterThan(row);
    expect(counts.sent).toBe(1);
  });

  test('an error of writeHead reaches the handler, as without the middleware', () => {
    const middleware = hlcMiddleware({ hlc: ours() });
    const res = { setHeader() {}, writeHead: boom };
    middleware({ headers: {}, socket: {} }, res, () => {});
    expect(() => res.writeHead()).toThrow('boom');
  });

  test('a header that cannot be set harms nothing', () => {
    const counts = new PropagationCounts();
    const middleware = hlcMiddleware({ hlc: ours(), counts });
    const heads: unknown[] = [];
    const res = { setHeader: boom, writeHead: (...args: unknown[]) => heads.push(args) };
    middleware({ headers: {}, socket: {} }, res, () => {});
    expect((res.writeHead as (status: number) => unknown)(200)).toBe(1);
    expect([heads, counts.unsent, counts.sent]).toEqual([[[200]], 1, 0]);
  });

  test('over HTTP/2 of Node', async () => {
    const seen: (Extracted | undefined)[] = [];
    const host = await serveHttp2({ hlc: ours(), trust: true }, async (_, received) => {
      seen.push(received);
      return 'x';
    });
    const reply = await askHttp2(host.address, headers);
    await host.stop();
    expect(reply['epsilon-hlc']).toMatch(STAMP);
    expect(seen).toMatchObject([{ status: 'received', from: PEER }]);
  });
});

describe('Hono', () => {
  const app = (options: object = {}): Hono<{ Variables: { hlc: Extracted } }> => {
    const made = new Hono<{ Variables: { hlc: Extracted } }>();
    made.use(honoMiddleware({ hlc: ours(), trust: true, ...options }));
    return made;
  };

  test('a handler knows what came of the receipt, and trust judges the context', async () => {
    const service = app({ trust: (c: { req: { path: string } }) => c.req.path === '/a' });
    service.get('*', (c) => c.json(c.get('hlc')));
    const ask = async (path: string) => (await service.request(path, { headers })).json();
    expect(await ask('/a')).toMatchObject({ status: 'received', from: PEER });
    expect(await ask('/b')).toEqual({ status: 'untrusted' });
  });

  test('every reply is stamped: errors, 404, and one that came by fetch', async () => {
    const server = createServer((_, res) => res.end('far')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const service = app();
    service.get('/text', (c) => c.text('x'));
    service.get('/new', () => new Response('x'));
    service.get('/far', () => fetch(`http://127.0.0.1:${port}/`));
    service.get('/error', boom);
    service.onError((error, c) => c.text(error.message, 500));
    for (const [path, body] of [
      ...[
        ['/text', 'x'],
        ['/new', 'x'],
        ['/far', 'far'],
        ['/error', 'boom'],
      ],
      ...[['/nowhere', '404 Not Found']],
    ] as [string, string][]) {
      const reply = await service.request(path, { headers });
      expect(reply.headers.get('epsilon-hlc'), path).toMatch(STAMP);
      expect(await reply.text()).toBe(body);
    }
    server.close();
    server.closeAllConnections();
  });
});

describe('a handler of requests', () => {
  const request = (): Request => new Request('http://orders/a', { headers });

  test('is given what came of the receipt, and further arguments', async () => {
    const serve = hlcHandler(
      (request, received, context: { env: string }) =>
        Response.json([request.url, received, context.env]),
      { hlc: ours(), trust: (request) => request.url.endsWith('/a') },
    );
    const reply = await serve(request(), { env: 'test' });
    expect(reply.headers.get('epsilon-hlc')).toMatch(STAMP);
    expect(await reply.json()).toEqual([
      'http://orders/a',
      { status: 'received', timestamp: String(T + 1001n), from: PEER },
      'test',
    ]);
  });

  test('a reply whose headers cannot be changed is copied', async () => {
    const serve = hlcHandler(() => Response.redirect('http://orders/b', 307), { hlc: ours() });
    const reply = await serve(request());
    expect([reply.status, reply.headers.get('location')]).toEqual([307, 'http://orders/b']);
    expect(reply.headers.get('epsilon-hlc')).toMatch(STAMP);
  });

  test('one that cannot be copied goes without a stamp', async () => {
    const counts = new PropagationCounts();
    const error = Response.error();
    const serve = hlcHandler(() => error, { hlc: ours(), counts });
    expect(await serve(request())).toBe(error);
    expect([counts.unsent, counts.sent]).toEqual([1, 0]);
  });

  test('what the handler throws is thrown', async () => {
    await expect(hlcHandler(boom, { hlc: ours() })(request())).rejects.toThrow('boom');
  });
});
