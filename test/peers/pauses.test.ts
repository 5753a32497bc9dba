/**
 * Processes that are stopped and continued at the worst moments. A pause moves the wall clock and the
 * monotonic clock alike, so it can widen a sample or lose it, but it is no step, and no reading is false.
 *
 * The oracle is that of skewed-processes.test.ts: this process brackets each reading.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type BracketedReading, type ChildClockOptions, ClockProcess } from '../kit/child-clock.ts';
import { type Chronyd, startHonest } from '../kit/chronyd.ts';
import { startUdpProxy, type UdpProxy } from '../kit/udp-proxy.ts';
import { WallTruth } from '../kit/wall-truth.ts';

const PAUSE_MS = 2000;

let truth: WallTruth;
let server: Chronyd;
const started: AsyncDisposable[] = [];

beforeAll(async () => {
  truth = new WallTruth();
  server = await startHonest('127.0.0.61');
});
afterEach(async () => {
  for (const each of started.splice(0)) await each[Symbol.asyncDispose]();
});
afterAll(() => server.stop());

/** A clock in a process of its own, whose exchanges pass through a proxy that can stop the process. */
async function startBehindProxy(
  stopAt: 'request' | 'reply',
  options: Omit<ChildClockOptions, 'servers'>,
): Promise<{ clock: ClockProcess; pauseInFlight: () => Promise<void> }> {
  const clock = new ClockProcess();
  started.push(clock);
  let armed: (() => void) | undefined;
  const gate = async (): Promise<boolean> => {
    if (armed === undefined) return true;
    const stopped = armed;
    armed = undefined;
    await clock.pause();
    stopped();
    // Passed on at once: the answer waits in the socket of the stopped process.
    return true;
  };
  const proxy: UdpProxy = await startUdpProxy(server, { [stopAt]: gate });
  started.push(proxy);
  await clock.start('clock', { servers: [proxy], ...options });
  await clock.synced('clock');
  const pauseInFlight = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      armed = resolve;
    });
    await delay(PAUSE_MS);
    clock.resume();
  };
  return { clock, pauseInFlight };
}

/** The width of a reading, ns, once it is seen to hold true time. */
function holdingNs({ reading, ...bracket }: BracketedReading): number {
  if (!('interval' in reading)) throw new Error(`no bound: ${reading.status} (${reading.reason})`);
  expect(truth.excluded(reading.interval, bracket)).toBe(0n);
  return Number(reading.interval.latest - reading.interval.earliest);
}

function expectNoDisruption(clock: ClockProcess): void {
  expect(clock.events.filter(({ type }) => type === 'refuted')).toEqual([]);
  const allowed = ['unsynchronized', 'synchronized', 'holdover'];
  for (const { status } of clock.events) expect(allowed).toContain(status);
}

test.each([
  // The round trip takes the pause: a reply within the timeout is a sample two seconds wide.
  ['request', 10_000],
  ['reply', 10_000],
  // The pause outlasts the timeout: the reply comes too late, although it was there in time.
  ['request', 500],
  ['reply', 500],
] as const)(
  'stopped for 2 s when the %s is on its way, timeout %i ms',
  async (stopAt, timeoutMs) => {
    for (const hostClock of ['disciplined', 'free-running'] as const) {
      const { clock, pauseInFlight } = await startBehindProxy(stopAt, {
        pollIntervalMs: 100,
        timeoutMs,
        hostClock,
      });
      holdingNs(await clock.read('clock'));
      // Asked while it is stopped, answered once it goes on: the bracket covers the pause.
      const paused = pauseInFlight();
      await paused;
      const widths: number[] = [];
      for (let i = 0; i < 200; i++) widths.push(holdingNs(await clock.read('clock')));
      const { sources, refuted } = await clock.explain('clock');
      console.log(
        `stopped at ${stopAt}, ${hostClock}: epsilon ${Math.round(Math.max(...widths) / 2000)} us, ` +
          `misses ${JSON.stringify(sources[0]?.misses)}`,
      );
      expect(refuted).toBeUndefined();
      expect(sources[0]?.contradictions).toBe(0);
      expectNoDisruption(clock);
    }
  },
);

test('stopped and continued 40 times at random moments', async () => {
  const clock = new ClockProcess();
  started.push(clock);
  await clock.start('clock', { servers: [server], pollIntervalMs: 20 });
  await clock.synced('clock');
  for (let i = 0; i < 40; i++) {
    const reading = clock.read('clock');
    await delay(i % 5);
    await clock.pause();
    await delay(10 + (i % 7) * 15);
    clock.resume();
    holdingNs(await reading);
    holdingNs(await clock.read('clock'));
  }
  expectNoDisruption(clock);
});
