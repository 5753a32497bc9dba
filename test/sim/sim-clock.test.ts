import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../src/sim/random.ts';
import { Scheduler } from '../../src/sim/scheduler.ts';
import { SimClock, type SimClockOptions } from '../../src/sim/sim-clock.ts';
import { sleep } from '../../src/time/sleep.ts';

const NS_PER_SECOND = 1_000_000_000;
const NS_PER_MS = 1_000_000;

function world(options: SimClockOptions = {}) {
  const scheduler = new Scheduler();
  const clock = new SimClock(scheduler, new Random(1), options);
  return { scheduler, clock };
}

test('a perfect clock shows true time, and its uptime', () => {
  const { scheduler, clock } = world({ uptimeMs: 1e9, wallGridNs: 1 });
  scheduler.run(5 * NS_PER_SECOND + 3);
  expect(clock.monotonicNs()).toBe(1_000_000_000_000_000n + 5_000_000_003n);
  expect(clock.wallNs()).toBe(scheduler.trueNs());
  expect(clock.wallErrorNs()).toBe(0n);
});

test('drift moves monotonic and wall clock alike', () => {
  const { scheduler, clock } = world({ driftPpm: 100, wallOffsetMs: -137, wallGridNs: 1 });
  const began = clock.monotonicNs();
  scheduler.run(10 * NS_PER_SECOND);
  // 100 ppm is not a binary fraction, so the last ns is rounded down.
  expect(clock.monotonicNs() - began).toBe(10_000_999_999n);
  expect(clock.wallErrorNs()).toBe(-137_000_000n + 999_999n);
  expect(clock.rateErrorPpm()).toBeCloseTo(100, 9);
});

test('a reading is on its grid, and the instant within one grid step above it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 * NS_PER_MS }),
      fc.nat(5 * NS_PER_SECOND),
      (grid, at) => {
        const { scheduler, clock } = world({ monotonicGridNs: grid, wallGridNs: grid });
        const exact = world({ monotonicGridNs: 1 });
        scheduler.run(at);
        exact.scheduler.run(at);
        const step = BigInt(grid);
        const coarse = clock.monotonicNs();
        expect(coarse % step).toBe(0n);
        expect(exact.clock.monotonicNs() - coarse).toBeGreaterThanOrEqual(0n);
        expect(exact.clock.monotonicNs() - coarse).toBeLessThan(step);
        const wall = clock.wallReadNs();
        expect(wall % step).toBe(0n);
        expect(scheduler.trueNs() - wall).toBeGreaterThanOrEqual(0n);
        expect(scheduler.trueNs() - wall).toBeLessThan(step);
      },
    ),
    { seed: 3 },
  );
});

test('a step moves the wall clock only', () => {
  const { scheduler, clock } = world();
  scheduler.run(NS_PER_SECOND);
  const monotonic = clock.monotonicNs();
  clock.stepWall(-300);
  expect(clock.monotonicNs()).toBe(monotonic);
  expect(clock.wallErrorNs()).toBe(-300_000_000n);
});

test('a slew moves both clocks, from now until it ends', () => {
  const { scheduler, clock } = world({ driftPpm: 20 });
  scheduler.run(NS_PER_SECOND);
  const before = clock.monotonicNs();
  clock.slew(500);
  scheduler.run(3 * NS_PER_SECOND);
  clock.slew(0);
  scheduler.run(4 * NS_PER_SECOND);
  expect(clock.monotonicNs() - before).toBe(3_000_000_000n + 3n * 20_000n + 2n * 500_000n);
  expect(clock.wallErrorNs()).toBe(4n * 20_000n + 2n * 500_000n);
});

// The effect of each kind of stop on the three clocks of a machine.
test.for([
  ['suspend', 'stops-monotonic', 0n, 60n, 60n],
  ['suspend', 'counts', 60n, 60n, undefined], // macOS: a pause, and no boot clock
  ['freeze', 'stops-monotonic', 0n, 0n, 0n],
  ['freeze', 'counts', 0n, 0n, undefined],
] as const)('%s of 60 s, %s', ([act, suspend, monotonic, wall, boot]) => {
  const { scheduler, clock } = world({ suspend, wallGridNs: 1 });
  scheduler.run(NS_PER_SECOND);
  const before = [clock.monotonicNs(), clock.wallReadNs(), clock.bootNs()] as const;
  if (act === 'suspend') clock.suspend(60_000);
  else clock.freeze(60_000);
  scheduler.run(61 * NS_PER_SECOND);
  expect(clock.monotonicNs() - before[0]).toBe(monotonic * BigInt(NS_PER_SECOND));
  expect(clock.wallReadNs() - before[1]).toBe(wall * BigInt(NS_PER_SECOND));
  const after = clock.bootNs();
  expect(after === undefined ? undefined : after - before[2]!).toBe(
    boot === undefined ? undefined : boot * BigInt(NS_PER_SECOND),
  );
  scheduler.run(62 * NS_PER_SECOND); // they go on afterwards
  expect(clock.monotonicNs() - before[0]).toBe((monotonic + 1n) * BigInt(NS_PER_SECOND));
});

