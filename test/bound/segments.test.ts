import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
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
} from '../../src/bound/page.ts';
import { writeSegments } from '../../src/bound/segments.ts';

interface Case {
  readonly lo: number;
  readonly hi: number;
  readonly guard: readonly [number, number] | undefined;
  readonly slope: number;
  readonly until: bigint;
  readonly at: bigint;
  readonly thetaBase: bigint;
  readonly resolutionNs: bigint;
}

const DAY = 86_400_000_000_000n;
const base = { at: 10n ** 15n, thetaBase: 1_794_000_000_000_000_000n, resolutionNs: 280n };

function segmentsOf(input: Case): BigInt64Array {
  const { lo, hi, guard, at, until } = input;
  const bound = {
    lo,
    hi,
    suspectLo: lo,
    suspectHi: hi,
    guarded: guard !== undefined,
    guardLo: guard?.[0] ?? 0,
    guardHi: guard?.[1] ?? 0,
  };
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
    const low = fits((age >> 10n) * slots[at + SLOPE_LO]!) >> 24n;
    const high = fits((age >> 10n) * slots[at + SLOPE_HI]!) >> 24n;
    return [fits(fits(m + slots[at + LO]!) - low), fits(fits(m + slots[at + HI]!) + high)];
  }
  return undefined;
}

/** A double as an exact fraction over 2^100. */
const ONE = 2n ** 100n;
const exactly = (slope: number): bigint => BigInt(slope * 2 ** 90) * 2n ** 10n;

/** The exact bound at `m`, over 2^100: the line, and the hull with the guard, which does not age. */
function exact(input: Case, m: bigint): [bigint, bigint] {
  const { lo, hi, guard, slope, at, thetaBase, resolutionNs } = input;
  const grown = exactly(slope) * (m - at);
  let low = BigInt(lo) * ONE - grown;
  let high = BigInt(hi) * ONE + grown;
  if (guard !== undefined) {
    if (BigInt(guard[0]) * ONE < low) low = BigInt(guard[0]) * ONE;
    if (BigInt(guard[1]) * ONE > high) high = BigInt(guard[1]) * ONE;
  }
  return [(m + thetaBase) * ONE + low, (m + thetaBase + resolutionNs) * ONE + high];
}

function check(input: Case, ages: readonly bigint[]): void {
  const slots = segmentsOf(input);
  expect(Number(slots[SEGMENT_COUNT])).toBeLessThanOrEqual(MAX_SEGMENTS);
  const longest = longestSpan(pageSlope(input.slope));
  for (const age of ages) {
    const m = input.at + age;
    const read = evaluate(slots, m);
    if (read === undefined) {
      expect(age > input.until || age > longest, `no segment at age ${age}`).toBe(true);
      continue;
    }
    const [low, high] = exact(input, m);
    const excess = [low - read[0] * ONE, read[1] * ONE - high] as const;
    // 1 + ceil(1024 R) for the shifts, 2 for where the guard's flat part ends and 2 for its growth;
    // then R is rounded up by less than 2^-34, and up to 1024 ns of age are not yet counted.
    const fixed = BigInt(5 + Math.ceil(1024 * input.slope));
    const allowed = (fixed + (age >> 34n) + 1n) * ONE;
    for (const each of excess) {
      expect(each >= 0n, `never narrower than exact, age ${age}`).toBe(true);
      expect(each <= allowed, `hardly wider than exact, age ${age}`).toBe(true);
    }
  }
}

describe('published segments against exact arithmetic', () => {
  const slopes = [0.0002, 0.000_05, 1e-9, 0.0005, 0.1];
  const ends = (until: bigint): bigint[] => [0n, 1n, 1023n, 1024n, 1025n, until / 2n, until];

  it.each(slopes)('without a guard at slope %d: from age 0 to 24 h', (slope) => {
    const input = { ...base, lo: -1_000_003, hi: 999_999, guard: undefined, slope, until: DAY };
    check(input, [...ends(DAY), DAY - 1n, DAY + 1n]);
    expect(evaluate(segmentsOf(input), input.at - 1n)).toBeUndefined();
    expect(evaluate(segmentsOf(input), input.at + DAY + 1n)).toBeUndefined();
  });

  it('at 10 % a segment ends where int64 would overflow, 45 minutes on, and not a step later', () => {
    const input = { ...base, lo: 0, hi: 0, guard: undefined, slope: 0.1, until: DAY };
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
    for (const slope of slopes) {
      const input = { ...base, lo: -1_000_000, hi: 1_000_000, guard, slope, until: DAY / 24n };
      const switches = [-1_000_000 - guard[0], guard[1] - 1_000_000]
        .map((outside) => BigInt(Math.floor(Math.max(0, outside) / slope)))
        .flatMap((age) => [-2n, -1n, 0n, 1n, 2n, 1023n, 1024n, 1025n].map((near) => age + near));
      check(input, [...ends(input.until), ...switches.filter((a) => a >= 0n && a <= input.until)]);
    }
  });

  it('anywhere', () => {
    const edge = fc.integer({ min: -(2 ** 31), max: 2 ** 31 });
    const input = fc.record({
      edges: fc.tuple(edge, edge),
      guard: fc.option(fc.tuple(edge, edge), { nil: undefined }),
      slope: fc.constantFrom(...slopes),
      until: fc.bigInt({ min: 0n, max: DAY }),
      at: fc.constantFrom(0n, 10n ** 15n, 10n ** 17n, -(10n ** 15n)),
      thetaBase: fc.constantFrom(0n, 1_794_000_000_000_000_000n, -(10n ** 18n), 7n * 10n ** 18n),
      resolutionNs: fc.constantFrom(0n, 280n, 2_000_000n),
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
