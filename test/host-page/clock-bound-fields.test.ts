import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fieldsOf, type WallFacts } from '../../src/host-page/clock-bound-fields.ts';
import { ClockInterval } from '../../src/interval/time-interval.ts';
import { segmentFields } from '../../src/sources/clock-bound/segment.ts';
import { asUnixNs } from '../../src/time/instant.ts';
import { clientNow, parseSegment, type Segment, STATUS } from '../kit/clock-bound-client.ts';

const S = 1_000_000_000n;
const MINUTE = 60n * S;

/** As a client reads what is published. */
function published(facts: WallFacts): Segment {
  const bytes = new Uint8Array(80);
  bytes.set(segmentFields(fieldsOf(facts)), 16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x414d5a4e, true);
  view.setUint32(4, 0x43420200, true);
  view.setUint32(8, 80, true);
  view.setUint16(12, 2, true);
  return parseSegment(bytes);
}

function factsWith(given: Partial<WallFacts> & { lo?: bigint; hi?: bigint } = {}): WallFacts {
  const { lo = 1_790_000_000n * S, hi = lo + 400_000n, readAt = 1000n * S } = given;
  return {
    reading: {
      status: 'synchronized',
      quorum: 'full',
      interval: new ClockInterval(asUnixNs(readAt + lo), asUnixNs(readAt + hi)),
    },
    readAt,
    outlook: { slope: 0n, until: readAt + 3600n * S, endReason: 'expired' },
    wall: { lowerNs: lo, upperNs: hi },
    gridNs: 280n,
    marker: undefined,
    ...given,
  };
}

/** A world: theta, and how it moves; the wall clock; and when and how a client reads the clocks. */
const world = fc.record({
  lo: fc.bigInt(1_789_999_990n * S, 1_790_000_010n * S),
  width: fc.bigInt(0n, 50_000_000n),
  /** Where in [lo, hi] theta is, per mille; where in its bounds wall - monotonic is. */
  theta: fc.integer({ min: 0, max: 1000 }),
  wall: fc.bigInt(-2n * S, 2n * S),
  wallWidth: fc.bigInt(0n, 1_000_000n),
  wallAt: fc.integer({ min: 0, max: 1000 }),
  /** In the page's unit: up to 10 %. */
  slope: fc.bigInt(0n, 2n ** 34n / 10n),
  /** The part of it that theta moves by, up or down, per mille. */
  rate: fc.integer({ min: -1000, max: 1000 }),
  grid: fc.bigInt(0n, 280n),
  age: fc.bigInt(0n, MINUTE),
  /** Between the two reads of the client, and how far its coarse clock is behind. */
  late: fc.bigInt(0n, 100_000_000n),
  coarse: fc.bigInt(0n, 20_000_000n),
});

const part = (range: bigint, perMille: number): bigint => (range * BigInt(perMille)) / 1000n;

test('whatever the clocks do within the assumptions, what a client computes holds true time', () => {
  fc.assert(
    fc.property(world, (w) => {
      const readAt = 1000n * S;
      const hi = w.lo + w.width;
      const lowerNs = w.lo + w.wall;
      const facts = factsWith({
        lo: w.lo,
        hi,
        readAt,
        wall: { lowerNs, upperNs: lowerNs + w.wallWidth },
        outlook: { slope: w.slope, until: readAt + 3600n * S, endReason: 'expired' },
        gridNs: w.grid,
      });
      const segment = published(facts);
      // The exact monotonic clock is up to a grid ahead of its reading.
      const at = readAt + w.age;
      const theta = w.lo - w.grid + part(hi - w.lo + w.grid, w.theta);
      const moved = (w.age * part(w.slope, w.rate)) >> 34n;
      const truth = at + theta + moved;
      const wall = at + lowerNs + part(w.wallWidth, w.wallAt);
      const real = wall - part(w.grid, w.theta);
      const { earliest, latest } = clientNow(segment, real, at + w.late - w.coarse);
      expect(earliest).toBeLessThanOrEqual(truth);
      expect(latest).toBeGreaterThanOrEqual(truth);
    }),
    { numRuns: 5000 },
  );
});

test('the bound is no wider than the farther edge, the grid, and what clients round', () => {
  const lo = 1_790_000_000n * S;
  const wall = { lowerNs: lo + 100_000n, upperNs: lo + 110_000n };
  const { boundNs } = fieldsOf(factsWith({ lo, hi: lo + 400_000n, wall }));
  expect(boundNs).toBe(300_000n + 280n + 2n);
});

test('a slope is rounded up to parts per billion', () => {
  const readAt = 1000n * S;
  const ppb = (slope: bigint) =>
    fieldsOf(factsWith({ outlook: { slope, until: readAt + 3600n * S, endReason: 'expired' } }))
      .driftPpb;
  expect(ppb(0n)).toBe(0n);
  expect(ppb(1n)).toBe(1n);
  expect(ppb(17n)).toBe(1n);
  expect(ppb(18n)).toBe(2n);
  expect(ppb(2n ** 34n / 5000n)).toBe(200_000n);
});

describe('how long it is believed', () => {
  const readAt = 1000n * S;
  const client = (facts: WallFacts, age: bigint) =>
    clientNow(published(facts), 1_790_001_000n * S, readAt + age).status;

  test('5 s, in a holdover as with fresh sources', () => {
    expect(client(factsWith(), 4n * S)).toBe(STATUS.synchronized);
    expect(client(factsWith(), 5n * S)).toBe(STATUS.unknown);
    const { interval } = factsWith().reading;
    const reading = { status: 'holdover', quorum: 'full', interval } as WallFacts['reading'];
    expect(client(factsWith({ reading }), 4n * S)).toBe(STATUS.freeRunning);
    expect(client(factsWith({ reading }), 5n * S)).toBe(STATUS.unknown);
  });

  test('not past the end of the bound', () => {
    const until = readAt + 2n * S;
    const facts = factsWith({ outlook: { slope: 0n, until, endReason: 'expired' } });
    expect(published(facts).voidAfter).toBe(until);
  });

  test('nobody who believes it sees the leap second', () => {
    const leapIn = (untilLeap: bigint) =>
      published(
        factsWith({ outlook: { slope: 0n, until: readAt + untilLeap, endReason: 'leap-second' } }),
      );
    expect(leapIn(61n * S).status).toBe(STATUS.synchronized);
    expect(leapIn(61n * S - 1n).status).toBe(STATUS.unknown);
    expect(leapIn(0n).status).toBe(STATUS.unknown);
  });

  test('no client sees it in its future, even with a clock that is two ticks behind', () => {
    const segment = published(factsWith());
    expect(() => clientNow(segment, 0n, readAt - 20_000_000n)).not.toThrow();
    expect(() => clientNow(segment, 0n, readAt - 20_001_000n)).toThrow('causality');
  });
});
