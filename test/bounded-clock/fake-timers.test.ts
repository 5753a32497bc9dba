/**
 * Fake timers over a running clock. The clock reports them, goes on with the real time, and never
 * takes them for a step.
 */
import { mock } from 'node:test';
import { afterEach, expect, it, vi } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import type { ClockEvent } from '../../src/bounded-clock/change-events.ts';
import type { SourceSink, TimeSource } from '../../src/bounded-clock/time-source.ts';
import { FakeTimersError } from '../../src/time/errors.ts';
import { systemClock } from '../../src/time/system-clock.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { ScriptedSource } from '../kit/scripted-source.ts';

const MS = 1_000_000n;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  mock.timers.reset();
});

/**
 * A bounded clock on the machine's clocks, and a source that vouches for the wall clock on each
 * `reply()`.
 */
function running() {
  let sink: SourceSink | undefined;
  const source: TimeSource = {
    name: 'a',
    start: (given) => {
      sink = given;
      return { pollIntervalMs: 1e6, burst: () => {}, discardInFlight: () => {}, stop: () => {} };
    },
  };
  const clock = systemClock();
  const bounded = BoundedClock.start({ sources: [source], clock });
  const events: ClockEvent[] = [];
  bounded.onChange((event) => events.push(event));
  const reply = (): void => {
    const sentAt = clock.monotonicNs();
    const theta = clock.wallReadNs() - sentAt;
    const receivedAt = clock.monotonicNs();
    const facts = { sourceId: 'a', sentAt, receivedAt, leap: 'none' } as const;
    const widths = { pathDelayNs: 0n, serverErrorNs: 500n * MS };
    sink?.sample({ ...facts, ...widths, upperNs: theta + 500n * MS, lowerNs: theta - 500n * MS });
  };
  reply();
  return { bounded, events, reply };
}

const fakes: [string, () => void][] = [
  ['vitest, by default', () => vi.useFakeTimers()],
  [
    'vitest, Date and timers',
    () => vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'setInterval'] }),
  ],
  [
    'vitest, everything',
    () =>
      vi.useFakeTimers({
        toFake: ['Date', 'setTimeout', 'setImmediate', 'hrtime', 'performance', 'queueMicrotask'],
      }),
  ],
  ['vitest, years away', () => vi.useFakeTimers({ now: 0 })],
  ['vitest, the time alone', () => vi.setSystemTime(0)],
  ['node:test', () => mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 0 })],
  ['a spy', () => vi.spyOn(Date, 'now').mockReturnValue(0)],
];

it.each(fakes)(
  '%s: read, explain and waitSynced say so, and nothing else changes',
  async (_, fake) => {
    const { bounded, events, reply } = running();
    try {
      expect(bounded.read().status).toBe('synchronized');
      const before = bounded.now();
      fake();
      const said = expect.objectContaining({
        code: 'ERR_FAKE_TIMERS',
        message: expect.stringMatching(/fake timers .* stop the clock first/),
      });
      expect(() => bounded.read()).toThrow(said);
      expect(() => bounded.explain()).toThrow(FakeTimersError);
      await expect(bounded.waitSynced()).rejects.toBeInstanceOf(FakeTimersError);
      // The clocks that it was made with go on. Its bound is still true, and samples are still
      // taken.
      reply();
      const { earliest, latest } = bounded.now();
      expect(before.latest - earliest < 1000n * MS && latest > before.earliest).toBe(true);
      vi.useRealTimers();
      vi.restoreAllMocks();
      mock.timers.reset();
      expect(bounded.read().status).toBe('synchronized');
      expect(events.map(({ type }) => type)).toEqual(['status', 'misuse']);
    } finally {
      bounded.stop();
    }
  },
);

it('the timers of a running clock are not faked', () => {
  const clock = systemClock();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'] });
  const cancels = [clock.setTimer(1e6, () => {}), clock.nextTurn(() => {})];
  expect(vi.getTimerCount()).toBe(0);
  for (const cancel of cancels) cancel();
});

it('a clock made while they are installed runs on them', () => {
  vi.useFakeTimers({ now: 5000, toFake: ['Date', 'setTimeout', 'hrtime', 'performance'] });
  const clock = systemClock();
  expect(clock.faked?.()).toBe(false);
  expect(clock.wallReadNs()).toBe(5000n * MS);
  const began = clock.monotonicNs();
  vi.advanceTimersByTime(100);
  expect(clock.monotonicNs() - began).toBe(100n * MS);
  expect(clock.wallReadNs()).toBe(5100n * MS);
});

it('the event comes with the next tick, once each time', () => {
  const clock = new HandClock();
  let faked = false;
  const source = new ScriptedSource('a');
  const bounded = BoundedClock.start({
    sources: [source],
    clock: Object.assign(clock, { faked: () => faked }),
  });
  const events: ClockEvent[] = [];
  bounded.onChange((event) => events.push(event));
  source.reply(clock, { theta: clock.wallOffset });
  for (const each of [true, true, false, true]) {
    faked = each;
    clock.advance(1000n * MS);
  }
  const misuse = {
    type: 'misuse',
    status: 'synchronized',
    code: 'ERR_FAKE_TIMERS',
    message: new FakeTimersError().message,
  };
  expect(events.slice(1)).toEqual([misuse, misuse]);
});

it.each(fakes)('%s: the wall time of a clock made before follows at once', (_, fake) => {
  const clock = systemClock();
  const real = clock.wallNs();
  expect(clock.wallNs() - real).toBeLessThan(1000n * MS);
  fake();
  expect(clock.wallNs()).toBe(BigInt(Date.now()) * MS);
});

it('a clock made before a fake date goes back to the real one', () => {
  const clock = systemClock();
  const real = clock.wallNs();
  vi.useFakeTimers({ now: 5000 });
  expect(clock.wallNs()).toBe(5000n * MS);
  vi.useRealTimers();
  expect(clock.wallNs() - real).toBeLessThan(60_000n * MS);
  expect(clock.wallNs() - real).toBeGreaterThan(-1000n * MS);
});

it('a fake date with a fraction of a millisecond is rounded down', () => {
  const clock = systemClock();
  vi.spyOn(Date, 'now').mockReturnValue(1234.9);
  expect(clock.wallNs()).toBe(1234n * MS);
  expect(systemClock().wallReadNs()).toBe(1234n * MS);
  vi.spyOn(Date, 'now').mockReturnValue(-0.5);
  expect(clock.wallNs()).toBe(-1n * MS);
});

it('a fake date that is set again and again is followed', () => {
  vi.useFakeTimers({ now: 5000 });
  const clock = systemClock();
  expect(clock.wallNs()).toBe(5000n * MS);
  vi.setSystemTime(9000);
  expect(clock.wallNs()).toBe(9000n * MS);
  vi.setSystemTime(1000);
  expect(clock.wallNs()).toBe(1000n * MS);
  vi.useRealTimers();
  expect(clock.wallNs()).toBeGreaterThan(1_700_000_000_000n * MS);
});
