import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { BoundedClock, type Clock, type RunningSource, systemClock } from 'epsilon-clock';
import { type NtsOptions, NtsServer, nts } from 'epsilon-clock/node';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  encodeRecords,
  encodeResponse,
  RecordType,
  uint16,
} from '../../../src/sources/nts/records.ts';
import { type Certificate, certificateFor } from '../../kit/certificate.ts';
import { KeyExchangeServer } from '../../kit/key-exchange-server.ts';
import { RecordingSink } from '../../kit/recording-sink.ts';

/** Client and server over real loopback sockets: TLS for the keys, UDP for the time. */

const clock: Clock = systemClock();
const HOST = 'nts.test';
let certificate: Certificate;
const running: RunningSource[] = [];

beforeAll(async () => {
  certificate = await certificateFor([HOST]);
});
afterEach(() => {
  for (const source of running.splice(0)) source.stop();
});

type Options = NtsOptions & { readonly host?: string };

function start({ host = HOST, ...options }: Options): RecordingSink {
  const sink = new RecordingSink(clock);
  const source = nts(host, {
    resolve: async () => ['127.0.0.1'],
    ca: certificate.cert,
    pollIntervalMs: 5,
    ...options,
  });
  running.push(source.start(sink));
  return sink;
}

const startServer = (): Promise<NtsServer> => NtsServer.start({ clock, ...certificate });

/** The first outcome of a client of the key exchange server `port`. */
async function firstMiss(port: number, options: Options = {}) {
  const sink = start({ port, ...options });
  await sink.until(() => sink.samples.length + sink.misses.length > 0);
  expect(sink.samples).toEqual([]);
  return { reason: sink.misses[0]?.reason, cause: sink.causes[0] };
}

describe('an honest server', () => {
  test('answers 50 exchanges: one key exchange, and no cookie is sent twice', async () => {
    await using server = await startServer();
    const sink = start({ port: server.port });
    await sink.until(() => sink.samples.length >= 50);
    expect(sink.misses).toEqual([]);
    expect(sink.ids).toEqual([`nts://127.0.0.1:${server.port}`]);
    const slack = 2n * clock.wallGridNs;
    const theta = clock.wallNs() - clock.monotonicNs();
    for (const sample of sink.samples) {
      expect(sample.upperNs).toBeGreaterThanOrEqual(theta - slack);
      expect(sample.lowerNs).toBeLessThanOrEqual(theta + slack);
    }
    expect(server.keyExchanges).toBe(1);
    expect(server.repeatedCookies).toBe(0);
    expect(server.refused).toBe(0);
    expect(server.answered).toBeGreaterThanOrEqual(50);
  });

  test('that forgets its keys is recovered from', async () => {
    await using server = await startServer();
    const sink = start({ port: server.port, timeoutMs: 50 });
    await sink.until(() => sink.samples.length >= 3);
    server.rotateKeys();
    const before = sink.samples.length;
    await sink.until(() => sink.samples.length >= before + 10);
    expect(new Set(sink.misses.map(({ reason }) => reason))).toEqual(new Set(['nts-nak']));
    expect(server.keyExchanges).toBe(2);
  });

  test('by its address, with a certificate for that address', async () => {
    await using server = await startServer();
    const sink = start({ host: '127.0.0.1', port: server.port });
    await sink.until(() => sink.samples.length > 0);
    expect(sink.misses).toEqual([]);
  });

  test('gives a clock its bound, and explain names the source', async () => {
    await using server = await startServer();
    const { port } = server;
    const { cert: ca } = certificate;
    const resolve = async (): Promise<string[]> => ['127.0.0.1'];
    const bounded = BoundedClock.start({ sources: [nts(HOST, { port, ca, resolve })] });
    try {
      await bounded.waitSynced();
      expect(bounded.explain().sources).toMatchObject([
        {
          sourceId: `nts://127.0.0.1:${port}`,
          sourceName: `nts://${HOST}:${port}`,
          restsOn: "the authenticated server's claim: root delay / 2 + root dispersion",
          verdict: 'agrees',
        },
      ]);
    } finally {
      bounded.stop();
    }
  });

  test('does not answer requests without authentication', async () => {
    await using server = await startServer();
    const socket = createSocket('udp4');
    const plain = new Uint8Array(48);
    plain[0] = 0x23;
    socket.send(plain, server.ntpPort, '127.0.0.1');
    // The next exchange comes after it on the same socket of the server.
    const sink = start({ port: server.port });
    await sink.until(() => sink.samples.length >= 2);
    expect(server.received).toBe(server.answered + 1);
    socket.close();
  });

  test('may be stopped twice, and refuses connections then', async () => {
    const server = await startServer();
    await server.stop();
    await server.stop();
    const { reason, cause } = await firstMiss(server.port);
    expect([reason, cause]).toEqual(['unreachable', 'ECONNREFUSED']);
  });
});

