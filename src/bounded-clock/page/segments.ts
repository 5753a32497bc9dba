/**
 * The bound as segments of the published page.
 *
 * Where the rate is learned, each side grows along a parabola up to its bend, then along a line,
 * then, once the cap on the rate has expired, along a steeper line (growth.ts). Elsewhere it grows
 * along one line.
 *
 * With the wall guard the answer is the hull of the bound and `c = wall - monotonic`, which does
 * not age. A side on which `c` lies outside is flat until the bound has grown past `c`, and grows
 * from there.
 *
 * A segment ends wherever either side changes its curve. That happens three times at most, so there
 * are at most four segments. Switch points are rounded so that a segment is never too narrow: late
 * where growth slows down, early where it speeds up. So a parabola ends at the first whole ns after
 * its bend, a cap and a flat part end one ns before the last whole ns. Each segment starts from the
 * exact value rounded outward: never above the exact lower edge, never below the exact upper one.
 */
import type { Bound } from '../../bound/bound.ts';
import { lowered, raised } from '../../bound/drift.ts';
import type { Growth } from '../../bound/growth.ts';
import {
  CURVE_HI,
  CURVE_LO,
  FIRST_SEGMENT,
  HI,
  LO,
  longestSpan,
  MAX_RATE,
  pageCurve,
  pageSlack,
  pageSlope,
  SEGMENT_COUNT,
  SEGMENT_SLOTS,
  SLOPE_HI,
  SLOPE_LO,
  SPAN,
  START,
} from './page.ts';

export interface SegmentInput {
  readonly bound: Bound;
  /** What the bound's offsets are relative to, ns. */
  readonly thetaBase: bigint;
  /** The monotonic reading that `bound` is about. */
  readonly at: bigint;
  /** The last monotonic reading at which the bound may be used. */
  readonly until: bigint;
  /** The drift bound in force, ns per ns. */
  readonly maxRate: number;
  /** Grid of the monotonic clock, ns. */
  readonly gridNs: bigint;
}

/** One side of the bound. It stays at `edge` for `flatNs`, then moves outward by `growth`. */
interface Side {
  readonly edge: number;
  readonly flatNs: number;
  readonly growth: Growth;
}

/** Writes the segments of a bound into a page's slots. */
export function writeSegments(slots: BigInt64Array, input: SegmentInput): void {
  const { bound, thetaBase, at } = input;
  const { suspectLo, suspectHi, guarded, guardLo, guardHi, fall, rise } = bound;
  const low = side(suspectLo, guarded ? suspectLo - guardLo : 0, guardLo, fall);
  const high = side(suspectHi, guarded ? guardHi - suspectHi : 0, guardHi, rise);
  const until = Number(input.until - at);

  let count = 0;
  let from = 0;
  while (from <= until) {
    const to = Math.min(until, nextSwitch(low, from) - 1, nextSwitch(high, from) - 1);
    const base = FIRST_SEGMENT + count * SEGMENT_SLOTS;
    const down = writeSide(slots, base + SLOPE_LO, base + CURVE_LO, low, from, to);
    const up = writeSide(slots, base + SLOPE_HI, base + CURVE_HI, high, from, to);
    slots[base + LO] = thetaBase + BigInt(lowered(low.edge, down.outward)) - down.slack;
    slots[base + HI] = thetaBase + BigInt(raised(high.edge, up.outward)) + up.slack + input.gridNs;
    const span = BigInt(to - from);
    const longest = longestSpan(down.steepest > up.steepest ? down.steepest : up.steepest);
    slots[base + START] = at + BigInt(from);
    slots[base + SPAN] = span < longest ? span : longest;
    count++;
    if (span > longest) break;
    from = to + 1;
  }
  slots[SEGMENT_COUNT] = BigInt(count);
  slots[MAX_RATE] = pageSlope(input.maxRate);
}

/**
 * One side of a bound whose guard lies `outside` ns beyond the edge. If that is positive, the side
 * is flat until the bound reaches the guard. With a guard the growth is a line.
 */
function side(edge: number, outside: number, guard: number, growth: Growth): Side {
  if (outside <= 0) return { edge, flatNs: 0, growth };
  const flatNs = Math.max(0, Math.floor(outside / growth.maxRate) - 1);
  return { edge: guard, flatNs, growth };
}

function nextSwitch({ flatNs, growth }: Side, from: number): number {
  return from < flatNs ? flatNs : flatNs + growth.nextSwitch(from - flatNs);
}

/**
 * Writes the slope and the curve of one side for the ages `from` to `to`. Returns how far outward
 * the side is at `from`, what its constant carries for rounding, and its steepest slope.
 */
function writeSide(
  slots: BigInt64Array,
  slopeSlot: number,
  curveSlot: number,
  { flatNs, growth }: Side,
  from: number,
  to: number,
): { outward: number; slack: bigint; steepest: bigint } {
  const age = from - flatNs;
  const flat = age < 0;
  const slope = flat ? 0 : growth.rateAt(age);
  const curve = flat ? 0n : pageCurve(growth.curveAt(age));
  const last = curve === 0n ? slope : growth.rateAt(to - flatNs);
  // One unit of slope more, for what the shift of the curve rounds down.
  const carried = curve === 0n ? 0n : 1n;
  slots[slopeSlot] = pageSlope(slope) + carried;
  slots[curveSlot] = curve;
  return {
    outward: flat ? 0 : growth.over(age),
    slack: pageSlack(last, slope === 0 && last === 0),
    steepest: pageSlope(Math.max(Math.abs(slope), Math.abs(last))) + carried,
  };
}
