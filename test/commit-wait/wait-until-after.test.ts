import { describe, expect, it } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import type { WaitOptions } from '../../src/commit-wait/wait-options.ts';
import { waitUntilAfter } from '../../src/commit-wait/wait-until-after.ts';
import { asUnixNs } from '../../src/time/instant.ts';
import { Harness, MS, NOTHING_LEFT, SECOND, stateOf } from './harness.ts';

const MODES = ['economy', 'precise'] as const;

/**
 * Begins a wait for each of the `ahead`, ns, and runs one turn, 500 ns before the first is due. A
 * reading of the clock takes 100 ns. Returns when each caller ran again, ns after the first was
 * due; 'pending' for a caller that did not run in this turn.
 */
async function turnOf(s: Harness, ahead: readonly bigint[]): Promise<(bigint | 'pending')[]> {
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

/** Advances by 1 us, and runs a turn of the loop and the promise jobs that follow. */
async function turnAndJobs(s: Harness): Promise<void> {
  s.clock.advance(1000n);
  s.clock.turns();
  await new Promise((resolve) => setImmediate(resolve));
}

describe('release', () => {
  it('economy: a timer that fires early is set again; never released before earliest has passed', async () => {
    const s = new Harness();
    const t = s.ahead(3n * MS);
    const wait = waitUntilAfter(s.bounded, t);
    // The timer counts whole milliseconds. The edge moves a little slower than time, so the timer
    // fires 600 ns early.
    s.clock.advance(3n * MS);
    expect(s.bounded.after(t)).toBe(false);
    expect(await stateOf(wait)).toBe('pending');
    s.clock.advance(MS);
    expect(await stateOf(wait)).toEqual({ value: { waitedNs: 4n * MS } });
    expect(s.clock.turnsPending).toBe(0);
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('precise: a timer until about the last millisecond, then turns; the first turn that can releases', async () => {
    const s = new Harness();
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

  it('precise: a turn keeps polling, and releases each wait that falls due within microseconds when it is due', async () => {
    const s = new Harness();
    const ran = await turnOf(s, [MS, MS + 1500n, MS + 2500n]);
    // A released caller runs before the next is released, a reading or two after it was due.
    [0n, 1500n, 2500n].forEach((due, i) => {
      const late = (ran[i] as bigint) - due;
      expect(late > 0n && late <= 300n).toBe(true);
    });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it.each(MODES)(
    '%s: when many waits are due, the first callers run before the last are released',
    async (mode) => {
      const s = new Harness();
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

  it('precise: the loop turns after 10 us', () => {
    const s = new Harness();
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

  it('precise: released callers do not prolong the turn', async () => {
    const s = new Harness();
    const ran = await turnOf(
      s,
      Array.from({ length: 20 }, (_, i) => MS + BigInt(i) * 1000n),
    );
    expect(ran.filter((at) => at === 'pending')).toHaveLength(10);
    for (let i = 0; i < 30; i++) await turnAndJobs(s);
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('precise: the turn does not spin for a later wait while released callers have work left', async () => {
    const s = new Harness();
    expect(await turnOf(s, [MS, MS + 5000n])).toEqual([expect.any(BigInt), 'pending']);
    s.spin();
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('precise: nor for a wait that becomes the next one while released callers run', async () => {
    const s = new Harness();
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

  it('precise: a released caller may wait again, for longer, and the next wait is not forgotten', async () => {
    const s = new Harness();
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

  it('precise: a coarse clock is polled for as long as a fine one', () => {
    const s = new Harness();
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
    const s = new Harness();
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

  it.each(MODES)('%s: after a pause it is released at once', async (mode) => {
    const s = new Harness();
    const wait = waitUntilAfter(s.bounded, s.ahead(3n * MS), { mode });
    s.clock.pause(5n * SECOND);
    expect(await stateOf(wait)).toEqual({ value: { waitedNs: 5n * SECOND } });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it.each(MODES)('%s: a timestamp that has passed is not waited for', async (mode) => {
    const s = new Harness();
    const passed = asUnixNs(s.earliest - 1n);
    expect(await waitUntilAfter(s.bounded, passed, { mode })).toEqual({ waitedNs: 0n });
    // Limits of 0 ms do not reject it either.
    const none = { mode, timeoutMs: 0, maxWaitMs: 0 };
    expect(await waitUntilAfter(s.bounded, passed, none)).toEqual({ waitedNs: 0n });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('equal is not after', async () => {
    const s = new Harness();
    const wait = waitUntilAfter(s.bounded, asUnixNs(s.earliest));
    s.clock.fireAll();
    expect(await stateOf(wait)).toBe('pending');
    s.clock.advance(MS);
    expect(await stateOf(wait)).toMatchObject({ value: {} });
  });

  it('earliest decides, not the middle and not latest', async () => {
    const s = new Harness();
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

describe('the bound moves during the wait', () => {
  it.each(MODES)('%s: a sample that tightens it releases at once', async (mode) => {
    const s = new Harness();
    const t = s.ahead(MS - 50_000n);
    const wait = waitUntilAfter(s.bounded, t, { mode });
    s.clock.advance(1000n);
    // After a better exchange the edge jumps forward by almost a millisecond. No timer fires.
    s.sample({ delay: 2000n });
    expect(s.earliest).toBeGreaterThan(t);
    expect(await stateOf(wait)).toEqual({ value: { waitedNs: 1000n } });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it.each(MODES)('%s: a sample that widens it prolongs the wait', async (mode) => {
    const s = Harness.ofFive();
    const t = s.ahead(2n * MS);
    const wait = waitUntilAfter(s.bounded, t, { mode });
    s.clock.advance(1000n);
    s.clock.fireAll();
    // One source suddenly disagrees by 40 ms, so the edge falls back until the others have replied.
    s.sources[4]!.reply(s.clock, { theta: s.theta - 40n * MS });
    s.clock.advance(10n * MS);
    s.spin(20_000n);
    expect(s.truth).toBeGreaterThan(t);
    expect(s.bounded.after(t)).toBe(false);
    s.clock.fireAll();
    expect(await stateOf(wait)).toBe('pending');
    // It plans by the edge and not by `earliest`, which never goes back. So it does not poll in
    // every turn during the 40 ms.
    expect(s.clock.turnsPending).toBe(0);
    s.clock.advance(35n * MS);
    s.spin();
    expect(await stateOf(wait)).toMatchObject({ value: {} });
    expect(s.bounded.after(t)).toBe(true);
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('in another thread, a tighter bound and a lost one are noticed within 5 ms', async () => {
    const s = new Harness();
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

  it('in another thread, the last wait sets no more timers', async () => {
    const s = new Harness();
    const reader = BoundedClock.attach(s.bounded.share(), { clock: s.clock });
    const wait = waitUntilAfter(reader, s.ahead(2n * MS));
    s.clock.advance(10n * MS);
    expect(await stateOf(wait)).toMatchObject({ value: {} });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
    s.clock.advance(SECOND);
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });
});

describe('many waits', () => {
  it.each([15, 16, 17, 32, 33])('the queue has room for any number of waits: %d', async (count) => {
    const s = new Harness();
    const waits = Array.from({ length: count }, (_, i) =>
      waitUntilAfter(s.bounded, s.ahead(MS + BigInt(i))),
    );
    s.clock.advance(2n * MS);
    for (const wait of waits) {
      expect(await stateOf(wait)).toEqual({ value: { waitedNs: 2n * MS } });
    }
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it.each(MODES)('%s: one timer for all, each released when it is due', async (mode) => {
    const s = new Harness();
    const from = s.earliest;
    const released: number[] = [];
    // The timestamps are 13 us apart, and registered out of order.
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

  it('a precise wait that ends much later does not make economy waits poll in every turn', async () => {
    const s = new Harness();
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
    const s = new Harness();
    const late = waitUntilAfter(s.bounded, s.ahead(SECOND));
    const soon = waitUntilAfter(s.bounded, s.ahead(MS / 2n));
    s.clock.advance(MS);
    expect(await stateOf(soon)).toMatchObject({ value: {} });
    expect(await stateOf(late)).toBe('pending');
  });
});

describe('callers that begin again at once', () => {
  /**
   * Twenty callers, each with `rounds` waits of 500 ns, one after the other. A reading takes 100
   * ns, so some wait is always due. Calls `inTurn` in every turn. Returns how long each turn took
   * with its promise jobs, ns.
   */
  async function closedLoop(
    s: Harness,
    mode: (typeof MODES)[number],
    rounds: number,
    inTurn: () => void = () => {},
  ): Promise<bigint[]> {
    let callers = 20;
    const caller = async (): Promise<void> => {
      for (let i = 0; i < rounds; i++) await waitUntilAfter(s.bounded, s.ahead(500n), { mode });
      callers--;
    };
    for (let i = 0; i < 20; i++) void caller();
    s.clock.onRead = () => {
      s.clock.monotonic += 100n;
    };
    const turns: bigint[] = [];
    while (callers > 0) {
      // An economy wait begins with a timer. After that its callers keep the loop turning.
      if (s.clock.turnsPending === 0) s.clock.advance(MS);
      const began = s.clock.monotonic;
      inTurn();
      s.clock.turns();
      await new Promise((resolve) => setImmediate(resolve));
      turns.push(s.clock.monotonic - began);
    }
    s.clock.onRead = () => {};
    return turns;
  }

  it.each(MODES)('%s: the loop turns every millisecond or so', async (mode) => {
    const s = new Harness();
    const turns = await closedLoop(s, mode, 1000);
    expect(turns.filter((ns) => ns > MS + 20_000n)).toEqual([]);
    expect(turns.length).toBeGreaterThan(3);
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it.each(MODES)(
    '%s: waits that are still due are released in the next turn, without a timer',
    async (mode) => {
      const s = new Harness();
      let spent = 0;
      const turns = await closedLoop(s, mode, 1000, () => {
        if (s.clock.turnsPending > 0) spent++;
      });
      expect(spent).toBeGreaterThanOrEqual(turns.filter((ns) => ns >= MS).length);
    },
  );

  it.each(MODES)('%s: a time limit is not late', async (mode) => {
    const s = new Harness();
    const limited = waitUntilAfter(s.bounded, s.ahead(SECOND), { timeoutMs: 3 }).catch(
      (error: unknown) => ({ error }),
    );
    await closedLoop(s, mode, 1000);
    const { error } = (await limited) as { error: { code: string; waitedNs: bigint } };
    expect(error.code).toBe('ERR_COMMIT_WAIT_TIMEOUT');
    expect(error.waitedNs >= 3n * MS && error.waitedNs < 3n * MS + 20_000n).toBe(true);
  });

  it.each(MODES)('%s: publications do not prolong the turn', async (mode) => {
    const s = new Harness();
    let publications = 0;
    // Publishes within the turn, from promise jobs.
    const publish = (): void => {
      for (const listener of s.bounded.publishListeners) listener();
      if (++publications < 10_000) queueMicrotask(publish);
    };
    const turns = await closedLoop(s, mode, 300, () => {
      publications = 0;
      queueMicrotask(publish);
    });
    expect(turns.filter((ns) => ns > MS + 20_000n)).toEqual([]);
  });
});

describe('ends without release', () => {
  const endings: readonly [string, (s: Harness) => void, object][] = [
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
      'the virtual machine was moved to another host',
      (s) => {
        s.clock.marker = 2n;
        s.clock.advance(SECOND);
      },
      { status: 'disrupted', reason: 'vm-disruption' },
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
    const s = new Harness({ expireAfterMs: 4000 });
    s.clock.marker = 1n;
    s.clock.advance(SECOND);
    s.sample();
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

  it('without a bound it rejects at once with the same error', async () => {
    const s = new Harness();
    s.bounded.stop();
    expect(await stateOf(waitUntilAfter(s.bounded, asUnixNs(10n ** 18n)))).toEqual({
      error: expect.objectContaining({
        code: 'ERR_COMMIT_WAIT_INTERRUPTED',
        timestamp: 10n ** 18n,
        waitedNs: 0n,
        reason: 'stopped',
      }),
    });
  });

  it('waits again once there is a bound', async () => {
    const s = new Harness();
    const t = s.ahead(3n * SECOND);
    const first = waitUntilAfter(s.bounded, t);
    s.clock.suspend(SECOND);
    s.clock.advance(SECOND);
    expect(await stateOf(first)).toMatchObject({ error: { status: 'disrupted' } });
    // The second of suspend has passed in true time too.
    s.clock.advance(MS);
    for (let i = 0; i < 2; i++) s.sample({ theta: s.clock.wallOffset, delay: 2000n });
    const again = waitUntilAfter(s.bounded, t);
    s.clock.advance(2n * SECOND);
    expect(await stateOf(again)).toMatchObject({ value: {} });
  });

  it.each(MODES)('%s: timeoutMs: ERR_COMMIT_WAIT_TIMEOUT', async (mode) => {
    const s = new Harness();
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

  it('a wait whose timestamp has passed when its time limit is noticed is released', async () => {
    const s = new Harness();
    const wait = waitUntilAfter(s.bounded, s.ahead(3n * MS), { timeoutMs: 4 });
    s.clock.pause(SECOND);
    expect(await stateOf(wait)).toMatchObject({ value: {} });
  });

  it('and so is every such wait, even when there are more than one batch releases', async () => {
    const s = new Harness();
    const t = s.ahead(3n * MS);
    const waits = Array.from({ length: 9 }, () => waitUntilAfter(s.bounded, t, { timeoutMs: 4 }));
    s.clock.pause(SECOND);
    for (const wait of waits) expect(await stateOf(wait)).toEqual({ value: { waitedNs: SECOND } });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('a time limit ends with its wait, and does not end the next wait', async () => {
    const s = new Harness();
    const limited = waitUntilAfter(s.bounded, s.ahead(MS), { timeoutMs: 5 });
    s.clock.advance(2n * MS);
    expect(await stateOf(limited)).toMatchObject({ value: {} });
    const patient = waitUntilAfter(s.bounded, s.ahead(100n * MS));
    s.clock.advance(50n * MS);
    s.clock.fireAll();
    expect(await stateOf(patient)).toBe('pending');
    s.bounded.stop();
  });

  it.each(MODES)('%s: abort, before and during: rejects with the reason', async (mode) => {
    const s = new Harness();
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

  it('after its end a wait no longer listens to the signal; waits on one signal share a listener', async () => {
    const s = new Harness();
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

  it('a timestamp too far ahead is refused at once: ERR_COMMIT_WAIT_TOO_LONG', async () => {
    const s = new Harness();
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
    // The greatest timestamp gets the same error.
    const last = asUnixNs(2n ** 63n - 1n);
    expect(await stateOf(waitUntilAfter(s.bounded, last))).toMatchObject({
      error: { code: 'ERR_COMMIT_WAIT_TOO_LONG' },
    });
    // A wait up to the limit is accepted, and any wait without a limit.
    for (const options of [{}, { maxWaitMs: Number.POSITIVE_INFINITY }]) {
      const ns = 'maxWaitMs' in options ? 10_000n * SECOND : 9n * SECOND;
      expect(await stateOf(waitUntilAfter(s.bounded, s.ahead(ns), options))).toBe('pending');
    }
    s.bounded.stop();
  });

  it('a wait for the greatest timestamp can begin, and be aborted', async () => {
    const s = new Harness();
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

  it('a clock that throws once: the wait rejects with that error', async () => {
    const s = new Harness();
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
    const s = new Harness();
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
    const s = new Harness();
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
  /** The year 2001. */
  const PAST = 10n ** 18n;

  it.each([
    ['seconds', 1_795_000_000n],
    ['milliseconds', 1_795_000_000_000n],
    ['microseconds', 1_795_000_000_000_000n],
    ['before 1970', -1n],
  ])('a timestamp in the wrong unit has not "passed": %s', async (_, timestamp) => {
    const s = new Harness();
    expect(await stateOf(waitUntilAfter(s.bounded, asUnixNs(timestamp)))).toEqual({
      error: expect.objectContaining({
        code: 'ERR_OUT_OF_RANGE',
        message: `timestamp must be nanoseconds since 1970, after 1973; got ${timestamp}n`,
      }),
    });
    expect(await stateOf(waitUntilAfter(s.bounded, asUnixNs(PAST)))).toEqual({
      value: { waitedNs: 0n },
    });
  });

  it.each<[string, unknown[], string]>([
    ['clock', [{}, 1n], 'ERR_INVALID_ARG_TYPE'],
    ['clock', [undefined, 1n], 'ERR_INVALID_ARG_TYPE'],
    ['timestamp must be a bigint of ns', ['bounded', 5], 'ERR_INVALID_ARG_TYPE'],
    ['timestamp', ['bounded', undefined], 'ERR_INVALID_ARG_TYPE'],
    ['timestamp must be nanoseconds', ['bounded', 2n ** 63n], 'ERR_OUT_OF_RANGE'],
    ['mode', ['bounded', PAST, { mode: 'fast' }], 'ERR_OUT_OF_RANGE'],
    ['timeoutMs', ['bounded', PAST, { timeoutMs: '5' }], 'ERR_INVALID_ARG_TYPE'],
    ['timeoutMs', ['bounded', PAST, { timeoutMs: -1 }], 'ERR_OUT_OF_RANGE'],
    ['maxWaitMs', ['bounded', PAST, { maxWaitMs: Number.NaN }], 'ERR_OUT_OF_RANGE'],
    ['signal', ['bounded', PAST, { signal: {} }], 'ERR_INVALID_ARG_TYPE'],
    ['signal', ['bounded', PAST, { signal: { throwIfAborted() {} } }], 'ERR_INVALID_ARG_TYPE'],
    ['options', ['bounded', PAST, null], 'ERR_INVALID_ARG_TYPE'],
    // A caller may mean this number as a time limit. Accepted, it would not limit anything.
    ['options', ['bounded', PAST, 1000], 'ERR_INVALID_ARG_TYPE'],
  ])('%s: %o', async (name, [clock, ...args], code) => {
    const s = new Harness();
    const given = clock === 'bounded' ? s.bounded : clock;
    const wait = waitUntilAfter(given as BoundedClock, ...(args as [never, never]));
    expect(await stateOf(wait)).toEqual({
      error: expect.objectContaining({ code, message: expect.stringContaining(name) }),
    });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });
});
