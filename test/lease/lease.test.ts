import {
  Election,
  type ElectionEvent,
  Lease,
  type LeaseStore,
  LeaseStoreError,
  memoryLeases,
} from 'epsilon-clock/lease';
import { TestClock } from 'epsilon-clock/testing';
import { afterEach, describe, expect, it } from 'vitest';

const MS = 1_000_000n;
const S = 1000n * MS;

/** A store that can be told to fail, to hang, or to lose an answer. */
class Store implements LeaseStore {
  readonly name = 'scripted';
  readonly inner = memoryLeases();
  /** What the next calls do, in order; afterwards they work. */
  trouble: ('fails' | 'hangs' | 'loses')[] = [];
  /** The calls so far, such as `take`. */
  readonly calls: string[] = [];

  take: LeaseStore['take'] = (...args) => this.#do('take', () => this.inner.take(...args));
  extend: LeaseStore['extend'] = (...args) => this.#do('extend', () => this.inner.extend(...args));
  end: LeaseStore['end'] = (...args) => this.#do('end', () => this.inner.end(...args));

  async #do<T>(what: string, run: () => Promise<T>): Promise<T> {
    this.calls.push(what);
    const trouble = this.trouble.shift();
    if (trouble === 'fails') throw new Error('no connection');
    const answer = trouble === 'hangs' ? undefined : await run();
    return trouble === undefined ? answer! : new Promise<T>(() => {});
  }
}

/** A clock, and a store of leases. */
class World {
  readonly clock = new TestClock({ uncertaintyMs: 5 });
  readonly store = new Store();

  options(given: Partial<Parameters<typeof Lease.acquire>[0]> = {}) {
    const { clock, store } = this;
    return { store, clock, name: 'invoices', holder: 'a', ttlMs: 10_000, ...given };
  }

  /** Somebody else takes it, as if its end had passed. */
  async rob(): Promise<bigint> {
    const later = this.clock.now().latest + 3600n * S;
    const { record } = await this.store.inner.take(
      {
        name: 'invoices',
        holder: 'robber',
        claim: 'robbery',
        expiresAt: later as never,
        endedBefore: later as never,
      },
      { signal: new AbortController().signal },
    );
    return record.token;
  }
}

const leases: (Lease | Election)[] = [];
const keep = <T extends Lease | Election>(made: T): T => {
  leases.push(made);
  return made;
};
afterEach(async () => {
  for (const each of leases.splice(0)) {
    if (each instanceof Lease) await each.release().catch(() => {});
  }
});

