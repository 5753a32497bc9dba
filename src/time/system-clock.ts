/**
 * The clock of the machine we run on.
 *
 * Monotonic: `process.hrtime.bigint` where it exists (Node, Bun, Deno), looked up once and not on every
 * call. Elsewhere `performance.now` behind a {@link MonotonicClock}.
 *
 * | platform | monotonic source       | counts suspend | slewed by the time daemon     | resolution |
 * |----------|------------------------|----------------|-------------------------------|------------|
 * | Linux    | CLOCK_MONOTONIC        | no             | yes, together with the wall   | 1-280 ns   |
 * | macOS    | mach_continuous_time   | yes            | no                            | 42 ns      |
 * | Windows  | QueryPerformanceCounter| yes            | no                            | 100-280 ns |
 * | browsers | performance.now        | differs        | differs                       | 5 us-1 ms  |
 *
 * How fast a daemon slews: the kernel clamps the frequency at 500 ppm, but tick changes come on top; chrony's
 * default limit is 83,333 ppm, timesyncd reaches 50,000. The grids stated here are the coarsest counters
 * in use, not the unit of the reading: the ACPI timer ticks every 279.4 ns, Hyper-V's reference page and
 * QueryPerformanceCounter every 100 ns, and a reading is the last tick. A too wide grid costs its width; a too
 * narrow one would break every bound computed from it. Browsers coarsen to 5-20 us when the page is
 * cross-origin isolated and up to 1 ms otherwise, and Chromium and Firefox add jitter that may round *up* by one
 * grid. So the grid is stated as twice the coarsening: as the origin of a monotonic clock means nothing,
 * `[m - g, m + g]` and `[m, m + 2 g]` say the same. (Firefox's resistFingerprinting, 100 ms, is not covered.)
 *
 * Wall: `Date.now()`, rounded down to 1 ms. On Windows V8 takes the system time with its 64 Hz tick, counts on
 * from there by itself and takes it anew after a minute, or when it went back: there a reading is good to
 * 15.625 ms only, and a step forward may show a minute late. `wallNs` is finer: monotonic clock plus an offset known
 * from the intersection of bracketed reads (wall-offset.ts). It never waits for the edge of a millisecond:
 * the first readings are within about half a millisecond of the system's wall clock (those just after a step
 * within one), later ones within microseconds where the two clocks are slewed together.
 *
 * Staleness of `wallNs`: the offset is checked by a call that comes 100 ms or more (monotonic) after the last
 * check, so a step of the system's wall clock, or a suspend, appears in `wallNs` at most 100 ms of monotonic time
 * late, or at the first call after that; later only while the machine is so loaded that no bracket of five is
 * narrower than 1 ms. `wallNs` goes back when the wall clock does.
 *
 * Boot time, which counts suspend: on Linux `os.uptime()`, in 10 ms steps, reached without an import so
 * that this file loads in a browser. Elsewhere the monotonic clock counts suspend itself or nothing does.
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
import { MonotonicClock } from './monotonic-clock.ts';
import { NS_PER_MS, nsFromSecondsDown } from './rounding.ts';
import { readWallOffset, WallOffset } from './wall-offset.ts';

/** A longer delay makes `setTimeout` fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const OBSERVE_EVERY_NS = 100n * NS_PER_MS;

/** See the table: the ACPI timer's 279.4 ns, rounded up. */
const COUNTER_GRID_NS = 280n;

/** 64 ticks a second. */
const WINDOWS_WALL_GRID_NS = 15_625_000n;

/** What differs between runtimes; everything may be missing. */
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

const host: Host = globalThis as unknown as Host;

/**
 * A clock on the operating system's clocks. A fresh object on every call, which shares nothing with others;
 * make one per program and pass it on.
 *
 * Cost on Node: `monotonicNs` is `process.hrtime.bigint` itself; `wallNs` is one call of it and an addition,
 * and ten times a second, if it is called so often, one bracketed read of both clocks.
 *
 * @example
 * const clock = systemClock();
 * const started = clock.monotonicNs();
 * console.log(formatIso(clock.wallNs()), clock.monotonicNs() - started);
 */
export function systemClock(): Clock {
  return new SystemClock();
}

// The slots of `wallNs`: bigint fields would be boxed at every store, int64 slots are not.
const NOW = 0;
const OFFSET = 1;
const NEXT_OBSERVATION = 2;

