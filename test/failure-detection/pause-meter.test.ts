import { type PauseEvent, PauseMeter } from 'epsilon-clock/failure-detection';
import { metricsText } from 'epsilon-clock/metrics';
import { systemClock } from 'epsilon-clock/time';
import fc from 'fast-check';
import { describe, expect, it, test, vi } from 'vitest';
import { LongestPauses } from '../../src/failure-detection/longest-pauses.ts';
import { PauseHistogram } from '../../src/failure-detection/pause-histogram.ts';
import { SimWorld } from '../../src/sim/world.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { unhandledRejections } from '../kit/unhandled.ts';

const MS = 1_000_000n;

function meter(options: { everyMs?: number; minPauseMs?: number } = {}): {
  clock: HandClock;
  pauses: PauseMeter;
  events: PauseEvent[];
} {
  const clock = new HandClock();
  const pauses = PauseMeter.start({ clock, everyMs: 20, minPauseMs: 20, ...options });
  const events: PauseEvent[] = [];
  pauses.onPause((event) => events.push(event));
  return { clock, pauses, events };
}

describe('a pause', () => {
  it('of 300 ms is reported within the period, at every phase of the timer', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(), (everyMs, phase) => {
        const { clock, pauses, events } = meter({ everyMs });
        const everyNs = BigInt(everyMs) * MS;
        clock.advance(5n * everyNs + (BigInt(phase) % everyNs));
        clock.pause(300n * MS);
        clock.turns();
        expect(events).toHaveLength(1);
        expect(events[0]!.pauseNs).toBeLessThanOrEqual(300n * MS);
        expect(events[0]!.pauseNs).toBeGreaterThanOrEqual(300n * MS - everyNs);
        expect(events[0]!.kind).toBe('unknown');
        expect(pauses.longestNs(1000)).toBe(events[0]!.pauseNs);
        pauses.stop();
      }),
    );
  });

  it('counts before the late timer has fired, and whatever was asked before: no reset hole', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 8 }), (askedAtMs) => {
        const { clock, pauses } = meter();
        for (const ms of askedAtMs) {
          clock.advance(BigInt(ms) * MS);
          pauses.longestNs(60_000);
        }
        clock.monotonic += 150n * MS;
        pauses.longestNs(60_000); // in the middle of the block
        clock.monotonic += 150n * MS;
        expect(pauses.longestNs(60_000)).toBeGreaterThanOrEqual(280n * MS);
        clock.pause(0n);
        expect(pauses.longestNs(60_000)).toBeGreaterThanOrEqual(280n * MS);
        expect(pauses.longestNs(60_000)).toBeLessThanOrEqual(300n * MS);
        pauses.stop();
      }),
    );
  });

  it('is none when the timer is a little late', () => {
    const { clock, pauses, events } = meter();
    for (let i = 0; i < 100; i++) clock.pause(39n * MS);
    clock.turns();
    expect(events).toEqual([]);
    expect(pauses.longestNs(60_000)).toBe(0n);
  });

  it('is forgotten after the span that is asked for, and not before', () => {
    const { clock, pauses } = meter();
    clock.pause(520n * MS);
    clock.advance(1000n * MS);
    expect(pauses.longestNs(1000)).toBe(500n * MS);
    clock.advance(1n * MS);
    expect(pauses.longestNs(1000)).toBe(0n);
    expect(pauses.longestNs(2000)).toBe(500n * MS);
  });

  it('in the simulator is reported, and so is the sleep of the machine, which is told apart', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = new SimWorld({ seed });
      const process = world.process('a', { clock: { driftPpm: 50, timerLateMs: 1 } });
      const pauses = PauseMeter.start({ clock: process.clock, everyMs: 20 });
      const events: PauseEvent[] = [];
      pauses.onPause((event) => events.push(event));
      await world.run(1000 + world.random.between(0, 20));
      process.pause(300);
      await world.run(1000);
      process.suspend(5000);
      await world.run(7000);
      expect(events.map(({ kind }) => kind)).toEqual(['unknown', 'suspended']);
      expect(Number(events[0]!.pauseNs) / 1e6).toBeGreaterThan(279);
      expect(Number(events[0]!.pauseNs) / 1e6).toBeLessThan(301.1);
      expect(Math.abs(Number(events[1]!.pauseNs) / 1e6 - 5000)).toBeLessThan(25);
      pauses.stop();
    }
  });

  it('after a step of the wall clock is not seen: no time was lost', () => {
    const { clock, pauses, events } = meter();
    clock.advance(100n * MS);
    clock.wallOffset += 3_600_000n * MS;
    clock.advance(100n * MS);
    clock.turns();
    expect(events).toEqual([]);
    expect(pauses.counts().suspended).toBe(0);
  });
});

