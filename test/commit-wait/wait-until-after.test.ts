import { describe, expect, it } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import type { WaitOptions } from '../../src/commit-wait/wait-options.ts';
import { waitUntilAfter } from '../../src/commit-wait/wait-until-after.ts';
import { asUnixNs } from '../../src/time/instant.ts';
import { MS, NOTHING_LEFT, SECOND, Stage, stateOf } from './stage.ts';

const MODES = ['economy', 'precise'] as const;

/**
 * Waits of so many ns, and one turn, 500 ns before the first is due; a reading of the clock takes 100 ns. When did the callers
 * run again, ns after the first was due? 'pending' where the turn did not get to them.
 */
async function turnOf(s: Stage, ahead: readonly bigint[]): Promise<(bigint | 'pending')[]> {
  const from = s.earliest;
  const due = s.clock.monotonic + ahead[0]!;
  const waits = ahead.map((ns) =>
    waitUntilAfter(s.bounded, asUnixNs(from + ns), { mode: 'precise' }).then(
      () => s.clock.monotonic - due,
    ),
  );
  s.clock.advance(ahead[0]! - 500n);
  s.clock.onRead = () => {
    s.clock.monotonic += 100n;
  };
  expect(s.clock.turnsPending).toBe(1);
  s.clock.turns();
  const states = await Promise.all(waits.map(stateOf));
  s.clock.onRead = () => {};
  return states.map((state) => (state as { value?: bigint }).value ?? 'pending');
}

/** A microsecond, a turn of the loop, and the promise jobs that follow. */
async function turnAndJobs(s: Stage): Promise<void> {
  s.clock.advance(1000n);
  s.clock.turns();
  await new Promise((resolve) => setImmediate(resolve));
}

