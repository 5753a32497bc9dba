/**
 * Wall clock minus monotonic clock, as bounds.
 *
 * The problem: the two clocks cannot be read at one instant, the wall clock is coarse (1 ms), and the
 * process may be pre-empted between two reads, which then looks exactly like a step of the wall clock.
 *
 * The idea: read monotonic, wall, monotonic. The wall was read at some instant between the outer two,
 * so with the grids of both clocks (a reading `r` means `[r, r + grid]`)
 *
 *     wall - after - monotonicGrid  <=  (wall - monotonic)  <=  wall + wallGrid - before
 *
 * and a bracket wider than 1 ms is thrown away and read again. On most systems the difference is constant
 * between steps, because the time daemon slews both clocks together, so many such intervals can be
 * *intersected*: the wall clock's grid edge falls at another place within each, and the intersection
 * narrows from a millisecond to microseconds without ever waiting for an edge.
 *
 * Guarantee: one read's bounds always hold. The intersection holds as long as the difference has not
 * moved since the oldest read in it; when it has, the intersection ends up empty, is dropped for the
 * newest read, and `observe` says so. Where the wall clock is slewed and the monotonic clock is not
 * (macOS, Windows, see system-clock.ts) that happens now and then without any step.
 */
import type { Clock } from './clock.ts';
import type { MonotonicNs } from './instant.ts';

/** Bounds on the difference of two clocks: in `[lowerNs, upperNs]` at some instant of the bracket. */
export interface OffsetBounds {
  readonly lowerNs: bigint;
  readonly upperNs: bigint;
  /** The second monotonic reading of the bracket. */
  readonly readAt: MonotonicNs;
}

/** A wider bracket says the process was stopped in between; a narrower limit would refuse busy machines. */
export const BRACKET_LIMIT_NS = 1_000_000n;

/** Under a load that spoils five brackets in a row the sixth is no likelier to succeed. */
const ATTEMPTS = 5;

/**
 * One bracketed read of (wall - monotonic).
 *
 * @returns bounds at most 1 ms and both grids wide; `undefined` when five brackets in a row were wider
 */
export function readWallOffset(clock: Clock): OffsetBounds | undefined {
  return readOffset(clock, () => clock.wallReadNs(), clock.wallGridNs);
}

/** One bracketed read of (another clock - monotonic); `undefined` as {@link readWallOffset}. */
export function readOffset(
  clock: Clock,
  read: () => bigint,
  gridNs: bigint,
): OffsetBounds | undefined {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = clock.monotonicNs();
    const reading = read();
    const after = clock.monotonicNs();
    if (after - before <= BRACKET_LIMIT_NS) {
      return {
        lowerNs: reading - after - clock.monotonicGridNs,
        upperNs: reading + gridNs - before,
        readAt: after,
      };
    }
  }
  return undefined;
}

/**
 * The intersection of many bracketed reads.
 *
 * @example
 * const offset = new WallOffset();
 * const read = readWallOffset(clock);
 * if (read !== undefined && !offset.observe(read)) console.log('the wall clock moved');
 */
export class WallOffset {
  #bounds: { lowerNs: bigint; upperNs: bigint } | undefined;

  /**
   * Takes a read into the intersection.
   *
   * @returns whether it was consistent with all reads before it; if not, only this read is kept
   */
  observe(read: OffsetBounds): boolean {
    const known = this.#bounds;
    const lowerNs = known && known.lowerNs > read.lowerNs ? known.lowerNs : read.lowerNs;
    const upperNs = known && known.upperNs < read.upperNs ? known.upperNs : read.upperNs;
    const consistent = lowerNs <= upperNs;
    this.#bounds = consistent
      ? { lowerNs, upperNs }
      : { lowerNs: read.lowerNs, upperNs: read.upperNs };
    return consistent;
  }

  /** What all reads since the last inconsistent one agree on; `undefined` before the first. */
  get bounds(): { readonly lowerNs: bigint; readonly upperNs: bigint } | undefined {
    return this.#bounds;
  }
}
