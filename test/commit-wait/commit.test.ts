import { LamportClock } from 'epsilon-clock';
import { describe, expect, it, vi } from 'vitest';
import { beginCommit, type CommitSteps, runCommit } from '../../src/commit-wait/commit.ts';
import { asUnixNs } from '../../src/time/instant.ts';
import { MS, NOTHING_LEFT, SECOND, Stage, stateOf } from './stage.ts';

/** A promise to be settled by hand. */
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
  it('takes a timestamp that true time has not reached: latest, or above all the hybrid clock has seen', () => {
    const s = new Stage();
    const { latest } = s.bounded.now();
    const first = beginCommit({ clock: s.bounded, hlc: s.hlc }).timestamp;
    expect(first).toBe(latest);
    // The clock stands still: the next is above the last all the same.
    expect(beginCommit({ clock: s.bounded, hlc: s.hlc }).timestamp).toBe(first + 1n);
    const remote = s.hlc.receive(first + 300n * MS);
    expect(beginCommit({ clock: s.bounded, hlc: s.hlc }).timestamp).toBe(remote + 1n);
  });

  it('looks at the wall clock first: a suspend that nobody has noticed yields no timestamp of the past', () => {
    const s = new Stage();
    s.clock.suspend(10n * SECOND);
    // The interval is there still, and ten seconds old.
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

  it('without a bound there is none: ERR_CLOCK_UNSYNCHRONIZED', () => {
    const s = new Stage();
    s.bounded.stop();
    expect(() => beginCommit({ clock: s.bounded, hlc: s.hlc })).toThrow(
      expect.objectContaining({ code: 'ERR_CLOCK_UNSYNCHRONIZED', reason: 'stopped' }),
    );
  });

  it('an interval wider than peers accept is refused: ERR_UNCERTAINTY_TOO_WIDE, and no timestamp is taken', () => {
    const s = new Stage({ maxRemoteAheadMs: 2.5 });
    const begin = () => beginCommit({ clock: s.bounded, hlc: s.hlc });
    // 2 ms of path, and 0.4 ms per second of age.
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

  it('without a limit no width is refused', () => {
    const s = new Stage({ maxRemoteAheadMs: Number.POSITIVE_INFINITY });
    s.clock.advance(3000n * SECOND);
    expect(beginCommit({ clock: s.bounded, hlc: s.hlc }).remainingNs()).toBeGreaterThan(SECOND);
  });
});

describe('beginCommit, misused', () => {
  const s = new Stage();
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['no clock', { hlc: s.hlc }],
    ['a clock without a bound', { clock: s.clock, hlc: s.hlc }],
    ['no hybrid clock', { clock: s.bounded }],
    [
      'a logical clock that knows no time',
      { clock: s.bounded, hlc: new LamportClock({ nodeId: 'a' }) },
    ],
    // It would be as wide as it likes.
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
  it('resolves when the timestamp has certainly passed, as remainingNs foretold', async () => {
    const s = new Stage();
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

  it('may be asked again: after its end, beside one that waits, after a rejection', async () => {
    const s = new Stage();
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

  it('remainingNs without a bound says so', () => {
    const s = new Stage();
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
  const clocksOf = (s: Stage) => ({ clock: s.bounded, hlc: s.hlc });

  it('visible only after both: the wait is the longer', async () => {
    const s = new Stage();
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

  it('visible only after both: prepare is the longer, and the wait has gone on beside it', async () => {
    const s = new Stage();
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

  it('prepare fails: its reason, nothing visible, and nobody waits any more', async () => {
    const s = new Stage();
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

  it('the wait fails: told when prepare has ended, with the timestamp to wait for again', async () => {
    const s = new Stage();
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

  it.each([1, 60])('aborted after %i ms: the reason, and nothing visible', async (ms) => {
    const s = new Stage();
    const { promise, open } = door();
    const { seen, all } = steps(promise);
    const controller = new AbortController();
    const run = runCommit(clocksOf(s), all, { signal: controller.signal });
    // Before the timestamp has passed, or after: as long as nothing is visible it is not too late.
    s.clock.advance(BigInt(ms) * MS);
    const reason = new Error('enough');
    controller.abort(reason);
    expect(s.leftovers).toEqual(NOTHING_LEFT);
    open('p');
    expect(await stateOf(run)).toEqual({ error: reason });
    expect(seen).toHaveLength(1);
  });

  it('what refuses it does so before prepare', async () => {
    const s = new Stage({ maxRemoteAheadMs: 60_000 });
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
    // A hybrid clock that a peer has pushed further than anybody should wait.
    s.hlc.receive(asUnixNs(s.truth + 30n * SECOND));
    expect(await codeOf()).toBe('ERR_COMMIT_WAIT_TOO_LONG');
    s.bounded.stop();
    expect(await codeOf()).toBe('ERR_CLOCK_UNSYNCHRONIZED');
    expect(seen).toEqual([]);
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('steps that are missing are noticed before prepare, and before a timestamp is taken', async () => {
    const s = new Stage();
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

  it('commits under way share a listener on the signal, and leave none', async () => {
    const s = new Stage();
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

  it('what makeVisible throws is passed on', async () => {
    const s = new Stage();
    const broken = new Error('connection lost');
    const run = runCommit(clocksOf(s), {
      prepare: () => 'p',
      makeVisible: () => Promise.reject(broken),
    });
    s.clock.advance(4n * MS);
    expect(await stateOf(run)).toEqual({ error: broken });
  });
});
