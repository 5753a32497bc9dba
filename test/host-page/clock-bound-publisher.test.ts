/**
 * `ClockBoundPublisher`: in simulated worlds, where true time is known, and on this machine's
 * clocks for what has to do with files.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import type { BoundedReader } from '../../src/bounded-clock/bounded-reader.ts';
import { outlookOf } from '../../src/bounded-clock/page/outlook.ts';
import {
  CURVE_HI,
  END_REASON,
  FIRST_SEGMENT,
  PAGE_SLOTS,
  SEGMENT_COUNT,
  SEGMENT_SLOTS,
  SLOPE_HI,
  SLOPE_LO,
  SPAN,
  START,
} from '../../src/bounded-clock/page/page.ts';
import { ClockBoundPublisher } from '../../src/host-page/clock-bound-publisher.ts';
import { constantDelay } from '../../src/sim/delay-models.ts';
import type { SimClockOptions } from '../../src/sim/sim-clock.ts';
import type { SimProcess } from '../../src/sim/sim-process.ts';
import { SimWorld } from '../../src/sim/world.ts';
import { clockBound } from '../../src/sources/clock-bound/clock-bound.ts';
import { ntp } from '../../src/sources/ntp/ntp.ts';
import { NtpServer } from '../../src/sources/ntp/udp-server.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import { systemClock } from '../../src/time/system-clock.ts';
import { clientNow, parseSegment, type Segment, STATUS } from '../kit/clock-bound-client.ts';
import { segmentBytes } from '../kit/clock-bound-segment.ts';
import { RecordingSink } from '../kit/recording-sink.ts';
import { WallTruth } from '../kit/wall-truth.ts';

const folder = fs.mkdtempSync(join(tmpdir(), 'epsilon-clock-bound-publisher-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));
let path: string;
let files = 0;
beforeEach(() => {
  path = join(folder, `shm${files++}`);
});
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const noLock = async () => () => {};
const segmentNow = (): Segment => parseSegment(fs.readFileSync(path));

/** A publisher without the kernel's lock, which starts a program. */
async function publish(clock: BoundedReader, more: { vmClockPath?: string } = {}) {
  const publisher = await ClockBoundPublisher.start({ clock, path, lock: noLock, ...more });
  ends.push(() => publisher.stop());
  return publisher;
}

interface Machine {
  readonly world: SimWorld;
  readonly machine: SimProcess;
  readonly clock: BoundedClock;
}

/** A machine with three honest servers, ten simulated seconds after its start. */
async function machineWith(
  options: SimClockOptions,
  hostClock: 'disciplined' | 'free-running' = 'disciplined',
): Promise<Machine> {
  const world = new SimWorld({ seed: 7 });
  const machine = world.process('app', { clock: options });
  const servers = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
  for (const server of servers) {
    world.ntpServer(server);
    world.network.link('app', server, { delay: constantDelay(0.4) });
    world.network.link(server, 'app', { delay: constantDelay(0.2) });
  }
  const clock = BoundedClock.start({
    clock: machine.clock,
    hostClock,
    sources: servers.map((server) => world.ntp(machine, server, { pollIntervalMs: 16_000 })),
  });
  ends.push(() => clock.stop());
  await publish(clock);
  await world.run(10_000);
  return { world, machine, clock };
}

/** Reads the segment every 70 ms, and computes from all of the last minute what a client would. */
async function clientsOf({ world, machine }: Machine, seconds: number) {
  const kept: Segment[] = [];
  let readings = 0;
  let violations = 0;
  let unknown = 0;
  for (let i = 0; i < (seconds * 1000) / 70; i++) {
    await world.run(70);
    const newest = segmentNow();
    if (i % 10 === 0) kept.push(newest);
    if (kept.length > 85) kept.shift();
    const truth = world.scheduler.trueNs();
    for (const segment of [...kept, newest]) {
      const real = machine.clock.wallNs();
      const mono = machine.clock.monotonicNs();
      const grid = 4_000_000n; // CLOCK_MONOTONIC_COARSE at 250 Hz
      const { earliest, latest, status } = clientNow(segment, real, mono - (mono % grid));
      readings++;
      if (segment.status === STATUS.unknown || segment.status === STATUS.disrupted) unknown++;
      else if (earliest > truth || latest < truth) violations++;
      // Within the grace of both versions of the client, and no longer than that.
      if (segment.status === STATUS.synchronized && mono - segment.asOf < 5_000_000_000n) {
        expect(status).toBe(STATUS.synchronized);
      }
    }
  }
  return { readings, violations, unknown };
}

