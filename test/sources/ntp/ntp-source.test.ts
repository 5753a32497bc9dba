import type { ClockSample, RunningSource } from 'epsilon-clock';
import { ntp } from 'epsilon-clock/node';
import { describe, expect, test } from 'vitest';
import type { NtpOptions, NtpResolver } from '../../../src/sources/ntp/ntp-source.ts';
import { HandClock } from '../../kit/hand-clock.ts';
import { RecordingSink } from '../../kit/recording-sink.ts';
import { type Reaction, ScriptedNetwork } from '../../kit/scripted-network.ts';

/**
 * The source on a clock and a network that the test controls: no socket, no timer, no randomness.
 */

const START_NS = 1_000_000_000n;
const HONEST: Reaction = { answer: {} };
const kiss = (code: 'RATE' | 'DENY' | 'RSTR'): Reaction => ({ answer: { kiss: code } });

interface World {
  readonly clock: HandClock;
  readonly network: ScriptedNetwork;
  readonly sink: RecordingSink;
  readonly source: RunningSource;
}

interface Script extends NtpOptions {
  readonly host?: string;
  readonly resolve?: NtpResolver | readonly string[];
  readonly servers?: (address: string, poll: number) => Reaction;
  /** The top 53 bits decide the jitter: 0 gives no jitter, all ones the most. */
  readonly randomBits?: () => bigint;
}

function run(script: Script = {}): World {
  const { host = 'time.test', resolve = ['10.0.0.7'], servers = () => HONEST, ...options } = script;
  const clock = new HandClock({ monotonic: START_NS, monotonicGridNs: 1n, wallGridNs: 1n });
  const network = new ScriptedNetwork(clock, servers);
  const sink = new RecordingSink(clock);
  let nonce = 0n;
  const source = ntp(host, {
    // Small numbers: different nonces, no jitter.
    randomBits: () => ++nonce,
    ...options,
    transport: network,
    resolve: typeof resolve === 'function' ? resolve : async () => resolve,
  }).start(sink);
  return { clock, network, sink, source };
}