/**
 * A runtime whose clocks are a hand clock, in which the thread is on the processor as a test says.
 */
function scriptedRuntime(): {
  clock: HandClock;
  pauses: PauseMeter;
  events: PauseEvent[];
  spent: { cpuMs: number };
  collections: { startTime: number; duration: number }[];
} {
  const clock = new HandClock();
  const spent = { cpuMs: 0 };
  const collections: { startTime: number; duration: number }[] = [];
  vi.stubGlobal('process', {
    hrtime: { bigint: clock.monotonicNs },
    cpuUsage: () => ({ user: spent.cpuMs * 600, system: spent.cpuMs * 400 }),
  });
  vi.stubGlobal('performance', {
    now: () => Number(clock.monotonic) / 1e6,
  });
  class Observer {
    static readonly supportedEntryTypes = ['gc'];
    observe(): void {}
    takeRecords(): unknown[] {
      return collections.splice(0);
    }
    disconnect(): void {}
  }
  vi.stubGlobal('PerformanceObserver', Observer);
  const pauses = PauseMeter.start({ clock, everyMs: 20 });
  vi.unstubAllGlobals();
  const events: PauseEvent[] = [];
  pauses.onPause((event) => events.push(event));
  return { clock, pauses, events, spent, collections };
}

describe('where the runtime tells how its time was spent', () => {
  const phases = fc.nat(19_999);

  it.each([
    ['a busy loop', 1, 'blocked'],
    ['a process that was stopped', 0, 'stopped'],
  ])('%s is told, by what the timer was late, at every phase of it', (_, share, kind) => {
    fc.assert(
      fc.property(phases, fc.integer({ min: 200, max: 10_000 }), (phaseUs, ms) => {
        const { clock, events, spent } = scriptedRuntime();
        clock.monotonic += BigInt(phaseUs) * 1000n;
        spent.cpuMs += share * (ms - 10);
        clock.pause(BigInt(ms) * MS);
        clock.turns();
        const lateNs = BigInt(phaseUs) * 1000n + BigInt(ms - 20) * MS;
        expect(events).toMatchObject([{ kind, pauseNs: lateNs }]);
      }),
    );
  });

  it('task after task of 30 ms is no pause: between them the sockets are read', () => {
    const { clock, pauses, events, spent } = scriptedRuntime();
    for (let i = 0; i < 1000; i++) {
      spent.cpuMs += 30;
      clock.pause(30n * MS);
    }
    clock.turns();
    expect(events).toEqual([]);
    expect(pauses.longestNs(60_000)).toBe(0n);
  });

  it('a collection of garbage is told from a busy loop, and old collections do not count', () => {
    const { clock, events, spent, collections } = scriptedRuntime();
    collections.push({ startTime: Number(clock.monotonic) / 1e6 - 5000, duration: 400 });
    spent.cpuMs += 300;
    clock.pause(300n * MS);
    clock.turns();
    collections.push({ startTime: Number(clock.monotonic) / 1e6 + 40, duration: 180 });
    spent.cpuMs += 300;
    clock.pause(300n * MS);
    clock.turns();
    expect(events.map(({ kind }) => kind)).toEqual(['blocked', 'garbage-collection']);
  });
});

test('a busy loop on the system clock is told up to a period too short, at any phase', async () => {
  const clock = systemClock();
  const pauses = PauseMeter.start({ clock, everyMs: 20 });
  const events: PauseEvent[] = [];
  pauses.onPause((event) => events.push(event));
  for (let phaseMs = 0; phaseMs < 20; phaseMs += 5) {
    await new Promise((resolve) => setTimeout(resolve, 60 + phaseMs));
    const blockedFrom = clock.monotonicNs();
    while (clock.monotonicNs() < blockedFrom + 300n * MS);
    const blockedTo = clock.monotonicNs();
    // Asked before the late tick.
    expect(pauses.longestNs(1)).toBeGreaterThanOrEqual(blockedTo - blockedFrom - 21n * MS);
    let event: PauseEvent | undefined;
    while (event === undefined) {
      await new Promise((resolve) => setImmediate(resolve));
      event = events.find(({ endedAt }) => endedAt >= blockedTo);
    }
    expect(event.pauseNs).toBeGreaterThanOrEqual(blockedTo - blockedFrom - 21n * MS);
    expect(event.kind).not.toBe('unknown');
  }
  pauses.stop();
});

