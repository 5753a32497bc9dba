import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newBound } from '../../../src/bound/bound.ts';
import {
  CURVE_HI,
  CURVE_LO,
  FIRST_SEGMENT,
  HI,
  LO,
  longestSpan,
  MAX_SEGMENTS,
  PAGE_SLOTS,
  pageSlope,
  SEGMENT_COUNT,
  SEGMENT_SLOTS,
  SLOPE_HI,
  SLOPE_LO,
  SPAN,
  START,
} from '../../../src/bounded-clock/page/page.ts';
import { writeSegments } from '../../../src/bounded-clock/page/segments.ts';
import { type Curve, grown, UNIT } from './exact-growth.ts';

interface Case {
  readonly lo: number;
  readonly hi: number;
  readonly guard: readonly [number, number] | undefined;
  readonly maxRate: number;
  readonly until: bigint;
  readonly at: bigint;
  readonly thetaBase: bigint;
  readonly gridNs: bigint;
}

const DAY = 86_400_000_000_000n;
const base = { at: 10n ** 15n, thetaBase: 1_794_000_000_000_000_000n, gridNs: 280n };

function segmentsOf(input: Case): BigInt64Array {
  const { lo, hi, guard, at, until, maxRate } = input;
  const bound = {
    ...newBound(),
    lo,
    hi,
    suspectLo: lo,
    suspectHi: hi,
    guarded: guard !== undefined,
    guardLo: guard?.[0] ?? 0,
    guardHi: guard?.[1] ?? 0,
  };
  bound.fall.linear(maxRate);
  bound.rise.linear(maxRate);
  const slots = new BigInt64Array(PAGE_SLOTS);
  writeSegments(slots, { ...input, bound, until: at + until });
  return slots;
}

/** The reader's formula in unbounded integers, with every intermediate checked to be an int64. */
function evaluate(slots: BigInt64Array, m: bigint): [bigint, bigint] | undefined {
  const fits = (value: bigint): bigint => {
    expect(BigInt.asIntN(64, value), 'within int64').toBe(value);
    return value;
  };
  for (let i = 0; i < Number(slots[SEGMENT_COUNT]); i++) {
    const at = FIRST_SEGMENT + i * SEGMENT_SLOTS;
    const age = m - slots[at + START]!;
    if (age < 0n || age > slots[at + SPAN]!) continue;
    const a = age >> 10n;
    const factor = (slope: number, curve: number): bigint =>
      fits(slots[at + slope]! + (fits(a * slots[at + curve]!) >> 32n));
    const low = fits(a * factor(SLOPE_LO, CURVE_LO)) >> 24n;
    const high = fits(a * factor(SLOPE_HI, CURVE_HI)) >> 24n;
    return [fits(fits(m + slots[at + LO]!) - low), fits(fits(m + slots[at + HI]!) + high)];
  }
  return undefined;
}

/** A double as an exact fraction over 2^100. */
const ONE = 2n ** 100n;
const exactly = (rate: number): bigint => BigInt(rate * 2 ** 90) * 2n ** 10n;

/**
 * The exact bound at `m`, over 2^100: the line, and the hull with the guard, which does not age.
 */
function exact(input: Case, m: bigint): [bigint, bigint] {
  const { lo, hi, guard, maxRate, at, thetaBase, gridNs } = input;
  const grown = exactly(maxRate) * (m - at);
  let low = BigInt(lo) * ONE - grown;
  let high = BigInt(hi) * ONE + grown;
  if (guard !== undefined) {
    if (BigInt(guard[0]) * ONE < low) low = BigInt(guard[0]) * ONE;
    if (BigInt(guard[1]) * ONE > high) high = BigInt(guard[1]) * ONE;
  }
  return [(m + thetaBase) * ONE + low, (m + thetaBase + gridNs) * ONE + high];
}

function check(input: Case, ages: readonly bigint[]): void {
  const slots = segmentsOf(input);
  expect(Number(slots[SEGMENT_COUNT])).toBeLessThanOrEqual(MAX_SEGMENTS);
  const longest = longestSpan(pageSlope(input.maxRate));
  for (const age of ages) {
    const m = input.at + age;
    const read = evaluate(slots, m);
    if (read === undefined) {
      expect(age > input.until || age > longest, `no segment at age ${age}`).toBe(true);
      continue;
    }
    const [low, high] = exact(input, m);
    const excess = [low - read[0] * ONE, read[1] * ONE - high] as const;
    // 1 + ceil(1024 R) ns for the shifts, 2 for the end of the guard's flat part and 2 for its
    // growth. R is rounded up by less than 2^-34, and up to 1024 ns of age are not counted yet.
    const fixed = BigInt(5 + Math.ceil(1024 * input.maxRate));
    const allowed = (fixed + (age >> 34n) + 1n) * ONE;
    for (const each of excess) {
      expect(each >= 0n, `never narrower than exact, age ${age}`).toBe(true);
      expect(each <= allowed, `hardly wider than exact, age ${age}`).toBe(true);
    }
  }
}

