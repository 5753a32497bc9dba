import { createSocket } from 'node:dgram';
import { BoundedClock, systemClock } from 'epsilon-clock';
import { NtpServer, ntp, RoughtimeServer, roughtime } from 'epsilon-clock/node';
import { describe, expect, it, test } from 'vitest';
import { HandClock } from '../../kit/hand-clock.ts';
import { type Outcome, observed } from '../../kit/observed-source.ts';
import { RecordingSink } from '../../kit/recording-sink.ts';
import { RoughtimeNetwork } from './network.ts';

const MS = 1_000_000n;
const SECOND = 1000n * MS;
const ID = 'roughtime://10.0.0.9:2002';

/** A source that is running on a clock moved by hand, and the server that it asks. */
class World {
  readonly clock = new HandClock();
  readonly sink = new RecordingSink(this.clock);
  readonly network = new RoughtimeNetwork(this.clock);
  readonly running;

  constructor(options: { pollIntervalMs?: number; addresses?: string[] } = {}) {
    this.running = this.network.source('10.0.0.9', options).start(this.sink);
  }

  get last(): string | undefined {
    return this.sink.log.at(-1);
  }
}

describe('what a reply proves', () => {
  it('true time is within MIDP and RADI, and the sample says no more', async () => {
    const { clock, sink } = new World();
    const theta = clock.wallOffset;
    await clock.elapse(100);
    expect(sink.log).toEqual([`endpoints ${ID}`, `sample ${ID}`]);
    const [sample] = sink.samples;
    expect(sample).toMatchObject({ sourceId: ID, pathDelayNs: 2n * MS, serverErrorNs: SECOND });
    expect(sample!.upperNs).toBeGreaterThanOrEqual(theta);
    expect(sample!.lowerNs).toBeLessThanOrEqual(theta);
    expect(sample!.upperNs - sample!.lowerNs).toBe(2n * SECOND + 2n * MS);
  });

  it('the arrival was stamped before the signatures were verified', async () => {
    const world = new World();
    const begin = world.clock.monotonic;
    world.network.verificationNs = 50n * MS;
    await world.clock.elapse(200);
    expect(world.sink.samples[0]!.sentAt).toBe(begin);
    expect(world.sink.samples[0]!.receivedAt).toBe(begin + 2n * MS);
  });

  it('it comes with what was signed, and the next request is made from that', async () => {
    const world = new World({ pollIntervalMs: 1000 });
    await world.clock.elapse(100);
    const [signed] = world.sink.signed;
    expect(signed).toMatchObject({ sourceId: ID, previous: undefined });
    expect(signed!.latest - signed!.earliest).toBe(2n * SECOND);
    expect(signed!.exchange.rand).toBeUndefined();
    expect(Buffer.from(signed!.exchange.request, 'base64')).toEqual(
      Buffer.from(world.network.requests[0]!),
    );
    world.sink.lastSigned = signed;
    await world.clock.elapse(1000);
    const later = world.sink.signed[1]!;
    expect(later.previous).toBe(signed);
    expect(Buffer.from(later.exchange.rand!, 'base64').length).toBe(32);
  });
});

