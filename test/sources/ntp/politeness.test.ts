import { BoundedClock, type RunningSource } from 'epsilon-clock';
import { ntp } from 'epsilon-clock/node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Allowance } from '../../../src/sources/allowance.ts';
import type { NtpOptions } from '../../../src/sources/ntp/ntp-source.ts';
import { asMonotonicNs } from '../../../src/time/instant.ts';
import { HandClock } from '../../kit/hand-clock.ts';
import { RecordingSink } from '../../kit/recording-sink.ts';
import { type Reaction, ScriptedNetwork } from '../../kit/scripted-network.ts';

/** The requests that a server gets, over every path that can lead to one, against its allowance. */

const PUBLIC = '192.0.2.1';
const HOUR_MS = 3_600_000;
const kiss = (code: 'RATE' | 'DENY'): Reaction => ({ answer: { kiss: code } });

/** At most `16 + t / refill` requests in any stretch of `t`, and no two within the spacing. */
function expectWithinAllowance(
  times: readonly number[],
  refillMs: number,
  spacingMs: number,
): void {
  const broken = times.flatMap((from, i) =>
    times
      .map((to, j) => ({ from, to, requests: j - i + 1 }))
      .slice(i)
      .filter(({ to, requests }) => requests > 16 + (to - from) / refillMs + 1e-9),
  );
  expect(broken.slice(0, 1)).toEqual([]);
  const close = times.filter((at, i) => i > 0 && at - times[i - 1]! < spacingMs - 1e-6);
  expect(close).toEqual([]);
}

describe('an allowance', () => {
  const at = (ms: number) => asMonotonicNs(BigInt(Math.round(ms * 1e6)));

  test('holds for requests sent as soon as they are allowed, at any times', () => {
    const pauses = fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 120, size: 'max' });
    fc.assert(
      fc.property(pauses, fc.integer({ min: 1000, max: 100_000 }), (gaps, refillMs) => {
        const allowance = new Allowance(100_000, refillMs);
        const taken: number[] = [];
        let now = 0;
        for (const gap of gaps) {
          now += gap % 20 === 0 ? gap : Math.floor(gap / 100);
          now += Number(allowance.waitNs(at(now))) / 1e6;
          if (allowance.waitNs(at(now)) > 0n) now += 1e-6;
          allowance.take(at(now));
          taken.push(now);
        }
        expectWithinAllowance(taken, refillMs, 1000);
      }),
    );
  });

  test('is 16 requests a second apart, then one per refill', () => {
    const allowance = new Allowance(64_000, 64_000);
    let now = 0;
    const taken: number[] = [];
    while (taken.length < 19) {
      now += Number(allowance.waitNs(at(now))) / 1e6;
      allowance.take(at(now));
      taken.push(now);
    }
    expect(taken.slice(0, 16)).toEqual(Array.from({ length: 16 }, (_, i) => i * 1000));
    expect(taken.slice(16)).toEqual([64_000, 128_000, 192_000]);
  });

  test('gives back a request that never left, but not the spacing', () => {
    const allowance = new Allowance(64_000, 64_000);
    for (let i = 0; i < 100; i++) {
      expect(allowance.waitNs(at(i * 1000))).toBe(0n);
      allowance.take(at(i * 1000));
      allowance.giveBack();
      expect(allowance.waitNs(at(i * 1000))).toBe(1_000_000_000n);
    }
    expect(allowance.isUntouched(at(100_000))).toBe(true);
  });

  test('leaves a reserve when asked to', () => {
    const allowance = new Allowance(64_000, 64_000);
    for (let i = 0; i < 14; i++) allowance.take(at(i * 1000));
    expect(allowance.waitNs(at(14_000))).toBe(0n);
    expect(allowance.waitNs(at(14_000), 2)).toBe(50_000_000_000n);
  });

  test('after RATE is one request per doubled interval, in any earlier state', () => {
    const allowance = new Allowance(64_000, 64_000);
    allowance.take(at(0));
    allowance.obey('RATE', at(5));
    expect([allowance.intervalMs, allowance.slowed, allowance.denied]).toEqual([
      128_000,
      true,
      false,
    ]);
    expect(allowance.waitNs(at(5))).toBe(127_995_000_000n);
    expect(allowance.waitNs(at(128_000), 2)).toBe(0n);
    allowance.take(at(1_000_000));
    expect(allowance.waitNs(at(1_000_000))).toBe(128_000_000_000n);
    expect(allowance.isUntouched(at(9_000_000))).toBe(false);
    allowance.obey('DENY', at(1_000_000));
    expect(allowance.denied).toBe(true);
  });
});

/** The ways to make a source poll. The test calls each of them at moments that it draws. */
const PRODS: readonly ((source: RunningSource) => void)[] = [
  (source) => source.burst(),
  (source) => source.pollNow?.(),
  (source) => source.discardInFlight(),
  (source) => source.redraw?.(),
];

const REACTIONS: readonly Reaction[] = [
  'silent',
  'unreachable',
  { answer: {} },
  { answer: {}, delayMs: 700 },
  { answer: { leap: 3 } },
  kiss('RATE'),
];

