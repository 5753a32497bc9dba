/** A reader on a published parabola, against exact arithmetic. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { newBound } from '../../src/bound/bound.ts';
import { BOUNDED, EVER_BOUNDED, PAGE_SLOTS, Page, STATE } from '../../src/bound/page.ts';
import { writeSegments } from '../../src/bound/segments.ts';
import { BoundedReader } from '../../src/bounded-clock/bounded-reader.ts';
import { type Curve, grown, UNIT } from '../bound/exact-growth.ts';
import { HandClock } from '../kit/hand-clock.ts';

const HOUR = 3_600_000_000_000;
const THETA = 1_794_000_000_000_000_000n;

/** A reader of a bound of +-1 ms that grows so; nobody publishes anything newer. */
function readerOf(fall: Curve, rise: Curve): { reader: BoundedReader; clock: HandClock } {
  const clock = new HandClock();
  const bound = { ...newBound(), lo: -1_000_000, hi: 1_000_000 };
  bound.suspectLo = bound.lo;
  bound.suspectHi = bound.hi;
  bound.fall.curved(fall.first, fall.most, fall.wander, fall.cappedFor, fall.slope);
  bound.rise.curved(rise.first, rise.most, rise.wander, rise.cappedFor, rise.slope);
  const slots = new BigInt64Array(PAGE_SLOTS);
  const at = clock.monotonic;
  const until = at + BigInt(HOUR);
  writeSegments(slots, {
    bound,
    thetaBase: THETA,
    at,
    until,
    slope: fall.slope,
    resolutionNs: 0n,
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

it('goes along the parabola chord by chord: never inside of it, hardly outside', () => {
  fc.assert(
    fc.property(
      side,
      side,
      fc.array(fc.integer({ min: 0, max: HOUR / 40 }), { minLength: 1, maxLength: 40 }),
      (low, high, pauses) => {
        const curve = ({ first, more, wander }: typeof low): Curve => {
          const most = Math.min(5e-4, first + more);
          return { first, most, wander, cappedFor: 2 * HOUR, slope: 5e-4 };
        };
        const [fall, rise] = [curve(low), curve(high)];
        const { reader, clock } = readerOf(fall, rise);
        const at = clock.monotonic;
        let highWater = 0n;
        // Some readings on one chord, some far apart; time only goes on.
        for (const [i, pause] of pauses.entries()) {
          clock.monotonic += BigInt(i % 3 === 2 ? pause : pause % 300_000_000);
          const m = clock.monotonic;
          const { earliest, latest } = reader.now();
          const low = (m + THETA - 1_000_000n - earliest) * UNIT - grown(fall, m - at);
          const high = (latest - (m + THETA + 1_000_000n)) * UNIT - grown(rise, m - at);
          // The page's own steps, the chord's two, a 2^-34 in the slopes of an hour, and its height.
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
