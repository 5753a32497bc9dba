/** A worker that takes timestamps from a shared clock until the parent clears the flag. */
import { workerData } from 'node:worker_threads';
import { systemClock } from 'epsilon-clock';
import { type HybridClockHandle, SharedHybridClock } from 'epsilon-clock/threads';

const { handle, flag } = workerData as { handle: HybridClockHandle; flag: Int32Array };
const clock = SharedHybridClock.attach(handle, { clock: systemClock() });
for (;;) {
  Atomics.wait(flag, 0, 0);
  while (Atomics.load(flag, 0) === 1) for (let i = 0; i < 1000; i++) clock.tick();
}
