/** A worker that takes timestamps from a shared clock for as long as the flag is up. */
import { workerData } from 'node:worker_threads';
import { SharedHybridClock, type SharedHybridClockHandle, systemClock } from 'epsilon-clock';

const { handle, flag } = workerData as { handle: SharedHybridClockHandle; flag: Int32Array };
const clock = SharedHybridClock.attach(handle, { clock: systemClock() });
for (;;) {
  Atomics.wait(flag, 0, 0);
  while (Atomics.load(flag, 0) === 1) for (let i = 0; i < 1000; i++) clock.tick();
}
