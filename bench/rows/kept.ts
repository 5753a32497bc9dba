/**
 * Keeps results. A result that a caller would keep goes into `kept`, a ring of 64, so that neither
 * the call nor its allocations can be optimised away. Text is read once (`charCodeAt`), because V8
 * builds a concatenation only when its characters are read.
 */
import { Worker } from 'node:worker_threads';

export const MASK = 63;
export const kept: unknown[] = new Array(MASK + 1).fill(0n);
export const slots: BigInt64Array = new BigInt64Array(2);

/** Makes as many values as the ring has places, so that `i & MASK` is an index. */
export const ring = <T>(make: (i: number) => T): T[] =>
  Array.from({ length: MASK + 1 }, (_, i) => make(i));

/** A worker thread that runs one of the benchmarks' worker files. */
export const startWorker = (name: string, workerData?: unknown): Worker =>
  new Worker(new URL(`${name}.worker.js`, import.meta.url), { workerData });
