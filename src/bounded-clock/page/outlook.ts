/**
 * How a published bound ages in the time to come: as one slope, for code that hands it on in a form
 * that knows lines only.
 */
import { NO_BOUND_REASONS, type NoBoundReason } from '../../bound/bound.ts';
import {
  CURVE_HI,
  CURVE_LO,
  END_REASON,
  FIRST_SEGMENT,
  SEGMENT_COUNT,
  SEGMENT_SLOTS,
  SLOPE_HI,
  SLOPE_LO,
  SPAN,
  START,
} from './page.ts';

export interface Outlook {
  /**
   * Neither edge moves outward faster than this, in units of 2^-34 ns per ns of the monotonic
   * clock; at least 0.
   */
  readonly slope: bigint;
  /** The last monotonic reading at which the bound may be used. */
  readonly until: bigint;
  /** Why it ends there. */
  readonly endReason: NoBoundReason;
}

/**
 * @param slots a copy of a page with a bound
 * @param from a monotonic reading within the bound
 * @param to the last monotonic reading that the slope has to serve
 */
export function outlookOf(slots: BigInt64Array, from: bigint, to: bigint): Outlook {
  let slope = 0n;
  let until = from;
  for (let i = 0; i < Number(slots[SEGMENT_COUNT]); i++) {
    const base = FIRST_SEGMENT + i * SEGMENT_SLOTS;
    const start = slots[base + START]!;
    until = start + slots[base + SPAN]!;
    if (until < from || start > to) continue;
    // A parabola is steepest at its end. One unit more, for what the shifts round down.
    const last = ((until < to ? until : to) - start) >> 10n;
    slope = max(slope, steepest(slots[base + SLOPE_LO]!, slots[base + CURVE_LO]!, last));
    slope = max(slope, steepest(slots[base + SLOPE_HI]!, slots[base + CURVE_HI]!, last));
  }
  return { slope, until, endReason: NO_BOUND_REASONS[Number(slots[END_REASON])] as NoBoundReason };
}

/** The derivative of the page's formula at an age in its units. */
function steepest(slope: bigint, curve: bigint, age: bigint): bigint {
  return curve === 0n ? slope : slope + ((2n * (age + 1n) * curve) >> 32n) + 1n;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
