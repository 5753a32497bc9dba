/**
 * The same service over each framework: a server, and a client. Requests and replies carry the
 * vector as JSON; the timestamps travel by the integration alone.
 */
import { once } from 'node:events';
import { createServer as createHttp, type Server as HttpServer } from 'node:http';
import { createServer as createHttp2, connect as http2Connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import {
  Client,
  credentials,
  type Interceptor,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerInterceptor,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import express from 'express';
import { fastify } from 'fastify';
import { Hono } from 'hono';
import { Agent } from 'undici';
import { hlcMiddleware } from '../../../src/integrations/express.ts';
import { hlcPlugin } from '../../../src/integrations/fastify.ts';
import { hlcFetch, hlcHandler } from '../../../src/integrations/fetch.ts';
import { hlcClientInterceptor, hlcServerInterceptor } from '../../../src/integrations/grpc.ts';
import { hlcMiddleware as honoMiddleware } from '../../../src/integrations/hono.ts';
import { hlcInterceptor } from '../../../src/integrations/undici.ts';
import type { PropagationOptions } from '../../../src/propagation/options.ts';
import type { Extracted } from '../../../src/propagation/propagation.ts';

export type Options = Pick<PropagationOptions, 'hlc' | 'counts' | 'onRefused' | 'header'> & {
  readonly trust: boolean;
};

/** What a request carries, and what comes back. */
export type Answer = (body: unknown, received: Extracted | undefined) => Promise<unknown>;

export interface Host {
  /** What a client needs to reach it. */
  readonly address: string;
  readonly stop: () => Promise<unknown>;
}

export type Serve = (options: Options, answer: Answer) => Promise<Host>;

/** A client of one service. */
export interface Caller {
  readonly ask: (address: string, body: unknown) => Promise<unknown>;
  readonly stop: () => Promise<unknown>;
}

const addressOf = (server: HttpServer): string =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function stopHttp(server: HttpServer): Promise<unknown> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  return closed;
}

async function listen(server: HttpServer): Promise<Host> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { address: addressOf(server), stop: () => stopHttp(server) };
}

export const serveFastify: Serve = async (options, answer) => {
  const app = fastify({ forceCloseConnections: true });
  app.register(hlcPlugin, options);
  app.post('/', (request) => answer(request.body, (request as { hlc?: Extracted }).hlc));
  return { address: await app.listen({ port: 0, host: '127.0.0.1' }), stop: () => app.close() };
};

export const serveExpress: Serve = (options, answer) => {
  const app = express();
  app.use(hlcMiddleware(options));
  app.use(express.json());
  app.post('/', async (req, res) => {
    res.json(await answer(req.body, req.hlc));
  });
  return listen(createHttp(app));
};

/** A `(Request) => Response` behind a server of Node, as adapters do it. */
export function serveFetchHandler(
  handler: (request: Request) => Promise<Response>,
  limits: { maxHeaderSize?: number } = {},
): Promise<Host> {
  return listen(
    createHttp(limits, async (req, res) => {
      const body: Buffer[] = [];
      for await (const chunk of req) body.push(chunk);
      const headers = new Headers();
      for (let i = 0; i < req.rawHeaders.length; i += 2) {
        headers.append(req.rawHeaders[i]!, req.rawHeaders[i + 1]!);
      }
      const { method = 'GET' } = req;
      const request = new Request(`http://${req.headers.host}${req.url}`, {
        ...{ method, headers },
        ...(method === 'POST' ? { body: Buffer.concat(body) } : {}),
      });
      const response = await handler(request);
      res.writeHead(response.status, [...response.headers].flat());
      res.end(Buffer.from(await response.arrayBuffer()));
    }),
  );
}

export const serveHono: Serve = (options, answer) => {
  const app = new Hono<{ Variables: { hlc: Extracted } }>();
  app.use(honoMiddleware(options));
  app.post('/', async (c) => c.json((await answer(await c.req.json(), c.get('hlc'))) as object));
  return serveFetchHandler(async (request) => app.fetch(request));
};

export const serveHandler: Serve = (options, answer) =>
  serveFetchHandler(
    hlcHandler(
      async (request, received) => Response.json(await answer(await request.json(), received)),
      options,
    ),
  );