describe('what clients compute holds true time, from segments that are up to a minute old', () => {
  test.each([180, -180])('a wall clock that drifts by %i ppm', async (driftPpm) => {
    const found = await clientsOf(await machineWith({ driftPpm, wallOffsetMs: 12 }), 150);
    expect(found).toMatchObject({ violations: 0, unknown: 0 });
    expect(found.readings).toBeGreaterThan(100_000);
  });

  test('the rate is learned, and wanders', async () => {
    const options: SimClockOptions = { driftPpm: 40, wallOffsetMs: -3 };
    const made = await machineWith(options, 'free-running');
    expect(await clientsOf(made, 300)).toMatchObject({ violations: 0, unknown: 0 });
    // And it pays: 500 ppm were assumed.
    expect(segmentNow().driftPpb).toBeLessThan(200_000);
  });

  test('a daemon that slews by 5 %, a wall clock that is 40 ms off', async () => {
    const made = await machineWith({ driftPpm: 20, wallOffsetMs: 40 });
    const wide = segmentNow().boundNs;
    made.world.scheduler.after(10e9, () => made.machine.clock.slew(-50_000));
    made.world.scheduler.after(10.8e9, () => made.machine.clock.slew(0));
    const { violations, unknown, readings } = await clientsOf(made, 60);
    expect(violations).toBe(0);
    // The clock drops its bound for a moment: its sources contradict what they said before.
    expect(unknown).toBeLessThan(readings / 20);
    expect(wide).toBeGreaterThan(40_000_000n);
    expect(segmentNow().boundNs).toBeLessThan(wide / 4n);
  });

  test('control: a wall clock that is stepped, with the segments of before', async () => {
    const made = await machineWith({ driftPpm: 20 });
    made.world.scheduler.after(10e9, () => made.machine.clock.stepWall(50));
    const { violations } = await clientsOf(made, 20);
    expect(violations).toBeGreaterThan(100);
  });
});

test('the slope is the steepest until then, of either edge, also of a curve', () => {
  const slots = new BigInt64Array(PAGE_SLOTS);
  slots[SEGMENT_COUNT] = 3n;
  slots[END_REASON] = 0n;
  const segments = [
    { [START]: 0n, [SPAN]: 999n, [SLOPE_LO]: 900n },
    { [START]: 1000n, [SPAN]: 1_023_999n, [SLOPE_LO]: -7n, [SLOPE_HI]: 5n, [CURVE_HI]: 2n ** 32n },
    { [START]: 1_025_000n, [SPAN]: 5000n, [SLOPE_LO]: 5000n },
  ];
  for (const [i, segment] of segments.entries()) {
    for (const [slot, value] of Object.entries(segment)) {
      slots[FIRST_SEGMENT + i * SEGMENT_SLOTS + Number(slot)] = value;
    }
  }
  const slope = (from: bigint, to: bigint) => outlookOf(slots, from, to).slope;
  expect(slope(0n, 10n)).toBe(900n);
  // The derivative of `a * (5 + a)` at 101 units, and one for rounding.
  expect(slope(1000n, 1000n + 102_400n)).toBe(5n + 2n * 101n + 1n);
  expect(slope(1000n, 2_000_000n)).toBe(5000n);
  expect(slope(1_026_000n, 2_000_000n)).toBe(5000n);
  expect(outlookOf(slots, 0n, 10n).until).toBe(1_030_000n);
});

