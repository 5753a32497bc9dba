/** Waits that block the thread. The stand-in for `Atomics.wait` moves the clock and counts. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { waitUntilAfterSync } from '../../src/commit-wait/wait-until-after-sync.ts';
import { asUnixNs } from '../../src/time/instant.ts';
import { Harness, MS, SECOND } from './harness.ts';

afterEach(() => vi.restoreAllMocks());

/** Blocks for `share` of the time asked for. Each reading of the clock takes a microsecond. */
function blocking(s: Harness, share = 1) {
  const blocked: number[] = [];
  vi.spyOn(Atomics, 'wait').mockImplementation((...[, , value, ms = 0]: unknown[]) => {
    if (value === 1) return 'not-equal';
    blocked.push(ms as number);
    s.clock.monotonic += BigInt(Math.ceil((ms as number) * share * 1e6));
    return 'timed-out';
  });
  const { monotonicNs } = s.clock;
  s.clock.monotonicNs = () => {
    s.clock.monotonic += 1000n;
    return monotonicNs();
  };
  return blocked;
}

describe('waitUntilAfterSync', () => {
  it('economy: blocks, 5 ms at most at a time, until earliest has passed', () => {
    const s = new Harness();
    const t = s.ahead(12n * MS);
    const blocked = blocking(s);
    const { waitedNs } = waitUntilAfterSync(s.bounded, t);
    expect(s.bounded.after(t)).toBe(true);
    expect(waitedNs > 12n * MS && waitedNs < 12n * MS + 20_000n).toBe(true);
    expect(blocked.slice(0, 3).map(Math.round)).toEqual([5, 5, 2]);
  });

  it('precise: spins through the last millisecond', () => {
    const s = new Harness();
    const t = s.ahead(4n * MS);
    const blocked = blocking(s);
    const { waitedNs } = waitUntilAfterSync(s.bounded, t, { mode: 'precise' });
    expect(s.bounded.after(t)).toBe(true);
    expect(waitedNs > 4n * MS && waitedNs < 4n * MS + 20_000n).toBe(true);
    expect(blocked.map(Math.round)).toEqual([3]);
  });

  it.each([0.3, 40])('a wake-up is not trusted: blocked for %f of the time asked for', (share) => {
    const s = new Harness();
    const t = s.ahead(3n * MS);
    blocking(s, share);
    waitUntilAfterSync(s.bounded, t);
    expect(s.bounded.after(t)).toBe(true);
  });

  it('does not wait for a timestamp that has passed', () => {
    const s = new Harness();
    const blocked = blocking(s);
    expect(waitUntilAfterSync(s.bounded, asUnixNs(s.earliest - 1n))).toEqual({ waitedNs: 0n });
    expect(blocked).toEqual([]);
  });

  it('throws the errors that waitUntilAfter rejects with', () => {
    const s = new Harness({ expireAfterMs: 3000 });
    const t = s.ahead(5n * SECOND);
    blocking(s);
    expect(() => waitUntilAfterSync(s.bounded, t, { timeoutMs: 20.5 })).toThrow(
      expect.objectContaining({ code: 'ERR_COMMIT_WAIT_TIMEOUT', timestamp: t }),
    );
    expect(() => waitUntilAfterSync(s.bounded, t, { maxWaitMs: 4000 })).toThrow(
      expect.objectContaining({ code: 'ERR_COMMIT_WAIT_TOO_LONG', timestamp: t }),
    );
    // Nothing can be published while this thread blocks, so the bound ages until it expires.
    let error: unknown;
    try {
      waitUntilAfterSync(s.bounded, t);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      code: 'ERR_COMMIT_WAIT_INTERRUPTED',
      reason: 'expired',
      timestamp: t,
    });
    expect((error as { waitedNs: bigint }).waitedNs).toBeGreaterThan(2n * SECOND);
    expect(() => waitUntilAfterSync({} as never, t)).toThrow(/clock must be a BoundedClock/);
    expect(() => waitUntilAfterSync(s.bounded, 1 as never)).toThrow(/must be a bigint/);
    expect(() => waitUntilAfterSync(s.bounded, t, 1000 as never)).toThrow(
      /options must be an object/,
    );
  });

  it('is refused where a thread may not block, even when there is nothing to wait for', () => {
    const s = new Harness();
    vi.spyOn(Atomics, 'wait').mockImplementation(() => {
      throw new TypeError('Atomics.wait cannot be called in this context');
    });
    expect(() => waitUntilAfterSync(s.bounded, asUnixNs(1n))).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARG_TYPE',
        message: expect.stringContaining('in a thread that may block'),
      }),
    );
  });
});
