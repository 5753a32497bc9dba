import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Oscillator, type OscillatorOptions } from '../../src/sim/oscillator.ts';
import { Random } from '../../src/sim/random.ts';

const HOUR_NS = 3_600_000_000_000;

/** The rate error as a fraction with denominator 1e6, exactly. */
test.for([0, 1, 78, -78, 200, -200, 500, -83_333])('a constant %i ppm counts exactly', (ppm) => {
  const oscillator = new Oscillator({ driftPpm: ppm }, new Random(1));
  for (const t of [0, 1, 999, 123_456_789, HOUR_NS, 100 * HOUR_NS + 7]) {
    const exact = BigInt(t) * BigInt(1_000_000 + ppm); // in 1e-6 ns
    const counted = BigInt(oscillator.count(t)) * 1_000_000n;
    // The floor, except for the last bits of a double: 100 h at 8 % are 3e13 ns, resolved to 4e-3
    // ns.
    expect(counted <= exact + 10_000n).toBe(true);
    expect(counted > exact - 1_010_000n).toBe(true);
  }
});

const options: fc.Arbitrary<OscillatorOptions> = fc.record({
  driftPpm: fc.integer({ min: -500, max: 500 }),
  temperature: fc.record({
    ppm: fc.integer({ min: 0, max: 20 }),
    periodMs: fc.integer({ min: 60_000, max: 86_400_000 }),
  }),
  wander: fc.record({
    maxPpm: fc.integer({ min: 0, max: 20 }),
    ppmPerSecond: fc.double({ min: 0, max: 0.1, noNaN: true }),
  }),
});

type Act = { kind: 'read' | 'slew' | 'stop' | 'resume'; afterNs: number; ppm: number };
const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('read', 'read', 'read', 'slew', 'stop', 'resume'),
    afterNs: fc.oneof(fc.nat(3), fc.nat(1e9), fc.nat(1e11)),
    ppm: fc.integer({ min: -100_000, max: 100_000 }),
  }),
  { maxLength: 80 },
);

test('the count never goes back and never outruns the rates in force', () => {
  fc.assert(
    fc.property(options, acts, fc.nat(1e6), (shape, plan, seed) => {
      const oscillator = new Oscillator(shape, new Random(seed));
      const bound = Oscillator.extremePpm(shape);
      let t = 0;
      let last = oscillator.count(0);
      let slew = 0;
      let stopped = false;
      for (const act of plan) {
        const next = t + act.afterNs;
        const counted = oscillator.count(next);
        const passed = stopped ? 0 : act.afterNs;
        const error = counted - last - passed;
        const allowed = stopped ? 0 : (passed * (bound + Math.abs(slew))) / 1e6 + 1.001;
        expect(counted).toBeGreaterThanOrEqual(last);
        expect(Math.abs(error)).toBeLessThanOrEqual(allowed);
        t = next;
        if (act.kind === 'slew') {
          oscillator.slew(t, act.ppm);
          slew = act.ppm;
        } else if (act.kind === 'stop') {
          oscillator.stop(t);
          stopped = true;
        } else if (act.kind === 'resume') {
          oscillator.resume(t);
          stopped = false;
        }
        last = oscillator.count(t);
        expect(last).toBe(counted); // a change of rate does not move the count at its own instant
      }
    }),
    { seed: 2, numRuns: 300 },
  );
});

test('each ns counts: the count never goes back from one ns to the next, even at a change', () => {
  const oscillator = new Oscillator({ driftPpm: -400 }, new Random(5));
  let last = oscillator.count(HOUR_NS);
  for (let i = 1; i < 20_000; i++) {
    if (i % 777 === 0) oscillator.slew(HOUR_NS + i, (i % 5) * 50_000 - 100_000);
    const count = oscillator.count(HOUR_NS + i);
    expect(count - last).toBeGreaterThanOrEqual(0);
    expect(count - last).toBeLessThanOrEqual(2);
    last = count;
  }
});

test('how often it is read does not change what it counts', () => {
  const shape: OscillatorOptions = {
    driftPpm: 30,
    temperature: { ppm: 5, periodMs: 3_600_000 },
    wander: { maxPpm: 5, ppmPerSecond: 0.01 },
  };
  const often = new Oscillator(shape, new Random(9));
  const seldom = new Oscillator(shape, new Random(9));
  for (let t = 0; t < HOUR_NS; t += 1_234_567_891) often.count(t);
  expect(often.count(HOUR_NS)).toBe(seldom.count(HOUR_NS));
});

test('wander and temperature stay within the stated extreme, and do move', () => {
  const shape: OscillatorOptions = {
    driftPpm: 50,
    temperature: { ppm: 10, periodMs: 7_200_000 },
    wander: { maxPpm: 8, ppmPerSecond: 0.1 },
  };
  const oscillator = new Oscillator(shape, new Random(4));
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let t = 0; t < 24 * HOUR_NS; t += HOUR_NS / 100) {
    const ppm = oscillator.rateAt(t) * 1e6;
    least = Math.min(least, ppm);
    most = Math.max(most, ppm);
  }
  expect(least).toBeGreaterThanOrEqual(50 - 18);
  expect(most).toBeLessThanOrEqual(50 + 18);
  expect(most - least).toBeGreaterThan(20);
});
