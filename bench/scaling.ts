/**
 * How costs grow: a sample and a reading with the number of sources, a reading with the number of
 * threads that read the same page, adding and removing a commit wait with the number of waits.
 */
import { Worker } from 'node:worker_threads';
import type { BoundedClock } from 'epsilon-clock';
import { MinQueue } from '../src/commit-wait/min-queue.ts';
import type { Groups, Row } from './row.ts';
import { boundedClock, ingesting } from './worlds.ts';

export const SOURCES: readonly number[] = [1, 2, 5, 10, 20, 50, 100];
export const THREADS: readonly number[] = [1, 2, 4, 8];
export const WAITERS: readonly number[] = [1, 10, 100, 1000, 10_000, 100_000];

const slots = new BigInt64Array(2);

async function reading(sources: number): Promise<Row> {
  const { clock } = await boundedClock(sources);
  return {
    id: `scaling.reading.${sources}`,
    operation: `\`readInto\`, ${sources} sources`,
    run: () => clock.readInto(slots),
    maxBytes: 0,
    scale: { curve: 'reading by sources', x: sources },
  };
}

function sample(sources: number, learning: boolean): Row {
  return {
    id: `scaling.${learning ? 'learn' : 'sample'}.${sources}`,
    batch: 100,
    operation: `one sample into the bound engine, ${sources} sources${learning ? ', rate learned' : ''}`,
    run: ingesting(sources, learning),
    maxBytes: 0,
    scale: { curve: learning ? 'learning by sources' : 'sample by sources', x: sources },
  };
}

/** Reads in this thread while other worker threads read too. */
function amongThreads(clock: BoundedClock, threads: number): Row {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  for (let i = 1; i < threads; i++) {
    new Worker(new URL('reader.worker.js', import.meta.url), {
      workerData: { handle: clock.share(), flag },
    });
  }
  return {
    id: `scaling.threads.${threads}`,
    operation: `\`readInto\`, ${threads} threads`,
    run: () => clock.readInto(slots),
    scale: { curve: 'reading by threads', x: threads },
    during: () => {
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0);
      return () => Atomics.store(flag, 0, 0);
    },
  };
}

/** Removes a wait and adds another, whose timestamp is anywhere among those of the others. */
function waiter(waiters: number): Row {
  const queue = new MinQueue();
  // 7919 and 99,991 have no common factor, so the keys reach every place in the queue.
  const later = (i: number): bigint => BigInt(1 + ((i * 7919) % 99_991));
  const spans = Array.from({ length: 1024 }, (_, i) => later(i));
  for (let id = 0; id < waiters; id++) queue.add(id, later(id));
  return {
    id: `scaling.waiter.${waiters}`,
    operation: `one waiter out of and one into the queue, ${waiters} waiting`,
    run: (i) => {
      const id = queue.leastId;
      const key = queue.leastKey;
      queue.remove(id);
      queue.add(id, key + (spans[i & 1023] as bigint));
    },
    scale: { curve: 'waiter by waiters', x: waiters },
  };
}

export const groups: Groups = {
  'Samples by sources': () => SOURCES.map((sources) => sample(sources, false)),
  'Samples by sources, rate learned': () => SOURCES.map((sources) => sample(sources, true)),
  'Readings by sources': () => Promise.all(SOURCES.map(reading)),
  'Readings by threads': async () => {
    const { clock } = await boundedClock(5);
    return THREADS.map((threads) => amongThreads(clock, threads));
  },
  'Waiters by waiters': () => WAITERS.map(waiter),
};
