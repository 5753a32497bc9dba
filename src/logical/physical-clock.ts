/**
 * The physical side of a hybrid clock: one function that reads the time, chosen once.
 *
 * Two kinds of clock have such a function. A wall clock (any `Clock`) always answers. A bounded
 * clock throws before its first synchronisation, so that a service does not hand out timestamps of
 * an unchecked clock. Afterwards it always answers, because a send must not fail when the network
 * to the time servers fails. Causality never depends on physical time. Only how close the
 * timestamps are to true time depends on it.
 *
 * The method is chosen at construction and not per call. It is a closure and not a bound function
 * (docs/internals/performance.md).
 */
import { ArgumentTypeError } from '../time/errors.ts';
import type { UnixNs } from '../time/instant.ts';

/** The part of a wall clock that a hybrid clock needs; every `Clock` has it. */
export interface WallClock {
  /** The wall clock's best estimate. May step forward or back at any time. */
  wallNs(): UnixNs;
}

/** The part of a clock with synchronisation that a hybrid clock needs; a `BoundedClock` has it. */
export interface SynchronizedClock {
  /**
   * About the middle of the interval that holds true time. It follows a straight line that is
   * computed when the bound is refreshed, so a call costs one reading of the monotonic clock and
   * one addition.
   *
   * Before the first synchronisation it throws an error whose `code` is `ERR_CLOCK_UNSYNCHRONIZED`.
   * Afterwards it never throws: when the bound is lost, it continues along the last line.
   */
  physicalNs(): UnixNs;
}

/** The clock from which a hybrid clock takes physical time. */
export type PhysicalClock = WallClock | SynchronizedClock;

/**
 * What to do until a {@link SynchronizedClock} has synchronised: throw, or read this wall clock.
 */
export type BeforeSync = 'throw' | WallClock;

/**
 * The one function through which a hybrid clock reads physical time.
 *
 * @throws ArgumentTypeError when `clock` has neither method, or `beforeSync` is not a wall clock
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
  throw new ArgumentTypeError(
    'clock',
    'a clock with wallNs() or physicalNs(), such as systemClock()',
    clock,
  );
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
