import { describe, expect, test } from 'vitest';
import { RateBound } from '../../src/bound/rate-bound.ts';

const CONFIGURED = 0.0002;
const MINUTE = 60e9;
const DAY = 24 * 60 * MINUTE;

/** A rate bound, ticked every second as the clock does; `now` is in ns. */
class Bound {
  now = 0;
  readonly rate = new RateBound(CONFIGURED);

  /** A contradiction too small to say how much is missing: a raise doubles. */
  strike(): void {
    this.#set(this.rate.strike(this.now, 1, 1e9));
  }

  wait(ns: number): void {
    for (const end = this.now + ns; this.now < end; ) {
      this.now += 1e9;
      this.#set(this.rate.relax(this.now));
    }
  }

  /** Minutes until the bound is lowered next, and that is where it stands now. */
  raisedMinutes(): number {
    const began = this.now;
    const raised = this.rate.slope;
    while (this.rate.slope === raised) this.wait(1e9);
    return (this.now - began) / MINUTE;
  }

  #set(slope: number | undefined): void {
    if (slope !== undefined) this.rate.set(slope);
  }
}

function raisedOnce(): Bound {
  const bound = new Bound();
  bound.strike();
  bound.strike();
  expect(bound.rate.slope).toBe(2 * CONFIGURED);
  return bound;
}

describe('a rate bound that was raised', () => {
  test('comes down after ten quiet minutes, and is doubted at the first contradiction', () => {
    const bound = raisedOnce();
    expect(bound.raisedMinutes()).toBe(10);
    expect(bound.rate.slope).toBe(CONFIGURED);
    bound.wait(20 * 60 * MINUTE);
    bound.strike();
    expect(bound.rate.slope).toBe(2 * CONFIGURED);
  });

  test('stays twice as long after each relapse, at most a day', () => {
    const bound = raisedOnce();
    const stays: number[] = [];
    for (let relapse = 0; relapse < 10; relapse++) {
      stays.push(bound.raisedMinutes());
      bound.wait(MINUTE);
      bound.strike();
    }
    expect(stays).toEqual([10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]);
  });

  test('further contradictions before it came down are not relapses', () => {
    const bound = raisedOnce();
    bound.strike();
    bound.strike();
    expect(bound.rate.slope).toBe(8 * CONFIGURED);
    expect(bound.raisedMinutes()).toBe(10);
  });

  test('halves every five minutes, whatever the quiet time', () => {
    const bound = raisedOnce();
    bound.raisedMinutes();
    bound.strike();
    bound.strike();
    expect(bound.rate.slope).toBe(4 * CONFIGURED);
    expect([bound.raisedMinutes(), bound.raisedMinutes()]).toEqual([20, 5]);
    expect(bound.rate.slope).toBe(CONFIGURED);
  });

  test('has no past once the configured bound has held for a day', () => {
    const bound = raisedOnce();
    bound.raisedMinutes();
    bound.strike();
    bound.raisedMinutes();
    bound.wait(DAY);
    bound.strike();
    expect(bound.rate.slope).toBe(CONFIGURED);
    bound.strike();
    expect(bound.rate.slope).toBe(2 * CONFIGURED);
    expect(bound.raisedMinutes()).toBe(10);
  });

  test('keeps its past when the time base moves', () => {
    const bound = raisedOnce();
    bound.raisedMinutes();
    bound.strike();
    bound.wait(15 * MINUTE);
    bound.rate.rebase(bound.now);
    bound.now = 0;
    expect(bound.raisedMinutes()).toBe(5);
    bound.rate.rebase(bound.now);
    bound.now = 0;
    bound.wait(DAY - MINUTE);
    bound.strike();
    expect(bound.rate.slope).toBe(2 * CONFIGURED);
  });
});
