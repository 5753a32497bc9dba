import { Worker } from 'node:worker_threads';
import type { UnixNs } from 'epsilon-clock';
import { type HybridClockHandle, SharedHybridClock } from 'epsilon-clock/threads';
import { describe, expect, test, vi } from 'vitest';

const T = 1_795_227_787_534_418_003n;
const END = 2n ** 63n - 1n;
const LIBRARY = ['threads', 'index'].map(
  (entry) => new URL(`../../dist/${entry}.js`, import.meta.url).href,
);

function codeOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return (error as { code?: unknown }).code ?? error;
  }
}

const at = (ns: () => bigint) => ({ wallNs: () => ns() as UnixNs });

describe('two threads’ views of one clock', () => {
  test('one sequence, whichever physical clock is ahead', () => {
    let mine = T;
    let theirs = T + 100n;
    const a = new SharedHybridClock({ clock: at(() => mine), nodeId: 'orders-3' });
    const b = SharedHybridClock.attach(structuredClone(a.share()), { clock: at(() => theirs) });
    expect(b.nodeId).toBe('orders-3');
    expect(a.now()).toBe(T);
    expect(b.now()).toBe(T + 100n);
    expect(a.now()).toBe(T + 101n); // above the other thread's
    expect(b.receive(T + 500n)).toBe(T + 501n);
    expect(a.peek()).toBe(T + 501n);
    expect(a.leadNs()).toBe(501n);
    expect(b.leadNs()).toBe(401n);
    mine = T + 502n;
    theirs = 0n;
    expect(a.stamp()).toBe(`${T + 502n}@orders-3`);
    expect(b.nowAtLeast(T + 502n)).toBe(T + 503n);
    const slots = new BigInt64Array(1);
    b.nowInto(slots, 0);
    expect(slots[0]).toBe(T + 504n);
    expect(a.peek()).toBe(T + 504n);
  });

  test('a thread that loses the race computes again from the winning value', () => {
    const a = new SharedHybridClock({ clock: at(() => T), nodeId: 'a' });
    const b = SharedHybridClock.attach(a.share(), { clock: at(() => T + 5n) });
    const swap = Atomics.compareExchange;
    let winner: bigint | undefined;
    // An event of `b` takes place between the guess and the swap of an event of `a`.
    const race = vi.spyOn(Atomics, 'compareExchange').mockImplementationOnce((...swapped) => {
      race.mockRestore();
      winner = b.now();
      return swap(...swapped);
    });
    expect(a.now()).toBe(T + 6n);
    expect(winner).toBe(T + 5n);
  });

  test('the limit travels with the handle, and a refused remote changes nothing', () => {
    const clock = at(() => T);
    const a = new SharedHybridClock({ clock, nodeId: 'a', maxRemoteAheadMs: 1, startAfter: 5n });
    const b = SharedHybridClock.attach(a.share(), { clock });
    expect(b.peek()).toBe(5n);
    expect(codeOf(() => b.receive(T + 1_000_001n))).toBe('ERR_TIMESTAMP_AHEAD');
    expect(codeOf(() => b.receiveAll([T, -1n]))).toBe('ERR_OUT_OF_RANGE');
    expect(b.peek()).toBe(5n);
    expect(b.receive(T + 1_000_000n)).toBe(T + 1_000_001n);
  });

  test('at the end it throws and stays there', () => {
    const clock = at(() => T);
    const a = new SharedHybridClock({ clock, nodeId: 'a', startAfter: END - 1n });
    const b = SharedHybridClock.attach(a.share(), { clock });
    expect(a.now()).toBe(END);
    expect(codeOf(() => b.now())).toBe('ERR_TIMESTAMP_EXHAUSTED');
    expect(codeOf(() => a.nowAtLeast(END))).toBe('ERR_TIMESTAMP_EXHAUSTED');
    expect(b.peek()).toBe(END);
  });

  test.each([
    ['nothing', undefined],
    ['no buffer', { nodeId: 'a', maxRemoteAheadMs: 1 }],
    ['a private buffer', { buffer: new ArrayBuffer(8), nodeId: 'a', maxRemoteAheadMs: 1 }],
    ['no limit', { buffer: new SharedArrayBuffer(8), nodeId: 'a' }],
    ['a longer buffer', { buffer: new SharedArrayBuffer(16), nodeId: 'a', maxRemoteAheadMs: 1 }],
  ])('attach refuses %s', (_, handle) => {
    expect(
      codeOf(() => SharedHybridClock.attach(handle as HybridClockHandle, { clock: at(() => T) })),
    ).toBe('ERR_INVALID_ARG_TYPE');
  });
});