describe('polling', () => {
  test('starts at once with a burst of 4, a second apart, then every 16 s on private addresses', async () => {
    const { clock, network, sink, source } = run();
    expect(sink.log).toEqual([]);
    await clock.elapse(40_000);
    expect(network.times('10.0.0.7')).toEqual([0, 1000, 2000, 3000, 19_000, 35_000]);
    expect(source.pollIntervalMs).toBe(16_000);
    expect(sink.samples.length).toBe(6);
  });

  test('and every 64 s on public ones', async () => {
    const { clock, network, source } = run({ resolve: ['192.0.2.1'] });
    await clock.elapse(140_000);
    expect(network.times('192.0.2.1')).toEqual([0, 1000, 2000, 3000, 67_000, 131_000]);
    expect(source.pollIntervalMs).toBe(64_000);
  });

  test.each([
    // The interval asked for, the address, `force`, and the resulting interval.
    [5000, '10.0.0.7', false, 5000],
    [5000, '127.0.0.1', false, 5000],
    [5000, 'fd00::1', false, 5000],
    [5000, '192.0.2.1', false, 16_000],
    [5000, '2001:db8::1', false, 16_000],
    [5000, '192.0.2.1', true, 5000],
    [100_000, '192.0.2.1', false, 100_000],
  ])(
    'an interval of %i ms at %s (force: %s) is %i ms',
    async (pollIntervalMs, address, force, ms) => {
      const { clock, source } = run({ pollIntervalMs, force, resolve: [address] });
      await clock.elapse(10);
      expect(source.pollIntervalMs).toBe(ms);
    },
  );

  test('is drawn out by at most 8 %, never shortened', async () => {
    const { clock, network } = run({ randomBits: () => 2n ** 64n - 1n });
    await clock.elapse(60_000);
    expect(network.times('10.0.0.7')).toEqual([0, 1080, 2160, 3240, 20_520, 37_800, 55_080]);
  });

  test('a slow exchange does not stretch the interval; a timeout longer than it does', async () => {
    const slow = run({ servers: () => ({ answer: {}, delayMs: 700 }) });
    await slow.clock.elapse(3500);
    expect(slow.network.times('10.0.0.7')).toEqual([0, 1000, 2000, 3000]);
    const silent = run({ servers: () => 'silent', timeoutMs: 2500 });
    await silent.clock.elapse(6000);
    expect(silent.network.times('10.0.0.7')).toEqual([0, 2500, 5000]);
  });

  test('yields samples that contain the truth', async () => {
    const { clock, sink } = run({ servers: () => ({ answer: {}, delayMs: 40 }) });
    await clock.elapse(100);
    const sample = sink.samples[0] as ClockSample;
    expect(sample.sourceId).toBe('ntp://10.0.0.7:123');
    expect(sample.receivedAt - sample.sentAt).toBe(40_000_000n);
    expect(sample.pathDelayNs - 40_000_000n).toBeLessThanOrEqual(2n);
    expect(sample.upperNs).toBeGreaterThanOrEqual(clock.wallOffset + 20_000_000n);
    expect(sample.lowerNs).toBeLessThanOrEqual(clock.wallOffset - 20_000_000n);
  });

  test('ends with stop, and no timer or socket stays', async () => {
    const { clock, network, sink, source } = run();
    await clock.elapse(500);
    source.stop();
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
    const told = sink.log.length;
    await clock.elapse(100_000);
    expect(sink.log.length).toBe(told);
    expect(network.polls.length).toBe(1);
  });

  test.each([0, 0.5, 1000.5])('stopped after %f ms, in flight or not, it is quiet', async (ms) => {
    const { clock, sink, source } = run();
    await clock.elapse(ms);
    const told = sink.log.length;
    source.stop();
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
    await clock.elapse(5000);
    expect(sink.log.length).toBe(told);
  });
});

describe('misses', () => {
  test.each<[Reaction, string]>([
    ['silent', 'timeout'],
    ['unreachable', 'unreachable'],
    [{ answer: { leap: 3 } }, 'unsynchronized'],
    [{ answer: { stratum: 16 } }, 'stratum'],
    [{ answer: { rootDispersion: 100_000 } }, 'root-distance'],
    [{ answer: { kiss: 'RATE' } }, 'kiss-rate'],
  ])('%j is reported as %s, on the address', async (reaction, reason) => {
    const { clock, sink } = run({ servers: () => reaction });
    await clock.elapse(1500);
    expect(sink.samples).toEqual([]);
    expect(sink.misses[0]).toEqual({ sourceId: 'ntp://10.0.0.7:123', reason });
  });
});

describe('a kiss-o-death', () => {
  test('RATE ends the burst and doubles the interval each time, up to 1024 s', async () => {
    const { clock, network, source } = run({ servers: () => kiss('RATE') });
    await clock.elapse(10);
    expect(source.pollIntervalMs).toBe(32_000);
    await clock.elapse(6_000_000);
    const gaps = network.times('10.0.0.7').map((t, i, all) => t - (all[i - 1] ?? 0));
    expect(gaps.slice(0, 8)).toEqual([
      0, 32_000, 64_000, 128_000, 256_000, 512_000, 1_024_000, 1_024_000,
    ]);
    expect(source.pollIntervalMs).toBe(1_024_000);
  });

  test('RATE is for good: the server answers again, and is still asked less often', async () => {
    const { clock, network, source } = run({
      servers: (_, n) => (n === 1 ? kiss('RATE') : HONEST),
    });
    await clock.elapse(70_000);
    source.burst();
    await clock.elapse(1000);
    expect(network.times('10.0.0.7')).toEqual([0, 1000, 33_000, 65_000]);
  });

  test.each(['DENY', 'RSTR'] as const)(
    '%s ends polling of that server, whatever it says later',
    async (code) => {
      const { clock, network, source } = run({
        servers: (_, n) => (n === 0 ? kiss(code) : HONEST),
      });
      await clock.elapse(10_000_000);
      source.burst();
      await clock.elapse(10_000);
      expect(network.polls.length).toBe(1);
    },
  );

  test('a denied server gives way to another address of the name', async () => {
    const { clock, network, sink } = run({
      resolve: ['10.0.0.7', '10.0.0.8'],
      servers: (address) => (address === '10.0.0.7' ? kiss('DENY') : HONEST),
    });
    await clock.elapse(5000);
    expect(network.times('10.0.0.7')).toEqual([0]);
    expect(sink.ids).toEqual(['ntp://10.0.0.8:123']);
    expect(sink.samples.length).toBeGreaterThan(0);
  });
});

