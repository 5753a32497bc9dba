import type { Clock } from 'epsilon-clock';
import { Election, Lease, type LeaseStore, memoryLeases } from 'epsilon-clock/lease';
import { checkLeaseStore, TestClock } from 'epsilon-clock/testing';
import { systemClock } from 'epsilon-clock/time';
import fc from 'fast-check';
import { afterEach, describe, expect, it, test } from 'vitest';
import { certainNs } from '../../src/lease/duration.ts';

const MS = 1_000_000n;
const S = 1000n * MS;
/** What is left out of 10 s because a sleep may hide in it. */
const HIDDEN = 2n * (3n * MS + 10n * MS);

/** A holder whose clock is in the hand of the test, and a store that counts true time. */
class World {
  readonly clock = new TestClock({ uncertaintyMs: 5 });
  readonly storeClock = {
    monotonicNs: () => this.clock.trueNs(),
    monotonicGridNs: 0n,
  } as unknown as Clock;
  readonly store = memoryLeases({ clock: this.storeClock });

  /** The holder's clock, with parts replaced. */
  local(parts: Partial<Clock> = {}): Clock {
    const { localClock: local } = this.clock;
    return {
      monotonicNs: () => local.monotonicNs(),
      wallNs: () => local.wallNs(),
      wallReadNs: () => local.wallReadNs(),
      setTimer: (...args) => local.setTimer(...args),
      nextTurn: (fn) => local.nextTurn(fn),
      monotonicGridNs: 0n,
      wallGridNs: 1n,
      ...parts,
    };
  }

  options(given: Partial<Parameters<typeof Lease.acquire>[0]> = {}) {
    return {
      store: this.store,
      clock: this.local() as Clock | TestClock,
      kind: 'duration' as const,
      name: 'invoices',
      holder: 'a',
      ttlMs: 10_000,
      ...given,
    };
  }
}

const leases: Lease[] = [];
const keep = (lease: Lease): Lease => {
  leases.push(lease);
  return lease;
};
afterEach(async () => {
  for (const lease of leases.splice(0)) await lease.release().catch(() => {});
});

