/**
 * A bound on `true - monotonic`, as ClockBound's clients want it: how far true time may be from the
 * *wall clock*, as one number that grows at one rate. clock-bound-publisher.ts argues why that is
 * sound, and for how long. Pure.
 */
import type { BoundedReader } from '../bounded-clock/bounded-reader.ts';
import type { ClockReading } from '../bounded-clock/reading.ts';
import {
  type DISRUPTED,
  FREE_RUNNING,
  type SegmentFields,
  SYNCHRONIZED,
  UNKNOWN,
} from '../sources/clock-bound/segment.ts';

/** How long clients of version 2 believe a segment whatever its `void after` says. */
const GRACE_NS = 5_000_000_000n;
/** Clients of version 3 do so for a minute. The second more covers {@link COARSE_NS}. */
export const LIFE_NS = 61_000_000_000n;
/**
 * How far the clock by which clients count the age may be behind (CLOCK_MONOTONIC_COARSE), ns: two
 * ticks of a kernel with 100 ticks a second. `as of` is this much early, so no client counts an age
 * that is too small, and none sees an `as of` in its future, which it would refuse.
 */
export const COARSE_NS = 20_000_000n;
/** Clients round what the bound grew by down to whole ns, after a product of doubles. */
const CLIENT_ROUNDING_NS = 2n;
/**
 * Without a bound clients are told the status. The number beside it is a year and not 0, for a
 * client that does not look at the status.
 */
const NO_BOUND_NS = 365n * 86_400_000_000_000n;
const PPB = 1_000_000_000n;

/** What is known at one instant. */
export interface WallFacts {
  /** What the clock answered, with an interval. */
  readonly reading: ClockReading & { readonly interval: object };
  /** The monotonic reading that the answer is about. */
  readonly readAt: bigint;
  readonly outlook: ReturnType<BoundedReader['outlook']>;
  /** Bounds on `wall - monotonic`, ns. */
  readonly wall: { readonly lowerNs: bigint; readonly upperNs: bigint };
  /** Grid of the monotonic clock, and of the wall clock as clients read it, ns. */
  readonly gridNs: bigint;
  readonly marker: bigint | undefined;
}

/** The fields of a segment without a bound. */
export function fieldsWithoutBound(
  status: typeof UNKNOWN | typeof DISRUPTED,
  marker: bigint | undefined,
): SegmentFields {
  return { asOf: 0n, voidAfter: 0n, boundNs: NO_BOUND_NS, driftPpb: 0n, status, marker };
}

/** The fields of a segment with what is known of the wall clock. */
export function fieldsOf(facts: WallFacts): SegmentFields {
  const { reading, readAt, outlook, wall, gridNs, marker } = facts;
  const { earliest, latest } = reading.interval;
  // A leap second steps the wall clock, and a client may believe this segment for all its life.
  if (outlook.endReason === 'leap-second' && outlook.until < readAt + LIFE_NS) {
    return fieldsWithoutBound(UNKNOWN, marker);
  }
  // A reading is the last tick of a clock: theta is up to a grid below `earliest - readAt`, and the
  // wall clock up to a grid above what a client reads.
  const ahead = latest - readAt - wall.lowerNs;
  const behind = wall.upperNs - (earliest - readAt);
  const asOf = readAt > COARSE_NS ? readAt - COARSE_NS : 0n;
  const voidAfter = asOf + GRACE_NS;
  return {
    asOf,
    voidAfter: voidAfter < outlook.until ? voidAfter : outlook.until,
    boundNs: max(ahead, behind) + gridNs + CLIENT_ROUNDING_NS,
    driftPpb: ppbOf(outlook.slope),
    status: reading.status === 'synchronized' ? SYNCHRONIZED : FREE_RUNNING,
    marker,
  };
}

/** A slope of the page (2^-34) in parts per billion, rounded up. */
function ppbOf(slope: bigint): bigint {
  return (slope * PPB + 0x3_ffff_ffffn) >> 34n;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
