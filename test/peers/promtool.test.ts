/** Prometheus' own linter reads what `metricsText` writes of a clock that has a liar. */
import { execFileSync } from 'node:child_process';
import { BoundedClock, HybridClock, systemClock, waitUntilAfter } from 'epsilon-clock';
import { metricsText, WaitHistogram } from 'epsilon-clock/metrics';
import { NtpServer, ntp } from 'epsilon-clock/node';
import { afterAll, beforeAll, expect, test } from 'vitest';

let servers: NtpServer[];
let clock: BoundedClock;
let text: string;

/** What `promtool check metrics` says of a text. Throws, with its output, when it finds fault. */
function promtool(metrics: string): string {
  return execFileSync('promtool', ['check', 'metrics'], {
    input: metrics,
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

beforeAll(async () => {
  servers = await Promise.all(
    [0, 0, 0, 250].map((offsetMs) =>
      NtpServer.start({ clock: systemClock(), behaviour: { offsetMs } }),
    ),
  );
  clock = BoundedClock.start({
    sources: servers.map(({ address, port }) => ntp(address, { port, pollIntervalMs: 250 })),
    warnUncertaintyMs: 50,
  });
  await clock.waitSynced({ timeoutMs: 30_000 });
  const hlc = new HybridClock({ clock, nodeId: 'n' });
  const waits = new WaitHistogram();
  await waits.measure(waitUntilAfter(clock, hlc.now()));
  text = metricsText({ clock, hlc, waits });
});

afterAll(async () => {
  clock?.stop();
  await Promise.all(servers.map((server) => server.stop()));
});

test('finds no fault', () => {
  expect(text).toMatch(/^epsilon_clock_uncertainty_seconds /m);
  expect(promtool(text)).toBe('');
});

// The control: it does read what it is given.
test('finds a fault that is put in', () => {
  expect(() => promtool(text.replace(' counter', ' gauge'))).toThrow('_total');
  expect(() => promtool(text.replace('{status=', '{status'))).toThrow();
});
