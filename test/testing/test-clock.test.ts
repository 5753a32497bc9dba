import {
  BoundedClock,
  beginCommit,
  HybridClock,
  type NoBoundReason,
  runCommit,
  systemClock,
  waitUntilAfter,
} from 'epsilon-clock';
import { health } from 'epsilon-clock/metrics';
import { TestClock } from 'epsilon-clock/testing';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

const MS = 1_000_000n;

describe('the interval', () => {
  it('is true time give or take the uncertainty, exactly', async () => {
    const clock = new TestClock({ uncertaintyMs: 5, startAt: new Date('2030-01-01T00:00:00Z') });
    expect(String(clock.now())).toBe(
      '2029-12-31T23:59:59.995000000Z/2030-01-01T00:00:00.005000000Z',
    );
    await clock.advance(1500);
    expect(String(clock.now())).toBe(
      '2030-01-01T00:00:01.495000000Z/2030-01-01T00:00:01.505000000Z',
    );
    expect(clock.now().uncertaintyNs).toBe(5n * MS);
    expect(clock.read()).toMatchObject({ status: 'synchronized', quorum: 'full' });
  });

  it('stands still unless the test moves it', () => {
    const clock = new TestClock();
    const { earliest } = clock.now();
    for (let i = 0; i < 1000; i++) systemClock().wallNs();
    expect(clock.now().earliest).toBe(earliest);
  });

  it('holds true time, and what was certain stays certain, whatever the test does', async () => {
    const act = fc.oneof(
      fc.record({
        what: fc.constant('advance' as const),
        ms: fc.double({ min: 0, max: 1e5, noNaN: true }),
      }),
      fc.record({
        what: fc.constant('setUncertainty' as const),
        ms: fc.double({ min: 0, max: 1e4, noNaN: true }),
      }),
      fc.record({
        what: fc.constant('step' as const),
        ms: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      }),
      fc.record({
        what: fc.constant('suspend' as const),
        ms: fc.double({ min: 0, max: 1e6, noNaN: true }),
      }),
      fc.record({
        what: fc.constantFrom('loseBound' as const, 'restoreBound' as const),
        ms: fc.constant(0),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 30 }), async (acts) => {
        const clock = new TestClock();
        let certain = 0n;
        let readings = 0;
        for (const { what, ms } of acts) {
          if (what === 'loseBound' || what === 'restoreBound') clock[what]();
          else await clock[what](ms);
          const interval = clock.tryNow();
          if (what !== 'advance' && what !== 'setUncertainty') certain = 0n;
          if (interval === undefined) continue;
          readings++;
          expect(interval.earliest).toBeLessThanOrEqual(clock.trueNs());
          expect(interval.latest).toBeGreaterThanOrEqual(clock.trueNs());
          expect(interval.earliest).toBeGreaterThanOrEqual(certain);
          certain = interval.earliest;
          // A checked reading agrees: the test's clock is not taken for one that jumped.
          expect(clock.read().status).toBe('synchronized');
        }
        fc.pre(readings > 0 || acts.length === 0);
      }),
    );
  });

  it('gets narrower at once, and wider at its lower end as time passes', async () => {
    const clock = new TestClock({ uncertaintyMs: 5 });
    const narrow = clock.now().earliest;
    clock.setUncertainty(50);
    expect(clock.now()).toMatchObject({ earliest: narrow, latest: clock.trueNs() + 50n * MS });
    await clock.advance(100);
    expect(clock.now().uncertaintyNs).toBe(50n * MS);
    clock.setUncertainty(1);
    expect(clock.now().uncertaintyNs).toBe(MS);
  });
});

test('calls of `advance` take place one after another, also after one that failed', async () => {
  const clock = new TestClock();
  const before = clock.trueNs();
  const seen: bigint[] = [];
  const note = (): unknown => seen.push((clock.trueNs() - before) / MS);
  clock.localClock.setTimer(15, () => {
    throw new Error('of a timer');
  });
  const first = clock.advance(10).then(note);
  const failing = clock.advance(10).catch(({ message }) => note() && message);
  const last = clock.advance(10).then(note);
  expect(await failing).toBe('of a timer');
  await Promise.all([first, last]);
  expect(seen).toEqual([10n, 15n, 25n]);
  await expect(clock.advance(-1)).rejects.toThrow('ms must be');
});