describe('bursts', () => {
  test('poll 4 times, at once and then a second apart', async () => {
    const { clock, network, source } = run();
    await clock.elapse(30_000);
    const before = network.polls.length;
    source.burst();
    await clock.elapse(10_000);
    expect(network.times('10.0.0.7').slice(before)).toEqual([30_000, 31_000, 32_000, 33_000]);
  });

  test('never poll twice within a second', async () => {
    const { clock, network, source } = run();
    await clock.elapse(19_300);
    source.burst();
    await clock.elapse(5000);
    expect(network.times('10.0.0.7').slice(4)).toEqual([19_000, 20_000, 21_000, 22_000, 23_000]);
  });

  test('are rationed, however often the clock asks', async () => {
    const { clock, network, source } = run();
    for (let second = 0; second < 640; second++) {
      source.burst();
      await clock.elapse(1000);
    }
    // One request per 8 s in the long run, because the server is our own, and 16 at the beginning.
    expect(network.polls.length).toBeLessThanOrEqual(16 + 640 / 8);
    expect(network.polls.length).toBeGreaterThan(90);
  });

  test('do not keep the clock waiting for a server that may not be asked: a miss at most each second', async () => {
    const { clock, sink, source } = run({ servers: () => kiss('DENY') });
    await clock.elapse(5000);
    const before = sink.misses.length;
    for (let i = 0; i < 10; i++) source.burst();
    expect(sink.misses.length).toBe(before);
    await clock.elapse(900);
    expect(sink.misses.slice(before)).toEqual([
      { sourceId: 'ntp://10.0.0.7:123', reason: 'held-back' },
    ]);
    await clock.elapse(200);
    source.burst();
    await clock.elapse(10);
    expect(sink.misses.slice(before).length).toBe(2);
  });
});

describe('one exchange at a time', () => {
  test('a burst during a burst does not begin a second one', async () => {
    const { clock, network, source } = run({
      servers: () => ({ answer: {}, delayMs: 1500 }),
      timeoutMs: 3000,
    });
    await clock.elapse(20_600);
    source.burst();
    source.pollNow?.();
    await clock.elapse(1300);
    expect(network.times('10.0.0.7')).toEqual([0, 1500, 3000, 4500, 20_500]);
    await clock.elapse(6000);
    expect(network.times('10.0.0.7').slice(5)).toEqual([22_000, 23_500, 25_000, 26_500]);
    expect(network.cancelled).toBe(0);
  });

  test.each<[string, Partial<Script>]>([
    ['the next poll', {}],
    ['a server that denied it', { servers: () => kiss('DENY') }],
    ['an address', { resolve: async () => [] }],
    ['a resolver', { resolve: () => new Promise(() => {}) }],
  ])('while it waits for %s, its timers keep no process alive', async (_, script) => {
    const { clock, source } = run(script);
    for (const ms of [10, 490, 10_000, 60_000]) {
      await clock.elapse(ms);
      source.burst();
      source.pollNow?.();
      await clock.elapse(100);
      expect(clock.pending().foreground).toBe(0);
      expect(clock.pending().background).toBeGreaterThan(0);
    }
  });

  test('pollNow polls once, and again when one was under way', async () => {
    const { clock, network, source } = run({ servers: () => ({ answer: {}, delayMs: 400 }) });
    await clock.elapse(10_000);
    source.pollNow?.();
    source.pollNow?.();
    await clock.elapse(5000);
    expect(network.times('10.0.0.7').slice(4)).toEqual([10_000]);
    source.pollNow?.();
    await clock.elapse(200);
    source.pollNow?.();
    await clock.elapse(5000);
    expect(network.times('10.0.0.7').slice(5)).toEqual([15_000, 16_000]);
  });
});

