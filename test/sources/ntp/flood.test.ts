import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { type RunningSource, systemClock } from 'epsilon-clock';
import { ntp } from 'epsilon-clock/node';
import { afterEach, describe, expect, test } from 'vitest';
import { answerRequest } from '../../../src/sources/ntp/server.ts';
import { MAX_IGNORED_DATAGRAMS } from '../../../src/sources/ntp/transport.ts';
import { RecordingSink } from '../../kit/recording-sink.ts';

/** The client against a hostile peer, on real sockets. */

const clock = systemClock();
const sockets: Socket[] = [];
const sources: RunningSource[] = [];
afterEach(() => {
  for (const source of sources.splice(0)) source.stop();
  for (const socket of sockets.splice(0)) socket.close();
});

async function bound(address = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket('udp4');
  sockets.push(socket);
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  return socket;
}

type Handler = (request: Buffer, from: RemoteInfo, socket: Socket) => void | Promise<void>;

async function hostileServer(onRequest: Handler): Promise<number> {
  const socket = await bound();
  socket.on('message', (request, from) => void onRequest(request, from, socket));
  return socket.address().port;
}

const send = (socket: Socket, bytes: Uint8Array, to: RemoteInfo): Promise<void> =>
  new Promise((resolve) => socket.send(bytes, to.port, to.address, () => resolve()));

function honest(request: Uint8Array): Uint8Array {
  const now = clock.wallNs();
  const reply = answerRequest(request, now, now, {
    leap: 0,
    stratum: 1,
    precision: -20,
    rootDelay: 0,
    rootDispersion: 66,
    referenceId: 0,
    referenceNs: now,
  });
  if (reply === undefined) throw new Error('no request');
  return reply;
}

function wrongNonce(request: Uint8Array): Uint8Array {
  const reply = honest(request);
  reply[31]! ^= 1;
  return reply;
}

function start(port: number, timeoutMs = 20_000): RecordingSink {
  const sink = new RecordingSink(clock);
  sources.push(ntp('127.0.0.1', { port, timeoutMs, pollIntervalMs: 5 }).start(sink));
  return sink;
}

describe('the request on the wire', () => {
  test('has 48 bytes, zero but for version, mode and the nonce, which never repeats', async () => {
    const requests: Buffer[] = [];
    const ports = new Set<number>();
    const port = await hostileServer(async (request, from, socket) => {
      requests.push(Buffer.from(request));
      ports.add(from.port);
      await send(socket, honest(request), from);
    });
    const sink = new RecordingSink(clock);
    sources.push(ntp('127.0.0.1', { port, pollIntervalMs: 1 }).start(sink));
    await sink.until(() => sink.samples.length >= 30);
    for (const request of requests) {
      expect(request.length).toBe(48);
      expect(request[0]).toBe(0x23);
      for (let i = 1; i < 40; i++) expect(request[i], `byte ${i}`).toBe(0);
    }
    const nonces = requests.map((request) => request.toString('hex', 40));
    expect(new Set(nonces).size).toBe(requests.length);
    // A fresh source port each time. The kernel may choose one twice, but not often.
    expect(ports.size).toBeGreaterThan(requests.length / 2);
  });
});

describe('forgeries', () => {
  test('of every kind do not end the exchange, and the true reply is still taken', async () => {
    const stranger = await bound('127.0.0.2');
    const samePeerOtherPort = await bound();
    let sent = 0;
    const port = await hostileServer(async (request, from, socket) => {
      const oversized = new Uint8Array(9000);
      oversized.set(wrongNonce(request));
      const forgeries: [Socket, Uint8Array][] = [
        // Right in every bit, but from another sender: the kernel drops them.
        [stranger, honest(request)],
        [samePeerOtherPort, honest(request)],
        // From the right sender, but not an answer.
        [socket, new Uint8Array(0)],
        [socket, honest(request).subarray(0, 47)],
        [socket, wrongNonce(request)],
        [socket, oversized],
        [socket, request],
      ];
      for (const [from_, bytes] of forgeries) {
        await send(from_, bytes, from);
        sent++;
      }
      await send(socket, honest(request), from);
    });
    const sink = start(port);
    await sink.until(() => sink.samples.length + sink.misses.length > 0);
    expect(sent).toBe(7);
    expect(sink.misses).toEqual([]);
    expect(sink.samples.length).toBe(1);
  });

  test('alone are a miss that names what was wrong, once time is up', async () => {
    const port = await hostileServer((request, from, socket) =>
      send(socket, wrongNonce(request), from),
    );
    const sink = start(port, 100);
    await sink.until(() => sink.misses.length > 0);
    expect(sink.misses[0]?.reason).toBe('origin');
    expect(sink.samples).toEqual([]);
  });

  test('from another sender alone are a timeout, even when they are correct', async () => {
    const stranger = await bound('127.0.0.2');
    const port = await hostileServer((request, from) => send(stranger, honest(request), from));
    const sink = start(port, 100);
    await sink.until(() => sink.misses.length > 0);
    expect(sink.misses[0]?.reason).toBe('timeout');
  });

  test('a kiss-o-death without the nonce is not obeyed', async () => {
    const port = await hostileServer(async (request, from, socket) => {
      const kiss = wrongNonce(request);
      kiss.set([0xe4, 0], 0);
      kiss.set(Buffer.from('DENY'), 12);
      await send(socket, kiss, from);
      await send(socket, honest(request), from);
    });
    const sink = start(port);
    await sink.until(() => sink.samples.length >= 2);
    expect(sink.misses).toEqual([]);
  });
});

describe('floods', () => {
  test('end the exchange after a fixed number of wrong datagrams, and the next one works', async () => {
    let requests = 0;
    const port = await hostileServer(async (request, from, socket) => {
      if (++requests > 1) return send(socket, honest(request), from);
      // Until the client has closed its socket, which the sink reports.
      for (let i = 0; sink.misses.length === 0; i++) {
        await send(socket, i % 2 === 0 ? wrongNonce(request) : new Uint8Array(i % 100), from);
        // Sending completes at once. Without this turn of the event loop neither side would ever
        // read.
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    });
    const sink = start(port, 3000);
    await sink.until(() => sink.samples.length > 0);
    expect(sink.misses).toEqual([{ sourceId: `ntp://127.0.0.1:${port}`, reason: 'flood' }]);
    expect(MAX_IGNORED_DATAGRAMS).toBe(64);
  });

  test('one reply counts once, however often it comes', async () => {
    let requests = 0;
    const port = await hostileServer(async (request, from, socket) => {
      requests++;
      const reply = honest(request);
      for (let i = 0; i < 20; i++) await send(socket, reply, from);
    });
    const sink = start(port);
    await sink.until(() => sink.samples.length >= 3);
    expect(sink.samples.length).toBe(requests);
    expect(sink.misses).toEqual([]);
  });
});
