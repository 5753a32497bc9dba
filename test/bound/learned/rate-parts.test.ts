/**
 * The parts of learning a rate: anchors, caps, the wander bound, one edge of the bound.
 */
import { describe, expect, it } from 'vitest';
import { Anchors, CAPACITY } from '../../../src/bound/learned/anchors.ts';
import { LearnedEdge } from '../../../src/bound/learned/learned-edge.ts';
import {
  type RateAssumptions,
  rateAssumptions,
} from '../../../src/bound/learned/rate-assumptions.ts';
import { RateCap } from '../../../src/bound/learned/rate-cap.ts';
import { WanderBound } from '../../../src/bound/learned/wander-bound.ts';
import { LocalNow } from '../../../src/bound/local-now.ts';

const SECOND = 1e9;
const HOUR = 3600 * SECOND;
const A2: RateAssumptions = { jitter: 1e-6, wander: 1e-16, span: 25e-6, horizonNs: HOUR };

describe('anchors', () => {
  const edge = (at: number, value: number) => ({ at: { ns: at }, value });

  it('keep a few of many, spread over all ages up to the horizon', () => {
    const anchors = new Anchors(new LocalNow(500e-6));
    for (let s = 0; s <= 7200; s += 16) {
      anchors.expire({ now: s * SECOND }, A2);
      anchors.add(edge(s * SECOND, 100), edge(s * SECOND, 100));
    }
    expect(anchors.size).toBe(CAPACITY);
    const ages = Array.from(anchors.at.subarray(0, anchors.size), (at) => 7200 - at / SECOND);
    expect(ages.at(-1)).toBe(0);
    expect(ages.at(-2)).toBe(16);
    expect(ages[0]).toBeGreaterThan(1800);
    expect(ages[0]).toBeLessThanOrEqual(3600);
    // From one poll to an hour, each age is less than four times the next one.
    for (let i = 1; i + 1 < ages.length; i++) expect(ages[i - 1]! / ages[i]!).toBeLessThan(4);
  });

  it('of the two closest the wider one is dropped', () => {
    const anchors = new Anchors(new LocalNow(500e-6));
    // Each age is half of the one before, but for one pair of almost the same age.
    const times = Array.from({ length: CAPACITY }, (_, i) => 4096 - 4096 / 2 ** i);
    for (const [i, at] of times.entries()) anchors.add(edge(at, i), edge(at, i));
    anchors.at[5]! = anchors.at[4]! + 1e-3;
    anchors.upper[4] = 1000;
    anchors.add(edge(4096, 99), edge(4096, 99));
    expect(anchors.size).toBe(CAPACITY);
    expect(Array.from(anchors.upper.subarray(3, 6))).toEqual([3, 5, 6]);
  });

  it('a second statement about one instant replaces the first', () => {
    const anchors = new Anchors(new LocalNow(500e-6));
    anchors.add(edge(SECOND, 10), edge(SECOND, 10));
    anchors.add(edge(SECOND, 9), edge(SECOND, 8));
    expect(anchors.size).toBe(1);
    expect([anchors.upper[0], anchors.lower[0]]).toEqual([9, 8]);
  });
});