describe('a lease', () => {
  it('is held for ttlMs from the latest edge on, and not a nanosecond longer', async () => {
    const w = new World();
    const { clock } = w;
    const lease = keep(await Lease.acquire(w.options({ renewal: 'manual' })));
    expect(lease.expiresAt).toBe(clock.now().latest + 10n * S);
    expect(lease.remainingNs()).toBe(10n * S - 1n);
    await clock.advance(9_999);
    expect([lease.held(), lease.remainingNs() > 0n]).toEqual([true, true]);
    lease.check();
    await clock.advance(1);
    expect([lease.held(), lease.remainingNs()]).toEqual([false, 0n]);
    expect(() => lease.check()).toThrow(
      expect.objectContaining({ code: 'ERR_LEASE_LOST', reason: 'expired', token: 1n }),
    );
  });

  it('is renewed by itself, at a third of its time', async () => {
    const w = new World();
    const lease = keep(await Lease.acquire(w.options()));
    const first = lease.expiresAt;
    await w.clock.advance(3000);
    expect(lease.expiresAt).toBe(first);
    await w.clock.advance(1500);
    expect(lease.expiresAt).toBeGreaterThan(first);
    await w.clock.advance(60_000);
    lease.check();
    expect(w.store.calls.filter((call) => call === 'extend').length).toBeLessThan(25);
    expect(lease.signal.aborted).toBe(false);
  });

  it('a suspend is seen at once, by the first check', async () => {
    const w = new World();
    const lease = keep(await Lease.acquire(w.options()));
    w.clock.suspend(60_000);
    expect(() => lease.check()).toThrow(expect.objectContaining({ code: 'ERR_LEASE_LOST' }));
  });

  it('without a bound it is not held; when the bound is back before the end, it is', async () => {
    const w = new World();
    const lease = keep(await Lease.acquire(w.options()));
    w.clock.loseBound();
    expect(() => lease.check()).toThrow(expect.objectContaining({ reason: 'no-bound' }));
    await w.clock.advance(5000); // the time for a renewal has come and gone
    expect([lease.held(), lease.signal.aborted]).toEqual([false, false]);
    w.clock.restoreBound();
    lease.check();
    await w.clock.advance(1000);
    expect(lease.remainingNs()).toBeGreaterThan(6n * S); // and was made up for
    w.clock.loseBound();
    await w.clock.advance(10_000);
    expect(lease.signal.aborted).toBe(true);
  });

  it('signal is aborted marginMs before the end, and it is still held then', async () => {
    const w = new World();
    const options = w.options({ renewal: 'manual', marginMs: 2000 });
    const lease = keep(await Lease.acquire(options));
    await w.clock.advance(7_900);
    expect(lease.signal.aborted).toBe(false);
    await w.clock.advance(200);
    expect([lease.signal.aborted, lease.held()]).toEqual([true, true]);
    expect(lease.signal.reason).toMatchObject({ code: 'ERR_LEASE_LOST', reason: 'ending' });
    await expect(lease.renew()).rejects.toMatchObject({ code: 'ERR_LEASE_LOST' });
  });

  it('that somebody else has is over with the next renewal', async () => {
    const w = new World();
    const lease = keep(await Lease.acquire(w.options()));
    await w.rob();
    await w.clock.advance(5000);
    expect(() => lease.check()).toThrow(expect.objectContaining({ reason: 'superseded' }));
    expect(lease.signal.reason).toMatchObject({ reason: 'superseded' });
    const { length } = w.store.calls;
    await lease.release();
    expect(w.store.calls).toHaveLength(length); // it is not ours to end
  });

  it.each(['fails', 'hangs', 'loses'] as const)(
    'a renewal that %s leaves the old end in force, and is tried again',
    async (trouble) => {
      const w = new World();
      const lease = keep(await Lease.acquire(w.options()));
      const end = lease.expiresAt;
      w.store.trouble = [trouble];
      await w.clock.advance(4500);
      if (trouble === 'fails') {
        await w.clock.advance(2000);
      } else {
        expect(lease.expiresAt).toBe(end);
        await w.clock.advance(4000);
      }
      expect(lease.expiresAt).toBeGreaterThan(end);
      lease.check();
    },
  );

  it('a store in trouble for longer than the lease lasts: it ends, and signal says so', async () => {
    const w = new World();
    const lease = keep(await Lease.acquire(w.options()));
    w.store.trouble = new Array(100).fill('fails');
    await w.clock.advance(9_500);
    expect([lease.signal.aborted, lease.held()]).toEqual([true, true]);
    await w.clock.advance(1000);
    expect(lease.held()).toBe(false);
  });

  it('manual renewal says what went wrong', async () => {
    const w = new World();
    const lease = keep(await Lease.acquire(w.options({ renewal: 'manual' })));
    w.store.trouble = ['fails'];
    await expect(lease.renew()).rejects.toMatchObject({
      code: 'ERR_LEASE_STORE',
      reason: 'failed',
      message: 'the lease store scripted failed: no connection',
    });
    w.store.trouble = ['hangs'];
    const hanging = lease.renew();
    const timedOut = expect(hanging).rejects.toMatchObject({ reason: 'timeout' });
    await w.clock.advance(3000);
    await timedOut;
    w.store.trouble = ['hangs'];
    const controller = new AbortController();
    const aborted = lease.renew({ signal: controller.signal });
    controller.abort('enough');
    await expect(aborted).rejects.toBe('enough');
    lease.check();
  });

  it('release: not held from the call on, once, and the next token goes on', async () => {
    const w = new World();
    const lease = await Lease.acquire(w.options());
    const releasing = lease.release();
    expect(lease.held()).toBe(false);
    expect(lease.signal.reason).toMatchObject({ reason: 'released' });
    await releasing;
    await lease.release();
    await lease[Symbol.asyncDispose]();
    expect(w.store.calls.filter((call) => call === 'end')).toHaveLength(1);
    const next = keep(await Lease.acquire(w.options()));
    expect(next.token).toBe(2n);
  });

  it('a release that failed can be tried again; a renewal under way does not revive it', async () => {
    const w = new World();
    const lease = await Lease.acquire(w.options({ renewal: 'manual' }));
    let go = (): void => {};
    w.store.extend = async (...args) => {
      await new Promise<void>((resolve) => (go = resolve));
      return w.store.inner.extend(...args);
    };
    const renewal = expect(lease.renew()).rejects.toMatchObject({ reason: 'released' });
    w.store.trouble = ['fails'];
    await expect(lease.release()).rejects.toMatchObject({ code: 'ERR_LEASE_STORE' });
    await lease.release();
    expect(w.store.calls.filter((call) => call === 'end')).toHaveLength(2);
    go();
    await renewal;
    expect(keep((await Lease.tryAcquire(w.options()))!).token).toBe(2n);
  });

  it('shows itself in a line, and as JSON', async () => {
    const w = new World();
    const lease = keep(await Lease.acquire(w.options()));
    expect(String(lease)).toBe('Lease { invoices, token 1, 10.0 s left }');
    expect(JSON.parse(JSON.stringify(lease))).toEqual({
      name: 'invoices',
      holder: 'a',
      token: '1',
      expiresAt: `${lease.expiresAt}`,
    });
    await lease.release();
    expect(String(lease)).toBe('Lease { invoices, token 1, released }');
  });
});