describe('failing', () => {
  test('is three exchanges in a row without a sample, not two, and one sample ends the count', async () => {
    const answers = ['s', '-', '-', 's', '-', '-', '-'];
    let lookups = 0;
    const { clock } = run({
      resolve: async () => {
        lookups++;
        return ['10.0.0.7'];
      },
      servers: (_, poll) => (answers[poll] === 's' ? HONEST : 'silent'),
    });
    // Polls at 0, 1, 2, 3 s and then at 19, 35, 51 s. Each takes 1 s to fail, and the resolver
    // waits for one.
    await clock.elapse(52_900);
    expect(lookups).toBe(1);
    await clock.elapse(200);
    expect(lookups).toBe(2);
  });

  test('is a refused port at once, and being denied', async () => {
    for (const bad of ['unreachable', kiss('DENY')] as const) {
      let lookups = 0;
      const { clock } = run({
        resolve: async () => {
          lookups++;
          return ['10.0.0.7'];
        },
        servers: (_, poll) => (poll === 0 ? HONEST : bad),
      });
      await clock.elapse(1900);
      expect(lookups).toBe(1);
      await clock.elapse(200);
      expect(lookups).toBe(2);
    }
  });
});

describe('discardInFlight', () => {
  test('drops the exchange under way and polls again; it is no miss', async () => {
    const { clock, network, sink, source } = run({ servers: () => ({ answer: {}, delayMs: 400 }) });
    await clock.elapse(19_200);
    const told = sink.log.length;
    source.discardInFlight();
    await clock.elapse(700);
    expect(sink.log.length).toBe(told);
    expect(network.cancelled).toBe(1);
    await clock.elapse(500);
    expect(network.times('10.0.0.7').slice(4)).toEqual([19_000, 20_000]);
    expect(sink.samples.at(-1)?.sentAt).toBe(START_NS + 20_000_000_000n);
  });

  test('does nothing when there is none', async () => {
    const { clock, network, source } = run();
    await clock.elapse(10_000);
    source.discardInFlight();
    await clock.elapse(5000);
    expect(network.times('10.0.0.7')).toEqual([0, 1000, 2000, 3000]);
  });
});

