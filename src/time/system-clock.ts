/**
 * The clock of the machine that the program runs on.
 *
 * **Monotonic.** `process.hrtime.bigint` where it exists (Node, Bun, Deno), looked up once and not
 * on every call. Elsewhere `performance.now` behind a {@link MonotonicClock}.
 *
 * | platform | monotonic source       | counts suspend | slewed by the time daemon   | resolution |
 * |----------|------------------------|----------------|-----------------------------|------------|
 * | Linux    | CLOCK_MONOTONIC        | no             | yes, together with the wall | 1-280 ns   |
 * | macOS    | mach_continuous_time   | yes            | no                          | 42 ns      |
 * | Windows  | QueryPerformanceCounter| yes            | no                          | 100-280 ns |
 * | browsers | performance.now        | differs        | differs                     | 5 us-1 ms  |
 *
 * How fast a daemon slews: the kernel clamps the frequency at 500 ppm, but tick changes come on
 * top. Chrony's default limit is 83,333 ppm; timesyncd reaches 50,000.
 *
 * **Grids.** The grids stated here are those of the coarsest counters in use, not the unit of the
 * reading: the ACPI timer ticks every 279.4 ns, Hyper-V's reference page and
 * QueryPerformanceCounter every 100 ns, and a reading is the last tick. A grid that is too wide
 * costs its width. A grid that is too narrow would break every bound computed from it.
 *
 * Browsers coarsen to 5-20 us when the page is cross-origin isolated and up to 1 ms otherwise, and
 * Chromium and Firefox add jitter that may round *up* by one grid. So the grid is stated as twice
 * the coarsening: the origin of a monotonic clock means nothing, so `[m - g, m + g]` and
 * `[m, m + 2 g]` say the same. (Firefox's resistFingerprinting, 100 ms, is not covered.)
 *
 * **Wall.** `Date.now()`, rounded down to 1 ms. On Windows V8 takes the system time with its 64 Hz
 * tick and counts on from there by itself. It takes the system time again after a minute, or when
 * that went back. So there a reading is good to 15.625 ms only, and a step forward may show a
 * minute late.
 *
 * `wallNs` is finer: the monotonic clock plus an offset, which is the middle of an intersection of
 * bracketed reads (wall-offset.ts). So `wallNs` is off by at most half of what the reads leave
 * open, in either direction. It never waits for the edge of a millisecond: the first readings are
 * within about half a millisecond of the system's wall clock, later ones within microseconds where
 * the two clocks are slewed together. So `wallNs` may be that much behind a `Date.now()` read just
 * before, which shows as a whole millisecond less when both are rounded down to one.
 *
 * Where the wall clock is slewed alone (macOS, Windows), each move of the middle would be a jump of
 * `wallNs`. There the offset moves no further than it must, and is within a millisecond.
 *
 * **Staleness of `wallNs`.** The offset is checked by the first call that comes 100 ms or more
 * (monotonic) after the last check. So a step of the system's wall clock, or a suspend, appears in
 * `wallNs` at most 100 ms of monotonic time late, or at the first call after that. It appears later
 * only while the machine is so loaded that none of five brackets is narrower than 1 ms. `wallNs`
 * goes back when the wall clock does.
 *
 * **Boot time**, which counts suspend: on Linux `os.uptime()`, in 10 ms steps, reached without an
 * import so that this file loads in a browser. `undefined` while it gives only whole seconds.
 * Elsewhere the monotonic clock counts suspend itself, or no clock does.
 *
 * **Disruption marker.** On Linux the page of `/dev/vmclock0` (vm-clock.ts), where the machine has
 * one and this process may read it. Each thread opens it once and keeps it open.
 *
 * **Steering facts.** On Linux what `/proc` and `/run` show of time daemons (steering-facts.ts).
 */