describe('when it asks', () => {
  it('once at the start, then once per interval', async () => {
    const world = new World({ pollIntervalMs: 60_000 });
    await world.clock.elapse(200_000);
    expect(world.network.askedMs).toEqual([0, 60_000, 120_000, 180_000]);
  });

  it('every 5 minutes unless told otherwise, and public addresses at most every 16 s', async () => {
    expect(new World().running.pollIntervalMs).toBe(300_000);
    const world = new World({ pollIntervalMs: 1000, addresses: ['203.0.113.9'] });
    await world.clock.elapse(60_000);
    expect(world.running.pollIntervalMs).toBe(16_000);
    expect(world.network.askedMs).toEqual([0, 16_000, 32_000, 48_000]);
  });

  it('when the clock has lost its bound: once, a second after the last request', async () => {
    const world = new World();
    await world.clock.elapse(500);
    world.running.burst();
    world.running.burst();
    await world.clock.elapse(10_000);
    expect(world.network.askedMs).toEqual([0, 1000]);
  });

  it('after misses, with pauses of 1, 1.5, 2.25 ... s up to a day, until a valid reply', async () => {
    const world = new World();
    world.network.reaction = 'silent';
    await world.clock.elapse(30_000);
    // The time limit of 2 s, and the pause after it.
    expect(world.network.askedMs.slice(0, 5)).toEqual([0, 3000, 6500, 10_750, 16_125]);
    for (let hour = 0; hour < 24 * 20; hour++) await world.clock.elapse(3_600_000);
    const asked = world.network.askedMs;
    const pauses = asked.slice(1).map((at, i) => Math.round(at - asked[i]! - 2000));
    expect(pauses.at(-1)).toBe(86_400_000);
    expect(Math.max(...pauses)).toBe(86_400_000);
    for (const [i, pause] of pauses.entries()) {
      if (i > 0 && pause < 86_400_000) expect(pause / pauses[i - 1]!).toBeCloseTo(1.5, 3);
    }
    // Asking for it does not help: the server may have trouble enough.
    const before = world.network.asked.length;
    world.running.burst();
    await world.clock.elapse(60_000);
    expect(world.network.asked.length).toBe(before);
    world.network.reaction = 'honest';
    await world.clock.elapse(86_400_000);
    expect(world.last).toBe(`sample ${ID}`);
    const n = world.network.asked.length;
    await world.clock.elapse(300_000);
    expect(world.network.asked.length).toBe(n + 1);
  });

  it('a bad reply does not end the back-off', async () => {
    const world = new World();
    world.network.reaction = 'greased';
    await world.clock.elapse(30_000);
    expect(world.network.askedMs.slice(0, 4)).toEqual([0, 3000, 6500, 10_750]);
    expect(world.sink.samples).toEqual([]);
  });

  it('what never left this machine does not lengthen the pause', async () => {
    const world = new World();
    world.network.reaction = 'no-route';
    await world.clock.elapse(20_500);
    expect(world.network.asked.length).toBe(21);
    world.network.reaction = 'honest';
    await world.clock.elapse(1000);
    expect(world.last).toBe(`sample ${ID}`);
  });

  it('keeps to its allowance, whatever the clock asks for', async () => {
    const world = new World({ pollIntervalMs: 20_000 });
    for (let i = 0; i < 9000; i++) {
      if (i % 2 === 0) world.running.burst();
      else world.running.discardInFlight();
      await world.clock.elapse(100);
    }
    const asked = world.network.askedMs;
    for (let i = 0; i < asked.length; i++) {
      for (let k = i + 1; k < asked.length; k++) {
        expect(k - i + 1).toBeLessThanOrEqual(16 + (asked[k]! - asked[i]!) / 20_000);
      }
    }
    expect(asked.length).toBeGreaterThan(50);
  });

  it('its addresses in turns, while they fail', async () => {
    const world = new World({ addresses: ['10.0.0.1', '10.0.0.2'] });
    world.network.reaction = 'silent';
    await world.clock.elapse(7000);
    world.network.reaction = 'honest';
    await world.clock.elapse(10_000);
    expect(world.network.asked.map(({ address }) => address)).toEqual([
      '10.0.0.1',
      '10.0.0.2',
      '10.0.0.1',
      '10.0.0.2',
    ]);
  });
});

describe('a miss', () => {
  it.each([
    ['silent', 'timeout'],
    ['greased', 'wrong-signature'],
    ['no-route', 'unreachable'],
  ] as const)('%s: %s', async (reaction, reason) => {
    const world = new World();
    world.network.reaction = reaction;
    await world.clock.elapse(2500);
    expect(world.sink.log[1]).toBe(`miss ${ID} ${reason}`);
  });

  it('a name without an address is a miss, and is resolved again', async () => {
    const addresses: string[] = [];
    const world = new World({ addresses });
    await world.clock.elapse(500);
    expect(world.last).toBe(`miss ${ID} unresolved`);
    addresses.push('10.0.0.3');
    await world.clock.elapse(5000);
    expect(world.last).toBe(`sample ${ID}`);
  });

  it('a forged reply before the right one does no harm', async () => {
    const world = new World();
    const { network } = world;
    const original = network.exchange.bind(network);
    network.exchange = (exchange) => {
      const forged = network.reply(exchange.request);
      forged[100]! ^= 1;
      const now = world.clock.monotonicNs();
      const cancel = original(exchange);
      world.clock.setTimer(0.5, () => {
        if (exchange.onDatagram(forged, now, now)) cancel();
      });
      return cancel;
    };
    await world.clock.elapse(100);
    expect(world.last).toBe(`sample ${ID}`);
  });
});

describe('an end', () => {
  it('discarded, it is neither sample nor miss, and the server is asked again', async () => {
    const world = new World();
    world.network.reaction = 'silent';
    await world.clock.elapse(500);
    world.running.discardInFlight();
    world.network.reaction = 'honest';
    expect(world.network.cancelled).toBe(1);
    await world.clock.elapse(5000);
    expect(world.network.askedMs).toEqual([0, 1000]);
    expect(world.sink.log.slice(1)).toEqual([`sample ${ID}`]);
    world.running.discardInFlight();
    await world.clock.elapse(5000);
    expect(world.network.asked.length).toBe(2);
  });

  it('nothing follows `stop`', async () => {
    const world = new World();
    world.network.reaction = 'silent';
    await world.clock.elapse(500);
    world.running.stop();
    await world.clock.elapse(1_000_000);
    expect(world.sink.log).toEqual([`endpoints ${ID}`]);
    expect(world.clock.pending().background).toBe(0);
  });

  it('stopped before its first turn, it never speaks', async () => {
    const world = new World();
    world.running.stop();
    await world.clock.elapse(10_000);
    expect(world.sink.log).toEqual([]);
  });
});

const KEY = '0GD7c3yP8xEc4Zl2zeuN2SlLvDVVocjsPSL8/Rl/7zg=';

