/** A server of a bound over real loopback sockets: the shell around `bounded-answers.ts`. */
import { createSocket, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { BoundedClock, systemClock } from 'epsilon-clock';
import { NtpServer, type NtpServerOptions, NtsServer, ntp, nts } from 'epsilon-clock/node';
import { TestClock } from 'epsilon-clock/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { encodeRequest } from '../../../src/sources/ntp/exchange.ts';
import { decodePacket, type NtpPacket, referenceIdOf } from '../../../src/sources/ntp/packet.ts';
import { certificateFor } from '../../kit/certificate.ts';
import { RecordingSink } from '../../kit/recording-sink.ts';

const clock = systemClock();
const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function serve(options: NtpServerOptions): Promise<NtpServer> {
  const server = await NtpServer.start(options);
  cleanUps.push(() => server.stop());
  return server;
}

function listen(source: ReturnType<typeof ntp>): RecordingSink {
  const sink = new RecordingSink(clock);
  const running = source.start(sink);
  cleanUps.push(() => running.stop());
  return sink;
}

/** A client that sends what it is told, and keeps what comes back. */
class Client {
  readonly replies: NtpPacket[] = [];
  readonly #socket: Socket = createSocket('udp4');
  #told: () => void = () => {};

  constructor() {
    this.#socket.on('message', (reply) => {
      this.replies.push(decodePacket(Uint8Array.from(reply)));
      this.#told();
    });
    cleanUps.push(() => this.#socket.close());
  }

  send(bytes: Uint8Array, { port }: NtpServer): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.send(bytes, port, '127.0.0.1', () => resolve());
    });
  }

  /** Resolves once `count` replies have come in all. */
  async until(count: number): Promise<void> {
    while (this.replies.length < count) {
      await new Promise<void>((resolve) => {
        this.#told = resolve;
      });
    }
  }
}

describe('a server of a bound', () => {
  test('yields samples that hold the time of the clock it serves', async () => {
    const served = new TestClock({ uncertaintyMs: 3 });
    const server = await serve({ clock: served });
    const sink = listen(ntp('127.0.0.1', { port: server.port, pollIntervalMs: 5 }));
    await sink.until(() => sink.samples.length >= 5);
    for (const { upperNs, lowerNs, sentAt, receivedAt, leap, serverErrorNs } of sink.samples) {
      // True time stands still in the hand of this test.
      expect(upperNs + sentAt).toBeGreaterThanOrEqual(served.trueNs() + 3_000_000n);
      expect(lowerNs + receivedAt).toBeLessThanOrEqual(served.trueNs() - 3_000_000n);
      expect(serverErrorNs).toBeLessThan(3_040_000n);
      expect(leap).toBe('none');
    }
    expect(sink.misses).toEqual([]);
    expect(server.answered).toBeGreaterThanOrEqual(5);
    expect(server.dropped).toBe(0);
  });

  test('says so when there is no bound, and the client counts it as unsynchronized', async () => {
    const server = await serve({ clock: new TestClock({ synchronized: false }) });
    const sink = listen(ntp('127.0.0.1', { port: server.port }));
    await sink.until(() => sink.misses.length > 0);
    expect(sink.misses[0]?.reason).toBe('unsynchronized');
  });

  // In CI, a machine without IPv6 is broken: a failure is better than a gap that no one sees.
  test.each(hasIpv6 || process.env.CI === 'true' ? ['127.0.0.9', '::1'] : ['127.0.0.9'])(
    'that asks itself refuses itself: at %s',
    async (host) => {
      const upstream = await serve({ clock });
      // The port is known only when it is bound, so it is taken from a server that has ended.
      const probe = await NtpServer.start({ clock, host });
      const { port } = probe;
      await probe.stop();
      const own = BoundedClock.start({
        sources: [
          ntp('127.0.0.1', { port: upstream.port, pollIntervalMs: 20 }),
          ntp(host, { port, pollIntervalMs: 20 }),
        ],
        maxFaulty: 0,
      });
      cleanUps.push(() => own.stop());
      const server = await serve({ clock: own, host, port });
      expect(server.address).toBe(host);
      const itself = () => own.explain().sources.at(-1)!;
      while (itself().misses.loop === undefined) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(itself().accepted).toBe(0);
    },
  );

  test('limits each client, says so once, and counts what it drops', async () => {
    const served = new TestClock();
    const rateLimit = { burst: 4, intervalMs: 60_000, loopback: true };
    const server = await serve({ clock: served, rateLimit });
    const client = new Client();
    for (let i = 0; i < 20; i++) await client.send(encodeRequest(BigInt(i + 1)), server);
    await client.until(5);
    while (server.received < 20) await new Promise((resolve) => setImmediate(resolve));
    expect(client.replies.slice(0, 4).map(({ stratum }) => stratum)).toEqual([3, 3, 3, 3]);
    expect(client.replies[4]).toMatchObject({
      stratum: 0,
      leap: 3,
      referenceId: referenceIdOf('RATE'),
      transmitTime: 5n,
    });
    expect(server.answered).toBe(5);
    expect(server.dropped).toBe(15);
  });

  test('may be bound to all addresses of a machine', async () => {
    const server = await serve({ clock: new TestClock(), host: '0.0.0.0' });
    expect(server.address).toBe('0.0.0.0');
    const sink = listen(ntp('127.0.0.1', { port: server.port }));
    await sink.until(() => sink.samples.length > 0);
  });

  test('answers no garbage, and nobody’s answers', async () => {
    const server = await serve({ clock: new TestClock() });
    const client = new Client();
    const sent = [
      new Uint8Array(0),
      new Uint8Array(47).fill(0x23),
      new Uint8Array(48).fill(0x24),
      new Uint8Array(1400).fill(0xff),
    ];
    for (const bytes of sent) await client.send(bytes, server);
    await client.send(encodeRequest(9n), server);
    await client.until(1);
    expect(server.received).toBe(5);
    expect(server.answered).toBe(1);
    expect(client.replies.map(({ originTime }) => originTime)).toEqual([9n]);
  });

  test('does not misbehave', async () => {
    const server = await serve({ clock: new TestClock() });
    expect(() => server.behave({ offsetMs: 5 })).toThrow(/behaviour/);
    expect(server.behaviour).toEqual({});
  });
});