describe('a lease of the kind duration', () => {
  it('is held for what is certain of ttlMs, and not a nanosecond longer', async () => {
    const w = new World();
    const lease = keep(await Lease.acquire(w.options({ renewal: 'manual' })));
    const lasts = (10n * S * 9n) / 11n - HIDDEN;
    expect(lease.remainingNs()).toBe(lasts - 1n);
    await w.clock.advance(Number(lasts / MS));
    expect([lease.held(), lease.remainingNs()]).toEqual([true, (lasts % MS) - 1n]);
    await w.clock.advance(1);
    expect([lease.held(), lease.remainingNs()]).toEqual([false, 0n]);
    expect(() => lease.check()).toThrow(expect.objectContaining({ reason: 'expired', token: 1n }));
  });

  it('takes a smaller drift bound, and grids off', async () => {
    const w = new World();
    const clock = w.local({ monotonicGridNs: 40n });
    const { durations } = w.store;
    const store = { ...w.store, durations: { ...durations!, maxDriftPpm: 0, gridMs: 2.5 } };
    const options = w.options({ maxDriftPpm: 200, clock, store, renewal: 'manual' });
    const lease = keep(await Lease.acquire(options));
    expect(lease.remainingNs()).toBe(9_998n * MS - HIDDEN - 2_500_000n - 40n - 40n - 41n + 80n);
  });

  it('needs no bound, neither to be got nor to be renewed', async () => {
    const w = new World();
    w.clock.loseBound();
    const lease = keep(await Lease.acquire(w.options({ clock: w.clock })));
    await w.clock.advance(60_000);
    lease.check();
    expect(lease.stats().renewals).toBeGreaterThan(10);
    expect(lease.expiresAt - w.clock.trueNs()).toBeGreaterThan(4n * S); // as the wall clock tells
  });

  it('counts from before the request, not from the reply', async () => {
    const w = new World();
    const { durations } = w.store;
    const store: LeaseStore = {
      ...w.store,
      durations: {
        ...durations!,
        async take(...args) {
          await w.clock.advance(1500);
          const answer = await durations!.take(...args);
          await w.clock.advance(500);
          return answer;
        },
      },
    };
    const lease = keep(await Lease.acquire(w.options({ store, renewal: 'manual' })));
    expect(lease.remainingNs()).toBe((10n * S * 9n) / 11n - HIDDEN - 2n * S - 1n);
  });

  it('a suspend is seen at once; a renewal makes it held again if nobody has taken it', async () => {
    const w = new World();
    const lease = keep(await Lease.acquire(w.options({ renewal: 'manual' })));
    w.clock.suspend(500);
    expect(() => lease.check()).toThrow(expect.objectContaining({ reason: 'jumped' }));
    expect([lease.held(), lease.remainingNs()]).toEqual([false, 0n]);
    await lease.renew();
    lease.check();
    w.clock.suspend(60_000);
    const other = keep(await Lease.acquire(w.options({ holder: 'b' })));
    expect(other.token).toBe(2n);
    await expect(lease.renew()).rejects.toMatchObject({ reason: 'superseded' });
  });

  it('is renewed by itself after a step of the wall clock, which looks like a suspend', async () => {
    const w = new World();
    const lease = keep(await Lease.acquire(w.options()));
    w.clock.step(-700);
    expect(() => lease.check()).toThrow(expect.objectContaining({ reason: 'jumped' }));
    await w.clock.advance(4000);
    lease.check();
    expect([lease.token, lease.signal.aborted]).toEqual([1n, false]);
  });

  it('a sleep too short to be seen is shorter than what is left out', async () => {
    const w = new World();
    const lease = keep(await Lease.acquire(w.options({ renewal: 'manual' })));
    for (let i = 0; i < 8; i++) {
      await w.clock.advance(1000);
      w.clock.suspend(1);
      lease.check(); // 8 ms in 8 s: below 3 ms + 1000 ppm
    }
    await w.clock.advance(500);
    expect(lease.held()).toBe(false);
    const other = await Lease.tryAcquire(w.options({ holder: 'b' }));
    expect(other).toBeUndefined(); // the store still counts
  });

  it('is not held while the wall clock cannot be read, or when the marker has changed', async () => {
    const w = new World();
    let lateNs = 0n;
    let marker = 5n;
    const clock = w.local({
      monotonicNs: () => {
        lateNs += lateNs / 2n;
        return (w.clock.localClock.monotonicNs() + lateNs) as never;
      },
      disruptionMarker: () => marker,
    });
    const lease = keep(await Lease.acquire(w.options({ clock, renewal: 'manual' })));
    lease.check();
    marker = 6n;
    expect(() => lease.check()).toThrow(expect.objectContaining({ reason: 'jumped' }));
    marker = 5n;
    lease.check();
    lateNs = 2n * MS; // each reading is a millisecond or more after the one before
    expect(lease.held()).toBe(false);
    lateNs = 0n;
    lease.check();
  });

  it.each(['fails', 'hangs'])('a renewal that %s leaves the old end in force', async (trouble) => {
    const w = new World();
    const { durations } = w.store;
    let broken = false;
    const store: LeaseStore = {
      ...w.store,
      durations: {
        ...durations!,
        async extend(...args) {
          const answer = await durations!.extend(...args);
          if (broken && trouble === 'fails') throw new Error('no connection');
          return broken ? new Promise(() => {}) : answer;
        },
      },
    };
    const lease = keep(await Lease.acquire(w.options({ store, renewal: 'manual' })));
    await w.clock.advance(2000);
    const before = lease.remainingNs();
    broken = true;
    const renewal = expect(lease.renew()).rejects.toMatchObject({ code: 'ERR_LEASE_STORE' });
    await w.clock.advance(trouble === 'fails' ? 0 : 3000);
    await renewal;
    expect(lease.remainingNs()).toBe(before - (trouble === 'fails' ? 0n : 3n * S));
    const failures = { failed: 0, timeout: 0, malformed: 0 };
    failures[trouble === 'fails' ? 'failed' : 'timeout'] = 1;
    expect(lease.stats()).toEqual({ renewals: 0, failures });
    broken = false;
    await lease.renew();
    expect(lease.stats().renewals).toBe(1);
  });

  it('what was let go is not asked for again, so a late end does not end the next one', async () => {
    const w = new World();
    const { durations } = w.store;
    let takes = 0;
    let end = async (): Promise<void> => {};
    const store: LeaseStore = {
      ...w.store,
      durations: {
        ...durations!,
        async take(...args) {
          takes++;
          if (takes === 2 || takes === 3) throw new Error('no connection');
          const answer = await durations!.take(...args);
          if (takes === 1) w.clock.step(500); // during the request: nothing is certain
          return answer;
        },
        end(...args) {
          end = () => durations!.end(...args);
          return new Promise(() => {});
        },
      },
    };
    const election = Election.start(w.options({ store }));
    await w.clock.advance(2000);
    await end();
    const other = await Lease.tryAcquire(w.options({ holder: 'b' }));
    expect([election.lease, other?.token]).toEqual([undefined, 2n]);
    await other!.release();
    await w.clock.advance(3000);
    expect(election.lease?.token).toBe(3n);
    const stopped = expect(election.stop()).rejects.toMatchObject({ reason: 'timeout' });
    await w.clock.advance(3000);
    await stopped;
  });

  it.each<[string, unknown]>([
    ['less than was asked for', 9_999],
    ['nothing', undefined],
    ['a text', '10000'],
    ['no number', Number.NaN],
    ['no end', Number.POSITIVE_INFINITY],
  ])('a store that gives %s answers nonsense', async (_, ttlMs) => {
    const w = new World();
    const { durations } = w.store;
    const store: LeaseStore = {
      ...w.store,
      durations: {
        ...durations!,
        take: async (...args) => ({ ...(await durations!.take(...args)), ttlMs: ttlMs as number }),
      },
    };
    await expect(Lease.tryAcquire(w.options({ store }))).rejects.toMatchObject({
      reason: 'malformed',
    });
    const extend = async () => (ttlMs === undefined ? (null as never) : (ttlMs as number));
    const other = { ...w.store, durations: { ...durations!, extend } };
    const lease = keep(
      await Lease.acquire(w.options({ store: other, name: 'b', renewal: 'manual' })),
    );
    await expect(lease.renew()).rejects.toMatchObject({ reason: 'malformed' });
    lease.check();
  });

  it('an answer that was lost: the claim that is told again is counted anew', async () => {
    const w = new World();
    const claim = { name: 'a', holder: 'h', claim: 'c', ttlMs: 1000 };
    const { durations } = w.store;
    const call = { signal: new AbortController().signal };
    await durations!.take(claim, call);
    await w.clock.advance(900);
    expect(await durations!.take(claim, call)).toMatchObject({ taken: true, token: 1n });
    await w.clock.advance(900);
    const other = { ...claim, claim: 'd' };
    expect(await durations!.take(other, call)).toMatchObject({ taken: false, claim: 'c' });
    await w.clock.advance(100);
    expect(await durations!.take(other, call)).toMatchObject({ taken: true, token: 2n });
  });

  it('is held for what was asked, however much more the store says that it gives', async () => {
    const w = new World();
    const { durations } = w.store;
    const store: LeaseStore = {
      ...w.store,
      durations: {
        ...durations!,
        take: async (...args) => ({ ...(await durations!.take(...args)), ttlMs: 1e11 }),
        extend: async (...args) => ((await durations!.extend(...args)) ? 1e11 : undefined),
      },
    };
    const lease = keep(await Lease.acquire(w.options({ store, renewal: 'manual' })));
    const lasts = (10n * S * 9n) / 11n - HIDDEN - 1n;
    expect(lease.remainingNs()).toBe(lasts);
    await w.clock.advance(1000);
    await lease.renew();
    expect(lease.remainingNs()).toBe(lasts);
  });

  it('renewals that do not help come with pauses between them', async () => {
    const w = new World();
    let isUnreadable = false;
    let lateNs = 0n;
    const monotonicNs = () => {
      if (isUnreadable) lateNs += 2n * MS; // each reading is later than the one before
      return (w.clock.localClock.monotonicNs() + lateNs) as never;
    };
    const { durations } = w.store;
    let renewals = 0;
    const store: LeaseStore = {
      ...w.store,
      durations: {
        ...durations!,
        extend(...args) {
          // A storm would starve this test's own timers too, so it is ended here.
          if (++renewals > 100) throw new Error('a storm');
          return durations!.extend(...args);
        },
      },
    };
    const lease = keep(await Lease.acquire(w.options({ store, clock: w.local({ monotonicNs }) })));
    isUnreadable = true;
    await w.clock.advance(6000);
    expect(lease.held()).toBe(false);
    expect(renewals).toBeGreaterThan(0);
    expect(renewals).toBeLessThan(10);
  });

  it('what a claim has let go is not given to it again, so a request may come twice', async () => {
    const w = new World();
    const claim = { name: 'a', holder: 'h', claim: 'c', ttlMs: 1000 };
    const { durations } = w.store;
    const call = { signal: new AbortController().signal };
    await durations!.take(claim, call);
    await durations!.end('a', 1n, call);
    expect(await durations!.take(claim, call)).toMatchObject({ taken: false, claim: 'c' });
    const other = await durations!.take({ ...claim, claim: 'd' }, call);
    expect(other).toMatchObject({ taken: true, token: 2n });
  });

  it('a claim that was ended by others is replaced, and it is got', async () => {
    const w = new World();
    const { durations } = w.store;
    let takes = 0;
    const store: LeaseStore = {
      ...w.store,
      durations: {
        ...durations!,
        async take(...args) {
          const answer = await durations!.take(...args);
          if (++takes > 1) return answer;
          await durations!.end('invoices', 1n, args[1]);
          throw new Error('the answer is lost');
        },
      },
    };
    let lease: Lease | undefined;
    void Lease.acquire(w.options({ store })).then((got) => (lease = keep(got)));
    await w.clock.advance(1500);
    expect(lease?.token).toBe(2n);
  });

  it('each field of an answer, and each rate, is read once', async () => {
    const w = new World();
    const { durations } = w.store;
    const reads: string[] = [];
    const counted = <T extends object>(parts: T): T =>
      new Proxy(parts, {
        get(target, key) {
          reads.push(String(key));
          return Reflect.get(target, key);
        },
      });
    const rates = counted({ maxDriftPpm: 10, gridMs: 1 });
    const store: LeaseStore = {
      ...w.store,
      durations: {
        get maxDriftPpm() {
          return rates.maxDriftPpm;
        },
        get gridMs() {
          return rates.gridMs;
        },
        take: async (...args) => counted(await durations!.take(...args)),
        extend: durations!.extend,
        end: durations!.end,
      },
    };
    keep(await Lease.acquire(w.options({ store, renewal: 'manual' })));
    const once = ['claim', 'gridMs', 'holder', 'maxDriftPpm', 'taken', 'token', 'ttlMs'];
    expect(reads.filter((key) => key !== 'then').sort()).toEqual(once);
  });

  it('waits for the store, and takes over when the store has counted to the end', async () => {
    const w = new World();
    const first = keep(await Lease.acquire(w.options({ renewal: 'manual' })));
    let second: Lease | undefined;
    void Lease.acquire(w.options({ holder: 'b' })).then((got) => (second = keep(got)));
    await w.clock.advance(9_999);
    expect([first.held(), second]).toEqual([false, undefined]);
    await w.clock.advance(250);
    expect(second?.token).toBe(2n);
    await second!.release();
    expect(keep((await Lease.tryAcquire(w.options()))!).token).toBe(3n);
  });

  it('and one in true time never have one name at once, and share its tokens', async () => {
    const w = new World();
    const trueTime = { store: w.store, clock: w.clock, name: 'invoices', holder: 't', ttlMs: 1000 };
    const counted = keep(await Lease.acquire(w.options({ renewal: 'manual' })));
    await w.clock.advance(100_000);
    expect(await Lease.tryAcquire(trueTime)).toBeUndefined();
    await counted.release();
    const inTrueTime = keep(await Lease.acquire(trueTime));
    expect(inTrueTime.token).toBe(2n);
    expect(await Lease.tryAcquire(w.options())).toBeUndefined();
    await inTrueTime.release();
    expect(keep((await Lease.tryAcquire(w.options()))!).token).toBe(3n);
  });

  it.each<[string, object, string]>([
    [
      'a store that does not count',
      { store: memoryLeases() },
      'store must be one that counts time',
    ],
    ['a store whose counting is none', { store: counting({ take: 1 }) }, 'store.durations must be'],
    ['its rate', { store: counting({ maxDriftPpm: -1 }) }, 'store.durations.maxDriftPpm must be'],
    ['its grid', { store: counting({ gridMs: Number.NaN }) }, 'store.durations.gridMs must be'],
    ['a grid as long as the lease', { store: counting({ gridMs: 9000 }) }, 'ttlMs must be longer'],
    ['a clock that is none', { clock: {} }, 'clock must be a BoundedClock or a Clock'],
    [
      'a clock without its grid',
      { clock: { ...new World().local(), monotonicGridNs: undefined } },
      'clock.monotonicGridNs must be a bigint',
    ],
    [
      'a grid of the wall clock below 0',
      { clock: new World().local({ wallGridNs: -1n }) },
      'clock.wallGridNs must be 0n or more',
    ],
    ['no clock', { clock: null }, 'clock must be a BoundedClock or a Clock'],
    ['a rate', { maxDriftPpm: 100_001 }, 'maxDriftPpm must be from 0 to 100000'],
    ['a kind', { kind: 'long' }, "kind must be 'true-time' or 'duration'"],
    ['a clock without a bound', { kind: 'true-time' }, 'clock must be a BoundedClock'],
    [
      'a rate that nothing rests on',
      { kind: 'true-time', maxDriftPpm: 5 },
      "maxDriftPpm must be left out unless kind is 'duration'",
    ],
  ])('%s is refused before anything is asked', async (_, given, message) => {
    const asked: string[] = [];
    const w = new World();
    const { durations } = w.store;
    const store: LeaseStore = {
      ...w.store,
      durations: {
        ...durations!,
        take(...args) {
          asked.push('take');
          return durations!.take(...args);
        },
      },
    };
    const options = w.options({ store, ...given } as never);
    await expect(Lease.acquire(options)).rejects.toThrow(message);
    expect(asked).toEqual([]);
  });
});

