import { LamportClock } from 'epsilon-clock/lamport';
import { describe, expect, it, vi } from 'vitest';
import { beginCommit, type CommitSteps, runCommit } from '../../src/commit-wait/commit.ts';
import { asUnixNs } from '../../src/time/instant.ts';
import { Harness, MS, NOTHING_LEFT, SECOND, stateOf } from './harness.ts';

/** A promise that the test settles by hand. */
function door() {
  let open = (_value: string): void => {};
  let slam = (_reason: Error): void => {};
  const promise = new Promise<string>((resolve, reject) => {
    open = resolve;
    slam = reject;
  });
  return { promise, open, slam };
}

describe('beginCommit', () => {
  it('takes a timestamp that true time has not reached: at least latest, and above the last one of the hybrid clock', () => {
    const s = new Harness();
    const { latest } = s.bounded.now();
    const first = beginCommit({ clock: s.bounded, hlc: s.hlc }).timestamp;
    expect(first).toBe(latest);
    // The clock stands still, and the next timestamp is still above the last.
    expect(beginCommit({ clock: s.bounded, hlc: s.hlc }).timestamp).toBe(first + 1n);
    const remote = s.hlc.receive(first + 300n * MS);
    expect(beginCommit({ clock: s.bounded, hlc: s.hlc }).timestamp).toBe(remote + 1n);
  });

  it('checks the wall clock first: an unnoticed suspend yields no timestamp of the past', () => {
    const s = new Harness();
    s.clock.suspend(10n * SECOND);
    // The interval still exists, and is ten seconds old.
    expect(s.bounded.now().latest).toBeLessThan(s.truth + 10n * SECOND);
    const before = s.hlc.peek();
    expect(() => beginCommit({ clock: s.bounded, hlc: s.hlc })).toThrow(
      expect.objectContaining({
        code: 'ERR_CLOCK_UNSYNCHRONIZED',
        status: 'disrupted',
        reason: 'suspend',
      }),
    );
    expect(s.hlc.peek()).toBe(before);
  });

  it('throws ERR_CLOCK_UNSYNCHRONIZED without a bound', () => {
    const s = new Harness();
    s.bounded.stop();
    expect(() => beginCommit({ clock: s.bounded, hlc: s.hlc })).toThrow(
      expect.objectContaining({ code: 'ERR_CLOCK_UNSYNCHRONIZED', reason: 'stopped' }),
    );
  });

  it('throws ERR_UNCERTAINTY_TOO_WIDE when peers could refuse the timestamp, and takes none', () => {
    const s = new Harness({}, 1, { maxRemoteAheadMs: 2.5 });
    const begin = () => beginCommit({ clock: s.bounded, hlc: s.hlc });
    // The width: 2 ms of delay, and 0.4 ms per second of age.
    s.clock.advance(SECOND);
    begin();
    s.clock.advance(SECOND / 2n);
    const before = s.hlc.peek();
    const { earliest, latest } = s.bounded.now();
    expect(latest - earliest).toBeGreaterThan(2_500_000n);
    expect(begin).toThrow(
      expect.objectContaining({
        name: 'UncertaintyTooWideError',
        code: 'ERR_UNCERTAINTY_TOO_WIDE',
        widthNs: latest - earliest,
        limitNs: 2_500_000n,
      }),
    );
    expect(s.hlc.peek()).toBe(before);
  });

  it('refuses no width without a limit', () => {
    const s = new Harness({}, 1, { maxRemoteAheadMs: Number.POSITIVE_INFINITY });
    s.clock.advance(3000n * SECOND);
    expect(beginCommit({ clock: s.bounded, hlc: s.hlc }).remainingNs()).toBeGreaterThan(SECOND);
  });
});

describe('beginCommit, misused', () => {
  const s = new Harness();
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['no clock', { hlc: s.hlc }],
    ['a clock without a bound', { clock: s.clock, hlc: s.hlc }],
    ['no hybrid clock', { clock: s.bounded }],
    [
      'a logical clock that knows no time',
      { clock: s.bounded, hlc: new LamportClock({ nodeId: 'a' }) },
    ],
    // Such an object could claim any width.
    [
      'a clock without maxRemoteAheadMs',
      { clock: s.bounded, hlc: { nowAtLeast: (t: bigint) => t } },
    ],
  ])('%s: ERR_INVALID_ARG_TYPE', (_, clocks) => {
    expect(() => beginCommit(clocks as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });
});