describe('acquire', () => {
  it('waits until the end has certainly passed, and takes over within the two widths', async () => {
    const w = new World();
    const first = keep(await Lease.acquire(w.options({ renewal: 'manual' })));
    const second = Lease.acquire(w.options({ holder: 'b' }));
    let got: Lease | undefined;
    void second.then((lease) => (got = keep(lease)));
    await w.clock.advance(10_000);
    expect([first.held(), got]).toEqual([false, undefined]);
    await w.clock.advance(15);
    expect(got?.token).toBe(2n);
  });

  it('takes it at once when it was let go', async () => {
    const w = new World();
    const first = await Lease.acquire(w.options());
    const second = Lease.acquire(w.options({ holder: 'b' }));
    await w.clock.advance(1000);
    await first.release();
    await w.clock.advance(300);
    expect(keep(await second).token).toBe(2n);
  });

  it('timeoutMs: says who has it; tryAcquire does not wait', async () => {
    const w = new World();
    keep(await Lease.acquire(w.options()));
    expect(await Lease.tryAcquire(w.options({ holder: 'b' }))).toBeUndefined();
    const waiting = Lease.acquire(w.options({ holder: 'b', timeoutMs: 1000 }));
    const ended = expect(waiting).rejects.toMatchObject({
      code: 'ERR_LEASE_TIMEOUT',
      lease: 'invoices',
      holder: 'a',
    });
    await w.clock.advance(1500);
    await ended;
  });

  it('without a bound it waits for one; tryAcquire says why it cannot', async () => {
    const w = new World();
    w.clock.loseBound();
    await expect(Lease.tryAcquire(w.options())).rejects.toMatchObject({
      code: 'ERR_CLOCK_UNSYNCHRONIZED',
    });
    const waiting = Lease.acquire(w.options());
    await w.clock.advance(5000);
    expect(w.store.calls).toEqual([]);
    w.clock.restoreBound();
    await w.clock.advance(100);
    keep(await waiting).check();
  });

  it("an abort ends it, with the signal's reason", async () => {
    const w = new World();
    keep(await Lease.acquire(w.options()));
    const controller = new AbortController();
    const waiting = Lease.acquire(w.options({ signal: controller.signal }));
    const ended = expect(waiting).rejects.toBe('enough');
    await w.clock.advance(500);
    controller.abort('enough');
    await ended;
  });

  it('an answer that was lost: the store knows the claim, and nobody waits for the end', async () => {
    const w = new World();
    w.store.trouble = ['loses'];
    let lease: Lease | undefined;
    void Lease.acquire(w.options()).then((got) => (lease = keep(got)));
    await w.clock.advance(4000);
    expect([lease?.token, lease?.held()]).toEqual([1n, true]);
  });

  it('an answer that comes after the end is not a lease', async () => {
    const w = new World();
    w.store.take = async (...args) => {
      const answer = await w.store.inner.take(...args);
      w.clock.suspend(20_000);
      return answer;
    };
    await expect(Lease.tryAcquire(w.options())).rejects.toMatchObject({
      code: 'ERR_LEASE_STORE',
      reason: 'timeout',
    });
  });

  it('timeoutMs counts while a store hangs, and the error says so', async () => {
    const w = new World();
    w.store.trouble = ['hangs'];
    const waiting = Lease.acquire(w.options({ ttlMs: 60_000, timeoutMs: 1000 }));
    const ended = expect(waiting).rejects.toMatchObject({
      code: 'ERR_LEASE_TIMEOUT',
      holder: undefined,
      message: expect.stringContaining('the store did not answer'),
    });
    await w.clock.advance(1100);
    await ended;
  });

  it('tryAcquire rejects when the store fails: nobody knows whether it is free', async () => {
    const w = new World();
    w.store.trouble = ['fails'];
    await expect(Lease.tryAcquire(w.options())).rejects.toMatchObject({ code: 'ERR_LEASE_STORE' });
  });

  const hostile = new Proxy(new Error('x'), {
    getPrototypeOf: () => {
      throw new Error('trap');
    },
  });
  const noMessage = Object.create(Error.prototype, {
    message: {
      get() {
        throw new Error('getter');
      },
    },
  });

  it.each([
    ['a Proxy that throws', hostile],
    ['an error whose message throws', noMessage],
    ['nothing', undefined],
  ])('a store that rejects with %s has failed', async (_, cause) => {
    expect(new LeaseStoreError('s', 'failed', cause).message).toBe('the lease store s failed');
    const w = new World();
    const lease = keep(await Lease.acquire(w.options({ name: 'b', renewal: 'manual' })));
    w.store.take = () => Promise.reject(cause);
    w.store.extend = () => Promise.reject(cause);
    const failed = { code: 'ERR_LEASE_STORE', reason: 'failed' };
    await expect(Lease.tryAcquire(w.options())).rejects.toMatchObject(failed);
    await expect(lease.renew()).rejects.toMatchObject(failed);
    expect(lease.stats().failures.failed).toBe(1);
    const waiting = expect(Lease.acquire(w.options())).rejects.toMatchObject(failed);
    await w.clock.advance(2000);
    await waiting;
  });

  it('whatever a signal is aborted with is the reason', async () => {
    const w = new World();
    const lease = keep(await Lease.acquire(w.options({ name: 'b', renewal: 'manual' })));
    w.store.take = () => new Promise(() => {});
    w.store.extend = () => new Promise(() => {});
    const controller = new AbortController();
    const options = w.options({ signal: controller.signal });
    const reasons = [Lease.acquire(options), lease.renew({ signal: controller.signal })].map(
      (rejecting) => rejecting.catch((reason: unknown) => reason === hostile),
    );
    controller.abort(hostile);
    expect(await Promise.all(reasons)).toEqual([true, true]);
  });

  it('on a clock that was stopped it ends', async () => {
    const w = new World();
    w.clock.loseBound('stopped');
    await expect(Lease.acquire(w.options())).rejects.toMatchObject({
      code: 'ERR_CLOCK_UNSYNCHRONIZED',
      reason: 'stopped',
    });
  });

  it('what the store gives after nobody wants it any more is let go', async () => {
    const w = new World();
    let answer = (): void => {};
    w.store.take = async (...args) => {
      const given = await w.store.inner.take(...args);
      await new Promise<void>((resolve) => (answer = resolve));
      return given;
    };
    const controller = new AbortController();
    const waiting = Lease.acquire(w.options({ signal: controller.signal }));
    const ended = expect(waiting).rejects.toBe('enough');
    await w.clock.advance(10);
    controller.abort('enough');
    await ended;
    answer();
    await w.clock.advance(10);
    expect(w.store.calls).toEqual(['end']);
    expect(keep((await Lease.tryAcquire({ ...w.options(), store: w.store.inner }))!).token).toBe(
      2n,
    );
  });

  it('a store that never answers is told in the end that nobody waits', async () => {
    const w = new World();
    let told: AbortSignal | undefined;
    w.store.take = (_, { signal }) => {
      told ??= signal;
      return new Promise(() => {});
    };
    const waiting = Lease.acquire(w.options({ timeoutMs: 1000 }));
    const ended = expect(waiting).rejects.toMatchObject({ code: 'ERR_LEASE_TIMEOUT' });
    await w.clock.advance(1100);
    await ended;
    expect(told?.aborted).toBe(false); // its answer would still be of use
    await w.clock.advance(1100);
    expect(told?.aborted).toBe(true);
  });

  it('rejects when the store has failed three times in a row', async () => {
    const w = new World();
    w.store.trouble = ['fails', 'fails'];
    const waiting = Lease.acquire(w.options());
    await w.clock.advance(2000);
    keep(await waiting);
    const other = new World();
    other.store.trouble = ['fails', 'fails', 'fails'];
    const failing = expect(Lease.acquire(other.options())).rejects.toMatchObject({
      code: 'ERR_LEASE_STORE',
    });
    await other.clock.advance(2000);
    await failing;
  });

  it('an answer of nonsense is refused', async () => {
    const w = new World();
    const end = w.clock.now().latest + 5n * S;
    const record = { holder: 'a', claim: 'c', token: 1n, expiresAt: end };
    for (const wrong of [
      undefined,
      { taken: true },
      { taken: 1, record },
      { taken: true, record }, // of another claim
      { taken: false, record: { ...record, token: 1 } },
      { taken: false, record: { ...record, token: 0n } },
      { taken: false, record: { ...record, token: 2n ** 63n } }, // no fence admits it
      { taken: false, record: { ...record, expiresAt: 10n ** 30n } },
      { taken: false, record: { ...record, holder: 5 } },
    ]) {
      w.store.take = async () => wrong as never;
      await expect(Lease.tryAcquire(w.options())).rejects.toMatchObject({ reason: 'malformed' });
    }
    w.store.take = async () => ({ taken: true, record }) as never;
    const failing = expect(Lease.acquire(w.options())).rejects.toMatchObject({
      reason: 'malformed',
    });
    await w.clock.advance(2000);
    await failing;
  });

  it.each<[string, object, string]>([
    ['store', { store: {} }, 'store must be a LeaseStore'],
    ['clock', { clock: {} }, 'clock'],
    ['name', { name: '' }, 'name must be 1 to 256 characters'],
    ['holder', { holder: 5 }, 'holder must be a string'],
    ['ttlMs', { ttlMs: 99 }, 'ttlMs must be from 100 to 86400000'],
    ['marginMs', { marginMs: 6000 }, 'marginMs must be from 0 to 5000'],
    ['renewal', { renewal: 'never' }, "renewal must be 'automatic' or 'manual'"],
    ['timeoutMs', { timeoutMs: -1 }, 'timeoutMs must be from 0'],
    ['an unknown option', { ttl: 5 }, 'there is no option ttl (did you mean ttlMs?)'],
  ])('a bad %s is named', async (_, given, message) => {
    const w = new World();
    await expect(Lease.acquire(w.options(given as never))).rejects.toThrow(message);
    expect(w.store.calls).toEqual([]);
  });
});

