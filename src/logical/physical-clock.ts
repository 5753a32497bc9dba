/**
 * The physical side of a hybrid clock: one function that says what time it is, captured once.
 *
 * Two kinds of clock have one. A wall clock (any `Clock`) always answers. A bounded clock knows when it
 * has no idea: before its first synchronisation it throws, so that a service does not hand out
 * timestamps of a clock nobody has checked. Afterwards it always answers, because a send must not fail
 * when the network to the time servers does: causality never depends on physical time, only the
 * timestamps' closeness to it does.
 *
 * Which method it is is decided at construction, not per call; and it is a closure, not `bind`: V8
 * inlines the same closure over any number of clocks, but of bound functions only the first, and a
 * program with two clocks would pay half a tick more for each.
 */
import { ArgumentTypeError } from '../time/errors.ts';
import type { UnixNs } from '../time/instant.ts';

/** What a hybrid clock needs of a wall clock; every `Clock` has it. */
export interface WallClock {
  /** The wall clock's best estimate. May step either way at any time. */
  wallNs(): UnixNs;
}

/** What a hybrid clock needs of a clock that may be unsynchronised; a `BoundedClock` has it. */
export interface SynchronizedClock {
  /**
   * About the middle of the interval that holds true time: a line worked out when the bound was last
   * refreshed, so that a call costs one reading of the monotonic clock and one addition.
   *
   * Before the first synchronisation it throws an error whose `code` is
   * `ERR_CLOCK_UNSYNCHRONIZED`.
   * Afterwards it never throws: when the bound is lost, the last line is carried on.
   */
  physicalNs(): UnixNs;
}

export type PhysicalClock = WallClock | SynchronizedClock;

/** What to do until a {@link SynchronizedClock} has synchronised: throw, or read this wall clock. */
export type BeforeSync = 'throw' | WallClock;

/**
 * The one function through which a hybrid clock reads physical time.
 *
 * @throws ArgumentTypeError when `clock` has neither method, or `beforeSync` is no wall clock
 */
export function physicalReader(clock: PhysicalClock, beforeSync: BeforeSync): () => UnixNs {
  if (has(clock, 'physicalNs')) {
    const synchronized = () => clock.physicalNs();
    if (beforeSync === 'throw') return synchronized;
    if (!has(beforeSync, 'wallNs')) {
      throw new ArgumentTypeError('beforeSync', "'throw' or a clock with wallNs()", beforeSync);
    }
    const wall = () => beforeSync.wallNs();
    return () => {
      try {
        return synchronized();
      } catch (error) {
        if ((error as { code?: unknown } | null)?.code === 'ERR_CLOCK_UNSYNCHRONIZED')
          return wall();
        throw error;
      }
    };
  }
  if (has(clock, 'wallNs')) return () => clock.wallNs();
  throw new ArgumentTypeError('clock', 'a clock with wallNs() or physicalNs()', clock);
}

function has<Name extends string>(
  value: unknown,
  method: Name,
): value is Record<Name, () => UnixNs> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Record<string, unknown>)[method] === 'function'
  );
}
