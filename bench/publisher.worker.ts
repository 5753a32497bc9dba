/** A worker that runs a bounded clock and sends the handle by which its parent attaches. */
import { parentPort, workerData } from 'node:worker_threads';
import { boundedClock, learnedClock } from './worlds.ts';

const clock = workerData?.learned ? await learnedClock(5) : (await boundedClock(5)).clock;
parentPort?.postMessage(clock.share());
// Keeps the worker, and so the publisher, alive.
parentPort?.on('message', () => {});