test('a step is published within 100 ms; the next bound is one for the wall clock as it is now', async () => {
  const made = await machineWith({ driftPpm: 20 });
  made.machine.clock.stepWall(50);
  const seen = new Set<number>();
  for (let ms = 0; ms < 110; ms++) {
    await made.world.run(1);
    seen.add(segmentNow().status);
  }
  expect(seen).toContain(STATUS.disrupted);
  await made.world.run(10_000);
  expect(segmentNow().status).toBe(STATUS.synchronized);
  expect(segmentNow().boundNs).toBeGreaterThan(49_000_000n);
  expect(await clientsOf(made, 5)).toMatchObject({ violations: 0 });
});

test('a step of 2.5 ms does not disrupt the clock: within 100 ms the segment holds again', async () => {
  const { world, machine } = await machineWith({ driftPpm: 20 });
  // In a row, because once a second the wall clock is measured anew anyway.
  for (let step = 0; step < 8; step++) {
    machine.clock.stepWall(2.5);
    await world.run(110);
    const segment = segmentNow();
    expect(segment.status).toBe(STATUS.synchronized);
    const { clock } = machine;
    const { earliest, latest } = clientNow(segment, clock.wallNs(), clock.monotonicNs());
    expect(earliest).toBeLessThanOrEqual(world.scheduler.trueNs());
    expect(latest).toBeGreaterThanOrEqual(world.scheduler.trueNs());
    await world.run(1500 + step * 100);
  }
});

test('a step that is too small to disrupt the clock: within 2 s the segment holds again', async () => {
  const made = await machineWith({ driftPpm: 20 });
  const before = segmentNow().boundNs;
  made.machine.clock.stepWall(0.8);
  await made.world.run(2100);
  expect(segmentNow().status).toBe(STATUS.synchronized);
  expect(segmentNow().boundNs).toBeGreaterThan(before + 500_000n);
  expect(await clientsOf(made, 5)).toMatchObject({ violations: 0 });
});

describe('the status', () => {
  test('from no bound to a bound, to a holdover, to none', async () => {
    const clock = new TestClock({ synchronized: false });
    await publish(clock);
    expect(segmentNow()).toMatchObject({ status: STATUS.unknown, generation: 2 });
    // Not 0, which a client that ignores the status would take for an exact clock.
    expect(segmentNow().boundNs).toBeGreaterThan(10n ** 15n);
    clock.restoreBound();
    await clock.advance(200);
    expect(segmentNow().status).toBe(STATUS.synchronized);
    clock.loseBound('contradiction');
    await clock.advance(1);
    expect(segmentNow().status).toBe(STATUS.unknown);
    clock.restoreBound();
    await clock.advance(1);
    expect(segmentNow().status).toBe(STATUS.synchronized);
    clock.step(5000);
    await clock.advance(1);
    expect(segmentNow().status).toBe(STATUS.disrupted);
  });

  test('a holdover runs free', async () => {
    const made = await machineWith({ driftPpm: 20 });
    for (const server of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) {
      made.world.network.link('app', server, { delay: constantDelay(0.4), loss: 1 });
    }
    await made.world.run(120_000);
    expect(made.clock.read().status).toBe('holdover');
    expect(segmentNow().status).toBe(STATUS.freeRunning);
  });

  test('stop() ends it at once, and twice is once', async () => {
    const made = await machineWith({ driftPpm: 20 });
    const publisher = await ClockBoundPublisher.start({
      clock: made.clock,
      path: `${path}-2`,
      lock: noLock,
    });
    await made.world.run(1000);
    expect(parseSegment(fs.readFileSync(`${path}-2`)).status).toBe(STATUS.synchronized);
    await publisher.stop();
    await publisher[Symbol.asyncDispose]();
    expect(parseSegment(fs.readFileSync(`${path}-2`)).status).toBe(STATUS.unknown);
  });

  test('a clock that throws, as under fake timers: no bound, and why', async () => {
    const clock = new TestClock();
    const publisher = await publish(clock);
    const troubles: (Error | undefined)[] = [];
    publisher.onTrouble((trouble) => troubles.push(trouble));
    await clock.advance(200);
    expect(segmentNow().status).toBe(STATUS.synchronized);
    const fault = new Error('no clock');
    const { read } = clock;
    clock.read = () => {
      throw fault;
    };
    await clock.advance(500);
    expect(segmentNow().status).toBe(STATUS.unknown);
    expect(publisher.lastError).toBe(fault);
    clock.read = read;
    await clock.advance(200);
    expect(segmentNow().status).toBe(STATUS.synchronized);
    expect(troubles).toEqual([fault, undefined]); // each said once
  });

  test('the clock is stopped', async () => {
    const made = await machineWith({ driftPpm: 20 });
    made.clock.stop();
    await made.world.run(1);
    expect(segmentNow().status).toBe(STATUS.unknown);
  });
});