class SystemClock implements Clock {
  readonly monotonicGridNs: bigint;
  readonly wallGridNs: bigint;
  readonly bootNs?: () => bigint | undefined;
  /** The runtime's own function, not a method around it: a caller that captures it pays no second call. */
  readonly monotonicNs: () => MonotonicNs;
  readonly #slots = new BigInt64Array(3);
  readonly #offset = new WallOffset();

  constructor() {
    this.wallGridNs = host.process?.platform === 'win32' ? WINDOWS_WALL_GRID_NS : NS_PER_MS;
    const hrtime = host.process?.hrtime?.bigint;
    if (hrtime) {
      this.monotonicNs = asMonotonicReader(hrtime);
      this.monotonicGridNs = COUNTER_GRID_NS;
    } else {
      const source = new MonotonicClock(performanceNs);
      this.monotonicNs = () => source.monotonicNs();
      this.monotonicGridNs = host.crossOriginIsolated ? 40_000n : 2n * NS_PER_MS;
    }
    const bootNs = findBootClock();
    if (bootNs) this.bootNs = bootNs;
    // Not INT64_MIN itself: seen once, it makes V8 take every bigint in these comparisons for a big one.
    this.#slots[NEXT_OBSERVATION] = INT64_MIN + 1n;
  }

  wallNs(): UnixNs {
    const slots = this.#slots;
    slots[NOW] = this.monotonicNs();
    if (slots[NOW]! >= slots[NEXT_OBSERVATION]!) this.#observe();
    return asUnixNs(BigInt.asIntN(64, slots[NOW]! + slots[OFFSET]!));
  }

  wallReadNs(): UnixNs {
    return asUnixNs(BigInt(Date.now()) * NS_PER_MS);
  }

  setTimer(delayMs: number, fn: () => void, options?: TimerOptions): Cancel {
    const delay = Math.ceil(checkNumber('delayMs', delayMs, -Infinity, Infinity));
    const timer: unknown = setTimeout(fn, Math.min(Math.max(delay, 0), MAX_TIMER_MS));
    // In a browser a timer is a number and keeps nothing alive.
    if (options?.background) (timer as { unref?: () => void }).unref?.();
    return () => clearTimeout(timer as Parameters<typeof clearTimeout>[0]);
  }

  nextTurn(fn: () => void): Cancel {
    if (host.setImmediate) {
      const immediate = host.setImmediate(fn);
      return () => host.clearImmediate?.(immediate);
    }
    if (host.MessageChannel) {
      const { port1, port2 } = new host.MessageChannel();
      port1.onmessage = () => {
        port1.close();
        fn();
      };
      port2.postMessage(undefined);
      return () => port1.close();
    }
    return this.setTimer(0, fn);
  }

  /** Moves the offset no further than the bounds demand: every move is a jump of `wallNs`. */
  #observe(): void {
    const slots = this.#slots;
    const first = this.#offset.bounds === undefined;
    const read = readWallOffset(this);
    if (!read) {
      // Keep what is known; before anything is, one read of each clock must do. The next call tries again.
      if (first) slots[OFFSET] = this.wallReadNs() - this.monotonicNs();
      return;
    }
    this.#offset.observe(read);
    const { lowerNs, upperNs } = this.#offset.bounds ?? read;
    if (first) slots[OFFSET] = (lowerNs + upperNs) >> 1n;
    else if (slots[OFFSET]! < lowerNs) slots[OFFSET] = lowerNs;
    else if (slots[OFFSET]! > upperNs) slots[OFFSET] = upperNs;
    slots[NEXT_OBSERVATION] = read.readAt + OBSERVE_EVERY_NS;
  }
}

/** Whole and fractional milliseconds apart: their product would lose nanoseconds after some weeks. */
function performanceNs(): bigint {
  const ms = performance.now();
  const whole = Math.floor(ms);
  return BigInt(whole) * NS_PER_MS + BigInt(Math.floor((ms - whole) * 1e6));
}

/** `os.uptime()` in ns where it counts suspend, else `undefined`. */
function findBootClock(): (() => bigint | undefined) | undefined {
  if (host.process?.platform !== 'linux') return undefined;
  const os = host.process.getBuiltinModule?.('node:os') as { uptime(): number } | undefined;
  if (!os) return undefined;
  try {
    os.uptime();
  } catch {
    return undefined; // Deno without --allow-sys
  }
  let fine = false;
  return () => {
    const seconds = os.uptime();
    // Without /proc libuv falls back to whole seconds, too coarse to be of use.
    fine ||= !Number.isInteger(seconds);
    return fine ? nsFromSecondsDown(seconds) : undefined;
  };
}
