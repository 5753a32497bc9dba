/**
 * A worker that runs a bounded clock and sends the handle by which its parent attaches. With a
 * `path` it publishes there too, as for other processes.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { HostClockPublisher } from 'epsilon-clock/node';
import { boundedClock, learnedClock } from './worlds.ts';

const clock = workerData?.learned ? await learnedClock(5) : (await boundedClock(5)).clock;
if (workerData?.path) await HostClockPublisher.start({ clock, path: workerData.path });
parentPort?.postMessage(clock.share());
// Keeps the worker, and so the publisher, alive.
parentPort?.on('message', () => {});
