import { describe, expect, test } from 'vitest';
import { AgedInterval } from '../../src/bound/aged-interval.ts';
import { maxRateFromPpm } from '../../src/bound/drift.ts';
import { DriftBound } from '../../src/bound/drift-bound.ts';
import { LocalNow } from '../../src/bound/local-now.ts';

const CONFIGURED = 0.0002;
const MINUTE = 60e9;
const DAY = 24 * 60 * MINUTE;

/** A drift bound of a world that ticks every second, as the clock does. */
class World {
  readonly #local = new LocalNow(CONFIGURED);
  readonly #drift = new DriftBound(this.#local);
  readonly #memory = new AgedInterval(this.#local.instants);

  /** The bound in force. */
  get maxRate(): number {
    return this.#local.maxRate;
  }

  /**
   * A contradiction so small that it doubles the bound, if it raises it at all.
   */
  strike(): void {
    this.#set(this.#drift.strike(1, 1e9));
  }

  /** Theta moves at `ppm`, and is known to 5 ms either way. */
  wait(ns: number, ppm = 0): void {
    const memory = this.#memory;
    for (const end = this.#local.now + ns; this.#local.now < end; ) {
      this.#local.now += 1e9;
      const middle = (memory.known ? (memory.lo + memory.hi) / 2 : 0) + ppm * 1e3;
      memory.begin(this.#local);
      memory.lo = middle - 5e6;
      memory.hi = middle + 5e6;
      this.#set(this.#drift.relax(memory));
    }
  }

  /** The memory is lost, and what follows is relative to another base. */
  loseMemory(): void {
    this.#memory.known = false;
    this.#drift.forget();
  }

  /** Waits until the bound is lowered next, and returns how many minutes that took. */
  raisedMinutes(ppm = 0): number {
    const began = this.#local.now;
    const raised = this.maxRate;
    while (this.maxRate === raised) this.wait(1e9, ppm);
    return (this.#local.now - began) / MINUTE;
  }

  /** The present becomes the base of local time. */
  rebase(): void {
    this.#local.instants.moveBack(this.#local.now);
    this.#local.now = 0;
  }

  #set(maxRate: number | undefined): void {
    if (maxRate !== undefined) this.#drift.set(maxRate);
  }
}

test('a second contradiction at once, of a source just heard, doubles the bound', () => {
  const local = new LocalNow(CONFIGURED);
  const drift = new DriftBound(local);
  expect(drift.strike(1, 0)).toBeUndefined();
  local.now = 1e9;
  expect(drift.strike(1, 0)).toBe(0.0004);
});

test.each([
  // 90,909 ppm convert to 10 %. No refutation raises the bound above that.
  [90_000, 0.1],
  [95_000, maxRateFromPpm(95_000)],
  [100_000, maxRateFromPpm(100_000)],
])('contradictions never lower a configured bound of %d ppm', (ppm, expected) => {
  const local = new LocalNow(maxRateFromPpm(ppm));
  const drift = new DriftBound(local);
  for (let strike = 0; strike < 3; strike++) {
    local.now = strike * 1e9;
    const raised = drift.strike(1e9, 1e9);
    if (raised !== undefined) drift.set(raised);
  }
  expect(local.maxRate).toBe(expected);
});

function raisedOnce(): World {
  const world = new World();
  world.strike();
  world.strike();
  expect(world.maxRate).toBe(2 * CONFIGURED);
  return world;
}

describe('a drift bound that was raised', () => {
  test('comes down after ten quiet minutes, and is doubted at the first contradiction', () => {
    const world = raisedOnce();
    expect(world.raisedMinutes()).toBe(10);
    expect(world.maxRate).toBe(CONFIGURED);
    world.wait(20 * 60 * MINUTE);
    world.strike();
    expect(world.maxRate).toBe(2 * CONFIGURED);
  });

  test('stays twice as long after each relapse, at most a day', () => {
    const world = raisedOnce();
    const stays: number[] = [];
    for (let relapse = 0; relapse < 10; relapse++) {
      stays.push(world.raisedMinutes());
      world.wait(MINUTE);
      world.strike();
    }
    expect(stays).toEqual([10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]);
  });

  test('further contradictions before it came down are not relapses', () => {
    const world = raisedOnce();
    world.strike();
    world.strike();
    expect(world.maxRate).toBe(8 * CONFIGURED);
    expect(world.raisedMinutes()).toBe(10);
  });

  test('halves every five minutes, whatever the quiet time', () => {
    const world = raisedOnce();
    world.raisedMinutes();
    world.strike();
    world.strike();
    expect(world.maxRate).toBe(4 * CONFIGURED);
    expect([world.raisedMinutes(), world.raisedMinutes()]).toEqual([20, 5]);
    expect(world.maxRate).toBe(CONFIGURED);
  });

  test('starts afresh once the configured bound has held for a day', () => {
    const world = raisedOnce();
    world.raisedMinutes();
    world.strike();
    world.raisedMinutes();
    world.wait(DAY);
    world.strike();
    expect(world.maxRate).toBe(CONFIGURED);
    world.strike();
    expect(world.maxRate).toBe(2 * CONFIGURED);
    expect(world.raisedMinutes()).toBe(10);
  });

  test('keeps its past when the time base moves', () => {
    const world = raisedOnce();
    world.raisedMinutes();
    world.strike();
    world.wait(15 * MINUTE);
    world.rebase();
    expect(world.raisedMinutes()).toBe(5);
    world.rebase();
    world.wait(DAY - MINUTE);
    world.strike();
    expect(world.maxRate).toBe(2 * CONFIGURED);
  });

  test.each([1, -1])('stays while theta moves faster than the lower one allows', (sign) => {
    const world = raisedOnce();
    world.wait(2 * 60 * MINUTE, sign * 250);
    expect(world.maxRate).toBe(2 * CONFIGURED);
    // The slew ends. What it did is compared once more, and forgotten.
    expect(world.raisedMinutes()).toBeLessThanOrEqual(20);
    expect(world.maxRate).toBe(CONFIGURED);
  });

  test('comes down where the widths hide whether theta moves faster', () => {
    const world = raisedOnce();
    // In ten minutes 15 ppm make 9 ms, and the memory is 5 ms wide on either side.
    world.wait(10 * MINUTE, 215);
    expect(world.maxRate).toBe(CONFIGURED);
  });

  test('comes down when the memory was lost: nothing can be compared', () => {
    const world = raisedOnce();
    world.wait(9 * MINUTE, 390);
    world.loseMemory();
    expect(world.raisedMinutes()).toBe(1);
  });
});
