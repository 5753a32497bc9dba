import { BoundedClock, type ClockEvent } from 'epsilon-clock';
import { ntp } from 'epsilon-clock/node';
import { describe, expect, test } from 'vitest';
import { Allowance } from '../../../src/sources/allowance.ts';
import type { NtpOptions, NtpResolver } from '../../../src/sources/ntp/ntp-source.ts';
import { Rotation } from '../../../src/sources/ntp/rotation.ts';
import { HandClock } from '../../kit/hand-clock.ts';
import { RecordingSink } from '../../kit/recording-sink.ts';
import { type Reaction, ScriptedNetwork } from '../../kit/scripted-network.ts';

/** Which of a name's addresses is asked, and when one is replaced by another. */

const HONEST: Reaction = { answer: {} };
const DEAD: readonly Reaction[] = [
  'silent',
  'unreachable',
  'no-route',
  { answer: { stratum: 16 } },
];

interface World {
  readonly clock: HandClock;
  readonly network: ScriptedNetwork;
  readonly sink: RecordingSink;
  readonly lookups: () => number;
}

interface Script extends NtpOptions {
  readonly resolve: NtpResolver;
  readonly servers: (address: string, poll: number) => Reaction;
  readonly bounded?: boolean;
}

function run({ resolve, servers, bounded, ...options }: Script): World {
  const clock = new HandClock();
  const network = new ScriptedNetwork(clock, servers);
  const sink = new RecordingSink(clock);
  sink.bounded = bounded;
  let nonce = 0n;
  let lookups = 0;
  ntp('time.test', {
    randomBits: () => ++nonce,
    ...options,
    transport: network,
    resolve: (host) => {
      lookups++;
      return resolve(host);
    },
  }).start(sink);
  return { clock, network, sink, lookups: () => lookups };
}

const addresses = (n: number): string[] => Array.from({ length: n }, (_, i) => `10.0.0.${i + 1}`);

describe('every address is asked before any is asked again', () => {
  test.each([2, 3, 5, 17, 100])('%i addresses, the last good', async (n) => {
    for (const dead of DEAD) {
      const all = addresses(n);
      const { clock, network, sink } = run({
        resolve: async () => all,
        servers: (address) => (address === all.at(-1) ? HONEST : dead),
        timeoutMs: 200,
      });
      await clock.elapse(200 * n + 10);
      expect(network.polls.map(({ address }) => address).slice(0, n)).toEqual(all);
      expect(sink.samples[0]?.sourceId).toBe(`ntp://${all.at(-1)}:123`);
      expect(sink.ids).toEqual([`ntp://${all.at(-1)}:123`]);
    }
  });

  test.each([1, 2, 3, 4])('a pool of %i, four dead before the good', async (maxServers) => {
    const all = addresses(4 + maxServers);
    const good = all.slice(4);
    const { clock, network, sink } = run({
      pool: true,
      maxServers,
      resolve: async () => all,
      servers: (address) => (good.includes(address) ? HONEST : 'silent'),
    });
    await clock.elapse(6000);
    for (const dead of all.slice(0, 4)) expect(network.times(dead).length).toBe(1);
    expect([...sink.ids].sort()).toEqual(good.map((address) => `ntp://${address}:123`));
  });

  test('and in every later round, begun when the name is resolved again', async () => {
    const all = addresses(3);
    const { clock, network, lookups } = run({ resolve: async () => all, servers: () => 'silent' });
    await clock.elapse(600_000);
    // A visit is the time between two changes of the address.
    const visits = network.polls
      .map(({ address }) => address)
      .filter((address, i, asked) => address !== asked[i - 1]);
    expect(visits.length).toBeGreaterThan(12);
    expect(visits).toEqual(visits.map((_, i) => all[i % 3]));

    expect(lookups()).toBeLessThan(12);
  });

  test('the one asked longest ago comes first, in whatever order the resolver has them', async () => {
    const all = addresses(4);
    let turn = 0;
    const { clock, network } = run({
      resolve: async () => (turn++ % 2 === 0 ? all : [...all].reverse()),
      servers: () => 'silent',
    });
    await clock.elapse(15_000);
    const visits = network.polls
      .map(({ address }) => address)
      .filter((address, i, asked) => address !== asked[i - 1]);
    expect(visits.slice(0, 7)).toEqual([...all, ...all.slice(0, 3)]);
  });

  test('a name whose addresses come a few at a time is walked through to its end', async () => {
    const all = addresses(8);
    let turn = 0;
    const { clock, network, sink } = run({
      resolve: async () => [all[turn % 8]!, all[(turn++ + 1) % 8]!],
      servers: (address) => (address === all[7] ? HONEST : 'silent'),
      bounded: false,
    });
    await clock.elapse(120_000);
    expect(new Set(network.polls.map(({ address }) => address))).toEqual(new Set(all));
    expect(sink.ids).toEqual(['ntp://10.0.0.8:123']);
  });
});

