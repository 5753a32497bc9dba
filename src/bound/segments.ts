/**
 * The bound as segments of the published page.
 *
 * Without the wall guard the bound opens linearly on both sides: one segment. With it the answer is the
 * hull of the bound and `c = wall - monotonic`, which does not age: a side on which `c` lies outside is
 * flat until the bound has grown past `c`, and grows from there. At most one switch per side, so at most
 * three segments. A switch is made early (its instant rounded down, less one), and the grown part continues from
 * the flat value: never above the exact lower edge, never below the exact upper one.
 */
import type { Bound } from './bound-engine.ts';
import { driftOver, lowered, raised } from './drift.ts';
import {
  FIRST_SEGMENT,
  HI,
  LO,
  longestSpan,
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

/** One side of the bound: flat at `value` for `flatNs`, then growing. */
interface Side {
  readonly value: number;
  readonly flatNs: number;
}

/** Writes the segments of a bound into a page's slots. */
export function writeSegments(slots: BigInt64Array, input: SegmentInput): void {
  const { bound, slope } = input;
  const low = side(bound.suspectLo, bound.guarded ? bound.guardLo : bound.suspectLo, -1, slope);
  const high = side(bound.suspectHi, bound.guarded ? bound.guardHi : bound.suspectHi, 1, slope);
  const until = Number(input.until - input.at);

  let count = 0;
  let from = 0;
  while (from <= until) {
    const lowGrows = from >= low.flatNs;
    const highGrows = from >= high.flatNs;
    let to = until;
    if (!lowGrows) to = Math.min(to, low.flatNs - 1);
    if (!highGrows) to = Math.min(to, high.flatNs - 1);
    const slopeLo = lowGrows ? slope : 0;
    const slopeHi = highGrows ? slope : 0;
    const grownLo = lowGrows ? driftOver(slope, from - low.flatNs) : 0;
    const grownHi = highGrows ? driftOver(slope, from - high.flatNs) : 0;
    const span = BigInt(to - from);
    const longest = longestSpan(pageSlope(Math.max(slopeLo, slopeHi)));

    const base = FIRST_SEGMENT + count * SEGMENT_SLOTS;
    slots[base + START] = input.at + BigInt(from);
    slots[base + SPAN] = span < longest ? span : longest;
    slots[base + LO] = input.thetaBase + BigInt(lowered(low.value, grownLo)) - pageSlack(slopeLo);
    slots[base + HI] =
      input.thetaBase +
      BigInt(raised(high.value, grownHi)) +
      pageSlack(slopeHi) +
      input.resolutionNs;
    slots[base + SLOPE_LO] = pageSlope(slopeLo);
    slots[base + SLOPE_HI] = pageSlope(slopeHi);
    count++;
    if (span > longest) break;
    from = to + 1;
  }
  slots[SEGMENT_COUNT] = BigInt(count);
  slots[SLOPE] = pageSlope(slope);
}

/** `sign` is -1 for the lower side, 1 for the upper. */
function side(edge: number, guard: number, sign: -1 | 1, slope: number): Side {
  const outside = sign * (guard - edge);
  return outside > 0
    ? { value: guard, flatNs: Math.max(0, Math.floor(outside / slope) - 1) }
    : { value: edge, flatNs: 0 };
}
