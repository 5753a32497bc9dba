/**
 * Takes many stamps from one library's clock, as a worker of a program would, and sends them as
 * text.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from 'epsilon-clock';
import { type HybridClockHandle, SharedHybridClock } from 'epsilon-clock/threads';
import { OURS, PEERS, type Peer } from './adapters.ts';

const MANY = 100_000;
const { name, handle } = workerData as { name: string; handle: HybridClockHandle };

async function keys(): Promise<string[]> {
  if (name === OURS) {
    const clock = SharedHybridClock.attach(handle, { clock: systemClock() });
    return Array.from({ length: MANY }, () => String(clock.now()));
  }
  const peer = await (PEERS[name] as (fake: boolean) => Peer | Promise<Peer>)(false);
  const { text, bytes } = peer;
  return Array.from({ length: MANY }, () => {
    const stamp = peer.stamp();
    return text ? text(stamp) : Buffer.from((bytes as Peer['bytes'] & {})(stamp)).toString('hex');
  });
}

parentPort?.postMessage(await keys());