test('two overlapping suspends stop the clock for the sum of both', () => {
  const { scheduler, clock } = world();
  const before = clock.monotonicNs();
  clock.suspend(1000);
  scheduler.run(NS_PER_SECOND / 2);
  clock.suspend(1000);
  scheduler.run(5 * NS_PER_SECOND);
  expect(clock.monotonicNs() - before).toBe(3_000_000_000n);
  expect(clock.wallErrorNs()).toBe(0n);
});

test('a timer fires when the monotonic clock has advanced by its delay, and stands still with it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -300_000, max: 300_000 }),
      fc.integer({ min: -90_000, max: 90_000 }),
      fc.double({ min: 0, max: 5000, noNaN: true }),
      fc.nat(3000),
      fc.nat(3000),
      (driftPpm, slewPpm, delayMs, slewAtMs, freezeMs) => {
        const { scheduler, clock } = world({ driftPpm });
        const set = clock.monotonicNs();
        let fired: bigint | undefined;
        clock.setTimer(delayMs, () => {
          fired = clock.monotonicNs();
        });
        scheduler.at(slewAtMs * NS_PER_MS, () => {
          clock.slew(slewPpm);
          clock.freeze(freezeMs);
        });
        scheduler.run(60 * NS_PER_SECOND);
        const waited = Number(fired! - set) - delayMs * 1e6;
        expect(waited).toBeGreaterThanOrEqual(-1);
        // The first whole ns at or after it; when the rate is raised meanwhile, late by the
        // difference.
        expect(waited).toBeLessThan(3 + 2 * delayMs * Math.max(0, slewPpm));
      },
    ),
    { seed: 4 },
  );
});

test('timers are at most as early and as late as the options say', () => {
  const { scheduler, clock } = world({ timerEarlyMs: 1, timerLateMs: 4 });
  const errors: number[] = [];
  const arm = (): void => {
    const set = clock.monotonicNs();
    clock.setTimer(50, () => {
      errors.push(Number(clock.monotonicNs() - set) / NS_PER_MS - 50);
      if (errors.length < 500) arm();
    });
  };
  arm();
  scheduler.run(60 * NS_PER_SECOND);
  expect(errors).toHaveLength(500);
  expect(Math.min(...errors)).toBeGreaterThanOrEqual(-1);
  expect(Math.min(...errors)).toBeLessThan(-0.9);
  expect(Math.max(...errors)).toBeLessThan(4.01);
  expect(Math.max(...errors)).toBeGreaterThan(3.9);
});

test('code that yields, or sleeps for the rest of early timers, until an instant reaches it', async () => {
  const { scheduler, clock } = world({ timerEarlyMs: 1 });
  const from = clock.monotonicNs();
  let yielded = 0;
  const turn = (): void => {
    yielded++;
    if (clock.monotonicNs() < from + 1_000_000n) clock.nextTurn(turn);
  };
  turn();
  let slept = 0;
  for (let i = 0; i < 100; i++) sleep(clock, 0.3).then(() => slept++);
  await scheduler.runAsync(2 * NS_PER_MS);
  expect([yielded, slept]).toEqual([102, 100]);
  expect(scheduler.eventIndex).toBeLessThan(5000);
});

test('a cancelled timer never fires, even one that was put off by a freeze', () => {
  const { scheduler, clock } = world();
  const fired: string[] = [];
  const cancel = clock.setTimer(100, () => fired.push('timer'));
  const turn = clock.nextTurn(() => fired.push('turn'));
  turn();
  scheduler.run(50 * NS_PER_MS);
  clock.freeze(1000);
  scheduler.run(500 * NS_PER_MS);
  cancel();
  cancel();
  scheduler.run(5 * NS_PER_SECOND);
  expect(fired).toEqual([]);
});

test('misuse is refused with the name of the option', () => {
  expect(() => world({ uptimeMs: -1 })).toThrow(/uptimeMs/);
  expect(() => world({ monotonicGridNs: 0 })).toThrow(/monotonicGridNs/);
  expect(() => world({ driftPpm: 5e5 })).toThrow(/driftPpm/);
  expect(() => world({ turnMs: 0 })).toThrow(/turnMs/);
});
