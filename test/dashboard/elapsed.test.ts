import { expect, test } from 'vitest';
import { Elapsed } from '../../src/dashboard/elapsed.ts';
import { SECOND } from '../kit/dashboard-world.ts';
import { HandClock } from '../kit/hand-clock.ts';

test('counts what passes, and a suspend once', () => {
  const clock = new HandClock({ bootGridNs: 10_000_000n });
  const elapsed = new Elapsed(clock);
  clock.advance(90n * SECOND);
  expect(elapsed.ms()).toBe(90_000);
  clock.suspend(3600n * SECOND);
  expect(elapsed.ms()).toBe(3_690_000);
  clock.advance(SECOND);
  expect(elapsed.ms()).toBe(3_691_000);
});

test('a step of the wall clock is no time that passes', () => {
  const clock = new HandClock();
  const elapsed = new Elapsed(clock);
  clock.wallOffset -= 3600n * SECOND;
  clock.advance(SECOND);
  expect(elapsed.ms()).toBe(1000);
});

test('the steps of the boot clock do not add up', () => {
  // The boot clock says 9 ms too little at first, and less than that later.
  const clock = new HandClock({ bootGridNs: 10_000_000n, monotonic: 1_000_009_000_000n });
  const elapsed = new Elapsed(clock);
  for (let i = 0; i < 1000; i++) {
    clock.advance(SECOND + 7_000_123n);
    elapsed.ms();
  }
  expect(elapsed.ms()).toBe(1_007_000);
});

test('without a boot clock a suspend stays unseen', () => {
  const clock = new HandClock({ boot: false });
  const elapsed = new Elapsed(clock);
  clock.suspend(3600n * SECOND);
  clock.advance(SECOND);
  expect(elapsed.ms()).toBe(1000);
});
