/**
 * What an exchange with a time server is worth: does the answer hold the truth, and how wide is it?
 * Every library asks the same server through the same delays, one source and one exchange at a
 * time.
 *
 * Server and client share the machine's clock, so the truth is known: an offset of 0. The server
 * claims an error of 1 ms, the grid of the wall clock that it serves, which is added to every
 * bound.
 */
import { type ClockSample, systemClock } from 'epsilon-clock';
import { NtpServer, ntp } from 'epsilon-clock/node';
import { type PathConditions, UdpProxy } from '../../test/kit/udp-proxy.ts';
import { median } from '../statistics.ts';
import { OURS } from './adapters.ts';
import { ntpTimeSync, sntp } from './load.ts';

export interface Quality {
  readonly path: string;
  readonly library: string;
  readonly exchanges: number;
  /** How many answers held the truth. */
  readonly holding: number;
  readonly halfWidthMs: number;
  /** The error of the middle, without sign, ms. */
  readonly errorMs: number;
}

/** One exchange: how far the middle is off, and half the width. */
interface Answer {
  readonly errorMs: number;
  readonly halfWidthMs: number;
}

interface Path {
  readonly name: string;
  readonly toServer: PathConditions;
  readonly toClient: PathConditions;
}

const PATHS: readonly Path[] = [
  { name: '5 ms there, 5 ms back', toServer: { delayMs: 5 }, toClient: { delayMs: 5 } },
  { name: '2 ms there, 18 ms back', toServer: { delayMs: 2 }, toClient: { delayMs: 18 } },
  {
    name: '2 to 18 ms each way',
    toServer: { delayMs: 2, jitterMs: 16 },
    toClient: { delayMs: 2, jitterMs: 16 },
  },
];

const TIMEOUT_MS = 20_000;
const clock = systemClock();

async function oursOnce(port: number): Promise<Answer> {
  const source = ntp('127.0.0.1', { port, timeoutMs: TIMEOUT_MS });
  const { upperNs, lowerNs } = await new Promise<ClockSample>((resolve, reject) => {
    const running = source.start({
      clock,
      endpoints() {},
      sample(sample) {
        running.stop();
        resolve(sample);
      },
      miss(_, reason) {
        running.stop();
        reject(new Error(reason));
      },
    });
  });
  const truth = clock.wallNs() - clock.monotonicNs();
  return {
    errorMs: Number((upperNs + lowerNs) / 2n - truth) / 1e6,
    halfWidthMs: Number(upperNs - lowerNs) / 2e6,
  };
}

async function sntpOnce(port: number): Promise<Answer> {
  const { t, d, rootDelay, rootDispersion } = await (await sntp()).time({
    host: '127.0.0.1',
    port,
    timeout: TIMEOUT_MS,
  });
  return { errorMs: t, halfWidthMs: d / 2 + rootDelay / 2 + rootDispersion };
}

/**
 * One exchange by ntp-time-sync. Its `precision` is the deviation between samples, and one sample
 * has none. So the half-width is its unit, a millisecond.
 */
async function ntpTimeSyncOnce(port: number): Promise<Answer> {
  const { NtpTimeSync } = await ntpTimeSync();
  const sync = new NtpTimeSync({
    servers: [`127.0.0.1:${port}`],
    sampleCount: 1,
    replyTimeout: TIMEOUT_MS,
  });
  const { offset, precision } = await sync.getTime(true);
  return { errorMs: offset, halfWidthMs: precision + 1 };
}

const LIBRARIES: Readonly<Record<string, (port: number) => Promise<Answer>>> = {
  [OURS]: oursOnce,
  '@hapi/sntp': sntpOnce,
  'ntp-time-sync': ntpTimeSyncOnce,
};

export async function measureQuality(
  exchanges: number,
  say: (what: string) => void,
): Promise<Quality[]> {
  await using server = await NtpServer.start({ clock });
  const results: Quality[] = [];
  for (const { name, toServer, toClient } of PATHS) {
    await using proxy = await UdpProxy.start({ target: server, toServer, toClient });
    for (const [library, once] of Object.entries(LIBRARIES)) {
      say(`${name}: ${library}`);
      const answers: Answer[] = [];
      for (let i = 0; i < exchanges; i++) answers.push(await once(proxy.port));
      results.push({
        path: name,
        library,
        exchanges,
        holding: answers.filter((a) => Math.abs(a.errorMs) <= a.halfWidthMs).length,
        halfWidthMs: median(answers.map((a) => a.halfWidthMs)),
        errorMs: median(answers.map((a) => Math.abs(a.errorMs))),
      });
    }
  }
  return results;
}