describe('release', () => {
  it('economy: a timer, looked at and set again; never before earliest has passed', async () => {
    const s = new Stage();
    const t = s.ahead(3n * MS);
    const wait = waitUntilAfter(s.bounded, t);
    // The timer counts whole milliseconds: it fires 600 ns early, as the edge moves a little slower than time.
    s.clock.advance(3n * MS);
    expect(s.bounded.after(t)).toBe(false);
    expect(await stateOf(wait)).toBe('pending');
    s.clock.advance(MS);
    expect(await stateOf(wait)).toEqual({ value: { waitedNs: 4n * MS } });
    expect(s.clock.turnsPending).toBe(0);
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('precise: a timer to the last millisecond or so, then turns, released at the first that can', async () => {
    const s = new Stage();
    const t = s.ahead(7n * MS);
    const began = s.clock.monotonic;
    const wait = waitUntilAfter(s.bounded, t, { mode: 'precise' });
    expect(s.leftovers).toEqual({ timers: 1, turns: 0, hooks: 1 });
    s.clock.advance(5n * MS);
    expect(s.leftovers).toEqual({ timers: 0, turns: 1, hooks: 1 });
    s.spin();
    const late = s.clock.monotonic - began - 7n * MS;
    expect(late > 0n && late <= 4000n).toBe(true);
    expect(await stateOf(wait)).toEqual({ value: { waitedNs: 7n * MS + late } });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('precise: a turn looks on, and releases all who fall due within microseconds, each in its time', async () => {
    const s = new Stage();
    const ran = await turnOf(s, [MS, MS + 1500n, MS + 2500n]);
    // Those released first run before the next are: a reading or two after they were due.
    [0n, 1500n, 2500n].forEach((due, i) => {
      const late = (ran[i] as bigint) - due;
      expect(late > 0n && late <= 300n).toBe(true);
    });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it.each(MODES)(
    '%s: of many who are due, the first run before the last are released',
    async (mode) => {
      const s = new Stage();
      const t = s.ahead(MS);
      const gone = new AbortController();
      const first = waitUntilAfter(s.bounded, t, { mode });
      void first.then(() => gone.abort('gone'));
      const others = Array.from({ length: 9 }, (_, i) =>
        waitUntilAfter(s.bounded, t, { mode, ...(i === 8 && { signal: gone.signal }) }),
      );
      s.clock.pause(2n * MS);
      s.clock.turns();
      const states = await Promise.all(others.map(stateOf));
      expect(states.slice(0, 8)).toEqual(
        Array.from({ length: 8 }, () => ({ value: { waitedNs: 2n * MS } })),
      );
      expect(states[8]).toEqual({ error: 'gone' });
      expect(s.leftovers).toEqual(NOTHING_LEFT);
    },
  );

  it('precise: but gives the loop its turn after 10 us', () => {
    const s = new Stage();
    void waitUntilAfter(s.bounded, s.ahead(MS), { mode: 'precise' });
    const began = s.clock.monotonic;
    s.clock.onRead = () => {
      s.clock.monotonic += 100n;
    };
    s.clock.turns();
    s.clock.onRead = () => {};
    const lasted = s.clock.monotonic - began;
    expect(lasted > 9_000n && lasted < 11_000n).toBe(true);
    expect(s.clock.turnsPending).toBe(1);
  });

  it('precise: those who are released do not prolong the turn', async () => {
    const s = new Stage();
    const ran = await turnOf(
      s,
      Array.from({ length: 20 }, (_, i) => MS + BigInt(i) * 1000n),
    );
    expect(ran.filter((at) => at === 'pending')).toHaveLength(10);
    for (let i = 0; i < 30; i++) await turnAndJobs(s);
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('precise: but does not hold up the released for those who come later', async () => {
    const s = new Stage();
    expect(await turnOf(s, [MS, MS + 5000n])).toEqual([expect.any(BigInt), 'pending']);
    s.spin();
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('precise: who comes to be the next while the released run is not waited for in their stead', async () => {
    const s = new Stage();
    const gone = new AbortController();
    const first = waitUntilAfter(s.bounded, s.ahead(MS), { mode: 'precise' });
    void first.then(() => gone.abort('gone'));
    const soon = { mode: 'precise', signal: gone.signal } as const;
    const second = waitUntilAfter(s.bounded, s.ahead(MS + 2000n), soon);
    const third = waitUntilAfter(s.bounded, s.ahead(MS + 6000n), { mode: 'precise' });
    s.clock.advance(MS - 500n);
    s.clock.onRead = () => {
      s.clock.monotonic += 100n;
    };
    s.clock.turns();
    expect(await stateOf(second)).toEqual({ error: 'gone' });
    s.clock.onRead = () => {};
    expect(await stateOf(third)).toBe('pending');
    s.spin();
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('precise: the released may wait again, for longer, and the next is not forgotten', async () => {
    const s = new Stage();
    const first = waitUntilAfter(s.bounded, s.ahead(MS), { mode: 'precise' });
    const again = first.then(() => waitUntilAfter(s.bounded, s.ahead(1000n * MS)));
    const next = waitUntilAfter(s.bounded, s.ahead(MS + 1500n), { mode: 'precise' });
    s.clock.advance(MS - 500n);
    s.clock.onRead = () => {
      s.clock.monotonic += 100n;
    };
    s.clock.turns();
    expect(await stateOf(next)).toMatchObject({ value: {} });
    s.clock.onRead = () => {};
    expect(await stateOf(again)).toBe('pending');
    expect(s.leftovers).toEqual({ timers: 1, turns: 0, hooks: 1 });
    s.clock.advance(1001n * MS);
    expect(await stateOf(again)).toMatchObject({ value: {} });
  });

  it('precise: a coarse clock is looked at as long as a fine one', () => {
    const s = new Stage();
    void waitUntilAfter(s.bounded, s.ahead(MS), { mode: 'precise' });
    let reads = 0;
    s.clock.onRead = () => {
      if (++reads % 3 === 0) s.clock.monotonic += 300n;
    };
    s.clock.turns();
    s.clock.onRead = () => {};
    expect(reads > 90 && reads < 110).toBe(true);
    expect(s.clock.turnsPending).toBe(1);
  });

  it.each(MODES)('%s: a timer that fires early is not trusted', async (mode) => {
    const s = new Stage();
    const t = s.ahead(5n * MS);
    const wait = waitUntilAfter(s.bounded, t, { mode });
    for (let i = 0; i < 4; i++) {
      s.clock.fireAll();
      expect(await stateOf(wait)).toBe('pending');
    }
    s.clock.advance(5n * MS);
    s.spin();
    s.clock.advance(MS);
    expect(await stateOf(wait)).toMatchObject({ value: {} });
  });

  it.each(MODES)('%s: after a pause, at once', async (mode) => {
    const s = new Stage();
    const wait = waitUntilAfter(s.bounded, s.ahead(3n * MS), { mode });
    s.clock.pause(5n * SECOND);
    expect(await stateOf(wait)).toEqual({ value: { waitedNs: 5n * SECOND } });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it.each(MODES)('%s: what has passed is not waited for', async (mode) => {
    const s = new Stage();
    const passed = asUnixNs(s.earliest - 1n);
    expect(await waitUntilAfter(s.bounded, passed, { mode })).toEqual({ waitedNs: 0n });
    // Not even within no time at all.
    const none = { mode, timeoutMs: 0, maxWaitMs: 0 };
    expect(await waitUntilAfter(s.bounded, passed, none)).toEqual({ waitedNs: 0n });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('equal is not after', async () => {
    const s = new Stage();
    const wait = waitUntilAfter(s.bounded, asUnixNs(s.earliest));
    s.clock.fireAll();
    expect(await stateOf(wait)).toBe('pending');
    s.clock.advance(MS);
    expect(await stateOf(wait)).toMatchObject({ value: {} });
  });

  it('earliest decides, not the middle and not latest', async () => {
    const s = new Stage();
    const { latest } = s.bounded.now();
    const wait = waitUntilAfter(s.bounded, latest);
    s.clock.advance(MS + MS / 2n);
    expect(s.truth).toBeGreaterThan(latest);
    s.clock.fireAll();
    expect(await stateOf(wait)).toBe('pending');
    s.clock.advance(2n * MS);
    expect(await stateOf(wait)).toMatchObject({ value: {} });
  });
});

describe('the bound moves meanwhile', () => {
  it.each(MODES)('%s: a sample that tightens it releases at once', async (mode) => {
    const s = new Stage();
    const t = s.ahead(MS - 50_000n);
    const wait = waitUntilAfter(s.bounded, t, { mode });
    s.clock.advance(1000n);
    // A better exchange: the edge jumps forward by almost a millisecond, and no timer fires.
    s.sample({ delay: 2000n });
    expect(s.earliest).toBeGreaterThan(t);
    expect(await stateOf(wait)).toEqual({ value: { waitedNs: 1000n } });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it.each(MODES)('%s: one that widens it keeps the wait, for as long as it takes', async (mode) => {
    const s = Stage.ofFive();
    const t = s.ahead(2n * MS);
    const wait = waitUntilAfter(s.bounded, t, { mode });
    s.clock.advance(1000n);
    s.clock.fireAll();
    // A sudden dissenter, 40 ms behind: the edge falls back until the others have confirmed.
    s.sources[4]!.reply(s.clock, { theta: s.theta - 40n * MS });
    s.clock.advance(10n * MS);
    s.spin(20_000n);
    expect(s.truth).toBeGreaterThan(t);
    expect(s.bounded.after(t)).toBe(false);
    s.clock.fireAll();
    expect(await stateOf(wait)).toBe('pending');
    // It plans by the edge and not by where `earliest` stands: no turns for the whole of the 40 ms.
    expect(s.clock.turnsPending).toBe(0);
    s.clock.advance(35n * MS);
    s.spin();
    expect(await stateOf(wait)).toMatchObject({ value: {} });
    expect(s.bounded.after(t)).toBe(true);
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('in another thread, a tighter bound and a lost one are noticed within 5 ms', async () => {
    const s = new Stage();
    const reader = BoundedClock.attach(s.bounded.share(), { clock: s.clock });
    const soon = waitUntilAfter(reader, s.ahead(MS - 50_000n));
    const late = waitUntilAfter(reader, s.ahead(SECOND));
    s.sample({ delay: 2000n });
    expect(await stateOf(soon)).toBe('pending');
    s.clock.advance(5n * MS);
    expect(await stateOf(soon)).toMatchObject({ value: {} });
    s.bounded.stop();
    expect(await stateOf(late)).toBe('pending');
    s.clock.advance(5n * MS);
    expect(await stateOf(late)).toMatchObject({ error: { reason: 'stopped', waitedNs: 6n * MS } });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });
});

describe('many waits', () => {
  it.each(MODES)('%s: one timer for all, each released in its turn', async (mode) => {
    const s = new Stage();
    const from = s.earliest;
    const released: number[] = [];
    // Registered in no order; 13 us apart.
    const order = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 1000);
    const all = order.map((k) =>
      waitUntilAfter(s.bounded, asUnixNs(from + 5n * MS + BigInt(k) * 13_000n), { mode }).then(
        () => {
          released.push(k);
        },
      ),
    );
    expect(s.leftovers).toEqual({ timers: 1, turns: 0, hooks: 1 });
    for (let i = 0; i < 4000 && released.length < 1000; i++) {
      s.clock.advance(9000n);
      await turnAndJobs(s);
      const { timers, turns } = s.leftovers;
      expect(timers + turns).toBe(released.length < 1000 ? 1 : 0);
      for (const k of released.slice(-1)) {
        expect(s.bounded.after(asUnixNs(from + 5n * MS + BigInt(k) * 13_000n))).toBe(true);
      }
    }
    await Promise.all(all);
    expect(released).toEqual([...released].sort((a, b) => a - b));
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('a precise wait far away does not make the economical ones turn', async () => {
    const s = new Stage();
    const far = waitUntilAfter(s.bounded, s.ahead(50n * MS), { mode: 'precise' });
    const near = waitUntilAfter(s.bounded, s.ahead(2n * MS), { mode: 'economy' });
    for (let i = 0; i < 40; i++) {
      s.clock.advance(MS / 10n);
      expect(s.clock.turnsPending).toBe(0);
    }
    expect(await stateOf(near)).toMatchObject({ value: {} });
    expect(await stateOf(far)).toBe('pending');
  });

  it('a later wait with an earlier end brings the timer forward', async () => {
    const s = new Stage();
    const late = waitUntilAfter(s.bounded, s.ahead(SECOND));
    const soon = waitUntilAfter(s.bounded, s.ahead(MS / 2n));
    s.clock.advance(MS);
    expect(await stateOf(soon)).toMatchObject({ value: {} });
    expect(await stateOf(late)).toBe('pending');
  });
});

describe('ends without release', () => {
  const endings: readonly [string, (s: Stage) => void, object][] = [
    [
      'the wall clock is stepped',
      (s) => {
        s.clock.wallOffset += 10n * SECOND;
        s.clock.advance(SECOND);
      },
      { status: 'disrupted', reason: 'step' },
    ],
    [
      'the machine slept',
      (s) => {
        s.clock.suspend(10n * SECOND);
        s.clock.advance(SECOND);
      },
      { status: 'disrupted', reason: 'suspend' },
    ],
    [
      'the bound expires',
      (s) => s.clock.advance(5n * SECOND),
      { status: 'unsynchronized', reason: 'expired' },
    ],
    [
      'the sources contradict themselves',
      (s) => {
        s.clock.advance(MS);
        s.sample({ theta: s.theta + 10n * SECOND });
      },
      { status: 'unsynchronized' },
    ],
    ['the clock is stopped', (s) => s.bounded.stop(), { reason: 'stopped' }],
  ];

  it.each(endings)('%s: ERR_COMMIT_WAIT_INTERRUPTED', async (_, happen, fields) => {
    const s = new Stage({ expireAfterMs: 4000 });
    const t = s.ahead(8n * SECOND);
    s.clock.advance(MS);
    const began = s.clock.monotonic;
    const waits = [
      waitUntilAfter(s.bounded, t),
      waitUntilAfter(s.bounded, t, { mode: 'precise', timeoutMs: 9000 }),
    ];
    happen(s);
    for (const wait of waits) {
      const end = (await stateOf(wait)) as { error: { waitedNs: bigint } };
      expect(end).toEqual({
        error: expect.objectContaining({
          name: 'CommitWaitInterruptedError',
          code: 'ERR_COMMIT_WAIT_INTERRUPTED',
          timestamp: t,
          ...fields,
        }),
      });
      expect(end.error.waitedNs >= 0n && end.error.waitedNs <= s.clock.monotonic - began).toBe(
        true,
      );
    }
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('without a bound nothing is waited for: the same error, at once', async () => {
    const s = new Stage();
    s.bounded.stop();
    expect(await stateOf(waitUntilAfter(s.bounded, asUnixNs(1n)))).toEqual({
      error: expect.objectContaining({
        code: 'ERR_COMMIT_WAIT_INTERRUPTED',
        timestamp: 1n,
        waitedNs: 0n,
        reason: 'stopped',
      }),
    });
  });

  it('waits again once there is a bound', async () => {
    const s = new Stage();
    const t = s.ahead(3n * SECOND);
    const first = waitUntilAfter(s.bounded, t);
    s.clock.suspend(SECOND);
    s.clock.advance(SECOND);
    expect(await stateOf(first)).toMatchObject({ error: { status: 'disrupted' } });
    // A second of sleep has passed for true time too.
    s.clock.advance(MS);
    for (let i = 0; i < 2; i++) s.sample({ theta: s.clock.wallOffset, delay: 2000n });
    const again = waitUntilAfter(s.bounded, t);
    s.clock.advance(2n * SECOND);
    expect(await stateOf(again)).toMatchObject({ value: {} });
  });

  it.each(MODES)('%s: timeoutMs: ERR_COMMIT_WAIT_TIMEOUT', async (mode) => {
    const s = new Stage();
    const t = s.ahead(20n * MS);
    const wait = waitUntilAfter(s.bounded, t, { mode, timeoutMs: 5 });
    s.clock.fireAll();
    s.clock.advance(4n * MS);
    expect(await stateOf(wait)).toBe('pending');
    s.clock.advance(MS);
    expect(await stateOf(wait)).toEqual({
      error: expect.objectContaining({
        name: 'CommitWaitTimeoutError',
        code: 'ERR_COMMIT_WAIT_TIMEOUT',
        timestamp: t,
        waitedNs: 5n * MS,
      }),
    });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('whatever has passed when the time limit is noticed is released', async () => {
    const s = new Stage();
    const wait = waitUntilAfter(s.bounded, s.ahead(3n * MS), { timeoutMs: 4 });
    s.clock.pause(SECOND);
    expect(await stateOf(wait)).toMatchObject({ value: {} });
  });

  it("a time limit ends with its wait, and is nobody else's", async () => {
    const s = new Stage();
    const limited = waitUntilAfter(s.bounded, s.ahead(MS), { timeoutMs: 5 });
    s.clock.advance(2n * MS);
    expect(await stateOf(limited)).toMatchObject({ value: {} });
    const patient = waitUntilAfter(s.bounded, s.ahead(100n * MS));
    s.clock.advance(50n * MS);
    s.clock.fireAll();
    expect(await stateOf(patient)).toBe('pending');
    s.bounded.stop();
  });

  it.each(MODES)('%s: abort, before and during: the reason of the signal', async (mode) => {
    const s = new Stage();
    const reason = new Error('enough');
    const ended = { error: reason };
    const early = { mode, signal: AbortSignal.abort(reason) };
    expect(await stateOf(waitUntilAfter(s.bounded, s.ahead(MS), early))).toEqual(ended);
    expect(s.leftovers).toEqual(NOTHING_LEFT);

    const lonely = new AbortController();
    const alone = waitUntilAfter(s.bounded, s.ahead(MS), { mode, signal: lonely.signal });
    lonely.abort(reason);
    expect(await stateOf(alone)).toEqual(ended);
    expect(s.leftovers).toEqual(NOTHING_LEFT);

    const controller = new AbortController();
    const options = { mode, signal: controller.signal, timeoutMs: 1000 };
    const aborted = [50n, 10n, 30n].map((ms) =>
      waitUntilAfter(s.bounded, s.ahead(ms * MS), options),
    );
    const other = waitUntilAfter(s.bounded, s.ahead(20n * MS), { mode });
    s.clock.advance(MS);
    controller.abort(reason);
    for (const wait of aborted) expect(await stateOf(wait)).toEqual(ended);
    expect(await stateOf(other)).toBe('pending');
    s.clock.advance(19n * MS);
    s.spin();
    s.clock.advance(MS);
    expect(await stateOf(other)).toMatchObject({ value: {} });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('after its end a wait no longer listens to the signal; those on one signal share a listener', async () => {
    const s = new Stage();
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    Object.assign(signal, {
      addEventListener(...args: Parameters<typeof addEventListener>) {
        listeners++;
        addEventListener.apply(signal, args);
      },
      removeEventListener(...args: Parameters<typeof removeEventListener>) {
        listeners--;
        removeEventListener.apply(signal, args);
      },
    });
    const wait = waitUntilAfter(s.bounded, s.ahead(MS), { signal });
    const lost = waitUntilAfter(s.bounded, s.ahead(SECOND), { signal });
    expect(listeners).toBe(1);
    s.clock.advance(3n * MS);
    expect(await stateOf(wait)).toMatchObject({ value: {} });
    expect(listeners).toBe(1);
    s.bounded.stop();
    expect(await stateOf(lost)).toMatchObject({ error: {} });
    expect(listeners).toBe(0);
  });

  it('an absurd timestamp is refused at once: ERR_COMMIT_WAIT_TOO_LONG', async () => {
    const s = new Stage();
    const refused = async (ns: bigint, options: WaitOptions) => {
      const t = s.ahead(ns);
      const end = await stateOf(waitUntilAfter(s.bounded, t, options));
      expect(s.leftovers).toEqual(NOTHING_LEFT);
      return [t, end] as const;
    };
    // The wait for 10 s takes 2 ms longer than that, at 200 ppm.
    const [t, end] = await refused(10n * SECOND, {});
    const error = expect.objectContaining({
      name: 'CommitWaitTooLongError',
      code: 'ERR_COMMIT_WAIT_TOO_LONG',
      timestamp: t,
      limitNs: 10n * SECOND,
    });
    expect(end).toEqual({ error });
    const { remainingNs } = (end as { error: { remainingNs: bigint } }).error;
    expect(remainingNs > 10n * SECOND + 2n * MS && remainingNs < 10n * SECOND + 3n * MS).toBe(true);
    expect((await refused(3n * MS, { maxWaitMs: 2.5 }))[1]).toMatchObject({
      error: { limitNs: 2_500_000n },
    });
    // The end of time, in the same words.
    const last = asUnixNs(2n ** 63n - 1n);
    expect(await stateOf(waitUntilAfter(s.bounded, last))).toMatchObject({
      error: { code: 'ERR_COMMIT_WAIT_TOO_LONG' },
    });
    // Up to the limit, and without one.
    for (const options of [{}, { maxWaitMs: Number.POSITIVE_INFINITY }]) {
      const ns = 'maxWaitMs' in options ? 10_000n * SECOND : 9n * SECOND;
      expect(await stateOf(waitUntilAfter(s.bounded, s.ahead(ns), options))).toBe('pending');
    }
    s.bounded.stop();
  });

  it('the end of time can be waited for, and given up', async () => {
    const s = new Stage();
    const controller = new AbortController();
    const options = { maxWaitMs: Number.POSITIVE_INFINITY, signal: controller.signal };
    const wait = waitUntilAfter(s.bounded, asUnixNs(2n ** 63n - 1n), options);
    const limited = waitUntilAfter(s.bounded, asUnixNs(2n ** 63n - 1n), {
      maxWaitMs: Number.MAX_VALUE,
      timeoutMs: Number.MAX_VALUE,
    });
    s.clock.advance(SECOND);
    expect(await stateOf(wait)).toBe('pending');
    controller.abort();
    s.bounded.stop();
    expect(await stateOf(limited)).toMatchObject({ error: { reason: 'stopped' } });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('a clock that throws once: the wait ends with that', async () => {
    const s = new Stage();
    const wait = waitUntilAfter(s.bounded, s.ahead(5n * MS));
    const broken = new Error('no such counter');
    s.clock.onRead = () => {
      s.clock.onRead = () => {};
      throw broken;
    };
    s.clock.fireAll();
    expect(await stateOf(wait)).toEqual({ error: broken });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('a wait that could not begin leaves nothing behind', async () => {
    const s = new Stage();
    const broken = new Error('no timers');
    const { setTimer } = s.clock;
    s.clock.setTimer = () => {
      throw broken;
    };
    expect(await stateOf(waitUntilAfter(s.bounded, s.ahead(5n * MS)))).toEqual({ error: broken });
    s.clock.setTimer = setTimer;
    expect(s.leftovers).toEqual(NOTHING_LEFT);
    const other = waitUntilAfter(s.bounded, s.ahead(5n * MS));
    s.bounded.stop();
    expect(await stateOf(other)).toMatchObject({ error: { code: 'ERR_COMMIT_WAIT_INTERRUPTED' } });
  });

  it('whatever the clock throws, no wait is left hanging', async () => {
    const s = new Stage();
    const wait = waitUntilAfter(s.bounded, s.ahead(5n * MS));
    const broken = new Error('no such counter');
    const { readInto } = s.bounded;
    s.bounded.readInto = () => {
      throw broken;
    };
    s.clock.advance(6n * MS);
    s.bounded.readInto = readInto;
    expect(await stateOf(wait)).toEqual({ error: broken });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });
});

describe('misuse names the argument', () => {
  it.each<[string, unknown[], string]>([
    ['clock', [{}, 1n], 'ERR_INVALID_ARG_TYPE'],
    ['clock', [undefined, 1n], 'ERR_INVALID_ARG_TYPE'],
    ['unixNs', ['bounded', 1], 'ERR_INVALID_ARG_TYPE'],
    ['unixNs', ['bounded', 2n ** 63n], 'ERR_OUT_OF_RANGE'],
    ['mode', ['bounded', 1n, { mode: 'fast' }], 'ERR_OUT_OF_RANGE'],
    ['timeoutMs', ['bounded', 1n, { timeoutMs: '5' }], 'ERR_INVALID_ARG_TYPE'],
    ['timeoutMs', ['bounded', 1n, { timeoutMs: -1 }], 'ERR_OUT_OF_RANGE'],
    ['maxWaitMs', ['bounded', 1n, { maxWaitMs: Number.NaN }], 'ERR_OUT_OF_RANGE'],
    ['signal', ['bounded', 1n, { signal: {} }], 'ERR_INVALID_ARG_TYPE'],
    ['signal', ['bounded', 1n, { signal: { throwIfAborted() {} } }], 'ERR_INVALID_ARG_TYPE'],
    ['options', ['bounded', 1n, null], 'ERR_INVALID_ARG_TYPE'],
    // Meant as a time limit, it would be none.
    ['options', ['bounded', 1n, 1000], 'ERR_INVALID_ARG_TYPE'],
  ])('%s: %o', async (name, [clock, ...args], code) => {
    const s = new Stage();
    const given = clock === 'bounded' ? s.bounded : clock;
    const wait = waitUntilAfter(given as BoundedClock, ...(args as [never, never]));
    expect(await stateOf(wait)).toEqual({
      error: expect.objectContaining({ code, message: expect.stringContaining(name) }),
    });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });
});