/** A worker: waits until all workers are ready, then fills its part of `out` as fast as it can. */
const WORKER = `
const { workerData, parentPort } = require('node:worker_threads');
Promise.all(workerData.library.map((file) => import(file))).then(([{ SharedHybridClock }, { systemClock }]) => {
  const { handle, gate, out, index, events } = workerData;
  const hlc = SharedHybridClock.attach(handle, { clock: systemClock() });
  const mine = new BigInt64Array(out, index * events * 8, events);
  parentPort.postMessage('ready');
  Atomics.wait(new Int32Array(gate), 0, 0);
  for (let i = 0; i < events; i++) hlc.nowInto(mine, i);
  parentPort.postMessage('done');
});
`;

test('8 workers x 1,000,000 events: unique, and increasing on each worker', async () => {
  const workers = 8;
  const events = 1_000_000;
  const out = new SharedArrayBuffer(workers * events * 8);
  const gate = new SharedArrayBuffer(4);
  const hlc = new SharedHybridClock({ clock: at(() => 0n), nodeId: 'a' });
  const handle = hlc.share();
  const threads = Array.from({ length: workers }, (_, index) => {
    const workerData = { library: LIBRARY, handle, gate, out, index, events };
    return new Worker(WORKER, { eval: true, workerData });
  });
  const all = (word: string) =>
    Promise.all(
      threads.map(
        (thread) =>
          new Promise<void>((resolve, reject) => {
            thread.on('error', reject);
            thread.on('message', (said) => said === word && resolve());
          }),
      ),
    );
  const [ready, done] = [all('ready'), all('done')];
  await ready;
  Atomics.store(new Int32Array(gate), 0, 1);
  Atomics.notify(new Int32Array(gate), 0);
  await done;
  await Promise.all(threads.map((thread) => thread.terminate()));

  const shared = new BigInt64Array(out);
  let notIncreasing = 0;
  for (let i = 0; i < shared.length; i++) {
    if (i % events !== 0 && !(shared[i - 1]! < shared[i]!)) notIncreasing++;
  }
  expect(notIncreasing).toBe(0);
  const sorted = new BigInt64Array(shared).sort();
  let repeated = 0;
  for (let i = 1; i < sorted.length; i++) if (sorted[i - 1] === sorted[i]) repeated++;
  expect(repeated).toBe(0);
  expect(hlc.peek()).toBe(sorted.at(-1));
  expect(hlc.now()).toBe(sorted.at(-1)! + 1n);
});

/** A worker that takes timestamps for ever, and writes each to memory that the parent reads. */
const MORTAL = `
const { workerData, parentPort } = require('node:worker_threads');
Promise.all(workerData.library.map((file) => import(file))).then(([{ SharedHybridClock }, { systemClock }]) => {
  const hlc = SharedHybridClock.attach(workerData.handle, { clock: systemClock() });
  const shown = new BigInt64Array(workerData.out);
  for (let i = 0; ; i++) {
    Atomics.store(shown, 0, hlc.now());
    if (i === 10_000) parentPort.postMessage('running');
  }
});
`;

test('threads that die in the middle of an event leave a clock that still works', async () => {
  const out = new SharedArrayBuffer(8);
  const hlc = new SharedHybridClock({ clock: at(() => 0n), nodeId: 'a' });
  let last = 0n;
  for (let life = 0; life < 5; life++) {
    const workerData = { library: LIBRARY, handle: hlc.share(), out };
    const thread = new Worker(MORTAL, { eval: true, workerData });
    await new Promise<void>((resolve, reject) => {
      thread.on('error', reject);
      thread.on('message', () => resolve());
    });
    await thread.terminate();
    const shown = Atomics.load(new BigInt64Array(out), 0);
    expect(shown).toBeGreaterThan(last);
    // At most one event was in progress: its swap happened, or it did not.
    expect(hlc.peek()).toBeGreaterThanOrEqual(shown);
    last = hlc.now();
    expect(last).toBeGreaterThan(shown);
    expect(hlc.now()).toBe(last + 1n);
    last = hlc.peek();
  }
});
