/** Whatever stands in the header, over a raw connection: the request is served, and counted. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import express from 'express';
import { fastify } from 'fastify';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HybridClock, TimestampAheadError, type UnixNs } from '../../../src/index.ts';
import { hlcMiddleware } from '../../../src/integrations/express.ts';
import { hlcPlugin } from '../../../src/integrations/fastify.ts';
import { hlcHandler } from '../../../src/integrations/fetch.ts';
import { hlcMiddleware as honoMiddleware } from '../../../src/integrations/hono.ts';
import { PropagationCounts } from '../../../src/propagation/counts.ts';
import type { PropagationOptions } from '../../../src/propagation/options.ts';
import { serveFetchHandler } from './hosts.ts';

const T = 1_795_227_787_534_418_003n;
const LARGE = { maxHeaderSize: 4_000_000 };

interface Served {
  readonly port: number;
  readonly stop: () => Promise<unknown>;
}

type Options = Omit<PropagationOptions, 'trust'> & { readonly trust: boolean };

async function listen(listener: RequestListener): Promise<Served> {
  const server = createServer(LARGE, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, stop: () => new Promise((resolve) => server.close(resolve)) };
}

const portOf = (address: string): number => Number(new URL(address).port);

const SERVERS: readonly (readonly [string, (options: Options) => Promise<Served>])[] = [
  [
    'Fastify',
    async (options) => {
      const app = fastify({ http: LARGE });
      app.register(hlcPlugin, options);
      app.get('/', async () => 'served');
      const address = await app.listen({ port: 0, host: '127.0.0.1' });
      return { port: portOf(address), stop: () => app.close() };
    },
  ],
  [
    'Express',
    async (options) => {
      const app = express();
      app.use(hlcMiddleware(options));
      app.get('/', (_, res) => void res.send('served'));
      return listen(app);
    },
  ],
  [
    'Hono',
    async (options) => {
      const app = new Hono();
      app.use(honoMiddleware(options));
      app.get('/', (c) => c.text('served'));
      const host = await serveFetchHandler(async (request) => app.fetch(request), LARGE);
      return { port: portOf(host.address), stop: host.stop };
    },
  ],
  [
    'a handler of requests',
    async (options) => {
      const host = await serveFetchHandler(
        hlcHandler(() => new Response('served'), options),
        LARGE,
      );
      return { port: portOf(host.address), stop: host.stop };
    },
  ],
];

/** One request with these header lines, as bytes. Resolves to the whole reply. */
async function ask(port: number, ...lines: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(
    Buffer.from(['GET / HTTP/1.1', 'Host: a', 'Connection: close', ...lines, '', ''].join('\r\n')),
  );
  let reply = '';
  socket.on('data', (chunk) => {
    reply += chunk;
  });
  await once(socket, 'close');
  return reply;
}

const PEER = `${T + 1000n}@billing-1`;
const GARBAGE: readonly (readonly [string, readonly string[], 'malformed' | 'ahead'])[] = [
  ['empty', ['epsilon-hlc:'], 'malformed'],
  ['20 digits', [`epsilon-hlc: 1${T}@a`], 'malformed'],
  ['negative', ['epsilon-hlc: -795227787534418003@a'], 'malformed'],
  ['1 MB', [`epsilon-hlc: ${'1'.repeat(1_000_000)}`], 'malformed'],
  ['twice', [`epsilon-hlc: ${PEER}`, `Epsilon-HLC: ${PEER}`], 'malformed'],
  ['Arabic digits', ['epsilon-hlc: ١٧٩٥٢٢٧٧٨٧٥٣٤٤١٨٠٠٣@a'], 'malformed'],
  ['an hour ahead', [`epsilon-hlc: ${T + 3_600_000_000_000n}@a`], 'ahead'],
  ['the end of time', ['epsilon-hlc: 9223372036854775807@a'], 'ahead'],
];

describe.each(SERVERS)('%s', (_, serve) => {
  const counts = new PropagationCounts();
  const errors: Error[] = [];
  const hlc = new HybridClock({ clock: { wallNs: () => T as UnixNs }, nodeId: 'orders-3' });
  let served: Served;
  beforeAll(async () => {
    served = await serve({
      ...{ hlc, trust: true, counts },
      onRefused(error) {
        errors.push(error);
        throw error; // harms nobody
      },
    });
  });
  afterAll(() => served.stop());

  test.each(GARBAGE)('%s', async (_, lines, reason) => {
    const before = { ...counts };
    const last = hlc.peek();
    const reply = await ask(served.port, ...lines);
    expect(reply).toMatch(/^HTTP\/1\.1 200 /);
    expect(reply).toContain('served');
    // The reply is stamped as usual, and the clock has moved by that alone.
    expect(reply).toMatch(/\nepsilon-hlc: \d{19}@orders-3\r\n/i);
    expect(hlc.peek() - last).toBeLessThan(T === last || last === 0n ? T + 2n : 2n);
    expect(counts).toEqual({ ...before, [reason]: before[reason] + 1, sent: before.sent + 1 });
    expect(errors.at(-1) instanceof TimestampAheadError).toBe(reason === 'ahead');
  });

  test('a stamp is taken, whatever the letter case of its name', async () => {
    const before = { ...counts };
    const reply = await ask(served.port, `Epsilon-Hlc: ${PEER}`);
    const [, stamped] = /\nepsilon-hlc: (\d{19})@orders-3\r\n/i.exec(reply) ?? [];
    expect(BigInt(stamped!)).toBeGreaterThan(T + 1000n);
    expect(counts.received).toBe(before.received + 1);
  });

  test('without a header', async () => {
    const before = { ...counts };
    expect(await ask(served.port)).toMatch(/\nepsilon-hlc: \d{19}@orders-3\r\n/i);
    expect(counts).toEqual({ ...before, absent: before.absent + 1, sent: before.sent + 1 });
  });
});

describe.each(SERVERS)('%s with a clock that has no time', (_, serve) => {
  test('serves, and says so', async () => {
    const counts = new PropagationCounts();
    const errors: Error[] = [];
    const clock = {
      wallNs(): UnixNs {
        throw new Error('no time');
      },
    };
    const hlc = new HybridClock({ clock, nodeId: 'a' });
    const onRefused = (error: Error): void => void errors.push(error);
    const served = await serve({ hlc, trust: true, counts, onRefused });
    const reply = await ask(served.port, `epsilon-hlc: ${PEER}`);
    await served.stop();
    expect(reply).toMatch(/^HTTP\/1\.1 200 /);
    expect(reply).toContain('served');
    expect(reply).not.toContain('epsilon-hlc');
    expect(counts).toEqual({ ...new PropagationCounts(), failed: 1, unsent: 1 });
    expect(errors.map(({ message }) => message)).toEqual(['no time', 'no time']);
  });
});