import type { Cancel, Clock, TimerOptions } from './clock.ts';
import { checkNumber } from './errors.ts';
import {
  asMonotonicReader,
  asUnixNs,
  INT64_MIN,
  type MonotonicNs,
  type UnixNs,
} from './instant.ts';
import { jsonForm } from './json.ts';
import { MonotonicClock } from './monotonic-clock.ts';
import { NS_PER_MS, nsFromSecondsDown } from './rounding.ts';
import type { SteeringFacts } from './steering.ts';
import { readSteeringFacts, type SteeringFiles } from './steering-facts.ts';
import { VmClockPage } from './vm-clock.ts';
import { readWallOffset, WallOffset } from './wall-offset.ts';

/** `setTimeout` fires at once when its delay is longer than this. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const OBSERVE_EVERY_NS = 100n * NS_PER_MS;

/** More than a daemon slews the wall clock between two reads of it. A larger move was a step. */
const MAX_SLEW_NS = NS_PER_MS;

/** `wallNs` may jump by up to this much to reach a better offset. */
const SMALL_MOVE_NS = 100_000n;

/** The ACPI timer's 279.4 ns, rounded up (see "Grids"). */
const COUNTER_GRID_NS = 280n;

/** Windows updates the system time 64 times a second. */
const WINDOWS_WALL_GRID_NS = 15_625_000n;

/** The parts that differ between runtimes. Each of them may be missing. */
interface Host {
  readonly process?: {
    readonly platform?: string;
    readonly hrtime?: { readonly bigint?: () => bigint };
    getBuiltinModule?(id: string): unknown;
  };
  readonly crossOriginIsolated?: boolean;
  setImmediate?(fn: () => void): unknown;
  clearImmediate?(handle: unknown): void;
  readonly MessageChannel?: new () => {
    readonly port1: { onmessage: (() => void) | null; close(): void };
    readonly port2: { postMessage(message: unknown): void };
  };
}

/** What is used of `node:fs`. */
interface Files {
  existsSync(path: string): boolean;
  openSync(path: string, flags: string): number;
  readSync(file: number, bytes: Uint8Array, at: number, length: number, position: number): number;
}

const VM_CLOCK = '/dev/vmclock0';
/** Kept for all clocks of the thread, so that each does not hold a descriptor of its own. */
let vmClock: VmClockPage | undefined;

const host: Host = globalThis as unknown as Host;

/**
 * A clock on the operating system's clocks. Every call returns a fresh object that shares nothing
 * with others; make one per program and pass it on.
 *
 * It keeps the functions of the runtime that it found when it was made. Fake timers (such as
 * `vi.useFakeTimers()`) that are installed later do not move it, except for `wallNs`, which follows
 * a fake date at once: so do the timestamps of a hybrid clock. A clock that is made while fake
 * timers are installed runs on them.
 *
 * `wallNs` is off by at most half of what its reads of the wall clock leave open, in either
 * direction: half a millisecond at first, microseconds soon. So it may be that much behind a
 * `Date.now()` read just before.
 *
 * Cost on Node: `monotonicNs` is `process.hrtime.bigint` itself. `wallNs` is one call of it and an
 * addition, plus one bracketed read of both clocks at most ten times a second.
 *
 * @example
 * const clock = systemClock();
 * const started = clock.monotonicNs();
 * console.log(formatIso(clock.wallNs()), clock.monotonicNs() - started);
 */
export function systemClock(): Clock {
  return new SystemClock();
}

/** As {@link systemClock}, with a grid of the monotonic clock that was found out. */
export function systemClockWithGrid(monotonicGridNs: bigint): Clock {
  return new SystemClock(monotonicGridNs);
}

// Indices of the slots of `wallNs`, which are slots for speed (docs/internals/performance.md).
const NOW = 0;
const OFFSET = 1;
const NEXT_OBSERVATION = 2;
/** More than are used: see docs/internals/performance.md, "Slots that stay where they are". */
const SLOTS = 9;

/** Not INT64_MIN itself, which would slow down every comparison (docs/internals/performance.md). */
const AT_ONCE = INT64_MIN + 1n;

