/**
 * Each kind of source in the simulator: the truth is held while its assumption holds, and a control
 * breaks the assumption. Witnesses are in witness.test.ts, servers that smear in
 * smear-worlds.test.ts.
 */
import { expect, test } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import type { TimeSource } from '../../src/bounded-clock/time-source.ts';
import { constantDelay, uniformDelay } from '../../src/sim/delay-models.ts';
import type { LinkOptions } from '../../src/sim/sim-network.ts';
import type { SimProcess } from '../../src/sim/sim-process.ts';
import { type SimChronyOptions, SimWorld } from '../../src/sim/world.ts';
import { decodePacket } from '../../src/sources/ntp/packet.ts';

const SERVERS = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];

/** Somebody on the way back from a server, who has changed its stamps by this many ms. */
const forgery =
  (aheadMs: number): LinkOptions['forge'] =>
  (datagram) => {
    const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
    const units = BigInt(Math.round((aheadMs / 1000) * 2 ** 32));
    for (const stamp of [16, 32, 40]) {
      view.setBigUint64(stamp, BigInt.asUintN(64, view.getBigUint64(stamp) + units));
    }
    return datagram;
  };

interface Attack {
  readonly kind: 'ntp' | 'nts';
  readonly forge?: LinkOptions['forge'];
  /** What the attacker adds to the way back, ms. */
  readonly delayMs?: number;
}

/** Ten minutes with three servers. Somebody sits on the way to the first two. */
async function attacked({ kind, forge, delayMs = 0 }: Attack) {
  const world = new SimWorld({ seed: 3 });
  const machine = world.process('app', { clock: { driftPpm: 50 } });
  for (const [i, server] of SERVERS.entries()) {
    world.ntpServer(server);
    const onTheWay = i < 2;
    world.network.link('app', server, { delay: constantDelay(0.5) });
    world.network.link(server, 'app', {
      delay: uniformDelay(0.5, 0.6 + (onTheWay ? delayMs : 0)),
      ...(onTheWay && forge !== undefined && { forge }),
    });
  }
  const clock = BoundedClock.start({
    clock: machine.clock,
    hostClock: 'free-running',
    sources: SERVERS.map((server) => world[kind](machine, server, { pollIntervalMs: 16_000 })),
  });
  world.watch(machine, clock, 500);
  await world.runCallbacks(600_000);
  const explanation = clock.explain();
  clock.stop();
  return { explanation, summary: world.oracle.summary() };
}

test('nts: who forges answers gets nowhere; with plain ntp the same forgers are believed', async () => {
  const plain = await attacked({ kind: 'ntp', forge: forgery(300) });
  expect(plain.summary.violations).toBeGreaterThan(0.9 * plain.summary.readings);
  const { explanation, summary } = await attacked({ kind: 'nts', forge: forgery(300) });
  expect(summary.violations).toBe(0);
  expect(explanation.sources.map(({ verdict, lastReason }) => [verdict, lastReason])).toEqual([
    ['silent', 'timeout'],
    ['silent', 'timeout'],
    ['undecided', undefined],
  ]);
  // One of three answers, which may be the liar that f = 1 allows.
  expect(explanation.reading).toMatchObject({ reason: 'too-few-sources' });
  expect(explanation.sources[0]).toMatchObject({
    sourceId: 'nts://10.0.0.1:123',
    restsOn: "the authenticated server's claim: root delay / 2 + root dispersion",
  });
});

test('nts: who delays answers makes the interval wider, and never wrong', async () => {
  const free = await attacked({ kind: 'nts' });
  const delayed = await attacked({ kind: 'nts', delayMs: 200 });
  expect(free.summary).toMatchObject({ violations: 0 });
  expect(delayed.summary).toMatchObject({ violations: 0 });
  expect(delayed.summary.availability).toBeGreaterThan(0.8);
  expect(delayed.summary.meanNs).toBeGreaterThan(1.5 * free.summary.meanNs);
});

