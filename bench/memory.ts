/**
 * Run with `--expose-gc`: prints the bytes that each further source of a bound engine and each
 * further peer of a failure detector holds, and the share of a processor that a pause meter takes.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ClockSample } from 'epsilon-clock';
import { PauseMeter, PhiAccrualDetector } from 'epsilon-clock/failure-detection';
import { systemClock } from 'epsilon-clock/time';
import { bytesHeld } from './allocation.ts';
import { engineOf, samples } from './worlds.ts';

const FEW = 10;
const MANY = 1010;

function held(sources: number): number {
  const stream = samples(sources, 3 * sources);
  return bytesHeld(() => {
    const engine = engineOf(sources);
    for (const sample of stream as ClockSample[]) engine.ingest(sample);
    return engine;
  });
}

const PEERS = 10_000;

/** What 10,000 peers hold that have been heard 300 times. */
function heldByPeers(): number {
  const first = new PhiAccrualDetector({ clock: systemClock() });
  return bytesHeld(() => {
    const detectors = Array.from({ length: PEERS }, () => first.fork());
    for (let i = 0; i < 300; i++) for (const each of detectors) each.heartbeat();
    return detectors;
  });
}

const IDLE_MS = 5000;

/** Microseconds of processor time in an idle process. */
async function usedUs(): Promise<number> {
  await delay(1000);
  const before = process.cpuUsage();
  await delay(IDLE_MS);
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function pauseMeterShare(): Promise<number> {
  const idle = await usedUs();
  const pauses = PauseMeter.start({ clock: systemClock() });
  const measuring = await usedUs();
  pauses.stop();
  return Math.max(0, measuring - idle) / (IDLE_MS * 1000);
}

held(MANY);
const bytesPerSource = (held(MANY) - held(FEW)) / (MANY - FEW);
heldByPeers();
const bytesPerPeer = heldByPeers() / PEERS;
console.log(
  JSON.stringify({ bytesPerSource, bytesPerPeer, pauseMeterShare: await pauseMeterShare() }),
);