test.each<[string, unknown, object, string]>([
  ['a host that is not a text', 5, {}, 'host must be a string'],
  ['a host with a port', 'a:2002', {}, 'host must be'],
  ['no key', 'a', { publicKey: undefined }, 'publicKey must be a string'],
  ['a key of 31 bytes', 'a', { publicKey: 'A'.repeat(42) }, '32 bytes in base64'],
  ['a key that is not base64', 'a', { publicKey: `${KEY.slice(0, 43)}*` }, '32 bytes in base64'],
  ['a port of 0', 'a', { port: 0 }, 'port'],
  ['an interval of 0', 'a', { pollIntervalMs: 0 }, 'pollIntervalMs'],
  ['no time at all', 'a', { timeoutMs: Number.NaN }, 'timeoutMs'],
  ['an unknown option', 'a', { poll: 5 }, 'poll'],
])('refuses %s', (_, host, wrong, message) => {
  expect(() => roughtime(host as string, { publicKey: KEY, ...wrong })).toThrow(message);
});

describe('over UDP, on the real clock', () => {
  test('64 requests at once are signed in few batches, and all replies are right', async () => {
    const clock = systemClock();
    await using server = await RoughtimeServer.start({ clock });
    const { port, publicKey } = server;
    const sinks = Array.from({ length: 64 }, () => new RecordingSink(clock));
    const running = sinks.map((sink) =>
      roughtime('127.0.0.1', { port, publicKey, timeoutMs: 60_000 }).start(sink),
    );
    await Promise.all(sinks.map((sink) => sink.until(() => sink.log.length > 1)));
    for (const each of running) each.stop();
    const now = clock.wallNs();
    for (const { samples, causes } of sinks) {
      expect(causes).toEqual([]);
      const [{ receivedAt, lowerNs, upperNs }] = samples as [(typeof samples)[0]];
      const theta = now - clock.monotonicNs();
      expect(upperNs - lowerNs).toBeGreaterThanOrEqual(2n * SECOND);
      // A second is far more than what the wall clock moves by meanwhile.
      expect(lowerNs < theta + SECOND && theta - SECOND < upperNs).toBe(true);
      expect(receivedAt <= clock.monotonicNs()).toBe(true);
    }
    expect([server.received, server.answered]).toEqual([64, 64]);
  });

  test('a clock on NTP and a witness: it agrees, greased replies are misses', async () => {
    const clock = systemClock();
    await using ntpServer = await NtpServer.start({ clock });
    await using server = await RoughtimeServer.start({ clock, behaviour: { grease: true } });
    const { port, publicKey } = server;
    let onOutcome: (outcome: Outcome) => void = () => {};
    const heard = (wanted: (outcome: Outcome) => boolean): Promise<void> =>
      new Promise((resolve) => {
        onOutcome = (outcome) => {
          if (wanted(outcome)) resolve();
        };
      });
    const options = { port, publicKey, pollIntervalMs: 20, timeoutMs: 50 };
    const source = roughtime(server.address, options);
    await using bounded = BoundedClock.start({
      sources: [
        ntp(ntpServer.address, { port: ntpServer.port }),
        observed(source, (outcome) => onOutcome(outcome)),
      ],
    });
    await bounded.waitSynced();
    const witness = () => bounded.explain().witnesses[0]!;
    await heard((outcome) => 'miss' in outcome && outcome.miss === 'wrong-signature');
    expect(witness()).toMatchObject({ accepted: 0, verdict: 'refused' });
    server.behave({});
    await heard((outcome) => 'sample' in outcome);
    expect(witness().verdict).toBe('agrees');
    expect(witness().restsOn).toContain(publicKey);
    expect(bounded.evidence()).toEqual([]);
    expect(bounded.read().status).toBe('synchronized');
  });
});

test('a server answers nothing but whole requests, and goes on', async () => {
  const clock = systemClock();
  await using server = await RoughtimeServer.start({ clock });
  const { port, publicKey } = server;
  const socket = createSocket('udp4');
  const send = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve) => socket.send(bytes, port, '127.0.0.1', () => resolve()));
  for (let length = 0; length < 1400; length += 100) await send(new Uint8Array(length));
  const sink = new RecordingSink(clock);
  const running = roughtime('127.0.0.1', { port, publicKey, timeoutMs: 60_000 }).start(sink);
  await sink.until(() => sink.samples.length > 0);
  running.stop();
  socket.close();
  expect([server.received, server.answered]).toEqual([15, 1]);
});

test.each<[string, object, string]>([
  ['an address that is not loopback', { host: '192.0.2.1' }, 'a loopback address'],
  ['a port that is not whole', { port: 0.5 }, 'port'],
  ['no clock', { clock: undefined }, 'clock must be a Clock'],
  ['a radius of half a second', { behaviour: { radiusS: 0.5 } }, 'radiusS'],
  ['a behaviour that does not exist', { behaviour: { lies: true } }, 'lies'],
])('a server refuses %s', async (_, wrong, message) => {
  const options = { clock: systemClock(), ...wrong };
  await expect(RoughtimeServer.start(options)).rejects.toThrow(message);
});
