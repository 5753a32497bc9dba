/**
 * Tells what happened to this machine's clocks between two reads of them.
 *
 * The problem: three very different events look alike to a program that compares two readings of
 * the wall clock.
 *
 * - *Step*: the wall clock was set, by an operator or by a daemon's first correction.
 * - *Suspend*: the machine slept while the monotonic clock stood still, so everything derived from
 *   that clock lost the time slept.
 * - *Pause*: the process did not run (SIGSTOP, a blocked event loop, a frozen container). No clock
 *   is wrong.
 *
 * The idea: compare (wall - monotonic). A pause cannot change it, because both clocks run through
 * the pause. Where there is a third clock that counts suspend (the *boot* clock), (boot -
 * monotonic) tells the other two apart: a suspend moves it, a step does not.
 *
 * A fourth event moves all clocks alike, and no comparison shows it:
 *
 * - *Disruption of the virtual machine*: it was moved to another host or restored from a snapshot.
 *   Hypervisors with a VMClock change a marker at such a moment ({@link Clock.disruptionMarker}).
 *
 * | event      | wall - monotonic | boot - monotonic | elapsed monotonic  | marker  |
 * |------------|------------------|------------------|--------------------|---------|
 * | step       | moves            | same             | as expected        | same    |
 * | suspend    | moves            | moves            | as expected        | same    |
 * | pause      | same             | same             | more than expected | same    |
 * | disruption | any              | any              | any                | changes |
 *
 * No suspend moves the boot clock alone: the system adds the time slept to boot and wall clock at
 * once. So where the boot clock moves and the wall clock does not, the boot clock's reading is
 * wrong.
 *
 * Threshold: 3 ms + 1000 ppm of the elapsed monotonic time.
 *
 * - Each bracketed read is off its centre by at most half of (wall grid + monotonic grid + 1 ms of
 *   bracket), so two of them by 2 ms together. Where the grids are coarser than 2 ms in all, the
 *   threshold grows with them.
 * - The boot clock's grid of 10 ms adds 20 ms wherever the boot clock is involved.
 * - 1000 ppm lets a wall clock pass that is slewed alone. The boot clock is slewed as the monotonic
 *   clock is, so it needs no such allowance: a suspend of 23 ms shows there after any length of
 *   time, even at the end of a pause of minutes.
 *
 * Not seen:
 *
 * - A suspend or step shorter than the threshold.
 * - A freeze of the whole virtual machine with all its clocks, where there is no marker or the
 *   hypervisor does not change it.
 * - A disruption, while the hypervisor is in the middle of writing the marker's page, until it has
 *   finished. A detector that is made then takes the first marker that it can read for the one
 *   before, so it does not see a disruption that was being written.
 *
 * Seen as something else:
 *
 * - A daemon that slews the wall clock alone at more than 1000 ppm shows as steps.
 * - Where the monotonic clock counts suspend itself (macOS, Windows), a suspend is a pause, and is
 *   reported as one.
 */
import type { Clock } from './clock.ts';
import { checkMethods, checkNumber, checkObject } from './errors.ts';
import type { MonotonicNs } from './instant.ts';
import { withJson } from './json.ts';
import { NS_PER_MS, nsFromMsUp } from './rounding.ts';
import { BRACKET_LIMIT_NS, type OffsetBounds, readOffset, readWallOffset } from './wall-offset.ts';

/** An event that refutes what was known about the clocks: drop whatever was derived from them. */
export type Jump = Step | Suspend | StepOrSuspend | VmDisruption;

/** The wall clock was set. The monotonic clock is not affected. */
export interface Step {
  /** Discriminates the jumps. */
  readonly kind: 'step';
  /** How far the wall clock was moved: positive is forward. Good to about 3 ms. */
  readonly stepNs: bigint;
  /** Monotonic time since the previous check, ns. */
  readonly elapsedNs: bigint;
}

/** The machine slept, and the monotonic clock stood still. */
export interface Suspend {
  /** Discriminates the jumps. */
  readonly kind: 'suspend';
  /** How long the monotonic clock stood still, ns, to about 20 ms. */
  readonly suspendNs: bigint;
  /** How far the wall clock moved in addition, ns: 0n when it moved by the time slept alone. */
  readonly stepNs: bigint;
  /** Monotonic time since the previous check, ns. */
  readonly elapsedNs: bigint;
}

/**
 * The wall clock moved against the monotonic clock, and nothing here tells which of the two caused
 * it.
 */
export interface StepOrSuspend {
  /** Discriminates the jumps. */
  readonly kind: 'step-or-suspend';
  /** By how much (wall - monotonic) grew, ns. Good to about 3 ms. */
  readonly changeNs: bigint;
  /** Monotonic time since the previous check, ns. */
  readonly elapsedNs: bigint;
}