/** A store in memory that counts in another way. */
function counting(parts: object): LeaseStore {
  const store = memoryLeases({ clock: systemClock() });
  return { ...store, durations: { ...store.durations!, ...parts } };
}

test('what is certain of a duration never outlasts what the store counts', () => {
  const ppm = fc.double({ min: 0, max: 100_000, noNaN: true });
  fc.assert(
    fc.property(
      fc.double({ min: 100, max: 86_400_000, noNaN: true }),
      ppm,
      ppm,
      fc.double({ min: 0, max: 50, noNaN: true }),
      fc.bigInt({ min: 0n, max: 40_000n }),
      (ttlMs, holderPpm, storePpm, gridMs, monotonicGridNs) => {
        const clock = { monotonicGridNs, wallGridNs: MS } as Clock;
        const lasts = certainNs(ttlMs, { holderPpm, storePpm, gridMs }, clock);
        // In whole 1e-9 ns, with the doubles taken for what they exactly are, give or take 1e-9.
        const seenNs = Number(lasts + monotonicGridNs) + 2 * 3e6;
        const trueNs = seenNs / (1 - holderPpm / 1e6);
        const countedNs = trueNs * (1 + storePpm / 1e6) + gridMs * 1e6;
        expect(countedNs).toBeLessThanOrEqual(ttlMs * 1e6 * (1 + 1e-12));
        // It is not wasteful either: within what is hidden and the rounding.
        const hiddenNs = 2 * (3e6 + 2 * 40_000 + ttlMs * 1e3) * 1.3 + 10;
        expect(ttlMs * 1e6 - countedNs).toBeLessThan(hiddenNs + gridMs * 1e6 * 0.3);
      },
    ),
    { seed: 1902 },
  );
});

