/**
 * A look at the system clock, for sources that know something about it: chronyd, ClockBound.
 *
 * `Date.now()` has a grid of a millisecond. Reads that are spread over a millisecond, one per turn
 * of the event loop, find the edge of the grid to some ten microseconds, and nobody else waits.
 */
import type { Clock } from '../time/clock.ts';

import { asUnixNs, type MonotonicNs } from '../time/instant.ts';
import { type OffsetBounds, readWallOffset, WallOffset } from '../time/wall-offset.ts';
import type { ServerFacts } from './sample-from.ts';

/** A little more than the grid of `Date.now()`. */
const LOOK_FOR_NS = 1_100_000n;
const MAX_READS = 200;
/**
 * How far the monotonic clock may be off while a question lasts, as a divisor: chronyd slews by at
 * most 1/12 (`maxslewrate`) unless configured.
 */
const MAX_SLEW = 8n;

/**
 * Bounds on `system clock - monotonic clock`, by the intersection of many reads. `undefined` when
 * no read was any good.
 */
export async function lookAtWall(
  clock: Clock,
  signal: AbortSignal,
): Promise<OffsetBounds | undefined> {
  const offset = new WallOffset();
  let readAt: MonotonicNs | undefined;
  const until = clock.monotonicNs() + LOOK_FOR_NS;
  for (let i = 0; i < MAX_READS && !signal.aborted; i++) {
    const read = readWallOffset(clock);
    if (read !== undefined) {
      offset.observe(read);
      ({ readAt } = read);
    }
    if (clock.monotonicNs() >= until) break;
    await new Promise<void>((resolve) => clock.nextTurn(resolve));
  }
  const { bounds } = offset;
  return bounds !== undefined && readAt !== undefined ? { ...bounds, readAt } : undefined;
}

/** What is known of the system clock at the instant of a look. */
export interface WallKnowledge {
  /** `true time - system clock` is at least this, ns. */
  readonly leastNs: bigint;
  /** And at most this, ns. */
  readonly mostNs: bigint;
  readonly leap: ServerFacts['leap'];
}

/**
 * The facts of a question that began at `askedAt` and ends now. They are those of the look, brought
 * to both ends of the question, with room for what the monotonic clock may be slewed meanwhile.
 */
export function factsOfWall(
  clock: Clock,
  askedAt: MonotonicNs,
  { lowerNs, upperNs, readAt }: OffsetBounds,
  { leastNs, mostNs, leap }: WallKnowledge,
): ServerFacts {
  const lower = readAt + lowerNs + leastNs;
  const upper = readAt + upperNs + mostNs;
  const middle = (lower + upper) >> 1n;
  const lasted = clock.monotonicNs() - askedAt;
  return {
    serverReceivedAt: asUnixNs(middle - (readAt - askedAt)),
    serverSentAt: asUnixNs(middle),
    serverErrorNs: upper - middle + lasted / MAX_SLEW + 1n,
    leap,
  };
}