describe('a certificate that', () => {
  test.each<[string, () => Promise<Certificate>, Options, string, string]>([
    [
      'is for another name',
      () => certificateFor(['other.test'], { addresses: [] }),
      {},
      'certificate-name',
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    [
      'is for the address, where a name was configured',
      () => certificateFor(['other.test'], { addresses: ['127.0.0.1'] }),
      {},
      'certificate-name',
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    [
      'is for a name, where an address was configured',
      () => certificateFor([HOST], { addresses: [] }),
      { host: '127.0.0.1' },
      'certificate-name',
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    [
      'has expired',
      () => certificateFor([HOST], { shiftDays: -10 }),
      {},
      'certificate-expired',
      'CERT_HAS_EXPIRED',
    ],
    [
      'is not valid yet',
      () => certificateFor([HOST], { shiftDays: 10 }),
      {},
      'certificate-not-yet-valid',
      'CERT_NOT_YET_VALID',
    ],
  ])('%s is refused, and no time is asked for', async (_, make, options, reason, cause) => {
    const made = await make();
    await using server = await NtsServer.start({ clock, ...made });
    const miss = await firstMiss(server.port, { ca: made.cert, ...options });
    expect(miss).toEqual({ reason, cause });
    expect(server.received).toBe(0);
    expect(server.keyExchanges).toBe(0);
  });

  test('has another root is refused, even where the environment says not to verify', async () => {
    await using server = await startServer();
    const { cert: ca } = await certificateFor([HOST]);
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      const { reason } = await firstMiss(server.port, { ca });
      expect(reason).toBe('certificate-untrusted');
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
    expect(server.keyExchanges).toBe(0);
  });

  test('has no root that Node trusts is refused', async () => {
    await using server = await startServer();
    expect((await firstMiss(server.port, { ca: undefined })).reason).toBe('certificate-untrusted');
  });
});

describe('a key exchange server that', () => {
  const cookies = Array.from({ length: 9 }, () => new Uint8Array(100));
  const cookieRecord = { type: RecordType.cookie, critical: false, body: new Uint8Array(60) };
  const end = { type: RecordType.end, critical: true, body: new Uint8Array(0) };
  const response = (n: number): Uint8Array => encodeResponse(9, cookies.slice(0, n));
  const endless = (socket: TLSSocket): void => {
    const chunk = Buffer.alloc(4096, encodeRecords([cookieRecord]));
    const more = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', more);
    more();
  };

  test.each<[string, (socket: TLSSocket) => void, string]>([
    ['sends nine cookies', (socket) => socket.end(response(9)), 'too-many-cookies'],
    ['sends no cookie', (socket) => socket.end(response(0)), 'no-cookie'],
    [
      'forces AEAD 30',
      (socket) => {
        const bytes = response(8);
        bytes[11] = 30;
        socket.end(bytes);
      },
      'aead',
    ],
    [
      'reports an error',
      (socket) =>
        socket.end(
          encodeRecords([{ type: RecordType.error, critical: true, body: uint16(1) }, end]),
        ),
      'server-error',
    ],
    [
      'sends 20 kB',
      (socket) => socket.end(encodeRecords(Array.from({ length: 400 }, () => cookieRecord))),
      'message-length',
    ],
    ['sends without end', endless, 'message-length'],
    [
      'sends half a message',
      (socket) => socket.end(response(8).subarray(0, 50)),
      'key-exchange-closed',
    ],
    ['hangs up', (socket) => socket.destroy(), 'key-exchange-closed'],
  ])('%s is refused', async (_, respond, reason) => {
    await using server = await KeyExchangeServer.start(certificate, respond);
    expect((await firstMiss(server.port)).reason).toBe(reason);
  });

  test('does not know the protocol is refused: Node alone would go on', async () => {
    let asked = 0;
    await using server = await KeyExchangeServer.start(certificate, () => asked++, {});
    expect((await firstMiss(server.port)).reason).toBe('alpn');
    expect(asked).toBe(0);
  });

  test('speaks another protocol is refused', async () => {
    const options = { ALPNProtocols: ['h2'] };
    await using server = await KeyExchangeServer.start(certificate, () => {}, options);
    expect((await firstMiss(server.port)).reason).toBe('alpn');
  });

  test('speaks only TLS 1.2 is refused', async () => {
    const options = { ALPNProtocols: ['ntske/1'], maxVersion: 'TLSv1.2' as const };
    await using server = await KeyExchangeServer.start(certificate, () => {}, options);
    expect((await firstMiss(server.port)).reason).toBe('tls');
  });

  test('speaks no TLS is refused', async () => {
    const sockets = new Set<Socket>();
    const server = createTcpServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.write('220 ready\r\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    expect((await firstMiss((server.address() as AddressInfo).port)).reason).toBe('tls');
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test('never answers is given up', async () => {
    await using server = await KeyExchangeServer.start(certificate, () => {});
    expect((await firstMiss(server.port)).reason).toBe('key-exchange-timeout');
  });

  test('names a port where nobody is: the time server is unreachable', async () => {
    const closed = createSocket('udp4');
    closed.bind(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address();
    closed.close();
    await once(closed, 'close');
    await using server = await KeyExchangeServer.start(certificate, (socket) =>
      socket.end(encodeResponse(port, cookies.slice(0, 8))),
    );
    expect((await firstMiss(server.port)).reason).toBe('unreachable');
  });
});

describe('the embedded server', () => {
  test('survives clients that send garbage, nothing, or too much', async () => {
    await using server = await startServer();
    const greet = (bytes: Uint8Array, protocols = ['ntske/1']) =>
      new Promise<void>((resolve) => {
        const socket = connect({
          host: '127.0.0.1',
          port: server.port,
          ca: certificate.cert,
          servername: HOST,
          ALPNProtocols: protocols,
        });
        socket.on('secureConnect', () => socket.write(bytes));
        socket.on('error', () => {});
        socket.on('close', () => resolve());
        socket.resume();
      });
    await greet(new Uint8Array(20_000));
    await greet(new Uint8Array(20_000).fill(5));
    await greet(encodeRecords([{ type: RecordType.end, critical: true, body: new Uint8Array(0) }]));
    await greet(new Uint8Array(10), ['h2']);
    expect(server.keyExchanges).toBe(0);
    const sink = start({ port: server.port });
    await sink.until(() => sink.samples.length > 0);
    expect(sink.misses).toEqual([]);
  });

  test('is on loopback only, and refuses what is no key', async () => {
    const options = { clock, ...certificate };
    await expect(NtsServer.start({ ...options, host: '10.0.0.1' })).rejects.toThrow(/loopback/);
    await expect(NtsServer.start({ ...options, key: 'no key' })).rejects.toThrow();
    await expect(NtsServer.start({ ...options, key: 5 as never })).rejects.toThrow(/key must be/);
    await expect(NtsServer.start({ ...options, cret: '' } as never)).rejects.toThrow(/cert/);
  });
});

describe('options', () => {
  test.each<[string, object, RegExp]>([
    ['ca of a wrong type', { ca: 5 }, /ca must be certificates/],
    ['ca of a wrong element', { ca: ['', 5] }, /ca must be certificates/],
    ['a pool', { pool: true }, /pool/],
    ['verification switched off', { rejectUnauthorized: false }, /rejectUnauthorized/],
    ['another transport', { transport: {} }, /transport/],
    ['port 0', { port: 0 }, /port must be/],
  ])('%s is refused', (_, options, message) => {
    expect(() => nts(HOST, options)).toThrow(message);
  });

  test('the port in the host is refused by name', () => {
    expect(() => nts('nts.test:4460')).toThrow(/nts\(host, \{ port: 4460 \}\)/);
  });
});