describe('an election', () => {
  const start = (w: World, holder: string): { election: Election; events: string[] } => {
    const events: string[] = [];
    const election = keep(Election.start(w.options({ holder })));
    election.onChange((event: ElectionEvent) => {
      events.push(event.type === 'lost' ? `lost ${event.reason}` : event.type);
    });
    return { election, events };
  };
  const stop = async (w: World, ...elections: Election[]): Promise<void> => {
    const stopped = Promise.all(elections.map((election) => election.stop()));
    await w.clock.advance(1000);
    await stopped;
  };

  it('has one leader; the next one follows when it stops', async () => {
    const w = new World();
    const [a, b] = [start(w, 'a'), start(w, 'b')];
    await w.clock.advance(1000);
    expect([a.events, b.events]).toEqual([['elected'], []]);
    expect([a.election.lease?.held(), b.election.lease]).toEqual([true, undefined]);
    await stop(w, a.election);
    expect([a.events, a.election.lease]).toEqual([['elected', 'lost released'], undefined]);
    await w.clock.advance(1000);
    expect([b.events, b.election.lease?.token]).toEqual([['elected'], 2n]);
    await stop(w, b.election);
  });

  it('wants it again when it was lost, and goes on when the store is in trouble', async () => {
    const w = new World();
    const a = start(w, 'a');
    await w.clock.advance(1000);
    await w.rob();
    await w.clock.advance(5000);
    expect(a.events).toEqual(['elected', 'lost superseded']);
    w.store.trouble = ['fails', 'fails', 'fails'];
    await w.clock.advance(3_700_000);
    expect(a.events).toEqual(['elected', 'lost superseded', 'failed', 'elected']);
    await stop(w, a.election);
  });

  it('leaves the old work its margin, and tells of a release that failed', async () => {
    const w = new World();
    const events: string[] = [];
    const election = keep(Election.start(w.options({ marginMs: 4000 })));
    election.onChange((event) => {
      events.push(event.type === 'lost' ? `lost ${event.reason}` : event.type);
    });
    await w.clock.advance(100);
    w.store.trouble = new Array(200).fill('fails');
    await w.clock.advance(6500);
    expect(events).toEqual(['elected', 'lost ending']);
    w.store.trouble = [];
    await w.clock.advance(3000);
    expect(events).toEqual(['elected', 'lost ending']); // its work may still be stopping
    await w.clock.advance(1000);
    expect(events).toEqual(['elected', 'lost ending', 'elected']);
    w.store.trouble = ['fails'];
    await expect(election.stop()).rejects.toMatchObject({ code: 'ERR_LEASE_STORE' });
    expect(() => Election.start({ ...w.options(), timeoutMs: 5 } as never)).toThrow(
      'there is no option timeoutMs',
    );
  });

  it('an answer to an earlier try, however late, ends nothing of a later one', async () => {
    const w = new World();
    let answer = (): void => {};
    const { take } = w.store;
    w.store.take = async (...args) => {
      const given = await w.store.inner.take(...args);
      await new Promise<void>((resolve) => (answer = resolve));
      return given;
    };
    const a = start(w, 'a');
    await w.clock.advance(100);
    w.store.take = take;
    w.store.trouble = ['fails', 'fails'];
    await w.clock.advance(6000);
    expect([a.events, a.election.lease?.token]).toEqual([['failed', 'elected'], 1n]);
    answer();
    await w.clock.advance(10);
    expect(w.store.calls).not.toContain('end');
    expect(await Lease.tryAcquire(w.options({ holder: 'b' }))).toBeUndefined();
    await stop(w, a.election);
  });

  it('that was stopped lets go of what comes late', async () => {
    const w = new World();
    let answer = (): void => {};
    w.store.take = async (...args) => {
      const given = await w.store.inner.take(...args);
      await new Promise<void>((resolve) => (answer = resolve));
      return given;
    };
    const a = start(w, 'a');
    await w.clock.advance(100);
    await stop(w, a.election);
    answer();
    await w.clock.advance(10);
    expect(w.store.calls).toEqual(['end']);
  });

  it('a listener that throws disturbs nobody, and one that has ended is not called', async () => {
    const w = new World();
    const a = start(w, 'a');
    const end = a.election.onChange(() => a.events.push('never'));
    end();
    expect(() => a.election.onChange('no' as never)).toThrow('listener must be a function');
    await w.clock.advance(1000);
    expect(a.events).toEqual(['elected']);
    await stop(w, a.election);
  });
});
