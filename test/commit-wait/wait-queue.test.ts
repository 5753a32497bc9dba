/** The queue behind `waitUntilAfter`: what it does not do, and how a wait is ended from outside. */
import { describe, expect, it } from 'vitest';
import { type Ending, WaitQueue } from '../../src/commit-wait/wait-queue.ts';
import { asUnixNs } from '../../src/time/instant.ts';
import { Harness, MS, NOTHING_LEFT, SECOND, stateOf } from './harness.ts';

/** A harness with its own queue, which counts the readings of the clock. */
class Counted extends Harness {
  readonly queue: WaitQueue = new WaitQueue(this.bounded);
  readings = 0;

  count(): void {
    this.readings = 0;
    this.clock.onRead = (which) => {
      if (which === 'monotonic') this.readings++;
    };
  }
}

describe('the clock is not read', () => {
  it('when the last wait has been released', async () => {
    for (const mode of ['economy', 'precise'] as const) {
      const s = new Counted();
      const waits = Array.from({ length: 4 }, () => s.queue.add(s.ahead(MS), { mode }));
      s.clock.pause(2n * MS);
      s.clock.turns();
      s.count();
      // The promise job that was to go on with the next waits finds none.
      await Promise.all(waits);
      s.clock.advance(10n * MS);
      expect([s.queue.size, s.readings]).toEqual([0, 0]);
      expect(s.leftovers).toEqual(NOTHING_LEFT);
    }
  });

  it('before a wait or its time limit is near', async () => {
    const s = new Counted();
    const limited = s.queue.add(s.ahead(900n * MS), { timeoutMs: 500 });
    const precise = s.queue.add(s.ahead(700n * MS), { mode: 'precise' });
    const late = s.queue.add(s.ahead(800n * MS), {});
    for (const handled of [limited, precise, late]) handled.catch(() => {});
    s.count();
    s.clock.advance(499n * MS);
    // The tick of the bounded clock is at 1 s.
    expect([s.readings, s.clock.turnsPending]).toEqual([0, 0]);
    s.clock.advance(2n * MS);
    await expect(limited).rejects.toMatchObject({ code: 'ERR_COMMIT_WAIT_TIMEOUT' });
    s.count();
    s.clock.advance(195n * MS);
    expect([s.readings, s.clock.turnsPending]).toEqual([0, 0]);
    s.clock.onRead = () => {};
    s.clock.advance(3n * MS);
    s.spin();
    expect(s.queue.size).toBe(1);
    s.count();
    s.clock.advance(90n * MS);
    expect([s.readings, s.clock.turnsPending]).toEqual([0, 0]);
    s.clock.onRead = () => {};
    s.clock.advance(20n * MS);
    expect(await stateOf(precise)).toHaveProperty('value');
    expect(await stateOf(late)).toHaveProperty('value');
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });
});