describe('published segments against exact arithmetic', () => {
  const rates = [0.0002, 0.000_05, 1e-9, 0.0005, 0.1];
  const ends = (until: bigint): bigint[] => [0n, 1n, 1023n, 1024n, 1025n, until / 2n, until];

  it.each(rates)('without a guard at maxRate %d: from age 0 to 24 h', (maxRate) => {
    const input = { ...base, lo: -1_000_003, hi: 999_999, guard: undefined, maxRate, until: DAY };
    check(input, [...ends(DAY), DAY - 1n, DAY + 1n]);
    expect(evaluate(segmentsOf(input), input.at - 1n)).toBeUndefined();
    expect(evaluate(segmentsOf(input), input.at + DAY + 1n)).toBeUndefined();
  });

  it('at 10 % a segment ends after 45 minutes, exactly where int64 would overflow', () => {
    const input = { ...base, lo: 0, hi: 0, guard: undefined, maxRate: 0.1, until: DAY };
    const longest = longestSpan(pageSlope(0.1));
    expect(longest / 60_000_000_000n).toBe(45n);
    expect((longest >> 10n) * pageSlope(0.1) < 2n ** 62n).toBe(true);
    check(input, [longest - 1n, longest]);
    expect(evaluate(segmentsOf(input), input.at + longest)).toBeDefined();
    expect(evaluate(segmentsOf(input), input.at + longest + 1n)).toBeUndefined();
  });

  it.each([
    ['inside', [-10, 10]],
    ['below', [-5_000_000, 10]],
    ['above', [-10, 5_000_000]],
    ['a nanosecond outside', [-1_000_001, 1_000_001]],
    ['both sides, unevenly', [-3_000_000, 400_000_000]],
    ['far above', [990_000_000, 1_000_900_000]],
    ['far below', [-1_000_900_000, -990_000_000]],
  ] as const)('with the guard %s: the hull, at every switch', (_name, guard) => {
    for (const maxRate of rates) {
      const input = { ...base, lo: -1_000_000, hi: 1_000_000, guard, maxRate, until: DAY / 24n };
      const switches = [-1_000_000 - guard[0], guard[1] - 1_000_000]
        .map((outside) => BigInt(Math.floor(Math.max(0, outside) / maxRate)))
        .flatMap((age) => [-2n, -1n, 0n, 1n, 2n, 1023n, 1024n, 1025n].map((near) => age + near));
      check(input, [...ends(input.until), ...switches.filter((a) => a >= 0n && a <= input.until)]);
    }
  });

  it('for one instant only, when the bound ends at once', () => {
    const input = { ...base, lo: -5, hi: 5, guard: undefined, maxRate: 0.0002, until: 0n };
    check(input, [0n]);
    expect(evaluate(segmentsOf(input), input.at)).toBeDefined();
    expect(evaluate(segmentsOf(input), input.at + 1n)).toBeUndefined();
  });

  it('a flat side is exactly the guard, and a cone starts from its edge and the slack', () => {
    const input = { ...base, lo: -10, hi: 10, maxRate: 0.0002, until: DAY, gridNs: 7n };
    const slots = segmentsOf({ ...input, guard: [-5000, 10] });
    const first = [LO, HI].map((slot) => slots[FIRST_SEGMENT + slot]! - input.thetaBase);
    // The slack is 1 ns and what theta moves in 1024 ns, and `hi` carries the clock's grid.
    expect(first).toEqual([-5000n, 10n + 2n + 7n]);
  });

  it('anywhere', () => {
    const edge = fc.integer({ min: -(2 ** 31), max: 2 ** 31 });
    const input = fc.record({
      edges: fc.tuple(edge, edge),
      guard: fc.option(fc.tuple(edge, edge), { nil: undefined }),
      maxRate: fc.constantFrom(...rates),
      until: fc.bigInt({ min: 0n, max: DAY }),
      at: fc.constantFrom(0n, 10n ** 15n, 10n ** 17n, -(10n ** 15n)),
      thetaBase: fc.constantFrom(0n, 1_794_000_000_000_000_000n, -(10n ** 18n), 7n * 10n ** 18n),
      gridNs: fc.constantFrom(0n, 280n, 2_000_000n),
      part: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 }),
    });
    const sorted = (pair: readonly [number, number]): [number, number] => [
      Math.min(...pair),
      Math.max(...pair),
    ];
    fc.assert(
      fc.property(input, ({ edges, guard, part, ...rest }) => {
        const [lo, hi] = sorted(edges);
        const ages = part.map((p) => BigInt(Math.floor(p * Number(rest.until))));
        check({ ...rest, lo, hi, guard: guard && sorted(guard) }, [0n, rest.until, ...ages]);
      }),
      { seed: 20264, numRuns: 300 },
    );
  });
});