describe('the marker of a VMClock', () => {
  const page = (marker: bigint, sequence = 2): Uint8Array => {
    const bytes = new Uint8Array(112);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0x4b4c_4356, true);
    view.setUint32(4, 4096, true);
    view.setUint16(8, 1, true);
    view.setUint32(12, sequence, true);
    view.setBigUint64(16, marker, true);
    return bytes;
  };

  test('is what clients compare; without a device they need not', async () => {
    const clock = new TestClock();
    const device = join(folder, 'vmclock');
    const marker = 2n ** 64n - 3n;
    fs.writeFileSync(device, page(marker));
    await publish(clock, { vmClockPath: device });
    await clock.advance(200);
    expect(segmentNow()).toMatchObject({ marker, support: 1, status: STATUS.synchronized });
    // While the hypervisor writes, nothing is vouched for.
    const { asOf } = segmentNow();
    fs.writeFileSync(device, page(7n, 3));
    await clock.advance(1000);
    expect(segmentNow()).toMatchObject({ marker, asOf });
    fs.writeFileSync(device, page(7n, 4));
    await clock.advance(200);
    expect(segmentNow()).toMatchObject({ marker: 7n });

    path = `${path}-without`;
    await publish(clock, { vmClockPath: join(folder, 'nothing') });
    await clock.advance(200);
    expect(segmentNow()).toMatchObject({ marker: 0n, support: 0 });
  });
});

