/**
 * Wall clock minus monotonic clock, as bounds.
 *
 * The problem: the two clocks cannot be read at one instant, the wall clock is coarse (1 ms), and
 * the process may be pre-empted between two reads. A pre-emption then looks exactly like a step of
 * the wall clock.
 *
 * The idea: read monotonic, wall, monotonic (a *bracket*). The wall clock was read at some instant
 * between the outer two reads. Each clock has a grid: a reading `r` means an instant in
 * `[r, r + grid]`. So
 *
 *     wall - after - monotonicGrid  <=  (wall - monotonic)  <=  wall + wallGrid - before
 *
 * A bracket wider than 1 ms is thrown away and read again. On most systems the difference is
 * constant between steps, because the time daemon slews both clocks together. So many such
 * intervals can be *intersected*. The wall clock's grid edge falls at another place within each of
 * them, and the intersection narrows from a millisecond to microseconds without ever waiting for an
 * edge.
 *
 * Guarantee: the bounds of one read always hold. The intersection holds as long as the difference
 * has not moved since the oldest read in it. When the difference has moved, the intersection
 * becomes empty sooner or later; then the newest read replaces it, and `observe` reports that.
 * Where the wall clock is slewed and the monotonic clock is not (macOS, Windows, see
 * system-clock.ts), this happens now and then without any step.
 */
import type { Clock } from './clock.ts';
import type { MonotonicNs } from './instant.ts';

/**
 * Bounds on the difference of two clocks: it was in `[lowerNs, upperNs]` at some instant of the
 * bracket.
 */
export interface OffsetBounds {
  readonly lowerNs: bigint;
  readonly upperNs: bigint;
  /** The second monotonic reading of the bracket. */
  readonly readAt: MonotonicNs;
}

/**
 * A wider bracket means that the process was stopped in between. A narrower limit would refuse busy
 * machines.
 */
export const BRACKET_LIMIT_NS = 1_000_000n;

/** Under a load that spoils five brackets in a row, a sixth is not likelier to succeed. */
const ATTEMPTS = 5;

/**
 * One bracketed read of (wall - monotonic).
 *
 * @returns bounds at most 1 ms plus both grids wide; `undefined` when five brackets in a row were
 *   wider
 */
export function readWallOffset(clock: Clock): OffsetBounds | undefined {
  return readOffset(clock, () => clock.wallReadNs(), clock.wallGridNs);
}

/**
 * One bracketed read of (another clock - monotonic).
 *
 * @returns as {@link readWallOffset}
 */
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

/** The intersection of many bracketed reads. */
export class WallOffset {
  #bounds: { lowerNs: bigint; upperNs: bigint } | undefined;

  /**
   * Takes a read into the intersection.
   *
   * @returns true when it was consistent with all reads before it. Otherwise only this read is kept
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

  /**
   * The intersection of all reads since the last inconsistent one; `undefined` before the first
   * read.
   */
  get bounds(): { readonly lowerNs: bigint; readonly upperNs: bigint } | undefined {
    return this.#bounds;
  }
}