describe('a publication', () => {
  it('that proves many waits releases all of them in its turn of the loop', async () => {
    const s = new Counted();
    const t = s.ahead(MS / 2n);
    const waits = Array.from({ length: 10 }, () => s.queue.add(t, {}));
    s.sample({ delay: 0n });
    expect(s.bounded.after(t)).toBe(true);
    expect(await Promise.all(waits.map(stateOf))).toEqual(
      Array(10).fill({ value: { waitedNs: 0n } }),
    );
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('is not missed after a released caller began another wait', async () => {
    const s = new Counted();
    const soon = s.ahead(2n * MS);
    const waits = Array.from({ length: 6 }, () => s.queue.add(soon, {}));
    const proven = s.queue.add(s.ahead(3n * MS + MS / 2n), {});
    // It makes the next wake-up, well after the publication.
    const later = waits[0]!.then(() => s.queue.add(s.ahead(MS / 4n), {}));
    s.clock.advance(2n * MS);
    s.clock.advance(MS);
    await Promise.all(waits);
    expect(await stateOf(proven)).toBe('pending');
    s.sample({ delay: 0n });
    expect(await stateOf(proven)).toHaveProperty('value');
    expect(await stateOf(later)).toHaveProperty('value');
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('long before a precise wait is due brings no further wake-up', () => {
    const s = new Counted();
    s.queue.add(s.ahead(700n * MS), { mode: 'precise' }).catch(() => {});
    s.sample();
    s.count();
    s.clock.advance(600n * MS);
    expect([s.readings, s.clock.turnsPending]).toEqual([0, 0]);
  });
});

it('the last waits, released when the turn is long over, leave nothing', async () => {
  const s = new Counted();
  const waits = Array.from({ length: 4 }, () => s.queue.add(s.ahead(MS), {}));
  let reads = 0;
  s.clock.onRead = (which) => {
    // Between the two readings of the poll.
    if (which === 'monotonic' && ++reads === 2) s.clock.monotonic += 5n * MS;
  };
  s.clock.advance(MS);
  s.clock.onRead = () => {};
  expect(reads).toBeGreaterThan(1);
  expect(await Promise.all(waits)).toHaveLength(4);
  expect(s.leftovers).toEqual(NOTHING_LEFT);
});

it('a timestamp that equals `earliest` when the time limit comes has not passed', async () => {
  const twin = new Counted();
  twin.clock.advance(5n * MS);
  const s = new Counted();
  const equal = s.queue.add(asUnixNs(twin.earliest), { timeoutMs: 5 });
  const passed = s.queue.add(asUnixNs(twin.earliest - 1n), { timeoutMs: 5 });
  s.clock.advance(5n * MS);
  expect(await stateOf(equal)).toMatchObject({ error: { code: 'ERR_COMMIT_WAIT_TIMEOUT' } });
  expect(await stateOf(passed)).toEqual({ value: { waitedNs: 5n * MS } });
});

it('at most four waits of a mode are released at a time', async () => {
  for (const mode of ['economy', 'precise'] as const) {
    const s = new Counted();
    const gone = new AbortController();
    const t = s.ahead(MS);
    const waits = Array.from({ length: 6 }, () => s.queue.add(t, { mode }));
    void waits[0]?.then(() => gone.abort('gone'));
    const last = s.queue.add(t, { mode, signal: gone.signal });
    s.clock.pause(2n * MS);
    s.clock.turns();
    expect(s.queue.size).toBe(3);
    expect(await stateOf(last)).toEqual({ error: 'gone' });
    expect(await Promise.all(waits)).toHaveLength(6);
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  }
});

it.each([4.7e12, 1e13, Number.MAX_VALUE, Number.POSITIVE_INFINITY])(
  'a time limit of %d ms is none',
  async (timeoutMs) => {
    const s = new Counted();
    const wait = s.queue.add(s.ahead(MS), { timeoutMs });
    s.clock.advance(3n * MS);
    expect(await stateOf(wait)).toHaveProperty('value');
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  },
);

describe('a wait that another part of the library may end', () => {
  it.each([true, false])('ends with its reason, also with a signal: %s', async (signalled) => {
    const s = new Counted();
    const ending: Ending = {};
    const stop = new AbortController();
    const options = signalled ? { signal: stop.signal } : {};
    const wait = s.queue.add(s.ahead(SECOND), options, ending);
    ending.end?.('enough');
    expect(await stateOf(wait)).toEqual({ error: 'enough' });
    expect(ending.end).toBeUndefined();
    stop.abort('late');
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });

  it('can no longer be ended once it was released or aborted', async () => {
    const s = new Counted();
    const [released, aborted]: Ending[] = [{}, {}];
    const stop = new AbortController();
    const first = s.queue.add(s.ahead(MS), {}, released);
    const second = s.queue.add(s.ahead(SECOND), { signal: stop.signal }, aborted);
    stop.abort('stop');
    s.clock.advance(3n * MS);
    expect(await stateOf(first)).toHaveProperty('value');
    expect(await stateOf(second)).toEqual({ error: 'stop' });
    expect([released?.end, aborted?.end]).toEqual([undefined, undefined]);
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });
});