describe('a cap on the rate', () => {
  it('lasts for half a horizon at least and a horizon at most', () => {
    const cap = new RateCap(new LocalNow(500e-6));
    cap.forget(0);
    cap.lower(5e-6);
    cap.expire({ now: 0.5 * HOUR }, A2);
    cap.lower(7e-6);
    expect(cap.value).toBe(5e-6);
    cap.expire({ now: 0.99 * HOUR }, A2);
    expect(cap.value).toBe(5e-6);
    // The caps of the first half have expired, the cap of the second half still counts.
    cap.expire({ now: HOUR }, A2);
    expect(cap.value).toBe(7e-6);
    cap.expire({ now: 1.5 * HOUR }, A2);
    expect(cap.value).toBe(Number.POSITIVE_INFINITY);
  });

  it('does not outlive a silence', () => {
    const cap = new RateCap(new LocalNow(500e-6));
    cap.forget(0);
    cap.lower(5e-6);
    cap.expire({ now: 1.1 * HOUR }, A2);
    expect(cap.value).toBe(Number.POSITIVE_INFINITY);
  });

  it('only falls, and moves with the base of local time', () => {
    const local = new LocalNow(500e-6);
    const cap = new RateCap(local);
    cap.forget(10 * HOUR);
    cap.lower(5e-6);
    cap.lower(6e-6);
    local.instants.moveBack(10 * HOUR);
    cap.expire({ now: 0.9 * HOUR }, A2);
    expect(cap.value).toBe(5e-6);
    cap.expire({ now: HOUR }, A2);
    expect(cap.value).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('the bound on the wander', () => {
  it('doubles at each strike, halves after each quiet hour, and ends where it began', () => {
    const bound = new WanderBound(A2, new LocalNow(500e-6));
    bound.strike(0);
    bound.strike(SECOND);
    expect(bound.wander).toBe(4e-16);
    bound.relax(HOUR);
    expect(bound.wander).toBe(4e-16);
    bound.relax(HOUR + SECOND);
    expect(bound.wander).toBe(2e-16);
    bound.relax(HOUR + 2 * SECOND);
    expect(bound.wander).toBe(2e-16);
    bound.relax(3 * HOUR);
    bound.relax(9 * HOUR);
    expect(bound.wander).toBe(1e-16);
  });

  it('stays below 1000 ppm a second, or what was configured', () => {
    const bound = new WanderBound(A2, new LocalNow(500e-6));
    for (let i = 0; i < 100; i++) bound.strike(i);
    expect(bound.wander).toBe(1e-12);
    const lax = new WanderBound({ ...A2, wander: 3e-12 }, new LocalNow(500e-6));
    lax.strike(0);
    expect(lax.wander).toBe(3e-12);
  });

  it('a horizon longer than an hour is waited for', () => {
    const bound = new WanderBound({ ...A2, horizonNs: 2 * HOUR }, new LocalNow(500e-6));
    bound.strike(0);
    bound.relax(1.9 * HOUR);
    expect(bound.wander).toBe(2e-16);
    bound.relax(2 * HOUR);
    expect(bound.wander).toBe(1e-16);
  });
});

describe('one edge of the learned bound', () => {
  const wander = new WanderBound(A2, new LocalNow(500e-6));
  const present = (): LocalNow => new LocalNow(500e-6);
  const side = (): LearnedEdge => {
    const made = new LearnedEdge(present());
    made.begin(1000, present());
    return made;
  };

  /** It learns that theta rose by at most `rise` ns in the last `dt` ns. */
  const learn = (learned: LearnedEdge, rise: number, dt: number): void => {
    const anchors = new Anchors(present());
    const at = { ns: learned.at.ns - dt };
    anchors.add({ at, value: 0 }, { at, value: rise - learned.value });
    learned.learn(anchors, anchors.lower, wander, A2);
  };

  it('starts with R alone', () => {
    expect(side().growth.over(SECOND)).toBe(500_001);
    expect(side().rate).toBe(500e-6);
  });

  it('learns the mean rate, plus the jitter, plus half the wander', () => {
    const learned = side();
    // 8 ms in 100 s are 80 ppm; 1 ppm of jitter; 10 ppm of wander, halved.
    learn(learned, 8_000_000, 100 * SECOND);
    expect(learned.rate * 1e6).toBeCloseTo(86, 6);
    learned.updateGrowth(present(), wander, A2);
    expect(learned.growth.first * 1e6).toBeCloseTo(87, 6);
    // For hours: the mean, the jitter, the span, and the jitter once more.
    expect(learned.growth.most * 1e6).toBeCloseTo(107, 6);
    expect(learned.growth.maxRate).toBe(500e-6);
    expect(learned.growth.cappedFor).toBe(2 * HOUR);
    // A higher mean rate teaches nothing, however recent it is.
    learn(learned, 8_000_000, 80 * SECOND);
    expect(learned.rate * 1e6).toBeCloseTo(86, 6);
  });

  it('rises at the rate it knows, which wanders meanwhile', () => {
    const learned = side();
    learn(learned, 8_000_000, 100 * SECOND);
    learned.updateGrowth(present(), wander, A2);
    const later = present();
    later.now = 10 * SECOND;
    learned.advance(later, wander, A2);
    // 87 ppm for 10 s, and 0.1 * 10² / 2 us.
    expect(learned.value).toBeGreaterThanOrEqual(1000 + 875_000);
    expect(learned.value).toBeLessThanOrEqual(1000 + 875_003);
    expect(learned.grown).toBe(learned.value - 1000);
    expect(learned.rate * 1e6).toBeCloseTo(87, 6);
    // What followed from facts under another edge did not age with this one.
    learned.begin(1000, later);
    expect(learned.grown).toBe(Number.POSITIVE_INFINITY);
  });

  it('never grows faster than R, nor is taken to fall faster', () => {
    const learned = side();
    learn(learned, -10_000_000, SECOND);
    learned.updateGrowth(present(), wander, A2);
    expect(learned.growth.first).toBe(-500e-6);
    expect(learned.growth.most).toBe(-500e-6);
  });
});

it('assumptions on an oscillator are a little more on theta, per ns', () => {
  const given = {
    maxDriftPpm: 100_000,
    jitterPpm: 1,
    wanderPpmPerSecond: 0.1,
    maxWanderPpm: 25,
    horizonMs: 1000.0000001,
  };
  // At 10 % off, a change of 1 ppm changes the rate of theta by at most (1 / 0.9)³ ppm.
  const stretch = 1 / (0.9 * 0.9 * 0.9);
  const { jitter, wander, span, horizonNs } = rateAssumptions(given);
  expect(jitter / (1e-6 * stretch)).toBeCloseTo(1, 12);
  expect(wander / (1e-16 * stretch)).toBeCloseTo(1, 12);
  expect(span / (25e-6 * stretch)).toBeCloseTo(1, 12);
  expect(jitter).toBeGreaterThan(1e-6 * stretch);
  expect(horizonNs).toBe(SECOND);
});
