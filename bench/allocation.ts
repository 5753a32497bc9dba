/**
 * Bytes allocated per call: growth of the heap over a window of calls without a collection. Run with room and
 * `--expose-gc`.
 *
 * Warmed up twice, because the second run executes what the first made the compiler change its mind
 * about; the least of 25 windows, because the compiler's own allocations, on other threads, land in the
 * same heap.
 */
import { DEFAULT_BATCH, type Row } from './row.ts';
import { loopOf } from './timing.ts';

/** Calls per window where a limit is checked: reading the heap's size costs some hundred bytes itself. */
const JUDGED_CALLS = 20_000;
/** Batches per window otherwise. */
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
    // A collection in between makes it meaningless.
    if (after >= before) least = Math.min(least, (after - before) / calls);
  }
  end?.();
  return least;
}

/** A call so long that it is a batch of its own needs no company. */
function callsPerWindow({ maxBytes, batch = DEFAULT_BATCH }: Row): number {
  if (maxBytes !== undefined) return JUDGED_CALLS;
  return batch === 1 ? 1 : BATCHES * batch;
}

/** Growth of the heap, after a full collection, by what `make` returns. */
export function bytesHeld(make: () => unknown): number {
  const collect = (globalThis as { gc?: () => void }).gc;
  collect?.();
  const before = process.memoryUsage().heapUsed;
  const held = make();
  collect?.();
  const after = process.memoryUsage().heapUsed;
  return held === undefined ? 0 : after - before;
}