test('forge: the sender keeps its bytes, and an untouched datagram is not forged', async () => {
  const world = new SimWorld({ seed: 1 });
  const sent = new Uint8Array([1, 2, 3]);
  const seen: [number[], boolean][] = [];
  world.network.attach({ host: 'b', port: 1 }, (bytes, _, forged) =>
    seen.push([[...bytes], forged]),
  );
  let touch = false;
  const forge = (datagram: Uint8Array) => {
    datagram[0] = 9;
    return touch ? datagram : undefined;
  };
  world.network.link('a', 'b', { delay: constantDelay(1), forge });
  world.network.send({ host: 'a', port: 1 }, { host: 'b', port: 1 }, sent);
  await world.run(10);
  touch = true;
  world.network.send({ host: 'a', port: 1 }, { host: 'b', port: 1 }, sent);
  await world.run(10);
  expect(seen).toEqual([
    [[1, 2, 3], false],
    [[9, 2, 3], true],
  ]);
  expect([...sent]).toEqual([1, 2, 3]);
  expect(() => decodePacket(sent)).toThrow('NTP');
});

/** Half an hour with a time daemon alone, whose clock was this far off at first. */
async function withChronyd(
  wallOffsetMs: number,
  driftPpm: number,
  options: SimChronyOptions,
  more: (world: SimWorld, machine: SimProcess) => readonly TimeSource[] = () => [],
  kind: 'chrony' | 'clockBound' = 'chrony',
) {
  const world = new SimWorld({ seed: 4 });
  const machine = world.process('app', { clock: { driftPpm, wallOffsetMs } });
  const clock = BoundedClock.start({
    clock: machine.clock,
    sources: [world[kind](machine, { pollIntervalMs: 8000, ...options }), ...more(world, machine)],
  });
  world.watch(machine, clock, 1000);
  await world.run(1_800_000);
  const { sources } = clock.explain();
  const { parts } = clock.explain();
  clock.stop();
  return { sources, parts, summary: world.oracle.summary(), machine };
}

test.each([1, -1, 0.3])(
  'chronyd, with an error at %d of its claim, works a correction off: never wrong',
  async (errorShare) => {
    for (const wallOffsetMs of [40, -40]) {
      const { summary, sources, machine } = await withChronyd(wallOffsetMs, 12, { errorShare });
      expect(summary.violations).toBe(0);
      expect(summary.availability).toBeGreaterThan(0.9);
      expect(sources[0]).toMatchObject({ sourceId: 'chrony://app', verdict: 'agrees' });
      // The correction has been worked off meanwhile, so it was pending before.
      expect(Math.abs(Number(machine.clock.wallErrorNs()))).toBeLessThan(2e6);
    }
  },
);

test.each([1, -1, 0.3])(
  'ClockBound, whose daemon is off by %d of its claim, while a correction is worked off: never wrong',
  async (errorShare) => {
    for (const wallOffsetMs of [40, -40]) {
      const { summary, sources } = await withChronyd(
        wallOffsetMs,
        12,
        { errorShare },
        () => [],
        'clockBound',
      );
      expect(summary.violations).toBe(0);
      expect(summary.availability).toBeGreaterThan(0.9);
      expect(sources[0]).toMatchObject({ sourceId: 'clockbound://app', verdict: 'agrees' });
    }
  },
);

test('control: a daemon that takes a wrong system clock for right makes ClockBound false', async () => {
  // It is wrong by 40 times its claim of 0.5 ms, and so is the system clock.
  const lie: SimChronyOptions = { errorShare: 40, rootDistanceMs: 0.5, slewPpm: 0 };
  const { summary } = await withChronyd(20, 5, lie, () => [], 'clockBound');
  expect(summary.violations).toBeGreaterThan(0.5 * summary.readings);
});

test('control: a crystal that drifts by more than the report allows for makes it false', async () => {
  const { summary } = await withChronyd(0, 120, { errorShare: -1, slewPpm: 0 });
  expect(summary.violations).toBeGreaterThan(0.02 * summary.readings);
});

test('control: a chronyd that is off by forty times its claim is believed alone, and not among three', async () => {
  const lie: SimChronyOptions = { errorShare: 40, rootDistanceMs: 0.5, slewPpm: 0 };
  // The wall clock is so far off that the wall guard ignores it.
  const alone = await withChronyd(2000, 5, lie);
  expect(alone.summary.violations).toBeGreaterThan(0.5 * alone.summary.readings);
  const outvoted = await withChronyd(2000, 5, lie, (world, machine) =>
    SERVERS.slice(0, 2).map((server) => {
      world.ntpServer(server);
      return world.ntp(machine, server);
    }),
  );
  expect(outvoted.summary.violations).toBe(0);
  expect(outvoted.sources.map(({ verdict }) => verdict)).toEqual([
    'falseticker',
    'agrees',
    'agrees',
  ]);
});
