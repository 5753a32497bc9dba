import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Growth } from '../../src/bound/growth.ts';

const PPM = 1e-6;
const SECOND = 1e9;
/** 0.1 ppm a second, per ns. */
const WANDER = 1e-16;

function curved(first: number, most: number): Growth {
  const growth = new Growth();
  growth.curved(first * PPM, most * PPM, WANDER, 7200 * SECOND, 500 * PPM);
  return growth;
}

describe('how far theta rises', () => {
  it.each([
    // 80 ppm for a second, and half of 0.1 ppm on top.
    [80, 107, 1, 80_050],
    // A parabola: 80 ppm of 100 s is 8 ms, and 0.1 * 100² / 2 us.
    [80, 107, 100, 8_500_000],
    // Up to the bend, where the rate has reached 107 ppm.
    [80, 107, 270, 25_245_000],
    // From there on a line.
    [80, 107, 1270, 132_245_000],
    // A clock that certainly gains: the upper edge comes down.
    [-80, -53, 1, -79_950],
    [-80, -53, 270, -17_955_000],
    // Nothing learned: the cone.
    [500, 500, 10, 5_000_000],
    // The rate now is above the cap, so the cap counts from the start.
    [120, 100, 10, 1_000_000],
    // 10 s to the bend, 7190 s at 1 ppm until the cap has expired, 100 s at R.
    [0, 1, 7300, 57_195_000],
  ])('at %d ppm now, at most %d ppm, in %d s: %d ns', (first, most, seconds, ns) => {
    const risen = curved(first, most).over(seconds * SECOND);
    // One for rounding up, and one for what the doubles of this test are off.
    expect(risen).toBeGreaterThanOrEqual(ns + 1);
    expect(risen).toBeLessThanOrEqual(ns + 2);
  });

  it('by 0 at age 0', () => {
    expect(curved(80, 107).over(0)).toBe(0);
    expect(curved(-80, -53).over(0)).toBe(0);
  });
});

const parts = {
  first: fc.double({ min: -500, max: 500, noNaN: true }),
  more: fc.double({ min: 0, max: 60, noNaN: true }),
  early: fc.integer({ min: 1, max: 9e12 }),
  late: fc.integer({ min: 1, max: 9e12 }),
};

describe('laws', () => {
  it('growth over two ages in turn is growth over their sum', () => {
    fc.assert(
      fc.property(fc.record(parts), ({ first, more, early, late }) => {
        const whole = curved(first, first + more);
        const rest = new Growth();
        rest.later(whole, early);
        const rounded = whole.over(early) + rest.over(late) - whole.over(early + late);
        // Each of the three is up to 2 ns too large.
        expect(rounded).toBeGreaterThanOrEqual(-2);
        expect(rounded).toBeLessThanOrEqual(4);
        expect(rest.rateAt(late)).toBeCloseTo(whole.rateAt(early + late), 15);
      }),
      { seed: 20281, numRuns: 500 },
    );
  });

  it('between two switches it is the integral of the rate', () => {
    fc.assert(
      fc.property(fc.record(parts), ({ first, more, early }) => {
        const growth = curved(first, first + more);
        const until = growth.nextSwitch(early);
        const step = Math.min(until - early, SECOND);
        const least = growth.rateAt(early) * step;
        const curve = (growth.curveAt(early) * step * step) / 2;
        const risen = growth.over(early + step) - growth.over(early);
        expect(Math.abs(risen - least - curve)).toBeLessThan(3);
      }),
      { seed: 20282, numRuns: 500 },
    );
  });

  it('with nothing learned the rate is R at every age', () => {
    const cone = new Growth();
    cone.linear(200 * PPM);
    const later = new Growth();
    later.later(cone, 77);
    for (const growth of [cone, later]) {
      expect(growth.over(1000 * SECOND)).toBe(200_000_001);
      expect(growth.nextSwitch(5)).toBe(Number.POSITIVE_INFINITY);
      expect(growth.curveAt(5)).toBe(0);
    }
  });
});

describe('at a switch', () => {
  /** Powers of two, so that all is exact: the rate reaches `MOST` at `BEND`. */
  const MOST = 2 ** -10;
  const BEND = 2 ** 30;
  const [CAP, R] = [2 ** 32, 2 ** -8];

  function switching(cappedFor: number = CAP): Growth {
    const growth = new Growth();
    growth.curved(0, MOST, MOST / BEND, cappedFor, R);
    return growth;
  }

  it('the rate, the curve and the next switch are those of the piece that begins', () => {
    const growth = switching();
    expect([growth.rateAt(BEND - 1) < MOST, growth.rateAt(BEND)]).toEqual([true, MOST]);
    expect([growth.rateAt(CAP - 1), growth.rateAt(CAP)]).toEqual([MOST, R]);
    expect([growth.curveAt(BEND - 1), growth.curveAt(BEND)]).toEqual([MOST / BEND, 0]);
    expect([growth.nextSwitch(0), growth.nextSwitch(BEND - 1)]).toEqual([BEND, BEND]);
    expect([growth.nextSwitch(BEND), growth.nextSwitch(CAP - 1)]).toEqual([CAP, CAP]);
    expect(growth.nextSwitch(CAP)).toBe(Number.POSITIVE_INFINITY);
  });

  it('the cap before the bend: there is no parabola and no bend after it', () => {
    const growth = switching(BEND / 2);
    expect(growth.nextSwitch(0)).toBe(BEND / 2);
    expect(growth.curveAt(BEND / 2 - 1)).toBe(MOST / BEND);
    for (const age of [BEND / 2, BEND / 2 + 1, BEND]) {
      expect([growth.curveAt(age), growth.rateAt(age)]).toEqual([0, R]);
      expect(growth.nextSwitch(age)).toBe(Number.POSITIVE_INFINITY);
    }
  });

  it('a bend between two whole ns ends the parabola at the later one', () => {
    const growth = new Growth();
    growth.curved(0, MOST, MOST / (BEND + 0.5), CAP, R);
    expect(growth.nextSwitch(0)).toBe(BEND + 1);
  });

  it('what is left begins with the piece that begins there', () => {
    const later = (age: number): Growth => {
      const rest = new Growth();
      rest.later(switching(), age);
      return rest;
    };
    expect(later(0)).toEqual(switching());
    expect(later(BEND)).toMatchObject({ first: MOST, most: MOST, bend: 0, cappedFor: CAP - BEND });
    const line = new Growth();
    line.linear(R);
    expect(later(CAP)).toEqual(line);
    const same = new Growth();
    same.later(line, 0);
    expect(same).toEqual(line);
  });
});
