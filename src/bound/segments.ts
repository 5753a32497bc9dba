/**
 * The bound as segments of the published page.
 *
 * Where the rate is learned each side grows by a parabola up to its bend, by a line from there, and by
 * another, steeper one once the cap on the rate has expired (growth.ts). Elsewhere it grows by a line.
 *
 * With the wall guard the answer is the hull of the bound and `c = wall - monotonic`, which does not age: a
 * side on which `c` lies outside is flat until the bound has grown past `c`, and grows from there.
 *
 * A segment ends wherever either side goes over to something else: three times at most, so there are at most four.
 * What flattens is made to do so late, what steepens early: a parabola ends at the first whole ns after its bend,
 * a cap and a flat part at the last one before (less one). Each part continues from the exact value rounded outward:
 * never above the exact lower edge, never below the exact upper one.
 */
import type { Bound } from './bound.ts';
import { lowered, raised } from './drift.ts';
import type { Growth } from './growth.ts';
import {
  CURVE_HI,
  CURVE_LO,
  FIRST_SEGMENT,
  HI,
  LO,
  longestSpan,
  pageCurve,
  pageSlack,
  pageSlope,
  SEGMENT_COUNT,
  SEGMENT_SLOTS,
  SLOPE,
  SLOPE_HI,
  SLOPE_LO,
  SPAN,
  START,
} from './page.ts';

export interface SegmentInput {
  readonly bound: Bound;
  /** What the bound's offsets are relative to, ns. */
  readonly thetaBase: bigint;
  /** The monotonic instant of `bound`. */
  readonly at: bigint;
  /** The last instant at which it may be answered from. */
  readonly until: bigint;
  readonly slope: number;
  /** Grid of the monotonic clock, ns. */
  readonly resolutionNs: bigint;
}

/** One side of the bound: flat at `edge` for `flatNs`, then moving outward as `growth` says. */
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
    slots[base + HI] =
      thetaBase + BigInt(raised(high.edge, up.outward)) + up.slack + input.resolutionNs;
    const span = BigInt(to - from);
    const longest = longestSpan(down.steepest > up.steepest ? down.steepest : up.steepest);
    slots[base + START] = at + BigInt(from);
    slots[base + SPAN] = span < longest ? span : longest;
    count++;
    if (span > longest) break;
    from = to + 1;
  }
  slots[SEGMENT_COUNT] = BigInt(count);
  slots[SLOPE] = pageSlope(input.slope);
}

/** With a guard (growth is then a line) that lies `outside` of the edge, the side is flat until it is reached. */
function side(edge: number, outside: number, guard: number, growth: Growth): Side {
  if (outside <= 0) return { edge, flatNs: 0, growth };
  const flatNs = Math.max(0, Math.floor(outside / growth.slope) - 1);
  return { edge: guard, flatNs, growth };
}

function nextSwitch({ flatNs, growth }: Side, from: number): number {
  return from < flatNs ? flatNs : flatNs + growth.nextSwitch(from - flatNs);
}

/**
 * Slope and curve of one side from `from` to `to`; how far out it is at `from`, and the rest of what the
 * segment needs to know of it.
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
  const slope = flat ? 0 : growth.slopeAt(age);
  const curve = flat ? 0n : pageCurve(growth.curveAt(age));
  const last = curve === 0n ? slope : growth.slopeAt(to - flatNs);
  // The unit on top is for what the shift of the curve rounds down.
  const carried = curve === 0n ? 0n : 1n;
  slots[slopeSlot] = pageSlope(slope) + carried;
  slots[curveSlot] = curve;
  return {
    outward: flat ? 0 : growth.over(age),
    slack: pageSlack(last, slope === 0 && last === 0),
    steepest: pageSlope(Math.max(Math.abs(slope), Math.abs(last))) + carried,
  };
}
