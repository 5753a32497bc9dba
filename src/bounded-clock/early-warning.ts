/**
 * When the bound, without further samples, will be wider than the program's limit.
 *
 * A warning after the limit is exceeded comes too late, because a commit wait is waiting by then.
 * But while no sample arrives the bound grows by a known law, so the instant is known as soon as
 * samples stop. It is announced when the sources have fallen silent (`holdover`), however far off
 * it is, and in any case shortly before it comes. It is taken back when a sample has moved it away.
 */
import type { Bound } from '../bound/bound.ts';
import { asUnixNs, type UnixNs } from '../time/instant.ts';

/** When half the width of the bound will be above the limit. */
export interface Widening {
  readonly inMs: number;
  readonly at: UnixNs;
}

export interface WideningInput {
  readonly bound: Bound;
  /** The monotonic reading of `bound` plus the base of its values, ns. */
  readonly base: bigint;
  /** How long `bound` may be used, ns. */
  readonly untilNs: number;
  readonly holdover: boolean;
}

/** Without a holdover the warning comes this long before: two ticks, since a tick may be late. */
const WARNING_LEAD_NS = 2e9;

/** What to announce when half the width should stay at or below `limitMs`. */
export function foreseeWidening(limitMs: number, input: WideningInput): Widening | undefined {
  const { bound, base, untilNs, holdover } = input;
  const horizon = holdover ? untilNs : Math.min(untilNs, WARNING_LEAD_NS);
  const exceeds = (age: number): boolean => widthAt(bound, age) > 2e6 * limitMs;
  if (!exceeds(horizon)) return undefined;
  // The width never shrinks, because fall rate + rise rate >= 0. So the first age beyond the limit
  // can be found by bisection.
  let before = -1;
  let age = horizon;
  while (age - before > 1) {
    const middle = Math.floor((before + age) / 2);
    if (exceeds(middle)) age = middle;
    else before = middle;
  }
  const earliest = BigInt(Math.floor(loAt(bound, age)));
  return { inMs: age / 1e6, at: asUnixNs(base + BigInt(age) + earliest) };
}

/** The lower edge at `age`, without the grid of the clock and the rounding of the page. */
function loAt({ suspectLo, fall, guarded, guardLo }: Bound, age: number): number {
  const lo = suspectLo - fall.over(age);
  return guarded ? Math.min(lo, guardLo) : lo;
}

/** The width at `age`, likewise. */
function widthAt(bound: Bound, age: number): number {
  const { suspectHi, rise, guarded, guardHi } = bound;
  const hi = suspectHi + rise.over(age);
  return (guarded ? Math.max(hi, guardHi) : hi) - loAt(bound, age);
}
