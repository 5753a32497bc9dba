import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../src/time/clock.ts';
import { msFromUnixNs } from '../../src/time/convert.ts';
import { JumpDetector } from '../../src/time/jump-detector.ts';
import { systemClock } from '../../src/time/system-clock.ts';
import { readWallOffset, WallOffset } from '../../src/time/wall-offset.ts';

const NS_PER_MS = 1_000_000n;

const realNow = Date.now;

afterEach(() => {
  Date.now = realNow;
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const turn = (clock: Clock): Promise<void> => new Promise((resolve) => clock.nextTurn(resolve));

interface Script {
  clock: Clock;
  monotonic: bigint;
  wallMs: number;
  /** What `Date.now` does. */
  readWall: () => number;
}

/** The real clock, with its monotonic and wall sources under the control of the test. */
function scripted(): Script {
  const script: Script = {
    clock: undefined as unknown as Clock,
    monotonic: 10n ** 15n,
    wallMs: 1.8e12,
    readWall: () => script.wallMs,
  };
  vi.stubGlobal('process', {
    ...process,
    platform: 'other',
    hrtime: { bigint: () => script.monotonic },
  });
  // Bound, so that it is not taken for a fake: a bound function is a native one.
  Date.now = (() => script.readWall()).bind(undefined);
  script.clock = systemClock();
  return script;
}

describe('on this machine', () => {
  it('reads clocks that advance and agree with the system', () => {
    const clock = systemClock();
    let last = clock.monotonicNs();
    for (let i = 0; i < 10_000; i++) {
      const now = clock.monotonicNs();
      expect(now >= last).toBe(true);
      last = now;
    }
    const before = BigInt(Date.now()) * NS_PER_MS;
    const read = clock.wallReadNs();
    const after = BigInt(Date.now()) * NS_PER_MS;
    expect(before <= read && read <= after).toBe(true);
    expect(read % clock.wallGridNs).toBe(0n);
  });

  it('has hrtime for its monotonic clock', () => {
    const clock = systemClock();
    const before = process.hrtime.bigint();
    const now = clock.monotonicNs();
    expect(before <= now && now <= process.hrtime.bigint()).toBe(true);
  });

  it('shares nothing between two clocks', () => {
    expect(systemClock()).not.toBe(systemClock());
  });

  it.runIf(process.platform === 'linux')('reads a boot clock that counts suspend', async () => {
    const os = await import('node:os');
    vi.spyOn(os.default, 'uptime').mockReturnValueOnce(1).mockReturnValue(1234.56);
    const { bootNs } = systemClock();
    vi.mocked(os.default.uptime).mockReturnValueOnce(1234);
    // Whole seconds: the source is too coarse, or this is one good reading in a hundred. It cannot
    // tell which.
    expect(bootNs?.()).toBeUndefined();
    // The double is a little less, and it is rounded down.
    expect(bootNs?.()).toBe(1_234_559_999_999n);
    vi.mocked(os.default.uptime).mockReturnValueOnce(1235);
    expect(bootNs?.()).toBeUndefined();
  });

  it.runIf(process.platform === 'linux')(
    'a boot clock that becomes coarse and fine again is no suspend',
    async () => {
      const os = await import('node:os');
      let uptime = 1234.56;
      vi.spyOn(os.default, 'uptime').mockImplementation(() => uptime);
      const detector = new JumpDetector(systemClock());
      for (const seconds of [1234.56, 1234, 1234, 1234.57, 1235, 1235.02]) {
        uptime = seconds;
        expect(detector.check()).toBeUndefined();
      }
    },
  );
});

it('states the grid of the Windows wall clock, which V8 re-reads with 64 Hz resolution', () => {
  expect(systemClock().wallGridNs).toBe(process.platform === 'win32' ? 15_625_000n : NS_PER_MS);
  vi.stubGlobal('process', { ...process, hrtime: process.hrtime, platform: 'win32' });
  const clock = systemClock();
  expect(clock.wallGridNs).toBe(15_625_000n);
  expect(clock.bootNs).toBeUndefined();
});

describe('wallNs', () => {
  it('is within half a millisecond and a bracket at first', () => {
    const script = scripted();
    const offset = script.clock.wallNs() - BigInt(script.wallMs) * NS_PER_MS;
    expect(offset >= -1000n && offset <= NS_PER_MS + 1000n).toBe(true);
  });

  it('narrows down on the wall clock with ordinary reads', () => {
    const script = scripted();
    const start = script.monotonic;
    // Reads are 100.137 ms apart, so each falls at another place within the millisecond.
    for (let i = 0; i < 600; i++) {
      script.monotonic += 100_137_911n;
      script.wallMs = 1.8e12 + Number((script.monotonic - start) / NS_PER_MS);
      script.clock.wallNs();
    }
    const truth = 1_800_000_000_000n * NS_PER_MS + (script.monotonic - start);
    const error = script.clock.wallNs() - truth;
    // The reads fall between 23.0 us after an edge of a millisecond and 0.6 us before one.
    expect(error > -12_000n && error < 12_000n).toBe(true);
  });

  it('is in the middle of the intersection of all reads, from the first one on', () => {
    const script = scripted();
    const start = script.monotonic;
    const known = new WallOffset();
    // Reads early and late in a millisecond alternate, so the bounds narrow from both sides.
    let behind = 0;
    for (let i = 0; i < 300; i++) {
      script.monotonic += 100_000_000n + BigInt((i * 7_919_317) % 1_000_000);
      script.wallMs = 1.8e12 + Number((script.monotonic - start) / NS_PER_MS);
      known.observe(readWallOffset(script.clock)!);
      const { lowerNs, upperNs } = known.bounds!;
      const now = script.clock.wallNs();
      const offset = now - script.monotonic;
      expect(offset, `read ${i}`).toBe((lowerNs + upperNs) >> 1n);
      const truth = 1_800_000_000_000n * NS_PER_MS + (script.monotonic - start);
      const error = now < truth ? truth - now : now - truth;
      expect(error <= (upperNs - lowerNs + 1n) / 2n).toBe(true);
      if (msFromUnixNs(now) < script.wallMs) behind++;
    }
    // `wallNs` is behind when the read falls into the first part of a millisecond: the first 500 us
    // at first, the first microseconds later.
    expect(behind).toBeLessThan(5);
  });

  it('is in the middle again soon after a step', () => {
    const script = scripted();
    const start = script.monotonic;
    const known = new WallOffset();
    for (let i = 0; i < 100; i++) {
      script.monotonic += 100_137_911n;
      const stepped = i < 50 ? 0n : 3600_000n;
      script.wallMs = 1.8e12 + Number((script.monotonic - start) / NS_PER_MS + stepped);
      known.observe(readWallOffset(script.clock)!);
      const { lowerNs, upperNs } = known.bounds!;
      expect(script.clock.wallNs() - script.monotonic).toBe((lowerNs + upperNs) >> 1n);
    }
  });

  it('follows a wall clock that is slewed alone without large moves', () => {
    const script = scripted();
    const start = script.monotonic;
    const errors: bigint[] = [];
    for (let i = 0; i < 3000; i++) {
      script.monotonic += 100_137_911n;
      const elapsed = script.monotonic - start;
      const truth = elapsed + elapsed / 20_000n; // the clock runs 50 ppm fast
      script.wallMs = 1.8e12 + Number(truth / NS_PER_MS);
      errors.push(script.clock.wallNs() - 1_800_000_000_000n * NS_PER_MS - truth);
    }
    for (const [i, error] of errors.entries()) {
      expect(error >= -NS_PER_MS - 1000n && error <= NS_PER_MS + 1000n).toBe(true);
      const moved = error - (errors[i - 1] ?? error);
      expect(i < 100 || (moved > -150_000n && moved < 150_000n), `read ${i}: ${moved}`).toBe(true);
    }
  });

  it('reads the wall clock again once 100 ms have passed, not before', () => {
    const script = scripted();
    const first = script.clock.wallNs();
    script.wallMs += 5000;
    script.monotonic += 100n * NS_PER_MS - 1n;
    expect(script.clock.wallNs() - first).toBe(100n * NS_PER_MS - 1n);
    script.monotonic += 1n;
    const stepped = script.clock.wallNs() - first;
    expect(stepped > 4999n * NS_PER_MS && stepped < 5001n * NS_PER_MS).toBe(true);
  });

  it('follows a step back', () => {
    const script = scripted();
    const first = script.clock.wallNs();
    script.wallMs -= 5000;
    script.monotonic += 100n * NS_PER_MS;
    expect(script.clock.wallNs() - first < -4000n * NS_PER_MS).toBe(true);
  });

  it('keeps its offset while every bracket is too wide, and tries again at once', () => {
    const script = scripted();
    const first = script.clock.wallNs();
    script.readWall = () => {
      script.monotonic += 2n * NS_PER_MS;
      return script.wallMs + 5000;
    };
    script.monotonic += 100n * NS_PER_MS;
    expect(script.clock.wallNs() - first).toBe(100n * NS_PER_MS);
    script.readWall = () => script.wallMs + 5000;
    expect(script.clock.wallNs() - first > 4000n * NS_PER_MS).toBe(true);
  });

  it('has an answer even when no bracket was ever narrow', () => {
    const script = scripted();
    script.readWall = () => {
      script.monotonic += 2n * NS_PER_MS;
      return script.wallMs;
    };
    const error = script.clock.wallNs() - BigInt(script.wallMs) * NS_PER_MS;
    expect(error > -20n * NS_PER_MS && error < 20n * NS_PER_MS).toBe(true);
  });
});

describe('setTimer', () => {
  it('rounds up to whole milliseconds, and keeps within what setTimeout takes', () => {
    const set = vi.spyOn(globalThis, 'setTimeout');
    const clock = systemClock();
    for (const delay of [0.2, 3, 3.001, -5, Infinity, 2 ** 31]) clock.setTimer(delay, () => {})();
    expect(set.mock.calls.map((call) => call[1])).toEqual([1, 3, 4, 0, 2 ** 31 - 1, 2 ** 31 - 1]);
    expect(() => clock.setTimer(Number.NaN, () => {})).toThrow(/^delayMs must be/);
  });

  it('keeps the process alive unless it runs in the background', () => {
    const set = vi.spyOn(globalThis, 'setTimeout');
    const clock = systemClock();
    const cancels = [
      clock.setTimer(1e6, () => {}),
      clock.setTimer(1e6, () => {}, { background: true }),
    ];
    const alive = set.mock.results.map((result) => (result.value as NodeJS.Timeout).hasRef());
    expect(alive).toEqual([true, false]);
    for (const cancel of cancels) cancel();
  });

  it('fires once, or never when cancelled, and cancelling again does nothing', async () => {
    const clock = systemClock();
    const fired: string[] = [];
    const cancel = clock.setTimer(1, () => fired.push('cancelled'));
    cancel();
    await new Promise<void>((resolve) => {
      const late = clock.setTimer(2, () => {
        fired.push('fired');
        resolve();
      });
      cancel();
      expect(late).toBeTypeOf('function');
    });
    await turn(clock);
    expect(fired).toEqual(['fired']);
  });
});

/** Every way of yielding that `nextTurn` has, named by what the runtime lacks. */
describe.each([
  ['setImmediate', []],
  ['MessageChannel', ['setImmediate']],
  ['setTimeout', ['setImmediate', 'MessageChannel']],
])('nextTurn on %s', (_, missing) => {
  it('runs after the present turn, and not at all when cancelled', async () => {
    for (const name of missing) vi.stubGlobal(name, undefined);
    const clock = systemClock();
    const order: string[] = [];
    clock.nextTurn(() => order.push('cancelled'))();
    const done = new Promise<void>((resolve) => {
      clock.nextTurn(() => {
        order.push('next');
        resolve();
      });
    });
    order.push('now');
    await Promise.resolve();
    order.push('microtask');
    await done;
    await turn(clock);
    expect(order).toEqual(['now', 'microtask', 'next']);
  });
});

describe('where there is no process', () => {
  it('falls back to performance.now, never going back, and states a wide grid', () => {
    vi.stubGlobal('process', undefined);
    const readings = [5.25, 7, 6, 86_400_000.000_001];
    vi.spyOn(performance, 'now').mockImplementation(() => readings.shift()!);
    const clock = systemClock();
    expect(clock.monotonicNs()).toBe(5_250_000n);
    expect(clock.monotonicNs()).toBe(7_000_000n);
    expect(clock.monotonicNs()).toBe(7_000_000n);
    expect(clock.monotonicNs() - 86_400_000_000_000n <= 1n).toBe(true);
    expect(clock.monotonicGridNs).toBe(2n * NS_PER_MS);
    expect(clock.bootNs).toBeUndefined();
  });

  it('states a finer grid on a cross-origin isolated page', () => {
    vi.stubGlobal('process', undefined);
    vi.stubGlobal('crossOriginIsolated', true);
    expect(systemClock().monotonicGridNs).toBe(40_000n);
  });
});