describe('a server whose answers must be refused', () => {
  test.each<[string, Reaction]>([
    ['not synchronised', { answer: { leap: 3, stratum: 16 } }],
    ['stratum 16', { answer: { stratum: 16 } }],
    ['root dispersion of 5 s', { answer: { rootDispersion: 5 * 65_536 } }],
    ['told to slow down', { answer: { kiss: 'RATE' } }],
    ['told to go away', { answer: { kiss: 'DENY' } }],
  ])('gives way at once when it never was any better: %s', async (_, bad) => {
    const { clock, network, sink } = run({
      resolve: async () => ['10.0.0.1', '10.0.0.2'],
      servers: (address) => (address === '10.0.0.1' ? bad : HONEST),
    });
    await clock.elapse(60_000);
    expect(network.times('10.0.0.1')).toEqual([0]);
    expect(sink.ids).toEqual(['ntp://10.0.0.2:123']);
    expect(sink.samples.length).toBeGreaterThan(4);
  });

  test('gives way after three when it once was', async () => {
    let unsynchronized = false;
    const { clock, network, sink } = run({
      resolve: async () => ['10.0.0.1', '10.0.0.2'],
      servers: (address) =>
        unsynchronized && address === '10.0.0.1' ? { answer: { leap: 3 } } : HONEST,
    });
    await clock.elapse(20_000);
    unsynchronized = true;
    await clock.elapse(100_000);
    expect(network.times('10.0.0.1').slice(5)).toEqual([35_000, 51_000, 67_000]);
    expect(sink.ids).toEqual(['ntp://10.0.0.2:123']);
  });

  test('stays when there is nothing better, and is believed when it answers well again', async () => {
    const { clock, sink, lookups } = run({
      resolve: async () => ['10.0.0.1'],
      servers: (_, poll) => (poll < 20 ? { answer: { leap: 3 } } : HONEST),
    });
    await clock.elapse(600_000);
    expect(sink.ids).toEqual(['ntp://10.0.0.1:123']);
    expect(sink.samples.length).toBeGreaterThan(0);
    expect(lookups()).toBeGreaterThan(3);
  });
});

test('an address has one allowance over all its visits, and used up it is not asked', () => {
  const clock = new HandClock();
  const rotation = new Rotation(clock, () => new Allowance(64_000, 64_000));
  let visits = 0;
  for (let round = 0; round < 40; round++) {
    rotation.begin(['10.0.0.1']);
    const address = rotation.next([]);
    if (address !== undefined) {
      rotation.ask(address).take(clock.monotonicNs());
      visits++;
    }
    clock.advance(1_000_000_000n);
  }
  // 16 in hand less the 2 held back; none is refilled within these 40 s.
  expect(visits).toBe(14);
});

describe('failures of this machine alone', () => {
  test('changes no server, and costs nothing of its allowance', async () => {
    const clock = new HandClock();
    const sink = new RecordingSink(clock);
    sink.bounded = false;
    let polls = 0;
    ntp('time.test', {
      resolve: async () => ['192.0.2.1', '192.0.2.2'],
      randomBits: () => 1n,
      transport: {
        exchange({ onFailure }) {
          polls++;
          const details = { sent: false, cause: 'EMFILE' };
          return clock.setTimer(0, () => onFailure('out-of-descriptors', details));
        },
      },
    }).start(sink);
    await clock.elapse(600_000);
    expect(sink.ids).toEqual(['ntp://192.0.2.1:123']);
    expect(new Set(sink.misses.map(({ reason }) => reason))).toEqual(
      new Set(['out-of-descriptors']),
    );
    expect(new Set(sink.causes)).toEqual(new Set(['EMFILE']));
    // A burst, then a poll every 10 s, for the whole outage.
    expect(polls).toBe(4 + 59);
  });
});

describe('a pool that does not agree', () => {
  const pool = (liars: readonly string[], rotate: boolean) => {
    const clock = new HandClock();
    const network = new ScriptedNetwork(clock, (address) => ({
      answer: {},
      aheadMs: liars.includes(address) ? 400 : 0,
    }));
    let lookups = 0;
    const all = addresses(8);
    const source = ntp('pool.test', {
      pool: true,
      transport: network,
      randomBits: () => 1n,
      resolve: async () => (rotate ? (lookups++ % 2 === 0 ? all.slice(0, 4) : all.slice(4)) : all),
    });
    return { clock, network, bounded: BoundedClock.start({ sources: [source], clock }) };
  };

  test.each([true, false])('draws other members until it does (rotating: %s)', async (rotate) => {
    const { clock, bounded } = pool(['10.0.0.2', '10.0.0.4'], rotate);
    await clock.elapse(5000);
    expect(bounded.read()).toMatchObject({ reason: 'no-agreement' });
    await clock.elapse(15_000);
    expect(bounded.read()).toMatchObject({ status: 'synchronized', quorum: 'full' });
    expect(bounded.explain().sources.map(({ sourceId }) => sourceId)).toEqual(
      [5, 6, 7, 8].map((n) => `ntp://10.0.0.${n}:123`),
    );
    bounded.stop();
  });

  test('less and less often where no other members help, and never more than is polite', async () => {
    const liars = ['10.0.0.1', '10.0.0.2', '10.0.0.5', '10.0.0.6'];
    const { clock, network, bounded } = pool(liars, true);
    const draws: ClockEvent[] = [];
    bounded.onChange((event) => draws.push(event));
    await clock.elapse(3_600_000);
    bounded.stop();
    for (const address of addresses(8)) {
      expect(network.times(address).length).toBeLessThanOrEqual(16 + 3600 / 8);
    }
    const members = network.polls.map(({ address }) => Number(address.split('.')[3]) > 4);
    const changes = members.filter((group, i) => i > 0 && group !== members[i - 1]).length;
    // After 8, 16, 32, ... 512 s.
    expect(changes).toBeGreaterThan(5);
    expect(changes).toBeLessThan(16);
  });

  test('one server of an ordinary name is not exchanged', async () => {
    const { clock, sink, lookups } = run({
      resolve: async () => addresses(2),
      servers: () => HONEST,
    });
    await clock.elapse(60_000);
    expect(sink.ids).toEqual(['ntp://10.0.0.1:123']);
    expect(lookups()).toBe(1);
  });
});
