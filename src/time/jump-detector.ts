/**
 * Tells what happened to this machine's clocks between two looks at them.
 *
 * The problem: three very different events look alike to a program that compares two readings of the wall
 * clock. The wall clock was *stepped* (an operator, a daemon's first correction); the machine was
 * *suspended* while the monotonic clock stood still, so everything derived from that clock lost the time
 * slept; or the process was *paused* (SIGSTOP, a blocked event loop, a frozen container), which is no
 * fault of any clock.
 *
 * The idea: compare (wall - monotonic), which a pause cannot change since both clocks run through it.
 * Where there is a third clock that counts suspend, (boot - monotonic) tells the other two apart: a suspend
 * moves it, a step does not.
 *
 * | event   | wall - monotonic | boot - monotonic | elapsed monotonic    |
 * |---------|------------------|------------------|----------------------|
 * | step    | moves            | same             | as expected          |
 * | suspend | moves            | moves            | as expected          |
 * | pause   | same             | same             | more than expected   |
 *
 * Threshold: 3 ms + 1000 ppm of the elapsed monotonic time. Each bracketed read is off its centre by at most half of
 * (wall grid + monotonic grid + 1 ms of bracket), so two of them by 2 ms together; where the grids are
 * coarser than 2 ms in all, the threshold grows with them. The boot clock's grid of 10 ms adds 20 ms
 * wherever it is involved. 1000 ppm lets a wall clock that is slewed alone pass; the boot clock is slewed as the
 * monotonic clock is, so a suspend of 23 ms shows there after any length of time: at the end of a pause of minutes, too.
 *
 * Not seen: a suspend or step shorter than that; a daemon that slews the wall clock alone at more than
 * 1000 ppm shows as steps. Where the monotonic clock counts suspend itself (macOS, Windows), a suspend is, and
 * is reported as, a pause. A freeze of the whole virtual machine with all its clocks leaves no trace here.
 */
import type { Clock } from './clock.ts';
import { checkNumber } from './errors.ts';
import type { MonotonicNs } from './instant.ts';
import { NS_PER_MS, nsFromMsUp } from './rounding.ts';
import { BRACKET_LIMIT_NS, type OffsetBounds, readOffset, readWallOffset } from './wall-offset.ts';

/** An event that refutes what was known about the clocks: what was derived from them must be dropped. */
export type Jump = Step | Suspend | StepOrSuspend;

/** The wall clock was set. The monotonic clock is not affected. */
export interface Step {
  readonly kind: 'step';
  /** How far the wall clock was moved: positive is forward. Good to about 3 ms. */
  readonly stepNs: bigint;
  /** Monotonic time since the look before. */
  readonly elapsedNs: bigint;
}

/** The machine slept and the monotonic clock stood still. */
export interface Suspend {
  readonly kind: 'suspend';
  /** How long the monotonic clock stood still, to about 20 ms. */
  readonly suspendNs: bigint;
  /**
   * How far the wall clock moved besides: 0n when it moved as the suspend says. Minus `suspendNs` when it
   * stood still as well.
   */
  readonly stepNs: bigint;
  readonly elapsedNs: bigint;
}

/** The wall clock moved against the monotonic clock, and nothing here tells which of the two did it. */
export interface StepOrSuspend {
  readonly kind: 'step-or-suspend';
  /** By how much (wall - monotonic) grew. Good to about 3 ms. */
  readonly changeNs: bigint;
  readonly elapsedNs: bigint;
}

/** The process did not run when it should have. Its clocks did: no bound is affected. */
export interface Pause {
  readonly kind: 'pause';
  /** How much later than expected. */
  readonly pauseNs: bigint;
  /** Monotonic time since the tick before. */
  readonly elapsedNs: bigint;
}

export interface JumpDetectorOptions {
  /** A tick this much later than expected is a pause. Default 500. */
  readonly pauseMs?: number;
}

const THRESHOLD_NS = 3n * NS_PER_MS;
/** 1000 ppm: one part in a thousand. */
const SLEW_DIVISOR = 1000n;
const BOOT_GRID_NS = 10n * NS_PER_MS;
/** So long the next regular look is not overdue. */
const RECENT_NS = 2000n * NS_PER_MS;

/** Twice the centres of (wall - mono) and (boot - mono): twice, so that they stay whole. */
interface Look {
  readonly readAt: MonotonicNs;
  readonly wallTwiceNs: bigint;
  readonly bootTwiceNs: bigint | undefined;
}

/**
 * Compares the clocks with how they stood at the previous look. The first look is the constructor's.
 *
 * @example
 * const detector = new JumpDetector(systemClock());
 * setInterval(() => {
 *   const event = detector.tick({ expectedMs: 1000 });
 *   if (event && event.kind !== 'pause') resynchronise(event);
 * }, 1000);
 */
export class JumpDetector {
  readonly #clock: Clock;
  readonly #pauseNs: bigint;
  #previous: Look | undefined;
  #tickedAt: MonotonicNs | undefined;

  constructor(clock: Clock, options: JumpDetectorOptions = {}) {
    this.#clock = clock;
    const { pauseMs = 500 } = options;
    this.#pauseNs = nsFromMsUp(checkNumber('pauseMs', pauseMs, 0, Infinity), 'pauseMs');
    this.#previous = look(clock);
  }

