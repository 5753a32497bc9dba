import { type ClockSample, systemClock } from 'epsilon-clock';
import { NtpServer, ntp } from 'epsilon-clock/node';
import { NtpTimeSync } from 'ntp-time-sync';
import { describe, expect, test } from 'vitest';
import { RecordingSink } from '../../kit/recording-sink.ts';
import { UdpProxy } from '../../kit/udp-proxy.ts';

/**
 * The cross-check with the package ntp-time-sync 0.5.0 for docs/ntp-time-sync.md. Every figure
 * there is a row here.
 */

/**
 * An exchange in ms: the server's clock is ahead of ours by `offset`; the path takes `out` and
 * `back`.
 */
interface Exchange {
  readonly offset: number;
  readonly out: number;
  readonly hold: number;
  readonly back: number;
}

interface Sample {
  readonly offset: number;
  readonly delay: number;
}

function stamps({ offset, out, hold, back }: Exchange): [number, number, number, number] {
  const t1 = Date.now() - 1000;
  const t2 = t1 + out + offset;
  return [t1, t2, t2 + hold, t1 + out + hold + back];
}

/**
 * The result of the package for four timestamps: its own code, fed by hand instead of by a socket.
 */
async function theirs(exchange: Exchange): Promise<Sample> {
  const [t1, t2, t3, t4] = stamps(exchange);
  const sync = new NtpTimeSync({ servers: ['127.0.0.1'], sampleCount: 1 });
  const epoch = Date.UTC(1900, 0, 1);
  Object.assign(sync, {
    getNetworkTime: async () => ({
      leapIndicator: 0,
      version: 4,
      mode: 4,
      stratum: 1,
      precision: 236,
      rootDelay: new Date(epoch),
      rootDispersion: new Date(epoch),
      originTimestamp: new Date(t1),
      receiveTimestamp: new Date(t2),
      transmitTimestamp: new Date(t3),
      destinationTimestamp: new Date(t4),
    }),
  });
  const { offset } = await sync.getTime(true);
  const [sample] = (sync as unknown as { samples: Sample[] }).samples;
  return { offset, delay: sample?.delay ?? Number.NaN };
}

/** RFC 5905 section 8. */
function rfc5905(exchange: Exchange): Sample {
  const [t1, t2, t3, t4] = stamps(exchange);
  return { offset: (t2 - t1 + (t3 - t4)) / 2, delay: t4 - t1 - (t3 - t2) };
}

describe('the offset, in ms', () => {
  test.each([
    // The columns: offset, out, back, the result of RFC 5905, the result of ntp-time-sync.
    //
    // A clock that is right, on a symmetric path: 0 becomes minus half the round trip.
    [0, 20, 20, 0, -20],
    [0, 100, 100, 0, -100],
    // A clock that is off by less than the path's delay: the answer stays the same, whatever the
    // truth is.
    [5, 20, 20, 5, -20],
    [-5, 20, 20, -5, -20],
    [19, 20, 20, 19, -20],
    // An asymmetric path misleads both; RFC 5905 says by at most half the round trip.
    [0, 40, 0, 20, -20],
    [0, 0, 40, -20, -20],
    // A clock that is off by more than the path's delay: they agree.
    [1000, 20, 20, 1000, 1000],
    [-1000, 20, 20, -1000, -1000],
    [21, 20, 20, 21, 21],
    [-21, 20, 20, -21, -21],
  ])(
    '%i ahead, %i there, %i back: %i by RFC 5905, %i by the package',
    async (offset, out, back, rfc, package_) => {
      const exchange = { offset, out, back, hold: 0 };
      expect(rfc5905(exchange).offset).toBe(rfc);
      expect((await theirs(exchange)).offset).toBe(package_);
    },
  );
});

describe('the delay, in ms', () => {
  test.each([
    // The server's hold time belongs to neither direction of the path. The package adds it instead
    // of subtracting it.
    [0, 40, 40],
    [10, 40, 60],
    [100, 40, 240],
  ])('held for %i: %i by RFC 5905, %i by the package', async (hold, rfc, package_) => {
    const exchange = { offset: 0, out: 20, back: 20, hold };
    expect(rfc5905(exchange).delay).toBe(rfc);
    expect((await theirs(exchange)).delay).toBe(package_);
  });
});

test('on real sockets: an honest server 20 ms away looks 20 ms behind; the bound here holds 0', async () => {
  const clock = systemClock();
  await using server = await NtpServer.start({ clock });
  const path = { delayMs: 20 };
  await using proxy = await UdpProxy.start({ target: server, toServer: path, toClient: path });

  const sync = new NtpTimeSync({
    servers: [`127.0.0.1:${proxy.port}`],
    sampleCount: 1,
    replyTimeout: 20_000,
  });
  const { offset, precision } = await sync.getTime(true);
  // By causality at least the path's delay, minus the milliseconds of timers and wall clock.
  expect(offset).toBeLessThanOrEqual(-16);
  // The standard deviation of one sample: the package claims to be exact.
  expect(precision).toBe(0);

  const sink = new RecordingSink(clock);
  const source = ntp('127.0.0.1', { port: proxy.port, timeoutMs: 20_000 }).start(sink);
  await sink.until(() => sink.samples.length > 0);
  source.stop();
  const { upperNs, lowerNs } = sink.samples[0] as ClockSample;
  const truth = clock.wallNs() - clock.monotonicNs();
  const slack = 2n * clock.wallGridNs;
  expect(upperNs).toBeGreaterThanOrEqual(truth - slack);
  expect(lowerNs).toBeLessThanOrEqual(truth + slack);
});
