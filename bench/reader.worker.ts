/** A worker that reads a shared bounded clock for as long as the flag is up. */
import { workerData } from 'node:worker_threads';
import { BoundedClock, type SharedBoundedClock } from 'epsilon-clock';

const { handle, flag } = workerData as { handle: SharedBoundedClock; flag: Int32Array };
const reader = BoundedClock.attach(handle);
const slots = new BigInt64Array(2);
for (;;) {
  Atomics.wait(flag, 0, 0);
  while (Atomics.load(flag, 0) === 1) for (let i = 0; i < 1000; i++) reader.readInto(slots);
}