describe('options:', () => {
  const bounded = (): TestClock => new TestClock();
  test.each<[string, () => NtpServerOptions, RegExp]>([
    ['a lie about a bound', () => ({ clock: bounded(), behaviour: {} }), /behaviour/],
    ['a plain clock on a network', () => ({ clock, host: '0.0.0.0' }), /loopback/],
    ['a plain clock on all of IPv6', () => ({ clock, host: '::' }), /loopback/],
    ['a stratum without a bound', () => ({ clock, stratum: 2 }), /stratum/],
    ['a limit without a bound', () => ({ clock, rateLimit: false }), /rateLimit/],
    ['stratum 1', () => ({ clock: bounded(), stratum: 1 }), /stratum/],
    ['stratum 16', () => ({ clock: bounded(), stratum: 16 }), /stratum/],
    ['half a stratum', () => ({ clock: bounded(), stratum: 2.5 }), /stratum/],
    ['a name', () => ({ clock: bounded(), host: 'localhost' }), /host/],
    ['a bad limit', () => ({ clock: bounded(), rateLimit: { burst: 0 } }), /burst/],
    ['no clock', () => ({ clock: {} as never }), /BoundedReader/],
  ])('%s is refused', async (_, options, message) => {
    await expect(NtpServer.start(options())).rejects.toThrow(message);
  });

  test('the stratum is announced, and the limit can be turned off', async () => {
    const server = await serve({ clock: bounded(), stratum: 7, rateLimit: false });
    const client = new Client();
    await client.send(encodeRequest(1n), server);
    await client.until(1);
    expect(client.replies[0]?.stratum).toBe(7);
  });

  test('an attached reader is served as well', async () => {
    const first = await serve({ clock });
    const own = BoundedClock.start({
      sources: [ntp('127.0.0.1', { port: first.port })],
      hostClock: 'free-running',
    });
    cleanUps.push(() => own.stop());
    await own.waitSynced({ timeoutMs: 20_000 });
    const server = await serve({ clock: BoundedClock.attach(own.share()) });
    const sink = listen(ntp('127.0.0.1', { port: server.port }));
    await sink.until(() => sink.samples.length > 0);
  });
});

test('an NTS server serves a bound as well', async () => {
  const served = new TestClock({ uncertaintyMs: 3 });
  const { key, cert } = await certificateFor(['localhost']);
  const server = await NtsServer.start({ clock: served, key, cert });
  cleanUps.push(() => server.stop());
  const sink = listen(nts('127.0.0.1', { port: server.port, ca: cert }));
  await sink.until(() => sink.samples.length > 0);
  const [{ upperNs, lowerNs, sentAt, receivedAt }] = sink.samples as [(typeof sink.samples)[0]];
  expect(upperNs + sentAt).toBeGreaterThanOrEqual(served.trueNs() + 3_000_000n);
  expect(lowerNs + receivedAt).toBeLessThanOrEqual(served.trueNs() - 3_000_000n);
  expect(server.dropped).toBe(0);
});