  /**
   * What happened since the last `check` or `tick`, or `undefined`: no jump, or the machine is so loaded that
   * the clocks could not be read together; then the next call compares with the same earlier look. A
   * jump is reported once. Costs some microseconds.
   */
  check(): Jump | undefined {
    const now = look(this.#clock);
    if (!now) return undefined;
    const previous = this.#previous;
    this.#previous = now;
    return previous && this.#judge(previous, now);
  }

  /**
   * False when a `check` would hardly tell anything: (wall - monotonic) has not moved since the last look, and that is
   * less than 2 s ago. The cheap half of a look, for hot paths: it reads no boot clock, on Linux a file, and so misses
   * a suspend during which the wall clock stood still as well.
   */
  mayHaveJumped(): boolean {
    const wall = readWallOffset(this.#clock);
    if (!wall) return false;
    if (!this.#previous) return true;
    const elapsedNs = wall.readAt - this.#previous.readAt;
    const movedNs = (twiceCentre(wall) - this.#previous.wallTwiceNs) / 2n;
    return elapsedNs > RECENT_NS || magnitude(movedNs) > jumpLimitNs(this.#clock, elapsedNs);
  }

  /**
   * As {@link check}, for callers that look at regular intervals: when nothing jumped it also reports a
   * tick that came later than expected. Calls of `check` in between do not disturb it.
   *
   * @param options.expectedMs how long after the previous tick this one was due
   */
  tick(options: { readonly expectedMs: number }): Jump | Pause | undefined {
    const expectedNs = nsFromMsUp(options.expectedMs, 'expectedMs');
    const tickedAt = this.#tickedAt;
    const now = this.#clock.monotonicNs();
    this.#tickedAt = now;
    const jump = this.check();
    if (jump || tickedAt === undefined) return jump;
    const elapsedNs = now - tickedAt;
    const pauseNs = elapsedNs - expectedNs;
    return pauseNs > this.#pauseNs ? { kind: 'pause', pauseNs, elapsedNs } : undefined;
  }

  #judge(previous: Look, now: Look): Jump | undefined {
    const elapsedNs = now.readAt - previous.readAt;
    const limitNs = jumpLimitNs(this.#clock, elapsedNs);
    const wallNs = (now.wallTwiceNs - previous.wallTwiceNs) / 2n;
    const moved = magnitude(wallNs) > limitNs;
    if (now.bootTwiceNs === undefined || previous.bootTwiceNs === undefined) {
      return moved ? { kind: 'step-or-suspend', changeNs: wallNs, elapsedNs } : undefined;
    }

    const bootNs = (now.bootTwiceNs - previous.bootTwiceNs) / 2n;
    // These two are slewed alike: however long ago the last look was, only the reads themselves can differ.
    const bootLimitNs = readLimitNs(this.#clock) + 2n * BOOT_GRID_NS;
    // What a suspend does not account for.
    const restNs = wallNs - bootNs;
    const restMoved = magnitude(restNs) > limitNs + 2n * BOOT_GRID_NS;
    if (bootNs > bootLimitNs) {
      return { kind: 'suspend', suspendNs: bootNs, stepNs: restMoved ? restNs : 0n, elapsedNs };
    }
    if (!moved) return undefined;
    // A suspend moves the wall forward only. A short one hides in the boot clock's grid.
    return restMoved || wallNs < 0n
      ? { kind: 'step', stepNs: wallNs, elapsedNs }
      : { kind: 'step-or-suspend', changeNs: wallNs, elapsedNs };
  }
}

/** How far two centres of (wall - monotonic), read `elapsedNs` apart, may differ without a jump. */
export function jumpLimitNs(clock: Clock, elapsedNs: bigint): bigint {
  return readLimitNs(clock) + elapsedNs / SLEW_DIVISOR;
}

/** The part of it that is due to the reads, and not to slewing. */
function readLimitNs(clock: Clock): bigint {
  const uncertaintyNs = clock.wallGridNs + clock.monotonicGridNs + BRACKET_LIMIT_NS;
  return uncertaintyNs > THRESHOLD_NS ? uncertaintyNs : THRESHOLD_NS;
}

/** `undefined` when the clocks could not be read close enough together. */
function look(clock: Clock): Look | undefined {
  const wall = readWallOffset(clock);
  if (!wall) return undefined;
  const readAt = wall.readAt;
  const wallTwiceNs = twiceCentre(wall);
  // A clock may have the method and no value: os.uptime() in whole seconds is of no use.
  let bootNs: bigint | undefined;
  const boot = readOffset(
    clock,
    () => {
      bootNs = clock.bootNs?.();
      return bootNs ?? 0n;
    },
    BOOT_GRID_NS,
  );
  if (bootNs === undefined) return { readAt, wallTwiceNs, bootTwiceNs: undefined };
  return boot && { readAt, wallTwiceNs, bootTwiceNs: twiceCentre(boot) };
}

function twiceCentre(bounds: OffsetBounds): bigint {
  return bounds.lowerNs + bounds.upperNs;
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
