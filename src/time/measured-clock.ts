/**
 * A clock whose grid was measured instead of assumed.
 *
 * A page that is not cross-origin isolated may read its clock in steps of 100 us (Chromium) up to 1
 * ms (Firefox, Safari), and does not learn which. So `systemClock` assumes the coarsest, and each
 * interval is 2 ms wider than it need be in Chromium.
 *
 * The steps can be watched: read in a tight loop, the clock stands still, then moves by one step.
 * The median of many such moves is the step, also when the program is stopped now and then. As
 * browsers may round up by a step, the grid is twice that. It is an observation and no promise: a
 * browser might change its steps later.
 */
import type { Clock } from './clock.ts';
import { systemClock, systemClockWithGrid } from './system-clock.ts';

/** Enough moves for a median. */
const MOVES = 64;
/** Fewer prove nothing: the assumed grid stays. */
const MIN_MOVES = 8;
/** The page is blocked for no longer than this. */
const MEASURE_FOR_NS = 25_000_000n;
/** A clock that shows the same for this many reads, as at the edge, will not move while we look. */
const MAX_STILL_READS = 50_000;
/** Twice the finest step of any browser, 5 us. */
const MIN_GRID_NS = 10_000n;

/**
 * The clock of the machine, as `systemClock`, with the grid of its monotonic clock measured: in a
 * page, where the grid would otherwise be assumed to be 2 ms. Blocks for up to 25 ms.
 *
 * @example
 * const clock = BoundedClock.start({ sources, clock: measuredClock() });
 * clock.stop();
 */
export function measuredClock(): Clock {
  const clock = systemClock();
  const gridNs = measuredGridNs(clock);
  return gridNs < clock.monotonicGridNs ? systemClockWithGrid(gridNs) : clock;
}

/** The grid of `clock` by observation; never above the one that it states. */
export function measuredGridNs(clock: Clock): bigint {
  const assumed = clock.monotonicGridNs;
  if (assumed <= MIN_GRID_NS) return assumed;
  const moves: bigint[] = [];
  const begin = clock.monotonicNs();
  let last = begin;
  for (let still = 0; still < MAX_STILL_READS; still++) {
    if (moves.length === MOVES || last - begin >= MEASURE_FOR_NS) break;
    const now = clock.monotonicNs();
    if (now === last) continue;
    moves.push(now - last);
    last = now;
    still = 0;
  }
  if (moves.length < MIN_MOVES) return assumed;
  moves.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const grid = 2n * moves[moves.length >> 1]!;
  if (grid < MIN_GRID_NS) return MIN_GRID_NS;
  return grid < assumed ? grid : assumed;
}
