/**
 * The one door to time. Everything in the library but a few named files reads time, waits and yields
 * through a `Clock`, so the same code runs on the system clock, on a simulated one that drifts, steps
 * and pauses, and on whatever a user injects.
 */
import type { MonotonicNs, UnixNs } from './instant.ts';

/** Stops a timer or a pending turn. Calling it again, or after it fired, does nothing. */
export type Cancel = () => void;

export interface TimerOptions {
  /** A background timer does not keep the process alive. Default `false`. */
  readonly background?: boolean;
}

export interface Clock {
  /**
   * The monotonic clock: never goes back, is never stepped. It may be *slewed* by the operating
   * system's time daemon, and may or may not count suspend ({@link Clock.bootNs}).
   */
  monotonicNs(): MonotonicNs;

  /**
   * The wall clock's best nanosecond estimate. An implementation may derive it from the monotonic clock
   * and look at the operating system's wall clock only now and then, so it may report a step late; it
   * says how late in its documentation. For detection of steps use {@link Clock.wallReadNs}.
   */
  wallNs(): UnixNs;

  /** The wall clock read from the operating system right now, rounded down to {@link Clock.wallGridNs}. */
  wallReadNs(): UnixNs;

  /**
   * Time since boot that *does* count suspend, rounded down to a grid of 10 ms or finer; absent, or
   * `undefined`, where the platform has none. Its difference to the monotonic clock tells a suspend
   * from a step of the wall clock.
   */
  bootNs?(): bigint | undefined;

  /** A reading `m` of the monotonic clock means an instant in `[m, m + monotonicGridNs]`. */
  readonly monotonicGridNs: bigint;

  /** A reading `w` of `wallReadNs` means an instant in `[w, w + wallGridNs]`. */
  readonly wallGridNs: bigint;

  /**
   * Calls `fn` once, after about `delayMs` (0 or more, fractions allowed, capped by the implementation). A timer is a hint:
   * it may fire up to a millisecond early and any time late, so whoever was waiting reads the clock again.
   */
  setTimer(delayMs: number, fn: () => void, options?: TimerOptions): Cancel;

  /** Calls `fn` once, after pending input and output have had their turn (`setImmediate`). */
  nextTurn(fn: () => void): Cancel;
}