describe('without a bound', () => {
  it('there is no interval, the reason is told, and a new bound ends that', () => {
    const clock = new TestClock({ synchronized: false });
    expect(clock.read()).toEqual({ status: 'unsynchronized', reason: 'starting' });
    expect(() => clock.now()).toThrow(expect.objectContaining({ reason: 'starting' }));
    clock.restoreBound();
    expect(clock.read()).toMatchObject({ status: 'synchronized' });
    clock.loseBound();
    expect(clock.read()).toEqual({ status: 'unsynchronized', reason: 'no-agreement' });
    clock.loseBound('expired');
    expect(clock.read()).toEqual({ status: 'unsynchronized', reason: 'expired' });
    expect(clock.after(0n)).toBe(false);
    expect(health(clock, { maxUncertaintyMs: 5 })).toMatchObject({ status: 'failing' });
  });

  it('a reason that does not exist is refused', () => {
    expect(() => new TestClock().loseBound('bad luck' as NoBoundReason)).toThrow('reason must be');
  });

  it('a step moves the wall clock and not true time', async () => {
    const clock = new TestClock();
    const before = clock.trueNs();
    const wall = new HybridClock({ clock: clock.localClock, nodeId: 'n' });
    clock.step(60_000);
    expect(clock.read()).toEqual({ status: 'disrupted', reason: 'step' });
    expect(clock.trueNs()).toBe(before);
    expect(wall.now()).toBe(before + 60_000n * MS);
    clock.restoreBound();
    expect(clock.now().latest).toBe(before + MS);
    await clock.advance(10);
    expect(clock.read().status).toBe('synchronized');
  });

  it('a suspend moves true time, and no timer fires meanwhile', async () => {
    const clock = new TestClock();
    const before = clock.trueNs();
    const fired: string[] = [];
    clock.localClock.setTimer(50, () => fired.push('timer'));
    clock.suspend(60_000);
    expect(clock.trueNs()).toBe(before + 60_000n * MS);
    expect(clock.read()).toEqual({ status: 'disrupted', reason: 'suspend' });
    expect(fired).toEqual([]);
    await clock.advance(49);
    expect(fired).toEqual([]);
    await clock.advance(1);
    expect(fired).toEqual(['timer']);
  });

  it('during a suspend nothing runs, and who wakes up sees no bound', () => {
    const clock = new TestClock();
    const before = clock.trueNs();
    const seen: unknown[] = [];
    clock.localClock.nextTurn(() => seen.push(clock.trueNs() - before, clock.tryNow()));
    clock.suspend(60_000);
    expect(seen).toEqual([60_000n * MS, undefined]);
  });

  it('a suspend has its own limit', () => {
    const clock = new TestClock();
    expect(() => clock.suspend(1e9 + 1)).toThrow('forMs must be from 0 to 1000000000');
    expect(clock.read().status).toBe('synchronized');
    clock.suspend(1e9);
  });

  it('a suspend of a fraction of a nanosecond more is over when it returns', () => {
    const clock = new TestClock();
    clock.suspend(3.0000000000000004);
    clock.restoreBound();
    expect(clock.read().status).toBe('synchronized');
    expect(clock.localClock.wallNs()).toBe(clock.trueNs());
  });

  it('a new bound is not held to the old one', () => {
    const clock = new TestClock({ uncertaintyMs: 1 });
    const { earliest } = clock.now();
    clock.loseBound();
    clock.setUncertainty(500);
    clock.restoreBound();
    expect(clock.now().earliest).toBe(earliest - 499n * MS);
  });

  it('`waitSynced` ends when a bound comes, or at its time limit', async () => {
    const clock = new TestClock({ synchronized: false });
    const synced = clock.waitSynced();
    await clock.advance(5000);
    clock.restoreBound();
    await synced;
    clock.loseBound();
    const limited = expect(clock.waitSynced({ timeoutMs: 100 })).rejects.toMatchObject({
      code: 'ERR_CLOCK_UNSYNCHRONIZED',
      reason: 'no-agreement',
    });
    await clock.advance(100);
    await limited;
  });
});

