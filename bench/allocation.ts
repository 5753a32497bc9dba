/**
 * Bytes allocated per call: the growth of the heap over a window of calls without a collection. Run
 * it with a large young generation and `--expose-gc`.
 *
 * There are two warm-ups, because after the first one the compiler may optimise again. The result
 * is the least of 25 windows, because the compiler allocates in the same heap from other threads.
 */
import { DEFAULT_BATCH, type Row } from './row.ts';
import { loopOf } from './timing.ts';

/**
 * Calls per window for a row with a limit. There are many, because reading the size of the heap
 * allocates some hundred bytes itself.
 */
const LIMITED_CALLS = 20_000;
/** Batches per window for a row without a limit. */
const BATCHES = 20;

export function bytesPerCall(row: Row): number {
  const calls = callsPerWindow(row);
  const loop = loopOf(row);
  const collect = (globalThis as { gc?: () => void }).gc;
  const end = row.during?.();
  for (let warmUp = 0; warmUp < 2; warmUp++) {
    for (let i = 0; i < 20; i++) loop(calls);
    collect?.();
  }
  let least = Number.POSITIVE_INFINITY;
  for (let window = 0; window < 25; window++) {
    const before = process.memoryUsage().heapUsed;
    loop(calls);
    const after = process.memoryUsage().heapUsed;
    // A window with a collection in it says nothing.
    if (after >= before) least = Math.min(least, (after - before) / calls);
  }
  end?.();
  return least;
}

/** Calls per window. A long call, which is a batch of its own, is called once. */
function callsPerWindow({ maxBytes, batch = DEFAULT_BATCH }: Row): number {
  if (maxBytes !== undefined) return LIMITED_CALLS;
  return batch === 1 ? 1 : BATCHES * batch;
}

/** By how many bytes the object that `make` returns lets the heap grow, after full collections. */
export function bytesHeld(make: () => unknown): number {
  const collect = (globalThis as { gc?: () => void }).gc;
  collect?.();
  const before = process.memoryUsage().heapUsed;
  const held = make();
  collect?.();
  const after = process.memoryUsage().heapUsed;
  return held === undefined ? 0 : after - before;
}