describe('names', () => {
  test('before it has an address, a source counts under its name', async () => {
    let resolve: (addresses: string[]) => void = () => {};
    const { clock, sink } = run({
      resolve: () => new Promise((done) => (resolve = done)),
    });
    await clock.elapse(500);
    expect(sink.log).toEqual(['endpoints ntp://time.test:123']);
    // The resolver is overdue: the clock must not wait for it.
    await clock.elapse(600);
    expect(sink.misses).toEqual([{ sourceId: 'ntp://time.test:123', reason: 'unresolved' }]);
    // Its late answer is used all the same.
    resolve(['10.0.0.9']);
    await clock.elapse(10);
    expect(sink.ids).toEqual(['ntp://10.0.0.9:123']);
    expect(sink.samples.length).toBe(1);
  });

  test('whose resolver never answers are missed again and again: the clock may have started over', async () => {
    const { clock, sink, source } = run({ resolve: () => new Promise(() => {}), timeoutMs: 500 });
    await clock.elapse(2200);
    expect(sink.misses.length).toBe(4);
    source.stop();
    await clock.elapse(5000);
    expect(sink.misses.length).toBe(4);
  });

  test('that do not resolve are tried again, ever less often', async () => {
    const { clock, sink } = run({
      resolve: async () => {
        throw new Error('ENOTFOUND');
      },
    });
    await clock.elapse(2 ** 9 * 1000);
    expect(new Set(sink.misses.map((m) => m.sourceId))).toEqual(new Set(['ntp://time.test:123']));
    expect(new Set(sink.misses.map((m) => m.reason))).toEqual(new Set(['unresolved']));
    // At 0, 1, 3, 7, 15, 31, 63, 127, 255, 511 s.
    expect(sink.misses.length).toBe(10);
  });

  test('a burst brings a long pause to its end, at most once a second', async () => {
    let asked = 0;
    const { clock, source } = run({
      resolve: async () => {
        asked++;
        return [];
      },
    });
    await clock.elapse(130_000);
    const before = asked;
    for (let i = 0; i < 30; i++) {
      source.burst();
      await clock.elapse(100);
    }
    expect(asked - before).toBe(3);
  });

  test('that come to resolve later start then', async () => {
    let attempt = 0;
    const { clock, sink } = run({ resolve: async () => (++attempt < 3 ? [] : ['10.0.0.7']) });
    await clock.elapse(3100);
    expect(sink.log).toEqual([
      'endpoints ntp://time.test:123',
      'miss ntp://time.test:123 unresolved',
      'miss ntp://time.test:123 unresolved',
      'endpoints ntp://10.0.0.7:123',
      'sample ntp://10.0.0.7:123',
    ]);
  });

  test('nonsense from a resolver counts as no address', async () => {
    const { clock, sink } = run({ resolve: ['nonsense', '', '300.1.1.1', '10.0.0.7'] });
    await clock.elapse(10);
    expect(sink.ids).toEqual(['ntp://10.0.0.7:123']);
  });

  test('a server that falls silent makes the name be resolved again; the new address starts afresh', async () => {
    let addresses = ['10.0.0.7'];
    let gone = false;
    const { clock, network, sink } = run({
      resolve: async () => addresses,
      servers: (address) => (gone && address === '10.0.0.7' ? 'silent' : HONEST),
    });
    await clock.elapse(20_000);
    gone = true;
    addresses = ['10.0.0.8'];
    await clock.elapse(100_000);
    expect(sink.ids).toEqual(['ntp://10.0.0.8:123']);
    expect(sink.samples.at(-1)?.sourceId).toBe('ntp://10.0.0.8:123');
    // Exchanges at 35, 51 and 67 s get no answer; then the old address is not asked again.
    expect(network.times('10.0.0.7').slice(5)).toEqual([35_000, 51_000, 67_000]);
    // 1 s for the third timeout, 1 s of pause, then a burst.
    expect(network.times('10.0.0.8').slice(0, 4)).toEqual([69_000, 70_000, 71_000, 72_000]);
  });

  test('a server that falls silent stays, with its vote, when its name has nothing else', async () => {
    const { clock, network, sink } = run({ servers: (_, n) => (n < 4 ? HONEST : 'silent') });
    await clock.elapse(300_000);
    expect(sink.ids).toEqual(['ntp://10.0.0.7:123']);
    expect(sink.listings.length).toBe(2);
    expect(network.polls.length).toBeGreaterThan(15);
  });

  test('an address that the network refuses gives way at once', async () => {
    // As on a host without IPv6 whose resolver puts an IPv6 address first all the same.
    const { clock, sink } = run({
      resolve: ['2001:db8::1', '10.0.0.7'],
      servers: (address) => (address === '10.0.0.7' ? HONEST : 'unreachable'),
    });
    await clock.elapse(10);
    expect(sink.log).toEqual([
      'endpoints ntp://time.test:123',
      'endpoints ntp://[2001:db8::1]:123',
      'miss ntp://[2001:db8::1]:123 unreachable',
      'endpoints ntp://10.0.0.7:123',
      'sample ntp://10.0.0.7:123',
    ]);
  });
});

