import { ntp } from 'epsilon-clock/node';
import type { NtpTransport } from 'epsilon-clock/ntp';
import { describe, expect, test } from 'vitest';
import type { NtpEnvironment } from '../../../src/sources/ntp/ntp-source.ts';
import { HandClock } from '../../kit/hand-clock.ts';
import { RecordingSink } from '../../kit/recording-sink.ts';
import { ScriptedNetwork } from '../../kit/scripted-network.ts';

/**
 * The user's functions throw, reject, return nonsense, or never return. The test runner itself
 * fails a test that leaves an exception or a rejection unhandled.
 */

const boom = (): never => {
  throw new Error('boom');
};
const never = (): Promise<never> => new Promise(() => {});
const throwingList: unknown = new Proxy([], { get: boom });
const revoked = (): unknown => {
  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  return proxy;
};
const thenable = (then: unknown): unknown => Object.defineProperty({}, 'then', { value: then });

function run(environment: Partial<Record<keyof NtpEnvironment, unknown>>) {
  const clock = new HandClock();
  const sink = new RecordingSink(clock);
  const network = new ScriptedNetwork(clock, () => ({ answer: {} }));
  const source = ntp('time.test', {
    transport: network,
    resolve: async () => ['10.0.0.7'],
    ...(environment as object),
  }).start(sink);
  return { clock, sink, network, source };
}

describe('a resolver that', () => {
  test.each<[string, () => unknown, string]>([
    ['throws', boom, 'Error: boom'],
    ['throws nothing', () => Promise.reject(undefined), 'threw undefined'],
    ['throws what cannot be described', () => Promise.reject(throwingList), 'cannot be described'],
    ['rejects', async () => boom(), 'Error: boom'],
    [
      'rejects with a code',
      () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })),
      'ENOTFOUND',
    ],
    [
      'rejects with control characters',
      () => Promise.reject(new Error('\u001b[2J')),
      'Error: ?[2J',
    ],
    ['returns nothing', () => undefined, 'the resolver did not return a list'],
    ['resolves to nothing', async () => undefined, 'the resolver did not return a list'],
    ['resolves to text', async () => '10.0.0.7', 'the resolver did not return a list'],
    ['resolves to numbers', async () => [1, 2], 'no address'],
    ['resolves to an empty list', async () => [], 'no address'],
    ['resolves to a list that throws', async () => [throwingList, null], 'no address'],
    ['gives a list that cannot be read', () => revoked(), 'TypeError'],
    ['gives a thing that looks like a promise', () => thenable(boom), 'Error: boom'],
    ['never answers', never, 'the resolver has not answered yet'],
  ])('%s is unresolved, with the cause', async (_, resolve, cause) => {
    const { clock, sink, source } = run({ resolve });
    await clock.elapse(5000);
    expect(sink.misses.length).toBeGreaterThan(1);
    expect(sink.misses[0]).toEqual({ sourceId: 'ntp://time.test:123', reason: 'unresolved' });
    expect(sink.causes[0]).toContain(cause);
    source.stop();
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
  });

  test('answers after the end is not heard', async () => {
    let answer: (addresses: string[]) => void = () => {};
    const resolve = () => new Promise((done) => (answer = done));
    const { clock, sink, source } = run({ resolve });
    await clock.elapse(10);
    source.stop();
    answer(['10.0.0.7']);
    await clock.elapse(10);
    expect(sink.listings.length).toBe(1);
  });
});

describe('a transport that', () => {
  const exchanges: readonly (readonly [
    string,
    NtpTransport['exchange'] | (() => unknown),
    string,
  ])[] = [
    ['throws', boom, 'local-error'],
    ['rejects', async () => boom(), 'local-error'],
    ['returns nothing and never calls back', () => undefined, 'timeout'],
    ['returns nonsense and never calls back', () => ({ cancel: 5 }), 'timeout'],
    ['returns a promise of nothing', never, 'timeout'],
    ['cancels with a throw', () => boom, 'timeout'],
    [
      'calls back before it returns',
      ({ onFailure }) => {
        onFailure('unreachable');
        return () => {};
      },
      'unreachable',
    ],
    [
      'calls back twice',
      ({ clock, onFailure }) => {
        clock.setTimer(1, () => onFailure('timeout'));
        return clock.setTimer(2, () => onFailure('timeout'));
      },
      'timeout',
    ],
    [
      'hands on what are no bytes',
      ({ clock, onDatagram, onFailure }) =>
        clock.setTimer(1, () => {
          onDatagram('bytes' as never, 5 as never, undefined as never);
          onDatagram(new Uint8Array(48), (2n ** 70n) as never, 1n as never);
          onFailure('timeout');
        }),
      'malformed',
    ],
  ];

  test.each(exchanges)('%s costs an exchange', async (_, exchange, reason) => {
    const { clock, sink, source } = run({ transport: { exchange } });
    await clock.elapse(60_000);
    expect(sink.samples).toEqual([]);
    expect(new Set(sink.misses.map((miss) => miss.reason))).toEqual(new Set([reason]));
    // One miss per exchange: a burst, perhaps slowed by timeouts, and then the polls of the
    // interval.
    expect(sink.misses.length).toBeGreaterThanOrEqual(5);
    expect(sink.misses.length).toBeLessThanOrEqual(9);
    source.stop();
    const told = sink.log.length;
    await clock.elapse(60_000);
    expect(sink.log.length).toBe(told);
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
  });
});

describe('randomness that', () => {
  test.each<[string, () => unknown]>([
    ['throws', boom],
    ['is a number', () => 7],
    ['is negative', () => -1n],
    ['has 80 bits', () => 2n ** 79n],
    ['is a promise', never],
  ])('%s is replaced, and the server is asked all the same', async (_, randomBits) => {
    const { clock, sink } = run({ randomBits });
    await clock.elapse(10_000);
    expect(sink.samples.length).toBe(4);
  });
});

describe('a spelling of zones that', () => {
  test.each<[string, () => unknown, string]>([
    ['throws', boom, 'fe80::1%eth0'],
    ['is a number', () => 7, 'fe80::1%7'],
  ])('%s harms nothing', async (_, zoneSpelling, address) => {
    const { clock, network } = run({ zoneSpelling, resolve: async () => ['fe80::1%eth0'] });
    await clock.elapse(10);
    expect(network.polls[0]?.address).toBe(address);
  });
});