describe('the longest of a span', () => {
  it('is that of brute force', () => {
    const pause = fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 30 }));
    fc.assert(
      fc.property(fc.array(pause, { maxLength: 100 }), fc.nat(1500), (pauses, since) => {
        const kept = new LongestPauses();
        let at = 0;
        let longest = 0;
        for (const [gap, length] of pauses) {
          at += gap;
          kept.add(BigInt(at), BigInt(length));
          if (at >= since) longest = Math.max(longest, length);
        }
        expect(kept.longestNs(BigInt(since))).toBe(BigInt(longest));
      }),
    );
  });

  it('is never too short when there are more than it keeps', () => {
    const kept = new LongestPauses();
    for (let i = 0; i < 1000; i++) kept.add(BigInt(i), BigInt(10_000 - i));
    for (let since = 0; since < 1000; since++) {
      expect(kept.longestNs(BigInt(since))).toBeGreaterThanOrEqual(BigInt(10_000 - since));
    }
    expect(kept.longestNs(900n)).toBe(9100n);
  });
});

describe('the histogram', () => {
  it('counts for a late tick those that were missed, as one by one', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20_000 })), (lateMs) => {
        const histogram = new PauseHistogram(20e6);
        const delays: number[] = [];
        for (const ms of lateMs) {
          histogram.record(ms * 1e6);
          delays.push(ms);
          for (let left = ms - 20; left > 0; left -= 20) delays.push(left);
        }
        const { limits, counts, sum } = histogram.read();
        expect(counts).toEqual([
          ...limits.map((limit) => delays.filter((ms) => ms <= limit * 1000).length),
          delays.length,
        ]);
        expect(sum).toBeCloseTo(delays.reduce((all, ms) => all + ms, 0) / 1000, 6);
      }),
    );
  });

  it('takes an hour in one go', () => {
    const histogram = new PauseHistogram(1e6);
    histogram.record(3_600_000e6);
    expect(histogram.read().counts.at(-1)).toBe(3_600_000);
  });
});

describe('the end', () => {
  it('leaves no timer, and ends the calls, also of a pause that was seen already', () => {
    const { clock, pauses, events } = meter();
    clock.pause(300n * MS);
    pauses.stop();
    pauses.stop();
    clock.turns();
    clock.advance(1000n * MS);
    expect(events).toEqual([]);
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
    expect(clock.turnsPending).toBe(0);
    clock.monotonic += 500n * MS;
    expect(pauses.longestNs(1)).toBe(0n);
  });

  it('may come from a listener; one that throws disturbs nobody', async () => {
    const { clock, pauses, events } = meter();
    const rejections = unhandledRejections();
    pauses.onPause(() => {
      pauses.stop();
      throw new Error('mine');
    });
    pauses.onPause((event) => events.push(event));
    clock.pause(300n * MS);
    expect(clock.turns()).toEqual([]);
    expect(await rejections).toEqual([new Error('mine')]);
    expect(events).toHaveLength(1); // the one before; the one after it is not called
    expect(clock.pending().background).toBe(0);
  });
});

test('a clock that throws once does not end the measuring', () => {
  const { clock, pauses } = meter();
  clock.onRead = () => {
    throw new Error('no clock');
  };
  expect(() => clock.advance(20n * MS)).toThrow('no clock');
  clock.onRead = () => {};
  clock.advance(1000n * MS);
  clock.pause(320n * MS);
  expect(pauses.longestNs(1)).toBe(300n * MS);
  pauses.stop();
  expect(clock.pending().background).toBe(0);
});

test('a signal that is none is refused', () => {
  const { pauses } = meter();
  expect(() => pauses.onPause(() => {}, { signal: 5 as never })).toThrow('an AbortSignal');
  pauses.stop();
});

test('its timer is in the background', () => {
  const { clock, pauses } = meter();
  expect(clock.pending()).toEqual({ foreground: 0, background: 1 });
  pauses.stop();
});

test('an event is JSON with decimal strings', () => {
  const { clock, pauses, events } = meter();
  clock.pause(320n * MS);
  clock.turns();
  expect(JSON.parse(JSON.stringify(events))).toEqual([
    { kind: 'unknown', pauseNs: '300000000', endedAt: String(clock.monotonic) },
  ]);
  pauses.stop();
});

test('metrics have the histogram, the counts and the longest', () => {
  const { clock, pauses } = meter();
  clock.pause(320n * MS);
  clock.turns();
  const text = metricsText({ pauses });
  expect(text).toContain('epsilon_event_loop_delay_seconds_bucket{le="0.2"} 10\n');
  expect(text).toContain('epsilon_event_loop_delay_seconds_count 15\n');
  expect(text).toContain('epsilon_event_loop_pauses_total{kind="unknown"} 1\n');
  expect(text).toContain('epsilon_event_loop_longest_pause_seconds 0.3\n');
  expect(() => metricsText({ pauses: {} as never })).toThrow('pauses must be a PauseMeter');
  pauses.stop();
});
