import { expect, test } from 'vitest';
import type { SimNtpServerOptions } from '../../src/sim/sim-ntp-server.ts';
import { SimWorld, type SimWorldOptions } from '../../src/sim/world.ts';
import { encodeRequest } from '../../src/sources/ntp/exchange.ts';
import { decodePacket, type NtpPacket } from '../../src/sources/ntp/packet.ts';
import { unixNs } from '../../src/time/instant.ts';

const ADDRESS = '10.0.0.1';

/** One server, asked directly, without the NTP client. */
function served(options: SimNtpServerOptions = {}, leap: Partial<SimWorldOptions> = {}) {
  const world = new SimWorld({ ...leap, seed: 3 });
  const server = world.ntpServer(ADDRESS, options);
  const ask = (): NtpPacket | undefined => {
    const from = { host: 'asker', port: 1 };
    let reply: NtpPacket | undefined;
    const close = world.network.attach(from, (bytes) => {
      reply = decodePacket(bytes);
    });
    world.network.send(from, { host: ADDRESS, port: 123 }, encodeRequest(77n));
    world.scheduler.run(world.scheduler.elapsedNs + 1e9);
    close();
    return reply;
  };
  return { world, server, ask };
}

/** A 16.16 value as ns; truncation may have cost one unit. */
const shortNs = (short: number) => (short * 1e9) / 65_536;
const QUANTUM_NS = 1e9 / 65_536;

test.for([-1, -0.3, 0, 1])(
  'an honest server with error share %d never exceeds its claim',
  (errorShare) => {
    const { world, server, ask } = served({
      errorShare,
      errorPeriodMs: 100_000,
      rootDelayMs: 3,
      rootDispersionMs: 1,
    });
    let worst = 0;
    for (let i = 0; i < 200; i++) {
      world.scheduler.run(world.scheduler.elapsedNs + 1.7e9);
      const error = Number(server.errorNs());
      const { rootDelay, rootDispersion, precision } = ask()!;
      expect(precision).toBe(-20);
      const claim = shortNs(rootDelay) / 2 + shortNs(rootDispersion) + 1.5 * QUANTUM_NS + 954;
      expect(Math.abs(error)).toBeLessThanOrEqual(claim);
      worst = Math.max(worst, Math.abs(error) / 2.5e6);
    }
    // The error uses the whole claim, which grows by up to 1 us a second over 64 s.
    expect(worst).toBeGreaterThan(0.95 * Math.abs(errorShare));
  },
);

test('an update while a request is held: the claim covers the first stamp too', () => {
  const { world, server, ask } = served({
    errorShare: -1,
    rootDelayMs: 0,
    rootDispersionMs: 0,
    updateEveryMs: 60_000,
    holdMs: 20,
  });
  for (let minute = 1; minute <= 20; minute++) {
    world.scheduler.run(minute * 60e9 - 10e6);
    const error = Number(server.errorNs());
    expect(error).toBeLessThan(-890_000);
    expect(shortNs(ask()!.rootDispersion)).toBeGreaterThan(-error - QUANTUM_NS - 954);
  }
});

test('a reply returns the nonce, and its stamps are in order', () => {
  const { ask } = served({ holdMs: 20 });
  const reply = ask()!;
  expect(reply).toMatchObject({ mode: 4, originTime: 77n, stratum: 2, leap: 0 });
  expect(reply.transmitTime >= reply.receiveTime).toBe(true);
});

test('lies: an offset, a drift from when it was set, a claim too small, a leap, a kiss, silence', () => {
  const { world, server, ask } = served({ errorShare: 0, rootDispersionMs: 10, precision: -29 });
  server.behave({ offsetMs: -250 });
  expect(Number(server.errorNs())).toBeCloseTo(-250e6, -1);
  server.behave({ driftPpm: 100 });
  world.scheduler.run(world.scheduler.elapsedNs + 60e9);
  expect(Number(server.errorNs())).toBeCloseTo(6e6, -1);
  const honest = ask()!.rootDispersion;
  server.behave({ claimShare: 0.1 });
  expect(ask()!.rootDispersion).toBeLessThanOrEqual(0.1 * honest + 1);
  server.behave({ leap: 'delete' });
  expect(ask()!.leap).toBe(2);
  server.behave({ leap: 'unsynchronized' });
  expect(ask()!.leap).toBe(3);
  server.behave({ kiss: 'RATE' });
  expect(ask()!.stratum).toBe(0);
  server.behave({ silent: true });
  expect(ask()).toBeUndefined();
  server.behave({});
  expect(Number(server.errorNs())).toBeCloseTo(0, -1);
});

test.for([
  ['insert', 100, 1],
  ['delete', 99, -1],
] as const)('a leap second (%s) carried out 1.9 s late', ([leapSecondKind, stepS, aheadS]) => {
  const leapSecondAtNs = unixNs(1_798_761_600n * 1_000_000_000n);
  const originNs = unixNs(leapSecondAtNs - 100_000_000_000n);
  const behaviour = { leapLateMs: 1900 };
  const world = { originNs, leapSecondAtNs, leapSecondKind };
  const { world: w, server } = served({ errorShare: 0, precision: -29, behaviour }, world);
  const errors = [-0.001, 0, 1.899, 1.9].map((s) => {
    w.scheduler.run((stepS + s) * 1e9);
    return Math.round(Number(server.errorNs()) / 1e6) / 1e3;
  });
  expect(errors).toEqual([0, aheadS, aheadS, 0]);
});

test.for([
  ['insert', -1],
  ['delete', 1],
] as const)('a smear (%s) moves its time evenly until the leap second', ([kind, sign]) => {
  const { world, server } = served({ errorShare: 0, precision: -29 });
  server.behave({ smear: { leapAtMs: 100_000, windowMs: 80_000, kind } });
  const errors = [10, 20, 60, 99.999].map((s) => {
    world.scheduler.run(s * 1e9);
    return Number(server.errorNs()) / 1e9;
  });
  expect(errors[0]).toBeCloseTo(0, 6);
  expect(errors[1]).toBeCloseTo(0, 6);
  expect(errors[2]).toBeCloseTo(0.5 * sign, 6);
  expect(errors[3]).toBeCloseTo(sign, 4);
});