test('the store in memory keeps every rule of counting', async () => {
  await expect(checkLeaseStore(memoryLeases({ clock: systemClock() }))).resolves.toBeUndefined();
  expect(() => memoryLeases({ clock: {} as Clock })).toThrow('clock must be a Clock');
  const clock = { ...new World().local(), monotonicGridNs: undefined } as unknown as Clock;
  expect(() => memoryLeases({ clock })).toThrow('clock.monotonicGridNs must be a bigint');
});

// What stores that count get wrong. Each must be found by the rule that it breaks.
test.each<[string, (good: LeaseStore) => Partial<NonNullable<LeaseStore['durations']>>, string]>([
  [
    'gives less than was asked for',
    ({ durations }) => ({
      take: (claim, options) => durations!.take({ ...claim, ttlMs: claim.ttlMs / 2 }, options),
    }),
    'no less time than it wanted',
  ],
  [
    'is early',
    ({ durations }) => ({
      async take(claim, options) {
        const short = claim.ttlMs < 1000;
        const given = await durations!.take({ ...claim, ttlMs: short ? 1 : 60_000 }, options);
        return { ...given, ttlMs: claim.ttlMs };
      },
    }),
    'not over before its time',
  ],
  [
    'extends for anybody',
    () => ({ extend: async ({ ttlMs }) => ttlMs }),
    'another token extends nothing that is counted',
  ],
  ['never ends', () => ({ end: async () => {} }), 'what was ended is given no more time'],
  [
    'has records of its own for it',
    () => memoryLeases({ clock: systemClock() }).durations!,
    'what is counted has no end in true time',
  ],
  [
    'starts the tokens again',
    ({ durations }) => ({
      take: async (claim, options) => {
        const answer = await durations!.take(claim, options);
        return claim.claim === 'probe' ? { ...answer, token: 1n } : answer;
      },
    }),
    'the next token is taken',
  ],
  [
    'takes what its claim has ended again',
    ({ durations }) => ({
      take: async (claim, options) => {
        const answer = await durations!.take(claim, options);
        if (answer.taken || claim.claim !== 'a') return answer;
        return durations!.take({ ...claim, claim: 'a, as if it were new' }, options);
      },
    }),
    'by a request that comes again',
  ],
  [
    'extends nothing',
    ({ durations }) => ({
      extend: async (extension, options) => {
        const isShort = extension.ttlMs < 1000;
        return isShort ? extension.ttlMs : durations!.extend(extension, options);
      },
    }),
    'extended: a lease is not over before its time',
  ],
  [
    'does not count anew for the same claim',
    ({ durations }) => {
      const taken = new Set<string>();
      return {
        take: async (claim, options) => {
          const { name, ttlMs } = claim;
          if (ttlMs > 1000 || !taken.has(name)) {
            taken.add(name);
            return durations!.take(claim, options);
          }
          return { taken: true, holder: claim.holder, claim: claim.claim, token: 1n, ttlMs };
        },
      };
    },
    'claimed again: a lease is not over before its time',
  ],
  [
    'gives time without an end',
    ({ durations }) => ({
      extend: async (extension, options) =>
        (await durations!.extend(extension, options)) && Number.POSITIVE_INFINITY,
    }),
    'more time, no less than it wanted',
  ],
  ['runs at any rate', () => ({ maxDriftPpm: 1e6 }), 'maxDriftPpm is a rate'],
  ['counts in days', () => ({ gridMs: 86_400_000 }), 'gridMs is a time'],
])('a store that counts and %s is found out', async (_, broken, message) => {
  const good = memoryLeases({ clock: systemClock() });
  const store = { ...good, durations: { ...good.durations!, ...broken(good) } };
  await expect(checkLeaseStore(store)).rejects.toThrow(message);
});
