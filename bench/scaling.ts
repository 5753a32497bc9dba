/**
 * What grows with what: the cost of a sample and of a reading with the number of sources, of a reading with
 * the number of threads that read the same page.
 */
import { Worker } from 'node:worker_threads';
import type { BoundedClock } from 'epsilon-clock';
import type { Groups, Row } from './row.ts';
import { boundedClock, ingesting } from './worlds.ts';

export const SOURCES: readonly number[] = [1, 2, 5, 10, 20, 50, 100];
export const THREADS: readonly number[] = [1, 2, 4, 8];

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

function sample(sources: number): Row {
  return {
    id: `scaling.sample.${sources}`,
    batch: 100,
    operation: `one sample into the bound engine, ${sources} sources`,
    run: ingesting(sources),
    scale: { curve: 'sample by sources', x: sources },
  };
}

/** Reads in this thread while the other workers do the same. */
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

export const groups: Groups = {
  'Samples by sources': () => SOURCES.map(sample),
  'Readings by sources': () => Promise.all(SOURCES.map(reading)),
  'Readings by threads': async () => {
    const { clock } = await boundedClock(5);
    return THREADS.map((threads) => amongThreads(clock, threads));
  },
};
