/**
 * A clock that serves its bound over a simulated network, and a second clock that has no other
 * source: while the first hears its servers, when they die, and when its bound expires.
 */
import { expect, test } from 'vitest';
import { BoundedClock } from '../../../src/bounded-clock/bounded-clock.ts';
import { SimWorld } from '../../../src/sim/world.ts';
import { BoundedAnswers } from '../../../src/sources/ntp/bounded-answers.ts';
import { encodeRequest } from '../../../src/sources/ntp/exchange.ts';
import { decodePacket, type NtpPacket } from '../../../src/sources/ntp/packet.ts';
import { serveOnSim } from '../../kit/sim-bounded-server.ts';

const MINUTE = 60_000;
const SERVERS = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
const RELAY = '10.0.1.1';

test.each([1, 2, 3])(
  'dispersion grows in holdover until leap 3, and both clocks stay right: seed %i',
  async (seed) => {
    const world = new SimWorld({ seed });
    const servers = SERVERS.map((address) => world.ntpServer(address));
    const relay = world.process(RELAY, { clock: { driftPpm: 20 } });
    const first = BoundedClock.start({
      sources: SERVERS.map((address) => world.ntp(relay, address, { pollIntervalMs: 16_000 })),
      clock: relay.clock,
      hostClock: 'free-running',
      expireAfterMs: 40 * MINUTE,
    });
    serveOnSim(world, relay, first);
    const client = world.process('10.0.1.2', { clock: { driftPpm: -30 } });
    const second = BoundedClock.start({
      sources: [world.ntp(client, RELAY, { pollIntervalMs: 16_000 })],
      clock: client.clock,
      hostClock: 'free-running',
    });
    world.watch(relay, first, 100);
    world.watch(client, second, 100);
    const answers = new BoundedAnswers(first, 3, () => 1);
    const ask = (): NtpPacket =>
      decodePacket(answers.answer(encodeRequest(7n), answers.receive()) ?? new Uint8Array());

    expect(ask()).toMatchObject({ leap: 3, stratum: 0 });
    await world.runCallbacks(10 * MINUTE);
    expect(second.read().status).toBe('synchronized');
    for (const server of servers) server.behave({ silent: true });
    await world.runCallbacks(2 * MINUTE);
    expect(first.read().status).toBe('holdover');
    const dispersions: number[] = [];
    for (let i = 0; i < 12; i++) {
      const { leap, rootDispersion } = ask();
      expect(leap).toBe(0);
      dispersions.push(rootDispersion);
      await world.runCallbacks(3 * MINUTE);
    }
    for (let i = 1; i < dispersions.length; i++) {
      expect(dispersions[i]).toBeGreaterThan(dispersions[i - 1]!);
    }
    await world.runCallbacks(5 * MINUTE);
    expect(ask()).toMatchObject({ leap: 3, stratum: 0 });
    const [source] = second.explain().sources;
    expect(source?.lastReason).toBe('unsynchronized');
    for (const server of servers) server.behave({});
    await world.runCallbacks(5 * MINUTE);
    expect(ask()).toMatchObject({ leap: 0, stratum: 3 });
    expect(second.read().status).toBe('synchronized');
    expect(world.oracle.violations).toEqual([]);
    expect(world.oracle.summary().readings).toBeGreaterThan(30_000);
  },
);
