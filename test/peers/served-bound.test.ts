/**
 * The bound of a clock as NTP, to clients that others wrote: chronyd, ntpdig (ntpsec) and our own.
 * The clock follows a chronyd that serves this machine's wall clock, so that is true time.
 *
 * No test asserts speed. On a busy machine intervals are wide, but true time must still be inside.
 */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { BoundedClock } from 'epsilon-clock';
import { chrony, NtpServer, ntp } from 'epsilon-clock/node';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeRequest } from '../../src/sources/ntp/exchange.ts';
import { decodePacket, type NtpPacket } from '../../src/sources/ntp/packet.ts';
import { type Chronyd, queryOffsetNs, startChronyd, startHonest } from '../kit/chronyd.ts';
import { bracketed, WallTruth } from '../kit/wall-truth.ts';

/** Far more than a round trip on loopback takes; a sign or a unit that is wrong exceeds it. */
const NEAR_NS = 50_000_000;
const NTPDIG = '/usr/bin/ntpdig';
/** ntpdig asks port 123 only. */
const canAskNtpdig = existsSync(NTPDIG) && process.getuid?.() === 0;
const ADDRESS = '127.0.0.73';

let truth: WallTruth;
let upstream: Chronyd;
let clock: BoundedClock;
let server: NtpServer;
const clocks: BoundedClock[] = [];

function follow(options: Parameters<typeof BoundedClock.start>[0]): BoundedClock {
  const following = BoundedClock.start({ hostClock: 'free-running', ...options });
  clocks.push(following);
  return following;
}

beforeEach(async () => {
  truth = new WallTruth();
  upstream = await startHonest('127.0.0.71');
  const { address, port } = upstream;
  clock = follow({
    sources: [ntp(address, { port, pollIntervalMs: 250 })],
    expireAfterMs: 5000,
  });
  await clock.waitSynced({ timeoutMs: 60_000 });
  server = await NtpServer.start({ clock, host: ADDRESS, port: canAskNtpdig ? 123 : 0 });
});
afterEach(async () => {
  for (const each of clocks.splice(0)) each.stop();
  await server.stop();
  await upstream.stop();
});

async function ask(): Promise<NtpPacket> {
  const socket = createSocket('udp4');
  try {
    return await new Promise((resolve) => {
      socket.on('message', (reply) => resolve(decodePacket(Uint8Array.from(reply))));
      socket.send(encodeRequest(1n), server.port, ADDRESS);
    });
  } finally {
    socket.close();
  }
}

/** Reads `reader` for a while: how often there was an interval, and how far it was wrong. */
async function judged(reader: BoundedClock, readings: number) {
  let held = 0;
  let wrongNs = 0n;
  for (let i = 0; i < readings; i++) {
    const { value, ...bracket } = bracketed(() => reader.tryNow());
    if (value !== undefined) {
      held++;
      const violation = truth.excluded(value, bracket);
      if (violation > wrongNs) wrongNs = violation;
    }
    if (i % 10 === 0) await pause(1);
  }
  return { held, wrongNs };
}

test('our own client, at one hop and at two, holds true time', async () => {
  const second = follow({ sources: [ntp(ADDRESS, { port: server.port, pollIntervalMs: 250 })] });
  await second.waitSynced({ timeoutMs: 60_000 });
  await using relay = await NtpServer.start({ clock: second });
  const third = follow({ sources: [ntp('127.0.0.1', { port: relay.port, pollIntervalMs: 250 })] });
  await third.waitSynced({ timeoutMs: 60_000 });
  for (const reader of [clock, second, third]) {
    const { held, wrongNs } = await judged(reader, 3000);
    expect(wrongNs).toBe(0n);
    expect(held).toBeGreaterThan(1000);
  }
  // Each hop adds to the width; none takes anything away.
  const width = (reader: BoundedClock): bigint => {
    const { earliest, latest } = reader.now();
    return latest - earliest;
  };
  expect(width(third)).toBeGreaterThan(width(second));
});

test('chronyd -Q reads the right time', async () => {
  expect(Math.abs(await queryOffsetNs({ address: ADDRESS, port: server.port }))).toBeLessThan(
    NEAR_NS,
  );
});

test('a chronyd that follows it makes a claim that holds true time', async () => {
  const line = `server ${ADDRESS} port ${server.port} iburst minpoll -2 maxpoll -2`;
  const client = await startChronyd('127.0.0.72', [line]);
  try {
    const back = follow({ sources: [chrony({ host: '127.0.0.1', port: client.commandPort })] });
    await back.waitSynced({ timeoutMs: 60_000 });
    const { held, wrongNs } = await judged(back, 3000);
    expect(wrongNs).toBe(0n);
    expect(held).toBeGreaterThan(1000);
    const fields = (await client.ask('tracking')).split(',');
    expect(fields[2]).toBe('4'); // our stratum and one
  } finally {
    await client.stop();
  }
});

test.skipIf(!canAskNtpdig)('ntpdig reads the right time', async () => {
  const { stdout } = await promisify(execFile)(NTPDIG, ['-j', '-t', '5', ADDRESS]);
  const said = JSON.parse(stdout) as { offset: number; stratum: number; leap: string };
  expect(Math.abs(said.offset) * 1e9).toBeLessThan(NEAR_NS);
  expect(said).toMatchObject({ stratum: 3, leap: 'no-leap' });
});

test('when its server dies, the dispersion grows, then there is no time any more', async () => {
  const second = follow({ sources: [ntp(ADDRESS, { port: server.port, pollIntervalMs: 250 })] });
  await second.waitSynced({ timeoutMs: 60_000 });
  await upstream.stop('SIGKILL');
  await pause(100); // what it sent last has come by now
  const dispersions: number[] = [];
  let packet = await ask();
  while (packet.leap !== 3) {
    dispersions.push(packet.rootDispersion);
    await pause(50);
    packet = await ask();
  }
  expect(packet).toMatchObject({ stratum: 0, rootDispersion: 16 * 65_536 });
  for (let i = 1; i < dispersions.length; i++) {
    expect(dispersions[i]).toBeGreaterThanOrEqual(dispersions[i - 1]!);
  }
  expect(dispersions.at(-1)).toBeGreaterThan(dispersions[0]!);
  while (second.explain().sources[0]?.lastReason !== 'unsynchronized') await pause(50);
  // It has an hour of its own before its bound expires, and was right all the while.
  expect((await judged(second, 1000)).wrongNs).toBe(0n);
  await expect(queryOffsetNs({ address: ADDRESS, port: server.port })).rejects.toThrow();
  if (canAskNtpdig) {
    await expect(promisify(execFile)(NTPDIG, ['-t', '2', ADDRESS])).rejects.toThrow(/stratum 0/);
  }
});