/**
 * The hypervisor says that it disturbed the clocks of this virtual machine. By how much is unknown.
 */
export interface VmDisruption {
  /** Discriminates the jumps. */
  readonly kind: 'vm-disruption';
  /** Monotonic time since the previous check, ns, as the disturbed clock counts it. */
  readonly elapsedNs: bigint;
}

/** The process did not run when it should have. Its clocks did run, so no bound is affected. */
export interface Pause {
  /** Discriminates {@link Pause} from the jumps. */
  readonly kind: 'pause';
  /** How much later the tick came than expected, ns. */
  readonly pauseNs: bigint;
  /** Monotonic time since the previous tick, ns. */
  readonly elapsedNs: bigint;
}

/** Options of {@link JumpDetector}. */
export interface JumpDetectorOptions {
  /** A tick is a pause when it comes more than this later than expected, ms. Default 500. */
  readonly pauseMs?: number | undefined;
}

const THRESHOLD_NS = 3n * NS_PER_MS;
/** 1000 ppm: one part in a thousand. */
const SLEW_DIVISOR = 1000n;
/** The coarsest grid that `Clock.bootNs` may have. */
const BOOT_GRID_NS = 10n * NS_PER_MS;
/** `mayHaveJumped` asks for a full check when the previous one is older than this. */
const MAX_CHECK_AGE_NS = 2000n * NS_PER_MS;

/**
 * The clocks at one instant. Twice the centres of (wall - monotonic) and (boot - monotonic),
 * because the centres themselves may lie half a nanosecond between whole ones.
 */
interface Snapshot {
  readonly readAt: MonotonicNs;
  readonly wallTwiceNs: bigint;
  readonly bootTwiceNs: bigint | undefined;
}

/**
 * Compares the clocks with how they stood at the previous check. The constructor makes the first
 * one.
 *
 * @example
 * const detector = new JumpDetector(systemClock());
 * const timer = setInterval(() => {
 *   const event = detector.tick({ expectedMs: 1000 });
 *   if (event && event.kind !== 'pause') console.log('the clocks jumped', event);
 * }, 1000);
 * timer.unref();
 */
export class JumpDetector {
  readonly #clock: Clock;
  readonly #pauseNs: bigint;
  #previous: Snapshot | undefined;
  /**
   * The last snapshot with a boot time. The boot clock is compared with this one, across snapshots
   * without a boot time.
   */
  #withBoot: Snapshot | undefined;
  #tickedAt: MonotonicNs | undefined;
  /** The last marker that could be read. */
  #marker: bigint | undefined;

  constructor(clock: Clock, options: JumpDetectorOptions = {}) {
    checkMethods('clock', 'a Clock', clock, ['monotonicNs', 'wallReadNs']);
    this.#clock = clock;
    const { pauseMs = 500 } = checkObject('options', options);
    this.#pauseNs = nsFromMsUp(checkNumber('pauseMs', pauseMs, 0, Infinity), 'pauseMs');
    this.#previous = readClocks(clock);
    this.#withBoot = this.#previous;
    this.#marker = clock.disruptionMarker?.();
  }

  /** The disruption marker at the last check that could read it; `undefined` without one. */
  get marker(): bigint | undefined {
    return this.#marker;
  }

