/** A reader on a published parabola, against exact arithmetic. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { newBound } from '../../src/bound/bound.ts';
import { BoundedReader } from '../../src/bounded-clock/bounded-reader.ts';
import {
  BOUNDED,
  EVER_BOUNDED,
  PAGE_SLOTS,
  Page,
  STATE,
} from '../../src/bounded-clock/page/page.ts';
import { writeSegments } from '../../src/bounded-clock/page/segments.ts';
import { ClockUnsynchronizedError } from '../../src/bounded-clock/reading.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { type Curve, grown, UNIT } from './page/exact-growth.ts';

const HOUR = 3_600_000_000_000;
const THETA = 1_794_000_000_000_000_000n;

/** A reader of a bound of +-1 ms that grows by these curves. Nothing newer is published. */
function readerOf(fall: Curve, rise: Curve): { reader: BoundedReader; clock: HandClock } {
  const clock = new HandClock();
  const bound = { ...newBound(), lo: -1_000_000, hi: 1_000_000 };
  bound.suspectLo = bound.lo;
  bound.suspectHi = bound.hi;
  bound.fall.curved(fall.first, fall.most, fall.wander, fall.cappedFor, fall.maxRate);
  bound.rise.curved(rise.first, rise.most, rise.wander, rise.cappedFor, rise.maxRate);
  const slots = new BigInt64Array(PAGE_SLOTS);
  const at = clock.monotonic;
  const until = at + BigInt(HOUR);
  writeSegments(slots, {
    bound,
    thetaBase: THETA,
    at,
    until,
    maxRate: fall.maxRate,
    gridNs: 0n,
  });
  slots[STATE] = BOUNDED;
  slots[EVER_BOUNDED] = 1n;
  const page = Page.create();
  page.publish(slots);
  return { reader: new BoundedReader(page, clock), clock };
}

const side = fc.record({
  first: fc.double({ min: -5e-4, max: 5e-4, noNaN: true }),
  more: fc.double({ min: 0, max: 1e-3, noNaN: true }),
  wander: fc.constantFrom(1e-18, 1e-16, 3e-16, 1e-14, 1e-12),
});

it('follows the parabola chord by chord: never inside of it, hardly outside', () => {
  fc.assert(
    fc.property(
      side,
      side,
      fc.array(fc.integer({ min: 0, max: HOUR / 40 }), { minLength: 1, maxLength: 40 }),
      (low, high, pauses) => {
        const curve = ({ first, more, wander }: typeof low): Curve => {
          const most = Math.min(5e-4, first + more);
          return { first, most, wander, cappedFor: 2 * HOUR, maxRate: 5e-4 };
        };
        const [fall, rise] = [curve(low), curve(high)];
        const { reader, clock } = readerOf(fall, rise);
        const at = clock.monotonic;
        let highWater = 0n;
        // Some readings are on one chord, some far apart. Time only goes on.
        for (const [i, pause] of pauses.entries()) {
          clock.monotonic += BigInt(i % 3 === 2 ? pause : pause % 300_000_000);
          const m = clock.monotonic;
          const { earliest, latest } = reader.now();
          const low = (m + THETA - 1_000_000n - earliest) * UNIT - grown(fall, m - at);
          const high = (latest - (m + THETA + 1_000_000n)) * UNIT - grown(rise, m - at);
          // The page's own steps, the two of a chord, 2^-34 in the slopes over an hour, and the
          // chord's height.
          const wander = Math.max(fall.wander, rise.wander);
          const height = BigInt(Math.ceil((wander * 2 ** 58) / 8));
          const allowed = (14n + ((m - at) >> 31n) + height) * UNIT;
          if (earliest > highWater) expect(low >= 0n && low <= allowed).toBe(true);
          expect(high >= 0n && high <= allowed, `at age ${m - at}`).toBe(true);
          highWater = earliest;
        }
      },
    ),
    { seed: 20266, numRuns: 300 },
  );
});

it('a chord costs 4 ns at most at 0.1 ppm a second', () => {
  expect((1e-16 * 2 ** 58) / 8).toBeLessThan(4);
});

it('a chord that is cut short by the end of the bound ends there', () => {
  const curve = { first: 0, most: 5e-4, wander: 1e-18, cappedFor: 2 * HOUR, maxRate: 5e-4 };
  const { reader, clock } = readerOf(curve, curve);
  const end = clock.monotonic + BigInt(HOUR);
  clock.monotonic = end - 100_000_000n;
  expect(() => reader.now()).not.toThrow();
  clock.monotonic = end + 83_000_000n;
  expect(() => reader.now()).toThrow(ClockUnsynchronizedError);
});

it.each([-1, 0, 1])('answers %i ns from where one segment follows another', (from) => {
  const cappedFor = HOUR / 2;
  const curve = { first: 1e-5, most: 1e-5, wander: 1e-16, cappedFor, maxRate: 5e-4 };
  const { reader, clock } = readerOf(curve, curve);
  const at = clock.monotonic;
  clock.monotonic += BigInt(cappedFor + from);
  const { earliest, latest } = reader.now();
  const out = grown(curve, clock.monotonic - at);
  const middle = clock.monotonic + THETA;
  for (const half of [middle - earliest, latest - middle]) {
    const excess = (half - 1_000_000n) * UNIT - out;
    expect(excess >= 0n && excess < 2000n * UNIT, `${excess / UNIT}`).toBe(true);
  }
});
