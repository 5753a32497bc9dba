/**
 * When the bound, left alone, will be wider than somebody can bear.
 *
 * A width that has been exceeded is old news: whoever waits out the uncertainty is waiting already. But the
 * bound grows by a known law while no sample arrives, so the instant is known as soon as samples stop. It is
 * announced when the sources have fallen silent (`holdover`), however far off it is, and in any case shortly
 * before it comes; it is taken back when a sample has moved it away.
 */
import type { Bound } from '../bound/bound.ts';
import { asUnixNs, type UnixNs } from '../time/instant.ts';

/** That half the width of the bound will be above the limit, and when. */
export interface Widening {
  readonly inMs: number;
  readonly at: UnixNs;
}

export interface WideningInput {
  readonly bound: Bound;
  /** True time at which `bound.lo` would be 0: the monotonic instant of `bound` plus its base, ns. */
  readonly base: bigint;
  /** How long `bound` may be answered from, ns. */
  readonly untilNs: number;
  readonly holdover: boolean;
}

/** Two ticks: the next look may be late. */
const SHORTLY = 2e9;

/** What there is to announce when half the width should stay at or below `limitMs`. */
export function foreseeWidening(limitMs: number, input: WideningInput): Widening | undefined {
  const { bound, base, untilNs, holdover } = input;
  const horizon = holdover ? untilNs : Math.min(untilNs, SHORTLY);
  const exceeds = (age: number): boolean => widthAt(bound, age) > 2e6 * limitMs;
  if (!exceeds(horizon)) return undefined;
  // Widths never shrink: theta may fall at least as fast as it certainly does not rise.
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

/** The edges at `age`, without the grid of the clock and the rounding of the published form. */
function loAt({ suspectLo, fall, guarded, guardLo }: Bound, age: number): number {
  const lo = suspectLo - fall.over(age);
  return guarded ? Math.min(lo, guardLo) : lo;
}

function widthAt(bound: Bound, age: number): number {
  const { suspectHi, rise, guarded, guardHi } = bound;
  const hi = suspectHi + rise.over(age);
  return (guarded ? Math.max(hi, guardHi) : hi) - loAt(bound, age);
}
