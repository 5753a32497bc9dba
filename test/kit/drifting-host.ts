/**
 * A run in which all is real except the distance: chronyd behind delay proxies, polled by a process
 * whose whole clock drifts by 300 ppm without any daemon. It runs three bounded clocks: one learns
 * the rate, one is configured so that nothing can be learned, and one has a false assumption, to
 * show that the oracle finds wrong readings.
 *
 * The oracle is this process, whose clocks are true (wall-truth.ts). It reads its own monotonic
 * clock before it asks for a reading and after the answer.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type ChildClockOptions, ClockProcess } from './child-clock.ts';
import { type Chronyd, startAll, startHonest } from './chronyd.ts';
import { UdpProxy } from './udp-proxy.ts';
import { WallTruth } from './wall-truth.ts';

export const DRIFT_PPM = 300;
export const CLOCKS = ['layer 2', 'layer 1', 'false'] as const;
export type ClockName = (typeof CLOCKS)[number];

export interface Reading {
  readonly clock: ClockName;
  readonly elapsedMs: number;
  /** Half the width of the interval, ns; `undefined` without an interval. */
  readonly uncertaintyNs: number | undefined;
  /** How far the interval certainly excludes true time, ns; 0 for a true one. */
  readonly excludedNs: number;
}

export interface DriftingHostOptions {
  readonly forMs: number;
  readonly pollIntervalMs: number;
  /**
   * The delay to each server, ms, and the same back, plus up to 3 ms more for each datagram. 0: no
   * proxy.
   */
  readonly distancesMs: readonly number[];
  readonly onReading: (reading: Reading) => void;
}

/** The reports of the clocks at the end. */
export interface DriftingHost {
  readonly refuted: Readonly<Record<ClockName, readonly string[]>>;
  /** The rate that layer 2 learned, ppm: by how much true time gains on the fast clock. */
  readonly rate: { readonly lowerPpm: number; readonly upperPpm: number } | undefined;
}

const JITTER_MS = 3;
const READ_EVERY_MS = 100;

/** The options of each clock. No rate can be learned where it may wander by 1000 ppm a second. */
const TOLD: Readonly<Record<ClockName, Partial<ChildClockOptions>>> = {
  'layer 2': {},
  'layer 1': { crystal: { wanderPpmPerSecond: 1000, maxWanderPpm: 1000 } },
  // Its only server dies, so that no source contradicts it.
  false: { maxDriftPpm: 1 },
};

export async function runDriftingHost(options: DriftingHostOptions): Promise<DriftingHost> {
  const { distancesMs } = options;
  const started: AsyncDisposable[] = [];
  try {
    const servers = await startAll(...distancesMs.map((_, i) => startHonest(`127.0.0.${61 + i}`)));
    started.push(...servers);
    const proxies = await Promise.all(servers.map((each, i) => distant(each, distancesMs[i]!)));
    started.push(...proxies);
    const process = new ClockProcess({ whole: `+0 x${1 + DRIFT_PPM / 1e6}` });
    started.push(process);
    return await run(process, proxies, options);
  } finally {
    for (const each of started.reverse()) await each[Symbol.asyncDispose]();
  }
}

async function run(
  process: ClockProcess,
  proxies: readonly UdpProxy[],
  { forMs, pollIntervalMs, onReading }: DriftingHostOptions,
): Promise<DriftingHost> {
  const truth = new WallTruth();
  await using alone = await startHonest('127.0.0.67');
  for (const name of CLOCKS) {
    const polled = name === 'false' ? [alone] : proxies;
    await process.start(name, {
      servers: polled.map(({ address, port }) => ({ address, port })),
      pollIntervalMs,
      hostClock: 'free-running',
      ...TOLD[name],
    });
    await process.synced(name);
  }
  await alone.stop('SIGKILL');

  const began = performance.now();
  for (let elapsedMs = 0; elapsedMs < forMs; elapsedMs = performance.now() - began) {
    for (const clock of CLOCKS) {
      const { reading, ...bracket } = await process.read(clock);
      if (reading.interval === undefined) {
        onReading({ clock, elapsedMs, uncertaintyNs: undefined, excludedNs: 0 });
        continue;
      }
      const { earliest, latest } = reading.interval;
      onReading({
        clock,
        elapsedMs,
        uncertaintyNs: Number(latest - earliest) / 2,
        excludedNs: Number(truth.excluded(reading.interval, bracket)),
      });
    }
    await delay(READ_EVERY_MS);
  }
  const refuted = Object.fromEntries(
    CLOCKS.map((clock) => [
      clock,
      process
        .eventsOf(clock)
        .flatMap((event) => (event.type === 'refuted' ? [event.assumption] : [])),
    ]),
  ) as Record<ClockName, string[]>;
  return { refuted, rate: (await process.explain('layer 2')).rate };
}

function distant(server: Chronyd, delayMs: number): Promise<UdpProxy> {
  const path = delayMs === 0 ? {} : { delayMs, jitterMs: JITTER_MS };
  return UdpProxy.start({ target: server, toServer: path, toClient: path });
}