class SystemClock implements Clock {
  // The runtime's functions when the clock was made: fake timers that are installed later do not
  // reach this clock.
  readonly #now = Date.now;
  /** `Date.now` of the runtime; `undefined` where fake timers had replaced it already. */
  readonly #ownNow: typeof Date.now | undefined = isNative(Date.now) ? Date.now : undefined;
  readonly #timers = { setTimeout, clearTimeout };
  readonly #turns: Pick<Host, 'setImmediate' | 'clearImmediate' | 'MessageChannel'> = {
    ...(host.setImmediate && { setImmediate: host.setImmediate }),
    ...(host.clearImmediate && { clearImmediate: host.clearImmediate }),
    ...(host.MessageChannel && { MessageChannel: host.MessageChannel }),
  };
  readonly monotonicGridNs: bigint;
  readonly wallGridNs: bigint;
  readonly bootNs?: () => bigint | undefined;
  readonly disruptionMarker?: () => bigint | undefined;
  readonly steeringFacts?: () => SteeringFacts | undefined;
  /**
   * The runtime's own function and not a method around it, so a caller that captures it pays for
   * one call and not for two. Declared, and so stored once (docs/internals/performance.md, "A
   * constant field is stored once").
   */
  declare readonly monotonicNs: () => MonotonicNs;
  readonly #slots = new BigInt64Array(SLOTS);
  readonly #offset = new WallOffset();
  /**
   * The last inconsistent read differed by less than a step: the wall clock is slewed on its own.
   */
  #slewed = false;

  constructor(monotonicGridNs?: bigint) {
    this.wallGridNs = host.process?.platform === 'win32' ? WINDOWS_WALL_GRID_NS : NS_PER_MS;
    const hrtime = host.process?.hrtime?.bigint;
    if (hrtime) {
      this.monotonicNs = asMonotonicReader(hrtime);
      this.monotonicGridNs = monotonicGridNs ?? COUNTER_GRID_NS;
    } else {
      const now = performance.now.bind(performance);
      const source = new MonotonicClock(() => nsFromFineMs(now()));
      this.monotonicNs = () => source.monotonicNs();
      this.monotonicGridNs =
        monotonicGridNs ?? (host.crossOriginIsolated ? 40_000n : 2n * NS_PER_MS);
    }
    const bootNs = findBootClock();
    if (bootNs) this.bootNs = bootNs;
    vmClock ??= findVmClock();
    if (vmClock) this.disruptionMarker = () => vmClock?.marker();
    const files = findProcFiles();
    if (files) this.steeringFacts = () => readSteeringFacts(files);
    this.#slots[NEXT_OBSERVATION] = AT_ONCE;
  }

  wallNs(): UnixNs {
    const slots = this.#slots;
    slots[NOW] = this.monotonicNs();
    // The fake date is handled there and not here, because V8 inlines only short functions.
    if (slots[NOW]! >= slots[NEXT_OBSERVATION]! || Date.now !== this.#ownNow) {
      this.#observeWallOffset();
    }
    return asUnixNs(BigInt.asIntN(64, slots[NOW]! + slots[OFFSET]!));
  }

  wallReadNs(): UnixNs {
    return wallNow(this.#now);
  }

  wallMs(): number {
    return this.#now();
  }

  faked(): boolean {
    return Date.now !== this.#now;
  }

  setTimer(delayMs: number, fn: () => void, options?: TimerOptions): Cancel {
    const delay = Math.ceil(checkNumber('delayMs', delayMs, -Infinity, Infinity));
    // Called without an object, because browsers demand that of their own functions.
    const { setTimeout, clearTimeout } = this.#timers;
    const timer: unknown = setTimeout(fn, Math.min(Math.max(delay, 0), MAX_TIMER_MS));
    // In a browser a timer is a number and keeps nothing alive.
    if (options?.background) (timer as { unref?: () => void }).unref?.();
    return () => clearTimeout(timer as Parameters<typeof clearTimeout>[0]);
  }

  nextTurn(fn: () => void): Cancel {
    const { setImmediate, clearImmediate, MessageChannel } = this.#turns;
    if (setImmediate) {
      const immediate = setImmediate(fn);
      return () => clearImmediate?.(immediate);
    }
    if (MessageChannel) {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        fn();
      };
      port2.postMessage(undefined);
      return () => port1.close();
    }
    return this.setTimer(0, fn);
  }

  toJSON(): unknown {
    return jsonForm(this);
  }

  /**
   * Reads the wall clock and updates the offset, which is the middle of the bounds. Where the wall
   * clock is slewed alone, the bounds start over again and again, a millisecond wide. There the
   * offset follows the middle in small moves only, and otherwise moves to the nearest value within
   * the bounds. While `Date.now` is a fake one, it is what `wallNs` returns.
   */
  #observeWallOffset(): void {
    const slots = this.#slots;
    if (Date.now !== this.#ownNow) {
      slots[OFFSET] = wallNow(Date.now) - slots[NOW]!;
      slots[NEXT_OBSERVATION] = AT_ONCE;
      return;
    }
    const first = this.#offset.bounds === undefined;
    const read = readWallOffset(this);
    if (!read) {
      // Keep the known offset. Before there is one, take it from one read of each clock. The next
      // call tries again.
      if (first) slots[OFFSET] = this.wallReadNs() - this.monotonicNs();
      return;
    }
    const consistent = this.#offset.observe(read);
    const { lowerNs, upperNs } = this.#offset.bounds ?? read;
    const offset = slots[OFFSET]!;
    const nearest = offset < lowerNs ? lowerNs : offset > upperNs ? upperNs : offset;
    if (!consistent) this.#slewed = magnitude(nearest - offset) < MAX_SLEW_NS;
    const middle = (lowerNs + upperNs) >> 1n;
    const follows = first || !this.#slewed || magnitude(middle - offset) <= SMALL_MOVE_NS;
    slots[OFFSET] = follows ? middle : nearest;
    slots[NEXT_OBSERVATION] = read.readAt + OBSERVE_EVERY_NS;
  }
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/**
 * `ms` in ns, rounded down. The whole and the fractional part are converted apart: their product
 * would lose nanoseconds after some weeks.
 */