describe('a server is sent no more than its allowance', () => {
  const script = fc.record({
    pool: fc.boolean(),
    bounded: fc.boolean(),
    // A list of calls: which source, which way, and the pause before it.
    prods: fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 0, max: 20_000 })), {
      maxLength: 200,
      size: 'max',
    }),
    answers: fc.array(fc.nat(REACTIONS.length - 1), { minLength: 1, maxLength: 40 }),
    names: fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 6 }),
    jitter: fc.boolean(),
  });

  test('whatever calls the source gets and whatever comes back', async () => {
    await fc.assert(
      fc.asyncProperty(script, async ({ pool, bounded, prods, answers, names, jitter }) => {
        const clock = new HandClock();
        const network = new ScriptedNetwork(
          clock,
          (_, poll) => REACTIONS[answers[poll % answers.length]!]!,
        );
        const sink = new RecordingSink(clock);
        sink.bounded = bounded;
        let nonce = 0n;
        let lookups = 0;
        const source = ntp('time.test', {
          pool,
          transport: network,
          randomBits: () => (jitter ? (++nonce * 0x9e37_79b9_7f4a_7c15n) % 2n ** 64n : ++nonce),
          // The name has other addresses each time, so the rotation leaves an address and returns
          // to it.
          resolve: async () => names.map((n) => `192.0.2.${((n + lookups++) % 7) + 1}`),
        }).start(sink);
        for (const [prod, pauseMs] of prods) {
          PRODS[prod]!(source);
          await clock.elapse(pauseMs);
        }
        source.stop();
        for (const address of new Set(network.polls.map((poll) => poll.address))) {
          const times = network.polls.filter((p) => p.address === address).map((p) => p.atMs);
          expectWithinAllowance(times, 64_000, 1000);
        }
      }),
      { numRuns: 150 },
    );
  });

  const prodded = async (options: NtpOptions, reaction: Reaction, prodEveryMs: number) => {
    const clock = new HandClock();
    const network = new ScriptedNetwork(clock, () => reaction);
    const sink = new RecordingSink(clock);
    sink.bounded = false;
    const source = ntp(PUBLIC, {
      ...options,
      transport: network,
      resolve: async (host) => [host],
      randomBits: () => 1n,
    }).start(sink);
    for (let ms = 0; ms < HOUR_MS; ms += prodEveryMs) {
      for (const prod of PRODS) prod(source);
      await clock.elapse(prodEveryMs);
    }
    return network.polls;
  };

  test.each<[string, Reaction]>([
    ['is silent', 'silent'],
    ['refuses', 'unreachable'],
    ['answers', { answer: {} }],
    ['is not synchronised', { answer: { leap: 3 } }],
  ])('that %s, prodded in every way three times a second for an hour', async (_, reaction) => {
    expect((await prodded({}, reaction, 333)).length).toBe(16 + Math.floor(HOUR_MS / 64_000));
  });

  test('that says RATE: once per interval', async () => {
    // At 0, 128, 384, 896, 1920, 2944 s.
    expect((await prodded({}, kiss('RATE'), 333)).length).toBe(6);
  });

  test('that says DENY: once', async () => {
    expect((await prodded({}, kiss('DENY'), 333)).length).toBe(1);
  });

  test('with an interval of one’s own', async () => {
    const polls = await prodded({ pollIntervalMs: 20_000 }, 'silent', 333);
    expect(polls.length).toBe(16 + HOUR_MS / 20_000);
  });
});

describe('a whole clock', () => {
  const anHour = async (wallGainsNsPerSecond: bigint, reaction: Reaction): Promise<number> => {
    const clock = new HandClock();
    const network = new ScriptedNetwork(clock, () => reaction);
    const source = ntp(PUBLIC, {
      transport: network,
      resolve: async (host) => [host],
      randomBits: () => 2n ** 63n,
    });
    const bounded = BoundedClock.start({ sources: [source], clock });
    for (let step = 0; step < 36_000; step++) {
      clock.wallOffset += wallGainsNsPerSecond / 10n;
      await clock.elapse(100);
      bounded.read();
    }
    bounded.stop();
    return network.polls.length;
  };

  test('whose wall clock keeps jumping asks a silent public server hardly more often', async () => {
    const calm = await anHour(0n, 'silent');
    const jumping = await anHour(10_000_000n, 'silent');
    // 16 at once, and one per 64 s.
    expect(calm).toBeLessThanOrEqual(72);
    expect(jumping).toBeLessThanOrEqual(72);
    expect(jumping).toBeGreaterThan(50);
  });

  test('that every sample refutes: the same', async () => {
    const clock = new HandClock();
    const network = new ScriptedNetwork(clock, (_, poll) => ({
      answer: {},
      aheadMs: 400 * (poll % 2),
    }));
    const source = ntp(PUBLIC, {
      transport: network,
      resolve: async (host) => [host],
      randomBits: () => 1n,
    });
    const bounded = BoundedClock.start({ sources: [source], clock });
    let refuted = 0;
    bounded.onChange(({ type }) => {
      if (type === 'refuted') refuted++;
    });
    await clock.elapse(HOUR_MS);
    bounded.stop();
    expect(refuted).toBeGreaterThan(5);
    expect(network.polls.length).toBeLessThanOrEqual(72);
  });
});