  /**
   * Reports the jump since the previous `check` or `tick`, once; `undefined` when there was none.
   * Costs some microseconds.
   *
   * On a machine so loaded that the clocks could not be read together, it reports a disruption of
   * the virtual machine at most. The next call then compares with the same earlier snapshot, so no
   * jump is lost.
   */
  check(): Jump | undefined {
    const marker = this.#clock.disruptionMarker?.() ?? this.#marker;
    const disrupted = this.#marker !== undefined && marker !== this.#marker;
    this.#marker = marker;
    const now = readClocks(this.#clock);
    if (!now && !disrupted) return undefined;
    const previous = this.#previous;
    this.#previous = now;
    if (disrupted || !now) {
      // Whatever else has happened to the clocks is part of the disruption.
      this.#withBoot = now;
      const elapsedNs = previous ? this.#clock.monotonicNs() - previous.readAt : 0n;
      return withJson({ kind: 'vm-disruption', elapsedNs });
    }
    const jump = previous && this.#classify(previous, now);
    // A jump reported without a boot time must not show in the boot clock once more.
    if (jump !== undefined || now.bootTwiceNs !== undefined) this.#withBoot = now;
    return jump && withJson(jump);
  }

  /**
   * Whether a `check` may report a jump. Cheap, for hot paths: it reads no boot clock, which is a
   * file on Linux. The marker is one too, but it exists on few machines.
   *
   * False when (wall - monotonic) has not moved since the previous check, that check is at most 2 s
   * old, and the marker is the same.
   */
  mayHaveJumped(): boolean {
    const marker = this.#clock.disruptionMarker?.();
    if (marker !== undefined && marker !== this.#marker) return true;
    const wall = readWallOffset(this.#clock);
    if (!wall) return false;
    if (!this.#previous) return true;
    const elapsedNs = wall.readAt - this.#previous.readAt;
    const movedNs = (twiceCentre(wall) - this.#previous.wallTwiceNs) / 2n;
    return elapsedNs > MAX_CHECK_AGE_NS || magnitude(movedNs) > jumpLimitNs(this.#clock, elapsedNs);
  }

  /**
   * As {@link check}, for callers that check at regular intervals. When no clock jumped, it also
   * reports a tick that came later than expected. Calls of `check` in between do not disturb it.
   *
   * @param options.expectedMs how long after the previous tick this one was due, ms
   * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`), ArgumentRangeError (`ERR_OUT_OF_RANGE`)
   *   when `expectedMs` is not a finite number
   */
  tick(options: { readonly expectedMs: number }): Jump | Pause | undefined {
    const expectedNs = nsFromMsUp(checkObject('options', options).expectedMs, 'expectedMs');
    const tickedAt = this.#tickedAt;
    const now = this.#clock.monotonicNs();
    this.#tickedAt = now;
    const jump = this.check();
    if (jump || tickedAt === undefined) return jump;
    const elapsedNs = now - tickedAt;
    const pauseNs = elapsedNs - expectedNs;
    if (pauseNs <= this.#pauseNs) return undefined;
    return withJson({ kind: 'pause', pauseNs, elapsedNs });
  }

  #classify(previous: Snapshot, now: Snapshot): Jump | undefined {
    const elapsedNs = now.readAt - previous.readAt;
    const limitNs = jumpLimitNs(this.#clock, elapsedNs);
    const wallNs = (now.wallTwiceNs - previous.wallTwiceNs) / 2n;
    const moved = magnitude(wallNs) > limitNs;
    const withBoot = this.#withBoot;
    if (now.bootTwiceNs === undefined || withBoot?.bootTwiceNs === undefined) {
      return moved ? { kind: 'step-or-suspend', changeNs: wallNs, elapsedNs } : undefined;
    }

    const bootNs = (now.bootTwiceNs - withBoot.bootTwiceNs) / 2n;
    // How far the wall clock moved since `withBoot`, and how much of that a suspend does not
    // account for.
    const besideNs = (now.wallTwiceNs - withBoot.wallTwiceNs) / 2n;
    const restNs = besideNs - bootNs;
    const restLimitNs = jumpLimitNs(this.#clock, now.readAt - withBoot.readAt) + 2n * BOOT_GRID_NS;
    const restMoved = magnitude(restNs) > restLimitNs;
    // Boot and monotonic clock are slewed alike. However long ago the last snapshot was, only the
    // reading errors can make them differ.
    const readNs = readLimitNs(this.#clock);
    if (bootNs > readNs + 2n * BOOT_GRID_NS && magnitude(besideNs) > readNs) {
      return { kind: 'suspend', suspendNs: bootNs, stepNs: restMoved ? restNs : 0n, elapsedNs };
    }
    if (!moved) return undefined;
    // A suspend moves the wall clock forward only. A short one hides in the boot clock's grid.
    return restMoved || wallNs < 0n
      ? { kind: 'step', stepNs: wallNs, elapsedNs }
      : { kind: 'step-or-suspend', changeNs: wallNs, elapsedNs };
  }
}

/** How far two centres of (wall - monotonic), read `elapsedNs` apart, may differ without a jump. */
export function jumpLimitNs(clock: Clock, elapsedNs: bigint): bigint {
  return readLimitNs(clock) + elapsedNs / SLEW_DIVISOR;
}

/** The part of `jumpLimitNs` that is due to the reads, and not to slewing. */
function readLimitNs(clock: Clock): bigint {
  const uncertaintyNs = clock.wallGridNs + clock.monotonicGridNs + BRACKET_LIMIT_NS;
  return uncertaintyNs > THRESHOLD_NS ? uncertaintyNs : THRESHOLD_NS;
}

/** Reads the clocks; `undefined` when they could not be read close enough together. */
function readClocks(clock: Clock): Snapshot | undefined {
  const wall = readWallOffset(clock);
  if (!wall) return undefined;
  const readAt = wall.readAt;
  const wallTwiceNs = twiceCentre(wall);
  // A clock may have the method but no value: an os.uptime() in whole seconds is too coarse.
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
