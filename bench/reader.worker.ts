/** A worker that reads a shared bounded clock until the parent clears the flag. */
import { workerData } from 'node:worker_threads';
import { BoundedClock, type BoundedClockHandle } from 'epsilon-clock';

const { handle, flag } = workerData as { handle: BoundedClockHandle; flag: Int32Array };
const reader = BoundedClock.attach(handle);
const slots = new BigInt64Array(2);
for (;;) {
  Atomics.wait(flag, 0, 0);
  while (Atomics.load(flag, 0) === 1) for (let i = 0; i < 1000; i++) reader.readInto(slots);
}
