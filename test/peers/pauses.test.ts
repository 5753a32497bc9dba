/**
 * Processes that are stopped and continued at the worst moments. During a pause the wall clock and
 * the monotonic clock both go on. So a pause can widen or lose a sample, but it is not a step, and
 * no reading may be false.
 *
 * The oracle is that of skewed-processes.test.ts: this process brackets each reading. The last two
 * tests show that it notices faults.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ClockEvent, systemClock } from 'epsilon-clock';
import { NtpServer } from 'epsilon-clock/node';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type BracketedReading, type ChildClockOptions, ClockProcess } from '../kit/child-clock.ts';
import { type Chronyd, startHonest } from '../kit/chronyd.ts';
import { UdpProxy } from '../kit/udp-proxy.ts';
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

/**
 * A clock in a process of its own, whose exchanges pass through a proxy that can stop the process.
 */
async function startBehindProxy(
  way: 'toServer' | 'toClient',
  target: { readonly address: string; readonly port: number },
  options: Omit<ChildClockOptions, 'servers'>,
): Promise<{ clock: ClockProcess; pauseInFlight: () => Promise<void> }> {
  const clock = new ClockProcess();
  started.push(clock);
  let armed: (() => void) | undefined;
  const gate = async (direction: 'toServer' | 'toClient'): Promise<void> => {
    const stopped = armed;
    if (direction !== way || stopped === undefined) return;
    armed = undefined;
    await clock.pause();
    stopped();
    // Passed on at once, so the reply waits in the socket of the stopped process.
  };
  const proxy = await UdpProxy.start({ target, gate });
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
  if (reading.interval === undefined)
    throw new Error(`no bound: ${reading.status} (${reading.reason})`);
  const excluded = truth.excluded(reading.interval, bracket);
  if (excluded > 0n) throw new Error(`true time is ${excluded} ns outside`);
  return Number(reading.interval.latest - reading.interval.earliest);
}

/** The events of the clock about a step, a suspend or a false assumption. */
const alarms = (clock: ClockProcess): ClockEvent[] =>
  clock.events.filter(({ type, status }) => type === 'refuted' || status === 'disrupted');

test.each([
  // The reply comes within the timeout: a sample two seconds wide.
  ['toServer', 10_000, 0],
  ['toClient', 10_000, 0],
  // The pause outlasts the timeout. By our own clock the reply comes too late, although it was in
  // the socket in time.
  ['toServer', 500, 1],
  ['toClient', 500, 1],
] as const)(
  'stopped for 2 s, a datagram on its way %s, timeout %i ms',
  async (way, timeoutMs, timedOut) => {
    const profiles = ['disciplined', 'free-running'] as const;
    const across = async (hostClock: 'disciplined' | 'free-running'): Promise<void> => {
      const options = { pollIntervalMs: 100, timeoutMs, hostClock };
      const { clock, pauseInFlight } = await startBehindProxy(way, server, options);
      holdingNs(await clock.read('clock'));
      await pauseInFlight();
      let widest = 0;
      for (let i = 0; i < 200; i++) widest = Math.max(widest, holdingNs(await clock.read('clock')));
      const { sources, refuted } = await clock.explain('clock');
      expect(alarms(clock)).toEqual([]);
      expect(refuted).toBeUndefined();
      expect(sources[0]).toMatchObject({ contradictions: 0 });
      // Whether the timer or the reply is seen first is up to the event loop; either way it is
      // refused. On a slow machine more may time out than what was in flight.
      const { timeout = 0, late = 0 } = sources[0]?.misses ?? {};
      expect(timeout + late).toBeGreaterThanOrEqual(timedOut);
      console.log(`stopped ${way}, ${hostClock}: epsilon up to ${widest / 2000} us`);
    };
    await Promise.all(profiles.map(across));
  },
);

test('stopped and continued 40 times at odd moments', async () => {
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
  expect(alarms(clock)).toEqual([]);
});

test('the oracle notices a server that is 50 ms off, across the pause as well', async () => {
  await using off = await NtpServer.start({ clock: systemClock(), behaviour: { offsetMs: 50 } });
  const { clock, pauseInFlight } = await startBehindProxy('toClient', off, {
    pollIntervalMs: 100,
    timeoutMs: 10_000,
    hostClock: 'free-running',
  });
  await pauseInFlight();
  await expect(
    (async () => {
      for (let i = 0; i < 200; i++) holdingNs(await clock.read('clock'));
    })(),
  ).rejects.toThrow('outside');
});

test('a step within the pause is told from the pause', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'epsilon-clock-pause-'));
  const wallFile = join(directory, 'faketime');
  try {
    await writeFile(wallFile, '+0\n');
    const clock = new ClockProcess({ wallFile });
    started.push(clock);
    await clock.start('clock', { servers: [server], pollIntervalMs: 100 });
    await clock.synced('clock');
    await clock.pause();
    await writeFile(wallFile, '+0.3\n');
    await delay(PAUSE_MS);
    clock.resume();
    await clock.until(
      () => alarms(clock).length > 0 && clock.events.at(-1)?.status === 'synchronized',
    );
    expect(alarms(clock)).toContainEqual(expect.objectContaining({ reason: 'step' }));
    holdingNs(await clock.read('clock'));
  } finally {
    await rm(directory, { recursive: true });
  }
});
