import { expect, test } from 'vitest';
import { waitUntilAfter } from '../../src/commit-wait/wait-until-after.ts';
import { collect, held } from '../kit/heap.ts';
import { MS, NOTHING_LEFT, Stage } from './stage.ts';

const MANY = 50_000;
/** Bytes per wait: V8's own business. To remember that there was one takes three times as much. */
const NOISE = 30;
const IN_FLIGHT = 10;

/** Waits, ten at a time: of each ten some are released, some aborted, and some at the end of their time. */
async function wait(s: Stage, waits: number): Promise<string> {
  const ends = new Set<string>();
  for (let i = 0; i < waits; i += IN_FLIGHT) {
    const { signal } = new AbortController();
    const gone = new AbortController();
    const all = Array.from({ length: IN_FLIGHT }, (_, k) =>
      waitUntilAfter(s.bounded, s.ahead(BigInt(1 + (k % 3)) * MS), {
        mode: k % 2 === 0 ? 'economy' : 'precise',
        ...(k === 8 && { timeoutMs: 1 }),
        signal: k === 6 ? gone.signal : signal,
      }).then(
        () => 'released',
        (error: Error) => error.name,
      ),
    );
    gone.abort();
    for (let ms = 0; ms < 5; ms++) {
      s.clock.advance(MS);
      s.clock.turns();
      await Promise.resolve();
    }
    // Within an hour it expires, as nobody is polled.
    if (i % 1000 === 0) s.sample();
    for (const end of await Promise.all(all)) ends.add(end);
  }
  return [...ends].sort().join();
}

test('waits that are over hold nothing, however they ended', async () => {
  const s = new Stage();
  const ends = 'AbortError,CommitWaitTimeoutError,released';
  // Compiled code and what V8 learns of it are on the heap too.
  expect(await wait(s, MANY)).toBe(ends);
  const before = held();
  expect(await wait(s, MANY)).toBe(ends);
  expect((held() - before) / MANY).toBeLessThan(NOISE);
  expect(s.leftovers).toEqual(NOTHING_LEFT);
});

/** A wait that is aborted for a reason, which nobody but the queue could still know of. */
async function aborted(s: Stage): Promise<WeakRef<object>> {
  const gone = new AbortController();
  const end = waitUntilAfter(s.bounded, s.ahead(5n * MS), { signal: gone.signal });
  const reason = { large: new Uint8Array(1000) };
  gone.abort(reason);
  await end.catch(() => {});
  return new WeakRef(reason);
}

test('the reason of an abort is not kept', async () => {
  const s = new Stage();
  const reason = await aborted(s);
  expect(s.leftovers).toEqual(NOTHING_LEFT);
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(reason.deref()).toBeUndefined();
});