describe('identity', () => {
  test('two names of one address are one id, however the address is written', async () => {
    const first = run({ host: 'a.test', resolve: ['::ffff:10.0.0.7'] });
    const second = run({ host: 'b.test', resolve: ['10.0.0.7'] });
    await first.clock.elapse(10);
    await second.clock.elapse(10);
    expect(first.sink.ids).toEqual(second.sink.ids);
    expect(first.sink.samples[0]?.sourceId).toBe(second.sink.samples[0]?.sourceId);
  });

  test('another port is another server', async () => {
    const { clock, sink } = run({ port: 11_123 });
    await clock.elapse(10);
    expect(sink.ids).toEqual(['ntp://10.0.0.7:11123']);
  });
});

test('one machine by three names is one vote', async () => {
  for (const host of ['::1', '::1%lo', '::1%1', '::', '0:0:0:0:0:0:0:1']) {
    const { clock, sink } = run({ host, resolve: async (name) => [name] });
    await clock.elapse(10);
    expect(sink.ids).toEqual(['ntp://[::1]:123']);
  }
});

describe('root distance', () => {
  // The claim of a Windows domain controller: 10.731 s, and a precision of a 64th of a second.
  const windows: Reaction = {
    answer: { rootDispersion: Math.ceil(10.731 * 65_536), precision: -6 },
  };

  test('beyond the limit is refused, and usable where that allows it', async () => {
    const refused = run({ servers: () => windows });
    await refused.clock.elapse(10);
    expect(refused.sink.misses[0]?.reason).toBe('root-distance');
    const allowed = run({ servers: () => windows, maxRootDistanceMs: 11_000 });
    await allowed.clock.elapse(10);
    const { upperNs = 0n, lowerNs = 0n } = allowed.sink.samples[0] ?? {};
    expect(Math.round(Number(upperNs - lowerNs) / 2e7) / 100).toBe(10.75);
  });

  test.each([
    [1500, 98_304, true],
    [1500, 98_305, false],
    [1, 65, true],
    [1, 66, false],
    [60_000, 3_932_160, true],
    [60_000, 3_932_161, false],
  ])('of %i ms allows a dispersion of %i units: %s', async (maxRootDistanceMs, units, allowed) => {
    const servers = (): Reaction => ({ answer: { rootDispersion: units } });
    const { clock, sink } = run({ servers, maxRootDistanceMs });
    await clock.elapse(10);
    expect(sink.samples.length).toBe(allowed ? 1 : 0);
  });
});

describe('a pool', () => {
  const resolve = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.2', '10.0.0.4', '10.0.0.5'];

  test('yields up to 4 servers, each polled at once and each with an id', async () => {
    const { clock, sink, network } = run({ pool: true, resolve });
    await clock.elapse(10);
    expect(sink.ids).toEqual([1, 2, 3, 4].map((n) => `ntp://10.0.0.${n}:123`));
    expect(network.polls.map((p) => p.atMs)).toEqual([0, 0, 0, 0]);
    expect(new Set(sink.samples.map((s) => s.sourceId)).size).toBe(4);
  });

  test('yields fewer when it has fewer, and as many as asked for', async () => {
    const two = run({ pool: true, resolve: ['10.0.0.1', '10.0.0.2'] });
    await two.clock.elapse(10);
    expect(two.sink.ids.length).toBe(2);
    const five = run({ pool: true, maxServers: 5, resolve });
    await five.clock.elapse(10);
    expect(five.sink.ids.length).toBe(5);
  });

  test('replaces a silent server, and keeps those that answer though the name has moved on', async () => {
    let addresses = ['10.0.0.1', '10.0.0.2'];
    const { clock, sink } = run({
      pool: true,
      maxServers: 2,
      resolve: async () => addresses,
      servers: (address) => (address === '10.0.0.2' ? 'silent' : HONEST),
    });
    await clock.elapse(2000);
    addresses = ['10.0.0.8', '10.0.0.9'];
    await clock.elapse(5000);
    expect(sink.ids).toEqual(['ntp://10.0.0.1:123', 'ntp://10.0.0.8:123']);
  });
});

