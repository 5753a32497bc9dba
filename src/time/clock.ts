/**
 * The one interface to time. Apart from a few named files, everything in the library reads time,
 * waits and yields through a `Clock`. So the same code runs on the system clock, on a simulated
 * clock that drifts, steps and pauses, and on a clock that a user injects.
 */
import type { MonotonicNs, UnixNs } from './instant.ts';
import type { SteeringFacts } from './steering.ts';

/** Stops a timer or a pending turn. A second call, or a call after it fired, does nothing. */
export type Cancel = () => void;

/** Options of {@link Clock.setTimer}. */
export interface TimerOptions {
  /** A background timer does not keep the process alive. Default `false`. */
  readonly background?: boolean | undefined;
}

/** A machine's clocks and timers. All of the library's code reads time and waits through one. */
export interface Clock {
  /**
   * The monotonic clock, ns: it never goes back and is never stepped. The operating system's time
   * daemon may *slew* it (change its rate). Whether it counts suspend depends on the platform
   * ({@link Clock.bootNs}).
   */
  monotonicNs(): MonotonicNs;

  /**
   * The wall clock's best nanosecond estimate. An implementation may derive it from the monotonic
   * clock and read the operating system's wall clock only now and then. It may then report a step
   * late; its documentation says how late. To detect steps, use {@link Clock.wallReadNs}.
   */
  wallNs(): UnixNs;

  /**
   * The wall clock read from the operating system right now, rounded down to
   * {@link Clock.wallGridNs}.
   */
  wallReadNs(): UnixNs;

  /**
   * As {@link Clock.wallReadNs}, but in ms and as a double, without bigints on the heap. A clock
   * without this method is read by `wallReadNs`.
   */
  wallMs?(): number;

  /**
   * Time since boot, suspend *included*, ns, rounded down to a grid of 10 ms or finer. `undefined`
   * (or no such method) where the platform has no such clock; `undefined` also while it can only be
   * read more coarsely. Its difference to the monotonic clock tells a suspend from a step of the
   * wall clock.
   */
  bootNs?(): bigint | undefined;

  /**
   * An int64, not 0, that changes whenever the hypervisor has disturbed all clocks of this virtual
   * machine at once, which no comparison of the clocks shows: it moved the machine to another host,
   * or restored it from a snapshot. Compared for equality only. `undefined` (or no such method)
   * where nothing tells; `undefined` also while it cannot be read.
   */
  disruptionMarker?(): bigint | undefined;

  /**
   * What this machine shows of who adjusts its clock. It may block for some milliseconds. A bounded
   * clock calls it only with `hostClock: 'detect'`, and after the first minute once a minute.
   * `undefined` (or no such method) where nothing is shown.
   */
  steeringFacts?(): SteeringFacts | undefined;

  /**
   * True while `Date`, which the rest of the program reads, runs on another clock than this one:
   * fake timers were installed after this clock was made. A clock without this method cannot tell.
   */
  faked?(): boolean;

  /** A reading `m` of the monotonic clock means an instant in `[m, m + monotonicGridNs]`. */
  readonly monotonicGridNs: bigint;

  /** A reading `w` of `wallReadNs` means an instant in `[w, w + wallGridNs]`. */
  readonly wallGridNs: bigint;

  /**
   * Calls `fn` once, after about `delayMs`: 0 or more, fractions allowed, capped by the
   * implementation. A timer is a hint: it may fire up to a millisecond early and any time late, so
   * the caller must read the clock again when it fires.
   */
  setTimer(delayMs: number, fn: () => void, options?: TimerOptions): Cancel;

  /** Calls `fn` once, after pending input and output were handled (`setImmediate`). */
  nextTurn(fn: () => void): Cancel;
}