export const callFetch = (options: Options): Caller => {
  const ask = hlcFetch(globalThis.fetch, options);
  return {
    async ask(address, body) {
      const response = await ask(address, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return response.json();
    },
    stop: async () => {},
  };
};

export const callUndici = (options: Options): Caller => {
  const agent = new Agent();
  const client = agent.compose(hlcInterceptor(options));
  return {
    async ask(address, body) {
      const { body: reply } = await client.request({
        ...{ origin: address, path: '/', method: 'POST' },
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return reply.json();
    },
    stop: () => agent.destroy(),
  };
};

/** A method whose messages are JSON. */
const METHOD: MethodDefinition<unknown, unknown> = {
  path: '/test.Chain/Visit',
  requestStream: false,
  responseStream: false,
  requestSerialize: (value) => Buffer.from(JSON.stringify(value)),
  requestDeserialize: (bytes) => JSON.parse(String(bytes)),
  responseSerialize: (value) => Buffer.from(JSON.stringify(value)),
  responseDeserialize: (bytes) => JSON.parse(String(bytes)),
};

export type Unary = (
  call: ServerUnaryCall<unknown, unknown>,
  reply: sendUnaryData<unknown>,
) => void;

/** A server of gRPC with one method. */
export async function serveUnary(interceptors: ServerInterceptor[], visit: Unary): Promise<Host> {
  const server = new Server({ interceptors });
  server.addService({ visit: METHOD }, { visit });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { address: `127.0.0.1:${port}`, stop: async () => server.forceShutdown() };
}

/** One call of gRPC. Resolves to the reply; `status` and `metadata` are told to `hear`. */
export function callUnary(
  client: Client,
  body: unknown,
  metadata: Metadata = new Metadata(),
  hear: (event: 'metadata' | 'status', metadata: Metadata) => void = () => {},
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const call = client.makeUnaryRequest(
      METHOD.path,
      METHOD.requestSerialize,
      METHOD.responseDeserialize,
      body,
      metadata,
      (error, value) => (error === null ? resolve(value) : reject(error)),
    );
    call.on('metadata', (received: Metadata) => hear('metadata', received));
    call.on('status', (status) => hear('status', status.metadata));
  });
}

export const grpcClient = (address: string, interceptors: Interceptor[]): Client =>
  new Client(address, credentials.createInsecure(), { interceptors });

export const serveGrpc: Serve = (options, answer) =>
  serveUnary([hlcServerInterceptor(options)], (call, reply) => {
    const { metadata } = call as unknown as { metadata: { getOpaque(key: string): unknown } };
    answer(call.request, metadata.getOpaque('hlc') as Extracted).then(
      (value) => reply(null, value),
      (error) => reply(error),
    );
  });

export const callGrpc = (options: Options): Caller => {
  const clients = new Map<string, Client>();
  return {
    ask(address, body) {
      const client = clients.get(address) ?? grpcClient(address, [hlcClientInterceptor(options)]);
      clients.set(address, client);
      return callUnary(client, body);
    },
    async stop() {
      for (const client of clients.values()) client.close();
    },
  };
};

/** The middleware of Express, over HTTP/2 of Node alone, with its own client. */
export async function serveHttp2(options: Options, answer: Answer): Promise<Host> {
  const middleware = hlcMiddleware(options);
  const server = createHttp2((req, res) =>
    middleware(req, res as never, async () => {
      res.end(JSON.stringify(await answer(undefined, (req as { hlc?: Extracted }).hlc)));
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { address, stop: async () => void server.close() };
}

/** One request over HTTP/2. Resolves to the headers of the reply. */
export async function askHttp2(
  address: string,
  headers: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, unknown>>> {
  const session = http2Connect(address);
  const stream = session.request({ ':path': '/', ...headers });
  stream.resume();
  const [received] = (await once(stream, 'response')) as [Record<string, unknown>];
  await once(stream, 'close');
  session.close();
  return received;
}

export const HOSTS: readonly (readonly [string, Serve, (options: Options) => Caller])[] = [
  ['Fastify and fetch', serveFastify, callFetch],
  ['Express and undici', serveExpress, callUndici],
  ['Hono and fetch', serveHono, callFetch],
  ['a handler of requests and undici', serveHandler, callUndici],
  ['gRPC', serveGrpc, callGrpc],
];
