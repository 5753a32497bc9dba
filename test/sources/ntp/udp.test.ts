import { networkInterfaces } from 'node:os';
import { type Clock, type RunningSource, systemClock, type TimeSource } from 'epsilon-clock';
import { type NtpServerBehaviour, ntp, startNtpServer } from 'epsilon-clock/node';
import { afterEach, describe, expect, test } from 'vitest';
import { RecordingSink } from '../../kit/recording-sink.ts';

/** The real thing: client and server over loopback sockets, on the system clock. */

const clock: Clock = systemClock();
const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);
const running: RunningSource[] = [];
afterEach(() => {
  for (const source of running.splice(0)) source.stop();
});

function start(source: TimeSource): RecordingSink {
  const sink = new RecordingSink(clock);
  running.push(source.start(sink));
  return sink;
}

async function oneAgainst(behaviour: NtpServerBehaviour): Promise<RecordingSink> {
  await using server = await startNtpServer({ clock, behaviour });
  const sink = start(ntp('127.0.0.1', { port: server.port, pollIntervalMs: 20 }));
  await sink.until(() => sink.samples.length + sink.misses.length > 0);
  return sink;
}

describe('an honest server', () => {
  test('yields samples whose facts hold for the clock it serves', async () => {
    await using server = await startNtpServer({ clock });
    const sink = start(ntp('127.0.0.1', { port: server.port, pollIntervalMs: 5 }));
    await sink.until(() => sink.samples.length >= 20);
    const id = `ntp://127.0.0.1:${server.port}`;
    expect(sink.listings).toEqual([[id], [id]]);
    // The wall clock, from which server and oracle read alike, is known to its grid; no closer.
    const slack = 2n * clock.wallGridNs;
    const theta = clock.wallNs() - clock.monotonicNs();
    for (const sample of sink.samples) {
      expect(sample.sourceId).toBe(id);
      expect(sample.leap).toBe('none');
      expect(sample.receivedAt - sample.sentAt).toBeGreaterThanOrEqual(sample.pathDelayNs);
      expect(sample.upperNs).toBeGreaterThanOrEqual(theta - slack);
      expect(sample.lowerNs).toBeLessThanOrEqual(theta + slack);
      expect(sample.upperNs).toBeGreaterThan(sample.lowerNs);
    }
    expect(server.answered).toBeGreaterThanOrEqual(20);
    expect(sink.misses).toEqual([]);
  });

  // In CI, a machine without IPv6 is a fault of the machine: better a failure than a silent gap.
  test.skipIf(!hasIpv6 && process.env.CI !== 'true')('over IPv6', async () => {
    await using server = await startNtpServer({ clock, host: '::1' });
    const sink = start(ntp('0:0:0:0:0:0:0:1', { port: server.port }));
    await sink.until(() => sink.samples.length > 0);
    expect(sink.ids).toEqual([`ntp://[::1]:${server.port}`]);
    expect(sink.samples[0]?.sourceId).toBe(`ntp://[::1]:${server.port}`);
  });
});

describe('a server that', () => {
  test.each<[string, NtpServerBehaviour, string]>([
    ['is not synchronised', { leap: 'unsynchronized' }, 'unsynchronized'],
    ['has stratum 16', { stratum: 16 }, 'stratum'],
    ['claims a root dispersion of 2 s', { rootDispersionMs: 2000 }, 'root-distance'],
    ['sends RATE', { kiss: 'RATE' }, 'kiss-rate'],
    ['sends DENY', { kiss: 'DENY' }, 'kiss-deny'],
    ['sends RSTR', { kiss: 'RSTR' }, 'kiss-rstr'],
  ])('%s is refused', async (_, behaviour, reason) => {
    const sink = await oneAgainst(behaviour);
    expect(sink.misses[0]?.reason).toBe(reason);
    expect(sink.samples).toEqual([]);
  });

  test('announces a leap second says so in its samples', async () => {
    expect((await oneAgainst({ leap: 'insert' })).samples[0]?.leap).toBe('insert');
    expect((await oneAgainst({ leap: 'delete' })).samples[0]?.leap).toBe('delete');
  });

  test('is ahead by a minute is believed: one source is all there is', async () => {
    const [sample] = (await oneAgainst({ offsetMs: 60_000 })).samples;
    expect(sample?.lowerNs).toBeGreaterThan(clock.wallNs() - clock.monotonicNs() + 50_000_000_000n);
  });

  test('holds its answer is not blamed on the path', async () => {
    const [sample] = (await oneAgainst({ holdMs: 300 })).samples;
    const roundTrip = (sample?.receivedAt ?? 0n) - (sample?.sentAt ?? 0n);
    // Timers may fire a millisecond early, and the wall clock's estimate moves by up to its grid.
    expect(roundTrip - (sample?.pathDelayNs ?? 0n)).toBeGreaterThan(290_000_000n);
  });

  test('is silent is a timeout', async () => {
    await using server = await startNtpServer({ clock, behaviour: { silent: true } });
    const sink = start(ntp('127.0.0.1', { port: server.port, timeoutMs: 50 }));
    await sink.until(() => sink.misses.length > 0);
    expect(sink.misses[0]).toEqual({ sourceId: sink.ids[0], reason: 'timeout' });
  });

  test('is not there is unreachable', async () => {
    const server = await startNtpServer({ clock });
    await server.close();
    const sink = start(ntp('127.0.0.1', { port: server.port, timeoutMs: 20_000 }));
    await sink.until(() => sink.misses.length > 0);
    expect(sink.misses[0]?.reason).toBe('unreachable');
  });
});

describe('an embedded server', () => {
  test.each([
    [{ clock, port: 0.5 }, 'ERR_OUT_OF_RANGE'],
    [{ clock, host: '192.0.2.1' }, 'ERR_OUT_OF_RANGE'],
    [{}, 'ERR_INVALID_ARG_TYPE'],
    [{ clock: {} }, 'ERR_INVALID_ARG_TYPE'],
  ])('refuses bad options before it opens anything (row %#)', async (options, code) => {
    await expect(startNtpServer(options as never)).rejects.toMatchObject({ code });
  });

  test('reports a port that is taken', async () => {
    await using first = await startNtpServer({ clock });
    const second = startNtpServer({ clock, port: first.port });
    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
