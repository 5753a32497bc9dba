/** A worker that runs a bounded clock and sends the handle by which its parent attaches. */
import { parentPort } from 'node:worker_threads';
import { boundedClock } from './worlds.ts';

const { clock } = await boundedClock(5);
parentPort?.postMessage(clock.share());
// Keeps the worker, and so the publisher, alive.
parentPort?.on('message', () => {});
