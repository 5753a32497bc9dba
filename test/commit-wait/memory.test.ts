import { expect, test } from 'vitest';
import { waitUntilAfter } from '../../src/commit-wait/wait-until-after.ts';
import { collect, held } from '../kit/heap.ts';
import { Harness, MS, NOTHING_LEFT } from './harness.ts';

const MANY = 50_000;
/** Bytes per wait that V8 itself may use. To remember a wait would take three times as much. */
const NOISE_BYTES = 30;
const IN_FLIGHT = 10;

/**
 * Begins and ends `waits` waits, ten at a time. Of each ten some are released, some aborted, and
 * some reach their time limit.
 */
async function wait(s: Harness, waits: number): Promise<string> {
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
    // Without new samples the bound would expire within an hour.
    if (i % 1000 === 0) s.sample();
    for (const end of await Promise.all(all)) ends.add(end);
  }
  return [...ends].sort().join();
}

test('waits that have ended hold nothing, however they ended', async () => {
  const s = new Harness();
  const ends = 'AbortError,CommitWaitTimeoutError,released';
  // Compiled code and V8's type feedback are on the heap too, so warm up first.
  expect(await wait(s, MANY)).toBe(ends);
  const before = held();
  expect(await wait(s, MANY)).toBe(ends);
  expect((held() - before) / MANY).toBeLessThan(NOISE_BYTES);
  expect(s.leftovers).toEqual(NOTHING_LEFT);
});

/** Aborts a wait with a reason that only the queue could still hold. */
async function aborted(s: Harness): Promise<WeakRef<object>> {
  const gone = new AbortController();
  const end = waitUntilAfter(s.bounded, s.ahead(5n * MS), { signal: gone.signal });
  const reason = { large: new Uint8Array(1000) };
  gone.abort(reason);
  await end.catch(() => {});
  return new WeakRef(reason);
}

test('the reason of an abort is not kept', async () => {
  const s = new Harness();
  const reason = await aborted(s);
  expect(s.leftovers).toEqual(NOTHING_LEFT);
  // A collection may leave what the compiler or the stack still mentions: there are several.
  for (let turn = 0; turn < 20 && reason.deref() !== undefined; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  expect(reason.deref()).toBeUndefined();
});
