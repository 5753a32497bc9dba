import { systemClock } from 'epsilon-clock';
import { NtpServer, ntp } from 'epsilon-clock/node';
import { expect, test } from 'vitest';
import { RecordingSink } from '../../kit/recording-sink.ts';
import { type PathConditions, UdpProxy } from '../../kit/udp-proxy.ts';

/**
 * Timers may fire up to a millisecond early. Nothing else in these tests depends on their timing.
 */
const EARLY_NS = 1_000_000n;
const clock = systemClock();
const SLACK_NS = 2n * clock.wallGridNs;

async function through(
  toServer: PathConditions,
  toClient: PathConditions,
  polls: number,
): Promise<{ sink: RecordingSink; proxy: UdpProxy }> {
  await using server = await NtpServer.start({ clock });
  await using proxy = await UdpProxy.start({ target: server, toServer, toClient });
  const sink = new RecordingSink(clock);
  const source = ntp('127.0.0.1', { port: proxy.port, pollIntervalMs: 1, timeoutMs: 5000 }).start(
    sink,
  );
  await sink.until(() => sink.samples.length + sink.misses.length >= polls);
  source.stop();
  return { sink, proxy };
}

test.each([
  ['symmetric', 20, 20],
  ['slow there', 40, 0],
  ['slow back', 0, 40],
])(
  'a path that is %s (%i ms, %i ms) widens only the side that is to blame',
  async (_, out, back) => {
    const { sink } = await through({ delayMs: out }, { delayMs: back }, 4);
    const theta = clock.wallNs() - clock.monotonicNs();
    expect(sink.samples.length).toBeGreaterThan(0);
    for (const { upperNs, lowerNs, pathDelayNs, serverErrorNs } of sink.samples) {
      const wide = (ms: number): bigint => BigInt(ms) * 1_000_000n - EARLY_NS - SLACK_NS;
      // By causality, each side is at least as far from the truth as its path was long.
      expect(upperNs - theta).toBeGreaterThanOrEqual(wide(out));
      expect(theta - lowerNs).toBeGreaterThanOrEqual(wide(back));
      expect(pathDelayNs).toBeGreaterThanOrEqual(wide(out + back) - EARLY_NS);
      expect(serverErrorNs).toBeGreaterThan(0n);
    }
  },
);

test('jitter, loss, duplicates and reordering never make a fact false', async () => {
  const rough = { jitterMs: 8, duplication: 0.5 };
  const { sink, proxy } = await through({ ...rough, delayMs: 2 }, { ...rough, delayMs: 2 }, 30);
  const theta = clock.wallNs() - clock.monotonicNs();
  for (const { upperNs, lowerNs } of sink.samples) {
    expect(upperNs).toBeGreaterThanOrEqual(theta - SLACK_NS);
    expect(lowerNs).toBeLessThanOrEqual(theta + SLACK_NS);
  }
  expect(proxy.counts.forwarded).toBeGreaterThan(proxy.counts.toServer + proxy.counts.toClient);
  // Duplicates reach the server too; the client still counts one answer per request.
  expect(sink.samples.length).toBe(30);
});

test('what is lost is a timeout, and polling goes on', async () => {
  await using server = await NtpServer.start({ clock });
  await using proxy = await UdpProxy.start({ target: server, toServer: { loss: 1 } });
  const sink = new RecordingSink(clock);
  const options = { port: proxy.port, pollIntervalMs: 1, timeoutMs: 60 };
  const source = ntp('127.0.0.1', options).start(sink);
  await sink.until(() => sink.misses.length >= 2);
  expect(sink.misses.map((m) => m.reason)).toEqual(['timeout', 'timeout']);
  proxy.toServer = {};
  await sink.until(() => sink.samples.length >= 1);
  source.stop();
  expect(proxy.counts.lost).toBeGreaterThanOrEqual(2);
});