describe('the file', () => {
  const start = (more: object = {}) =>
    ClockBoundPublisher.start({ clock: new TestClock(), path, ...more }).then((made) => {
      ends.push(() => made.stop());
      return made;
    });

  test.each<[string, () => void, string]>([
    [
      'a symbolic link',
      () => {
        fs.writeFileSync(`${path}-target`, '');
        fs.symlinkSync(`${path}-target`, path);
      },
      'symbolic-link',
    ],
    ['a folder', () => fs.mkdirSync(path), 'not-a-file'],
    ['a pipe', () => execFileSync('mkfifo', [path]), 'not-a-file'],
    [
      'no folder for it',
      () => {
        path = join(path, 'shm0');
      },
      'unwritable',
    ],
  ])('%s: refused', async (_, make, reason) => {
    make();
    await expect(start()).rejects.toMatchObject({ code: 'ERR_CLOCK_BOUND_PAGE', reason, path });
  });

  test.skipIf(process.geteuid?.() !== 0)('the file of another user: refused', async () => {
    fs.writeFileSync(path, '');
    fs.chownSync(path, 65_534, 65_534);
    await expect(start()).rejects.toMatchObject({ reason: 'other-owner' });
  });

  test('one writer, in this process too; the next one may go on', async () => {
    const first = await start();
    await expect(start()).rejects.toMatchObject({ reason: 'in-use' });
    await first.stop();
    await expect(start()).resolves.toBeInstanceOf(ClockBoundPublisher);
  });

  test('one that is replaced while it is opened: refused', async () => {
    const lock = async () => {
      fs.renameSync(path, `${path}-old`);
      fs.writeFileSync(path, '');
      return () => {};
    };
    await expect(start({ lock })).rejects.toMatchObject({ reason: 'replaced' });
  });

  test('everybody may read it, nobody else may write it', async () => {
    fs.writeFileSync(path, '');
    fs.chmodSync(path, 0o666);
    await start();
    expect(fs.statSync(path).mode & 0o777).toBe(0o644);
  });

  test.each<[string, Uint8Array | string]>([
    ['nothing', ''],
    ['a header alone', segmentBytes({ asOf: 1n, voidAfter: 2n }).subarray(0, 16)],
    ['a segment that was never written', segmentBytes({ asOf: 1n, voidAfter: 2n, generation: 0 })],
    ['a segment of version 3', segmentBytes({ asOf: 1n, voidAfter: 2n, version: 3 })],
  ])('%s in it: becomes a segment, in place and no shorter', async (_, content) => {
    fs.writeFileSync(path, content);
    const { ino, size } = fs.statSync(path);
    await start();
    expect(segmentNow()).toMatchObject({ generation: 2, status: STATUS.unknown });
    expect(fs.statSync(path).ino).toBe(ino);
    expect(fs.statSync(path).size).toBe(Math.max(size, 80));
  });

  test.each<[string, Uint8Array | string]>([
    ['a text', 'some notes of mine '.repeat(1000)],
    ['seven bytes', segmentBytes({ asOf: 1n, voidAfter: 2n }).subarray(0, 7)],
    ['noise', Uint8Array.from({ length: 80 }, (_, i) => (i * 197) & 0xff)],
  ])('%s in it: refused, and left as it is', async (_, content) => {
    fs.writeFileSync(path, content, { mode: 0o600 });
    await expect(start()).rejects.toMatchObject({
      reason: 'not-a-segment',
      message: expect.stringContaining('move it away'),
    });
    expect(fs.readFileSync(path)).toEqual(Buffer.from(content));
    expect(fs.statSync(path).mode & 0o777).toBe(0o600);
  });

  test.each([
    [8, 10],
    [7, 8],
    [0xfe, 0x100],
    [0xff, 0x100],
    [0xfffe, 2],
    [0xffff, 2],
  ])('the segment of another life, at generation %i: goes on with %i', async (generation, next) => {
    fs.writeFileSync(path, segmentBytes({ asOf: 5n, voidAfter: 6n, generation }));
    const { ino } = fs.statSync(path);
    await start();
    expect(segmentNow()).toMatchObject({ generation: next, status: STATUS.unknown, asOf: 0n });
    expect(fs.statSync(path).ino).toBe(ino);
  });

  test('bad options', async () => {
    const bad = { path: 'shm0' };
    await expect(start(bad)).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
    await expect(start({ path: 7 })).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    await expect(start({ clock: {} })).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    await expect(start({ lock: 1 })).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    await expect(start({ Path: '/x' })).rejects.toThrow('path');
    expect(fs.existsSync(path)).toBe(false);
  });
});

test('clockBound() reads it back: its samples hold the wall clock, which is the truth here', async () => {
  const server = await NtpServer.start({ clock: systemClock() });
  const clock = BoundedClock.start({
    sources: [ntp('127.0.0.1', { port: server.port, pollIntervalMs: 50 })],
  });
  ends.push(
    () => clock.stop(),
    () => server.stop(),
  );
  await clock.waitSynced({ timeoutMs: 30_000 });
  const publisher = await ClockBoundPublisher.start({ clock, path });
  ends.push(() => publisher.stop());
  const sink = new RecordingSink(systemClock());
  const running = clockBound({ path, pollIntervalMs: 20 }).start(sink);
  ends.push(() => running.stop());
  await sink.until(() => sink.samples.length >= 10);
  const { lowerNs, upperNs } = new WallTruth();
  for (const sample of sink.samples) {
    expect(sample.upperNs).toBeGreaterThanOrEqual(lowerNs);
    expect(sample.lowerNs).toBeLessThanOrEqual(upperNs);
  }
  expect(publisher.lastError).toBeUndefined();
});
