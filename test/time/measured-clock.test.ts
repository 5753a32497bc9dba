import { measuredClock } from 'epsilon-clock/browser';
import { systemClock } from 'epsilon-clock/time';
import { expect, it, test } from 'vitest';
import { measuredGridNs } from '../../src/time/measured-clock.ts';
import { HandClock } from '../kit/hand-clock.ts';

/** A page's clock of steps, which takes some time to read. */
function steppedClock(stepNs: bigint, readNs = 700n, pauses: readonly number[] = []): HandClock {
  const clock = new HandClock({ monotonicGridNs: stepNs });
  let reads = 0;
  clock.onRead = () => {
    clock.monotonic += pauses.includes(++reads % 1000) ? 5_000_000n : readNs;
  };
  // What is assumed of pages that are not isolated.
  const read = clock.monotonicNs;
  return Object.defineProperties(new HandClock(), {
    monotonicNs: { value: read },
    monotonicGridNs: { value: 2_000_000n },
  });
}

it.each([
  ['100 us, as in Chromium', 100_000n, 200_000n],
  ['1 ms, as in Safari', 1_000_000n, 2_000_000n],
  ['20 us, as in Firefox when isolated', 20_000n, 40_000n],
  ['less than any browser has', 1000n, 10_000n],
  ['16.7 ms, more than is assumed', 16_700_000n, 2_000_000n],
])('a step of %s', (_, step, grid) => {
  expect(measuredGridNs(steppedClock(step))).toBe(grid);
});

it('is not misled by pauses of the program', () => {
  expect(measuredGridNs(steppedClock(100_000n, 700n, [150, 400, 600, 900]))).toBe(200_000n);
});

it('that is finer already stays as it is', () => {
  const fine = new HandClock({ monotonicGridNs: 280n });
  expect(measuredGridNs(fine)).toBe(280n);
});

it('gives up on a clock that stands still for long, without waiting for ever', () => {
  const slow = steppedClock(10_000_000n);
  expect(measuredGridNs(slow)).toBe(2_000_000n);
});

it('gives up on a clock that never moves', () => {
  const still = new HandClock({ monotonicGridNs: 2_000_000n });
  let reads = 0;
  still.onRead = () => reads++;
  expect(measuredGridNs(still)).toBe(2_000_000n);
  expect(reads).toBeLessThan(60_000);
});

test('on a machine whose clock is fine it is the system clock', () => {
  expect(measuredClock().monotonicGridNs).toBe(systemClock().monotonicGridNs);
});
