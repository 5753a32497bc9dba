import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../src/time/clock.ts';
import { systemClock } from '../../src/time/system-clock.ts';

const MS = 1_000_000n;

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const turn = (clock: Clock): Promise<void> => new Promise((resolve) => clock.nextTurn(resolve));

/** The real clock, its monotonic and wall sources in the hands of the test. */
function scripted(): { clock: Clock; monotonic: bigint; wallMs: number } {
  const script = { clock: undefined as unknown as Clock, monotonic: 10n ** 15n, wallMs: 1.8e12 };
  vi.stubGlobal('process', {
    ...process,
    platform: 'other',
    hrtime: { bigint: () => script.monotonic },
  });
  vi.spyOn(Date, 'now').mockImplementation(() => script.wallMs);
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
    const before = BigInt(Date.now()) * MS;
    const read = clock.wallReadNs();
    const after = BigInt(Date.now()) * MS;
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
    // Whole seconds: too coarse, or the hundredth case; only a fraction shows which.
    expect(bootNs?.()).toBeUndefined();
    expect(bootNs?.()).toBe(1_234_559_999_999n); // the double is a little less, and it rounds down
    vi.mocked(os.default.uptime).mockReturnValueOnce(1235);
    expect(bootNs?.()).toBe(1_235_000_000_000n);
  });
});

it('states the grid of the Windows wall clock, which V8 re-reads with 64 Hz resolution', () => {
  expect(systemClock().wallGridNs).toBe(process.platform === 'win32' ? 15_625_000n : MS);
  vi.stubGlobal('process', { ...process, hrtime: process.hrtime, platform: 'win32' });
  const clock = systemClock();
  expect(clock.wallGridNs).toBe(15_625_000n);
  expect(clock.bootNs).toBeUndefined();
});

describe('wallNs', () => {
  it('is within half a millisecond and a bracket at first', () => {
    const script = scripted();
    const offset = script.clock.wallNs() - BigInt(script.wallMs) * MS;
    expect(offset >= -1000n && offset <= MS + 1000n).toBe(true);
  });

  it('narrows down on the wall clock with ordinary reads', () => {
    const script = scripted();
    const start = script.monotonic;
    // Reads 100.137 ms apart meet the millisecond at ever other places.
    for (let i = 0; i < 600; i++) {
      script.monotonic += 100_137_911n;
      script.wallMs = 1.8e12 + Number((script.monotonic - start) / MS);
      script.clock.wallNs();
    }
    const truth = 1_800_000_000_000n * MS + (script.monotonic - start);
    const error = script.clock.wallNs() - truth;
    expect(error > -10_000n && error < 10_000n).toBe(true);
  });

  it('follows a wall clock that is slewed alone without jumping about', () => {
    const script = scripted();
    const start = script.monotonic;
    const errors: bigint[] = [];
    for (let i = 0; i < 3000; i++) {
      script.monotonic += 100_137_911n;
      const elapsed = script.monotonic - start;
      const truth = elapsed + elapsed / 20_000n; // 50 ppm fast
      script.wallMs = 1.8e12 + Number(truth / MS);
      errors.push(script.clock.wallNs() - 1_800_000_000_000n * MS - truth);
    }
    for (const [i, error] of errors.entries()) {
      expect(error >= -MS - 1000n && error <= MS + 1000n).toBe(true);
      const moved = error - (errors[i - 1] ?? error);
      expect(i < 100 || (moved > -250_000n && moved < 250_000n), `read ${i}: ${moved}`).toBe(true);
    }
  });

  it('looks at the wall clock again once 100 ms have passed, not before', () => {
    const script = scripted();
    const first = script.clock.wallNs();
    script.wallMs += 5000;
    script.monotonic += 100n * MS - 1n;
    expect(script.clock.wallNs() - first).toBe(100n * MS - 1n);
    script.monotonic += 1n;
    const stepped = script.clock.wallNs() - first;
    expect(stepped > 4999n * MS && stepped < 5001n * MS).toBe(true);
  });

  it('follows a step back', () => {
    const script = scripted();
    const first = script.clock.wallNs();
    script.wallMs -= 5000;
    script.monotonic += 100n * MS;
    expect(script.clock.wallNs() - first < -4000n * MS).toBe(true);
  });

  it('keeps what it knows while every bracket is too wide, and tries again at once', () => {
    const script = scripted();
    const first = script.clock.wallNs();
    const busy = vi.mocked(Date.now);
    busy.mockImplementation(() => {
      script.monotonic += 2n * MS;
      return script.wallMs + 5000;
    });
    script.monotonic += 100n * MS;
    expect(script.clock.wallNs() - first).toBe(100n * MS);
    busy.mockImplementation(() => script.wallMs + 5000);
    expect(script.clock.wallNs() - first > 4000n * MS).toBe(true);
  });

  it('has an answer even when no bracket ever was narrow', () => {
    const script = scripted();
    vi.mocked(Date.now).mockImplementation(() => {
      script.monotonic += 2n * MS;
      return script.wallMs;
    });
    const error = script.clock.wallNs() - BigInt(script.wallMs) * MS;
    expect(error > -20n * MS && error < 20n * MS).toBe(true);
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

/** Every way of yielding that `nextTurn` knows, by what the runtime lacks. */
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
    expect(clock.monotonicGridNs).toBe(2n * MS);
    expect(clock.bootNs).toBeUndefined();
  });

  it('states a finer grid on a cross-origin isolated page', () => {
    vi.stubGlobal('process', undefined);
    vi.stubGlobal('crossOriginIsolated', true);
    expect(systemClock().monotonicGridNs).toBe(40_000n);
  });
});
