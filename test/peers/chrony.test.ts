/**
 * `chrony()` with real chronyds. True time is that of a server of our own, whose offset to this
 * machine's wall clock the test sets. So it knows the truth, and the wall clock is wrong where the
 * test says so.
 */
import { BoundedClock, type ClockSample, systemClock } from 'epsilon-clock';
import { chrony, NtpServer, ntp } from 'epsilon-clock/node';
import { afterEach, expect, test, vi } from 'vitest';
import { type Chronyd, startChronyd, startHonest } from '../kit/chronyd.ts';
import { RecordingSink } from '../kit/recording-sink.ts';
import { bracketed, WallTruth } from '../kit/wall-truth.ts';

const MS = 1_000_000n;
const clock = systemClock();
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A server whose time is this machine's wall clock plus `offsetMs`. */
async function server(offsetMs: number, host?: string): Promise<string> {
  const made = await NtpServer.start({ clock, host, behaviour: { offsetMs } });
  ends.push(() => made.stop());
  return `server ${made.address} port ${made.port} iburst minpoll -2 maxpoll -2`;
}

async function chronyd(...directives: string[]): Promise<Chronyd> {
  const started = await startChronyd('127.0.0.41', directives);
  ends.push(() => started.stop());
  return started;
}

function asked({ commandPort: port }: { commandPort: number }): RecordingSink {
  const sink = new RecordingSink(clock);
  const source = chrony({ port, pollIntervalMs: 20, timeoutMs: 1000 }).start(sink);
  ends.push(() => source.stop());
  return sink;
}

/** Fails unless each sample holds the truth, wall clock plus `offsetMs`. */
function expectTruth(samples: readonly ClockSample[], offsetMs: number): void {
  const { lowerNs, upperNs } = new WallTruth();
  const offset = BigInt(offsetMs) * MS;
  for (const sample of samples) {
    expect(sample.upperNs).toBeGreaterThanOrEqual(lowerNs + offset);
    expect(sample.lowerNs).toBeLessThanOrEqual(upperNs + offset);
  }
}

test.each([0, 500, -250])(
  'a wall clock that is %i ms behind: the truth is held',
  async (offset) => {
    const sink = asked(await chronyd(await server(offset)));
    await sink.until(() => sink.samples.length >= 40);
    expectTruth(sink.samples, offset);
    const widths = sink.samples.map(({ upperNs, lowerNs }) => Number(upperNs - lowerNs));
    const narrowest = widths.sort((a, b) => a - b);
    console.log(`chrony(), ${offset} ms: narrowest ${narrowest[0]} ns, median ${narrowest[20]} ns`);
  },
);

test('the details are those of chronyc, a falseticker too', async () => {
  const servers = [2, 3, 4].map((i) => server(0, `127.0.0.${i}`));
  const daemon = await chronyd(...(await Promise.all([...servers, server(800, '127.0.0.5')])));
  const sink = asked(daemon);
  const states: Readonly<Record<string, string>> = {
    '*': 'selected',
    '+': 'combined',
    '-': 'not combined',
    x: 'falseticker',
  };
  const told = async (): Promise<string[]> => {
    const rows = (await daemon.ask('sources')).split('\n').map((line) => line.split(','));
    return rows.map(
      ([, state, name, stratum, , reach]) =>
        `${name}: ${states[state!]}, stratum ${stratum}, reach ${reach}`,
    );
  };
  for (;;) {
    const before = await told();
    const { length } = sink.details;
    await sink.until(() => sink.details.length > length);
    const details = sink.details.at(-1)!;
    const unchanged = `${await told()}` === `${before}`;
    if (!unchanged || !before.some((line) => line.includes('falseticker'))) continue;
    expect(details.map((line) => line.replace(/, [\d.]+ us .*/, ''))).toEqual(before);
    expect(details.at(-1)).toMatch(/, [78]\d{5}\.\d us ahead \(give or take /);
    console.log(details.join('\n'));
    return;
  }
});

test('the fields are those of chronyc', async () => {
  const daemon = await chronyd(await server(100));
  const sink = asked(daemon);
  const tracking = async () => {
    const fields = (await daemon.ask('tracking')).split(',');
    const [reference, correction, delay, dispersion] = [3, 4, 10, 11].map((i) => Number(fields[i]));
    return { reference, offset: correction!, claim: (delay! / 2 + dispersion!) * 1e9 };
  };
  // Between two reports of one update, the samples must be of that update.
  for (;;) {
    const before = await tracking();
    const { length } = sink.samples;
    await sink.until(() => sink.samples.length >= length + 2);
    const sample = sink.samples.at(-1)!;
    const after = await tracking();
    if (before.reference !== after.reference || before.claim > 1e8) continue;
    const { lowerNs, upperNs } = new WallTruth();
    const wall = Number(lowerNs + upperNs) / 2;
    // The sample adds the age at 15 ppm, the grid of the wall clock, and a part of the round trip.
    expect(Number(sample.serverErrorNs)).toBeGreaterThanOrEqual(before.claim - 1000);
    expect(Number(sample.serverErrorNs)).toBeLessThan(after.claim + 3e6);
    const middle = Number(sample.lowerNs + sample.upperNs) / 2 - wall;
    expect(Math.abs(middle / 1e9 - after.offset)).toBeLessThan(0.005);
    break;
  }
});

test('a falseticker is followed as chronyd follows it: one vote, which is outvoted', async () => {
  const lying = await chronyd(await server(700));
  // At first chronyd claims so little that the lie is within it.
  const sink = asked(lying);
  await sink.until(() => sink.samples.some(({ serverErrorNs }) => serverErrorNs < 100n * MS));
  const honest = await Promise.all(['42', '43'].map((n) => startHonest(`127.0.0.${n}`)));
  ends.push(() => Promise.all(honest.map((each) => each.stop())));
  const bounded = BoundedClock.start({
    sources: [
      chrony({ port: lying.commandPort, pollIntervalMs: 100 }),
      ...honest.map(({ address, port }) => ntp(address, { port, pollIntervalMs: 100 })),
    ],
  });
  ends.push(() => bounded.stop());
  await bounded.waitSynced({ timeoutMs: 30_000 });
  const truth = new WallTruth();
  const reading = bracketed(() => bounded.now());
  expect(truth.excluded(reading.value, reading)).toBe(0n);
  // What chronyd claims grows between two updates, and may reach the truth for a moment.
  await vi.waitFor(() => expect(bounded.explain().sources[0]!.verdict).toBe('falseticker'), {
    timeout: 30_000,
    interval: 20,
  });
});

test('local mode, and no source at all, are refused by name', async () => {
  const local = asked(await chronyd('local stratum 3'));
  await local.until(() => local.misses.length > 2);
  expect(local.misses.map(({ reason }) => reason)).toContain('local');
  expect(local.samples).toEqual([]);
});

test('unsynchronised, killed, and started again', async () => {
  const daemon = await chronyd('server 127.0.0.99 port 9 iburst');
  const { commandPort } = daemon;
  const sink = asked(daemon);
  await sink.until(() => sink.misses.length > 2);
  expect(new Set(sink.misses.map(({ reason }) => reason))).toEqual(new Set(['unsynchronized']));
  await daemon.stop('SIGKILL');
  await sink.until(() => sink.misses.some(({ reason }) => reason === 'unreachable'));
  const again = await startChronyd('127.0.0.41', [await server(0)], commandPort);
  ends.push(() => again.stop());
  await sink.until(() => sink.samples.length > 0);
  expectTruth(sink.samples, 0);
});