describe('settled', () => {
  it('resolves when the timestamp has certainly passed, after the remainingNs that was told', async () => {
    const s = new Harness();
    const { timestamp, settled, remainingNs } = beginCommit({ clock: s.bounded, hlc: s.hlc });
    const foretold = remainingNs();
    expect(foretold).toBeGreaterThan(2n * MS);
    const wait = settled();
    s.clock.advance(foretold - 1000n);
    expect(s.bounded.after(timestamp)).toBe(false);
    expect(remainingNs()).toBeGreaterThan(0n);
    expect(await stateOf(wait)).toBe('pending');
    s.clock.advance(1000n);
    expect(s.bounded.after(timestamp)).toBe(true);
    expect(remainingNs()).toBe(0n);
    s.clock.advance(MS);
    expect(await stateOf(wait)).toMatchObject({ value: {} });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('may be called again: after its end, during another call, after a rejection', async () => {
    const s = new Harness();
    const commit = beginCommit({ clock: s.bounded, hlc: s.hlc });
    const impatient = commit.settled({ timeoutMs: 1 });
    const patient = commit.settled({ mode: 'precise' });
    s.clock.advance(MS);
    s.clock.turns();
    expect(await stateOf(impatient)).toMatchObject({ error: { code: 'ERR_COMMIT_WAIT_TIMEOUT' } });
    const again = commit.settled();
    s.clock.pause(4n * MS);
    s.clock.turns();
    expect(await stateOf(patient)).toEqual({ value: { waitedNs: 5n * MS } });
    expect(await stateOf(again)).toEqual({ value: { waitedNs: 4n * MS } });
    expect(await commit.settled()).toEqual({ waitedNs: 0n });
  });

  it('remainingNs throws without a bound', () => {
    const s = new Harness();
    const { remainingNs } = beginCommit({ clock: s.bounded, hlc: s.hlc });
    s.bounded.stop();
    expect(remainingNs).toThrow(expect.objectContaining({ code: 'ERR_CLOCK_UNSYNCHRONIZED' }));
  });
});

describe('runCommit', () => {
  /** The steps, and the order in which they were called. */
  function steps(prepared: Promise<string>) {
    const seen: unknown[] = [];
    const all: CommitSteps<string, string> = {
      prepare: (timestamp) => {
        seen.push(['prepare', timestamp]);
        return prepared;
      },
      makeVisible: (timestamp, what) => {
        seen.push(['makeVisible', timestamp, what]);
        return 'done';
      },
    };
    return { seen, all };
  }
  const clocksOf = (s: Harness) => ({ clock: s.bounded, hlc: s.hlc });

  it('visible only after both: the wait is longer', async () => {
    const s = new Harness();
    const { promise, open } = door();
    const { seen, all } = steps(promise);
    const t = s.bounded.now().latest;
    const run = runCommit(clocksOf(s), all);
    expect(seen).toEqual([['prepare', t]]);
    open('p');
    s.clock.advance(2n * MS);
    expect(s.bounded.after(t)).toBe(false);
    expect(await stateOf(run)).toBe('pending');
    expect(seen).toHaveLength(1);
    s.clock.advance(2n * MS);
    expect(await stateOf(run)).toEqual({
      value: { timestamp: t, waitedNs: 3n * MS, result: 'done' },
    });
    expect(seen).toEqual([
      ['prepare', t],
      ['makeVisible', t, 'p'],
    ]);
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('visible only after both: prepare is longer, and the wait runs meanwhile', async () => {
    const s = new Harness();
    const { promise, open } = door();
    const { seen, all } = steps(promise);
    const run = runCommit(clocksOf(s), all, { mode: 'precise' });
    s.clock.pause(50n * MS);
    s.clock.turns();
    expect(s.leftovers).toEqual(NOTHING_LEFT);
    expect(await stateOf(run)).toBe('pending');
    expect(seen).toHaveLength(1);
    open('p');
    expect(await stateOf(run)).toMatchObject({ value: { waitedNs: 50n * MS, result: 'done' } });
  });

  it('prepare fails: rejects with its reason, nothing is visible, and the wait has ended', async () => {
    const s = new Harness();
    const { promise, slam } = door();
    const { seen, all } = steps(promise);
    const run = runCommit(clocksOf(s), all);
    const broken = new Error('disk full');
    slam(broken);
    expect(await stateOf(run)).toEqual({ error: broken });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
    s.clock.advance(SECOND);
    expect(seen).toHaveLength(1);
    const thrown = runCommit(clocksOf(s), {
      ...all,
      prepare: () => {
        throw broken;
      },
    });
    expect(await stateOf(thrown)).toEqual({ error: broken });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('the wait fails: rejects when prepare has ended, with the timestamp to wait for again', async () => {
    const s = new Harness();
    const { promise, open } = door();
    const { seen, all } = steps(promise);
    const t = s.bounded.now().latest;
    const run = runCommit(clocksOf(s), all);
    s.bounded.stop();
    expect(await stateOf(run)).toBe('pending');
    open('p');
    expect(await stateOf(run)).toMatchObject({
      error: { code: 'ERR_COMMIT_WAIT_INTERRUPTED', timestamp: t },
    });
    expect(seen).toHaveLength(1);
  });

  it.each([1, 60])(
    'aborted after %i ms: rejects with the reason, nothing is visible',
    async (ms) => {
      const s = new Harness();
      const { promise, open } = door();
      const { seen, all } = steps(promise);
      const controller = new AbortController();
      const run = runCommit(clocksOf(s), all, { signal: controller.signal });
      // Before the timestamp has passed, or after. While nothing is visible it is not too late.
      s.clock.advance(BigInt(ms) * MS);
      const reason = new Error('enough');
      controller.abort(reason);
      expect(s.leftovers).toEqual(NOTHING_LEFT);
      open('p');
      expect(await stateOf(run)).toEqual({ error: reason });
      expect(seen).toHaveLength(1);
    },
  );

  it('a commit that is refused is refused before prepare', async () => {
    const s = new Harness({}, 1, { maxRemoteAheadMs: 60_000 });
    const { seen, all } = steps(Promise.resolve('p'));
    const codeOf = async (options = {}) => {
      const end = await stateOf(runCommit(clocksOf(s), all, options));
      return (end as { error: { code?: string } }).error.code ?? end;
    };
    expect(await codeOf({ maxWaitMs: 1 })).toBe('ERR_COMMIT_WAIT_TOO_LONG');
    expect(await codeOf({ mode: 'fast' })).toBe('ERR_OUT_OF_RANGE');
    const before = s.hlc.peek();
    const reason = new Error('enough');
    expect(await codeOf({ signal: AbortSignal.abort(reason) })).toEqual({ error: reason });
    expect(s.hlc.peek()).toBe(before);
    // A peer has moved the hybrid clock further ahead than `maxWaitMs`.
    s.hlc.receive(asUnixNs(s.truth + 30n * SECOND));
    expect(await codeOf()).toBe('ERR_COMMIT_WAIT_TOO_LONG');
    s.bounded.stop();
    expect(await codeOf()).toBe('ERR_CLOCK_UNSYNCHRONIZED');
    expect(seen).toEqual([]);
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('a missing step is noticed before prepare, and before a timestamp is taken', async () => {
    const s = new Harness();
    const { seen, all } = steps(Promise.resolve('p'));
    const before = s.hlc.peek();
    for (const some of [
      undefined,
      {},
      { prepare: all.prepare },
      { makeVisible: all.makeVisible },
    ]) {
      expect(await stateOf(runCommit(clocksOf(s), some as never))).toMatchObject({
        error: { code: 'ERR_INVALID_ARG_TYPE' },
      });
    }
    expect(await stateOf(runCommit(clocksOf(s), all, 1000 as never))).toMatchObject({
      error: { code: 'ERR_INVALID_ARG_TYPE' },
    });
    expect(seen).toEqual([]);
    expect(s.hlc.peek()).toBe(before);
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('pending commits share one listener on the signal, and leave none', async () => {
    const s = new Harness();
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    const { promise, open } = door();
    const runs = [1, 2, 3].map(() => runCommit(clocksOf(s), steps(promise).all, { signal }));
    s.clock.advance(4n * MS);
    open('p');
    for (const run of runs) expect(await stateOf(run)).toMatchObject({ value: { result: 'done' } });
    expect(added).toHaveBeenCalledTimes(1);
    expect(removed).toHaveBeenCalledTimes(1);
  });

  it('an error of makeVisible is passed on', async () => {
    const s = new Harness();
    const broken = new Error('connection lost');
    const run = runCommit(clocksOf(s), {
      prepare: () => 'p',
      makeVisible: () => Promise.reject(broken),
    });
    s.clock.advance(4n * MS);
    expect(await stateOf(run)).toEqual({ error: broken });
  });
});