describe('options', () => {
  test.each<[string, unknown, string]>([
    ['an empty host', ['', {}], 'ERR_OUT_OF_RANGE'],
    ['a host with a port', ['[::1]:123', {}], 'ERR_OUT_OF_RANGE'],
    ['an IPv4 address with a port', ['127.0.0.1:1123', {}], 'ERR_OUT_OF_RANGE'],
    ['a name with a port', ['time.example.net:123', {}], 'ERR_OUT_OF_RANGE'],
    ['two colons that are no address', ['a:b:c', {}], 'ERR_OUT_OF_RANGE'],
    ['a root distance of 0', ['a', { maxRootDistanceMs: 0 }], 'ERR_OUT_OF_RANGE'],
    ['a root distance beyond a minute', ['a', { maxRootDistanceMs: 60_001 }], 'ERR_OUT_OF_RANGE'],
    ['a root distance that is text', ['a', { maxRootDistanceMs: '1' }], 'ERR_INVALID_ARG_TYPE'],
    ['a resolver that is no function', ['a', { resolve: 5 }], 'ERR_INVALID_ARG_TYPE'],
    ['a transport that is none', ['a', { transport: {} }], 'ERR_INVALID_ARG_TYPE'],
    ['randomness that is a number', ['a', { randomBits: 4 }], 'ERR_INVALID_ARG_TYPE'],
    ['a spelling that is text', ['a', { zoneSpelling: 'eth0' }], 'ERR_INVALID_ARG_TYPE'],
    ['a host that is no string', [7, {}], 'ERR_INVALID_ARG_TYPE'],
    ['port 0', ['a', { port: 0 }], 'ERR_OUT_OF_RANGE'],
    ['port 1.5', ['a', { port: 1.5 }], 'ERR_OUT_OF_RANGE'],
    ['port 65536', ['a', { port: 65_536 }], 'ERR_OUT_OF_RANGE'],
    ['a port that is text', ['a', { port: '123' }], 'ERR_INVALID_ARG_TYPE'],
    ['no servers', ['a', { maxServers: 0 }], 'ERR_OUT_OF_RANGE'],
    ['an interval of 0', ['a', { pollIntervalMs: 0 }], 'ERR_OUT_OF_RANGE'],
    ['an interval that is not a number', ['a', { pollIntervalMs: Number.NaN }], 'ERR_OUT_OF_RANGE'],
    ['a timeout of 0', ['a', { timeoutMs: 0 }], 'ERR_OUT_OF_RANGE'],
    ['force that is text', ['a', { force: 'yes' }], 'ERR_INVALID_ARG_TYPE'],
    ['pool that is a number', ['a', { pool: 4 }], 'ERR_INVALID_ARG_TYPE'],
  ])('%s is refused', (_, args, code) => {
    const call = (): unknown => Reflect.apply(ntp, undefined, args as unknown[]);
    expect(call).toThrow(expect.objectContaining({ code }));
  });

  test('a port in the host is refused with what to write instead', () => {
    expect(() => ntp('127.0.0.1:1123')).toThrow(/^host must be .*port: 123.*got "127.0.0.1:1123"$/);
  });

  test.each(['fe80::1%eth0', '2001:db8::7', '::1', '::ffff:10.0.0.7'])(
    '%s is an address',
    (host) => {
      expect(ntp(host).name).toBe(`ntp://[${host}]:123`);
    },
  );

  test('the name is for people', () => {
    expect(ntp('time.test').name).toBe('ntp://time.test:123');
    expect(ntp('::1', { port: 1123 }).name).toBe('ntp://[::1]:1123');
  });
});