export function nsFromFineMs(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * NS_PER_MS + BigInt(Math.floor((ms - whole) * 1e6));
}

/** `os.uptime()` in ns where it counts suspend; otherwise `undefined`. */
function findBootClock(): (() => bigint | undefined) | undefined {
  if (host.process?.platform !== 'linux') return undefined;
  const os = host.process.getBuiltinModule?.('node:os') as { uptime(): number } | undefined;
  if (!os) return undefined;
  try {
    os.uptime();
  } catch {
    return undefined; // Deno without --allow-sys
  }
  return () => {
    const seconds = os.uptime();
    // Where /proc can't be opened (it is not there, or no descriptor is left), libuv falls back to
    // another clock, in whole seconds. One good reading in a hundred is whole by chance; it is not
    // used either.
    return Number.isInteger(seconds) ? undefined : nsFromSecondsDown(seconds);
  };
}

/** The page of the VMClock device; `undefined` if this process cannot read one. */
function findVmClock(): VmClockPage | undefined {
  if (host.process?.platform !== 'linux') return undefined;
  const fs = host.process.getBuiltinModule?.('node:fs') as Files | undefined;
  try {
    if (!fs?.existsSync(VM_CLOCK)) return undefined;
    const file = fs.openSync(VM_CLOCK, 'r');
    return new VmClockPage((bytes) => fs.readSync(file, bytes, 0, bytes.length, 0));
  } catch {
    return undefined;
  }
}

/** `node:fs`, where there may be a `/proc` that tells of time daemons. */
function findProcFiles(): SteeringFiles | undefined {
  if (host.process?.platform !== 'linux') return undefined;
  return host.process.getBuiltinModule?.('node:fs') as SteeringFiles | undefined;
}

function isNative(fn: () => number): boolean {
  return Function.prototype.toString.call(fn).includes('[native code]');
}

/** `now` is `Date.now`. Rounded down, because one of somebody's own may have fractions. */
function wallNow(now: () => number): UnixNs {
  return asUnixNs(BigInt(Math.floor(now())) * NS_PER_MS);
}