describe('published segments of a learned rate against exact arithmetic', () => {
  const HOUR = 3_600_000_000_000;
  const usual: Curve = {
    first: 81e-6,
    most: 107e-6,
    wander: 1e-16,
    cappedFor: 2 * HOUR,
    maxRate: 500e-6,
  };
  const sides: readonly [name: string, fall: Curve, rise: Curve][] = [
    ['a slow crystal', { ...usual, first: -79e-6, most: -53e-6 }, usual],
    [
      'nothing learned',
      { ...usual, first: 5e-4, most: 5e-4 },
      { ...usual, first: 5e-4, most: 5e-4 },
    ],
    [
      'both bends in one ns',
      { ...usual, first: -1e-6, most: 25e-6 },
      { ...usual, first: 1e-6, most: 27e-6 },
    ],
    [
      'a cap that ends before the bend',
      { ...usual, wander: 1e-18, cappedFor: HOUR / 4 },
      { ...usual, first: -8e-5, wander: 1e-18, cappedFor: HOUR / 4 },
    ],
    [
      'a cap that has all but ended',
      { ...usual, cappedFor: 1 },
      { ...usual, first: -5e-5, cappedFor: 1 },
    ],
    [
      'the steadiest crystal',
      { ...usual, wander: 1e-21 },
      { ...usual, first: -7e-5, most: 5e-4, wander: 1e-21 },
    ],
    [
      'the ends of the range: 10 %, from one to the other, at 1000 ppm a second',
      { first: -0.1, most: 0.1, wander: 1e-12, cappedFor: 2 * HOUR, maxRate: 0.1 },
      { first: -0.1, most: 0.1, wander: 1e-12, cappedFor: 2 * HOUR, maxRate: 0.1 },
    ],
    [
      'the longest parabola: 10 % in 45 minutes',
      { first: -0.1, most: 0.1, wander: 0.2 / 2.7e12, cappedFor: 2 * HOUR, maxRate: 0.1 },
      { first: -0.1, most: 0.05, wander: 0.15 / 2.7e12, cappedFor: 2 * HOUR, maxRate: 0.1 },
    ],
  ];

  function publish(fall: Curve, rise: Curve, until: bigint): BigInt64Array {
    const bound = { ...newBound(), lo: -1_000_000, hi: 1_000_000 };
    bound.suspectLo = bound.lo;
    bound.suspectHi = bound.hi;
    bound.fall.curved(fall.first, fall.most, fall.wander, fall.cappedFor, fall.maxRate);
    bound.rise.curved(rise.first, rise.most, rise.wander, rise.cappedFor, rise.maxRate);
    const slots = new BigInt64Array(PAGE_SLOTS);
    writeSegments(slots, { ...base, bound, until: base.at + until, maxRate: fall.maxRate });
    return slots;
  }

  function checkCurves(fall: Curve, rise: Curve, until: bigint, ages: readonly bigint[]): void {
    const slots = publish(fall, rise, until);
    expect(Number(slots[SEGMENT_COUNT])).toBeLessThanOrEqual(MAX_SEGMENTS);
    const longest = longestSpan(pageSlope(fall.maxRate) + 1n);
    for (const age of ages) {
      const m = base.at + age;
      const read = evaluate(slots, m);
      if (read === undefined) {
        expect(age > until || age > longest, `no segment at age ${age}`).toBe(true);
        continue;
      }
      const low = (m + base.thetaBase - 1_000_000n - read[0]) * UNIT - grown(fall, age);
      const excess = read[1] - (m + base.thetaBase + 1_000_000n + base.gridNs);
      const high = excess * UNIT - grown(rise, age);
      // The steps: one for `over`, two for the shifts. 1024 ns of age that are not counted, at the
      // rate of the segment's end, which may be 2 R above that of its beginning. Two units of
      // slope, one of curve.
      const steps = 6n + BigInt(Math.ceil(1024 * 2 * fall.maxRate)) + (age >> 32n);
      const allowed = (steps + (((age >> 10n) * (age >> 10n)) >> 56n)) * UNIT;
      for (const each of [low, high]) {
        expect(each >= 0n, `never narrower than exact, age ${age}`).toBe(true);
        expect(each <= allowed, `hardly wider than exact, age ${age}`).toBe(true);
      }
    }
  }

  const still = { first: 1e-9, most: 1e-9, wander: 1e-16, cappedFor: 4 * HOUR, maxRate: 0.1 };
  const steep = { ...still, first: 0.1, most: 0.1 };
  const steepening = { ...still, first: 0, most: 0.1, wander: 0.1 / (3 * HOUR) };
  const curves = { still, steep, steepening };

  it.each([
    ['steep', 'still'],
    ['still', 'steep'],
    ['steepening', 'still'],
    ['still', 'steepening'],
  ] as const)('%s below, %s above: the steeper side ends the segment', (fall, rise) => {
    const longest = longestSpan(pageSlope(0.1) + 1n);
    const ages = [0, HOUR / 2, Number(longest), 2 * HOUR, 3 * HOUR].flatMap(around);
    checkCurves(curves[fall], curves[rise], BigInt(4 * HOUR), ages);
    const slots = publish(curves[fall], curves[rise], BigInt(4 * HOUR));
    expect(evaluate(slots, base.at + longest - 4096n)).toBeDefined();
    expect(evaluate(slots, base.at + longest + 4096n)).toBeUndefined();
  });

  it('a bound that int64 has ended does not come back with the next piece', () => {
    const slots = publish({ ...steep, cappedFor: 2 * HOUR }, still, BigInt(4 * HOUR));
    expect(slots[SEGMENT_COUNT]).toBe(1n);
    expect(evaluate(slots, base.at + BigInt(2 * HOUR) + 1n)).toBeUndefined();
  });

  it('a piece that is just as long as int64 allows is followed by the next one', () => {
    const longest = longestSpan(pageSlope(0.1));
    const capped = { ...steep, cappedFor: Number(longest) + 1 };
    const slots = publish(capped, capped, longest + 1000n);
    for (const age of [longest, longest + 1n, longest + 1000n]) {
      expect(evaluate(slots, base.at + age), `${age}`).toBeDefined();
    }
  });

  const around = (age: number): bigint[] =>
    [-1025n, -1024n, -2n, -1n, 0n, 1n, 2n, 1023n, 1024n, 1025n]
      .map((near) => BigInt(Math.floor(age)) + near)
      .filter((each) => each >= 0n);
  const bend = ({ first, most, wander }: Curve): number => (most - first) / wander;

  it.each(sides)('%s: from age 0 to 4 h, around every switch', (_name, fall, rise) => {
    const until = BigInt(4 * HOUR);
    const longest = longestSpan(pageSlope(fall.maxRate) + 1n);
    const switches = [bend(fall), bend(rise), fall.cappedFor, Number(longest)].filter(
      (each) => each < 4 * HOUR,
    );
    const ages = [0, 1024, 1e9, HOUR / 2, HOUR, 2 * HOUR, 4 * HOUR, ...switches].flatMap(around);
    checkCurves(fall, rise, until, ages);
  });

  it('anywhere', () => {
    const curve = fc.record({
      maxRate: fc.constantFrom(0.1, 5e-4, 2e-4),
      first: fc.double({ min: -1, max: 1, noNaN: true }),
      most: fc.double({ min: -1, max: 1, noNaN: true }),
      bend: fc.double({ min: 1e-6, max: 2, noNaN: true }),
      cappedFor: fc.integer({ min: 1, max: 4 * HOUR }),
    });
    const parts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
      minLength: 12,
      maxLength: 12,
    });
    fc.assert(
      fc.property(curve, curve, parts, ({ maxRate, cappedFor, ...a }, b, at) => {
        const made = (one: { first: number; most: number; bend: number }): Curve => {
          const first = Math.min(one.first, one.most) * maxRate;
          const most = Math.max(one.first, one.most) * maxRate;
          const wander = Math.min(1e-12, Math.max(1e-21, (most - first) / (one.bend * HOUR)));
          return { first, most, wander, cappedFor, maxRate };
        };
        const [fall, rise] = [made(a), made(b)];
        const switches = [bend(fall), bend(rise), cappedFor].filter((each) => each < 4 * HOUR);
        const ages = [...at.map((part) => part * 4 * HOUR), 0, ...switches].flatMap(around);
        checkCurves(fall, rise, BigInt(4 * HOUR), ages);
      }),
      { seed: 20265, numRuns: 300 },
    );
  });
});