describe('what stands on the clock', () => {
  it.each(['economy', 'precise'] as const)(
    'a commit wait in mode %s ends in time',
    async (mode) => {
      const clock = new TestClock({ uncertaintyMs: 5 });
      const hlc = new HybridClock({ clock, nodeId: 'n' });
      const commit = beginCommit({ clock, hlc });
      expect(commit.timestamp).toBe(clock.trueNs() + 5n * MS);
      let settled = false;
      const wait = commit.settled({ mode }).then(() => {
        settled = true;
      });
      await clock.advance(9.9);
      expect(settled).toBe(false);
      await clock.advance(1.2);
      expect(settled).toBe(true);
      await wait;
      expect(clock.after(commit.timestamp)).toBe(true);
    },
  );

  it('a whole commit, prepared while it waits', async () => {
    const clock = new TestClock({ uncertaintyMs: 5 });
    const hlc = new HybridClock({ clock, nodeId: 'n' });
    const said: string[] = [];
    const committed = runCommit(
      { clock, hlc },
      {
        prepare: async () => said.push('prepared'),
        makeVisible: async (timestamp) => said.push(`visible ${clock.after(timestamp)}`),
      },
    );
    await clock.advance(20);
    await committed;
    expect(said).toEqual(['prepared', 'visible true']);
  });

  it('a wait is interrupted when the bound is lost, and timed out at its limit', async () => {
    const clock = new TestClock();
    const far = clock.now().latest + 1000n * MS;
    const ends: string[] = [];
    waitUntilAfter(clock, far).catch(({ code }) => ends.push(code));
    clock.loseBound();
    await clock.advance(0);
    expect(ends).toEqual(['ERR_COMMIT_WAIT_INTERRUPTED']);
    clock.restoreBound();
    const late = expect(waitUntilAfter(clock, far, { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'ERR_COMMIT_WAIT_TIMEOUT',
    });
    await clock.advance(100);
    await late;
  });

  it('a hybrid clock', async () => {
    const clock = new TestClock({ uncertaintyMs: 5 });
    const hlc = new HybridClock({ clock, nodeId: 'n' });
    expect(hlc.now()).toBe(clock.trueNs());
    expect(hlc.now()).toBe(clock.trueNs() + 1n);
    await clock.advance(1);
    expect(hlc.now()).toBe(clock.trueNs());
    expect(() => hlc.receive(clock.trueNs() + 501n * MS)).toThrow('ahead');
  });

  it('a bounded clock of its own, on `localClock`', () => {
    const clock = new TestClock();
    const source = {
      name: 's',
      start: () => ({ pollIntervalMs: 1000, burst() {}, discardInFlight() {}, stop() {} }),
    };
    const own = BoundedClock.start({ clock: clock.localClock, sources: [source] });
    expect(own.read()).toEqual({ status: 'unsynchronized', reason: 'starting' });
    own.stop();
  });

  it('shows itself in one line', () => {
    const clock = new TestClock({ startAt: 1_795_227_787_534_418_003n });
    expect(String(clock)).toMatch(
      /^TestClock \{ synchronized 2026-11-21T02:23:07\.534418003Z ± 1000 us \}$/,
    );
    expect(JSON.parse(JSON.stringify(clock))).toMatchObject({ status: 'synchronized' });
  });
});

test.each<[string, object, string]>([
  ['a negative uncertainty', { uncertaintyMs: -1 }, 'uncertaintyMs'],
  ['text', { uncertaintyMs: '5' }, 'uncertaintyMs'],
  ['a beginning in ms', { startAt: Date.now() }, 'startAt'],
  ['a beginning before 1970', { startAt: new Date(-1) }, 'startAt'],
  ['no date', { startAt: new Date(Number.NaN) }, 'startAt'],
  ['an unknown name', { uncertainty: 5 }, 'uncertaintyMs'],
  ['a truth that is none', { synchronized: 1 }, 'synchronized'],
])('refuses %s', (_, options, message) => {
  expect(() => new TestClock(options)).toThrow(message);
});
