import type { Cancel, Clock, TimerOptions } from '../../src/time/clock.ts';
import { asMonotonicNs, asUnixNs, type MonotonicNs, type UnixNs } from '../../src/time/instant.ts';

interface Pending {
  readonly dueNs: bigint;
  readonly order: number;
  readonly fn: () => void;
  readonly background: boolean;
}

/**
 * A clock moved by hand. `advance` fires the timers that fall due, in order, each at its own
 * instant. Work for `nextTurn` waits for `turns()`. The wall clock is the monotonic clock plus
 * `wallOffset`, which a test may change at will: that is a step or, with `suspend`, the sleep of a
 * machine. `onRead` runs just before each read, to plant an event between two reads of one bracket.
 */
export class HandClock implements Clock {
  monotonic: bigint;
  wallOffset: bigint;
  /** Boot time minus monotonic time; `undefined` where the platform has no boot clock. */
  bootOffset: bigint | undefined;
  /** The marker of its virtual machine; `undefined` where there is none. */
  marker: bigint | undefined;
  monotonicGridNs: bigint;
  wallGridNs: bigint;
  readonly #bootGridNs: bigint;
  onRead: (which: 'monotonic' | 'wall' | 'boot') => void = () => {};
  /** How much earlier than asked the timers fire that are set from now on, ns. */
  timersEarlyNs = 0n;
  #order = 0;
  readonly #timers = new Set<Pending>();
  readonly #turns: (() => void)[] = [];

  constructor(
    start: {
      monotonic?: bigint;
      wall?: bigint;
      monotonicGridNs?: bigint;
      wallGridNs?: bigint;
      bootGridNs?: bigint;
      boot?: boolean;
    } = {},
  ) {
    this.monotonic = start.monotonic ?? 1_000_000_000_000_000n;
    this.wallOffset = (start.wall ?? 1_795_000_000_000_000_000n) - this.monotonic;
    this.bootOffset = start.boot === false ? undefined : 0n;
    this.monotonicGridNs = start.monotonicGridNs ?? 0n;
    this.wallGridNs = start.wallGridNs ?? 0n;
    this.#bootGridNs = start.bootGridNs ?? 0n;
    this.monotonicNs = this.monotonicNs.bind(this);
  }

  /** Lets time pass. Timers that fall due fire on the way. */
  advance(ns: bigint): void {
    const end = this.monotonic + ns;
    for (let next = this.#due(end); next !== undefined; next = this.#due(end)) {
      this.#fire(next);
    }
    this.monotonic = end;
  }

  /** Fires every timer that is not in the background now, however early that is. */
  fireAll(): void {
    for (const timer of [...this.#timers]) {
      if (timer.background || !this.#timers.delete(timer)) continue;
      timer.fn();
    }
  }

  /**
   * Stops the process: time passes for all clocks, and the timers fire late, at the end of the
   * pause.
   */
  pause(ns: bigint): void {
    this.monotonic += ns;
    this.advance(0n);
  }

  /** The machine sleeps: only the monotonic clock stands still. */
  suspend(ns: bigint): void {
    this.wallOffset += ns;
    if (this.bootOffset !== undefined) this.bootOffset += ns;
  }

  /**
   * As {@link advance}, in milliseconds and for code that awaits: before each timer and at the end,
   * promises settle and the next turn of the event loop comes.
   */
  async elapse(ms: number): Promise<void> {
    const end = this.monotonic + BigInt(Math.round(ms * 1e6));
    for (;;) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.#turns.length > 0) {
        for (const thrown of this.turns()) throw thrown;
        continue;
      }
      const next = this.#due(end);
      if (next === undefined) break;
      this.#fire(next);
    }
    this.monotonic = end;
  }

  /** Kills the process: its timers never fire. The clocks go on for the next process. */
  kill(): void {
    this.#timers.clear();
  }

  /**
   * Runs the work that waits for the next turn of the event loop. Returns the errors that it threw.
   */
  turns(): unknown[] {
    const thrown: unknown[] = [];
    for (const fn of this.#turns.splice(0)) {
      try {
        fn();
      } catch (error) {
        thrown.push(error);
      }
    }
    return thrown;
  }

  /** The number of callbacks that wait for the next turn. */
  get turnsPending(): number {
    return this.#turns.length;
  }

  /** The number of timers that would keep a process alive, and of those that would not. */
  pending(): { foreground: number; background: number } {
    const background = [...this.#timers].filter((timer) => timer.background).length;
    return { foreground: this.#timers.size - background, background };
  }

  monotonicNs(): MonotonicNs {
    this.onRead('monotonic');
    return asMonotonicNs(floorTo(this.monotonic, this.monotonicGridNs));
  }

  wallNs(): UnixNs {
    return asUnixNs(this.monotonic + this.wallOffset);
  }

  wallReadNs(): UnixNs {
    this.onRead('wall');
    return asUnixNs(floorTo(this.monotonic + this.wallOffset, this.wallGridNs));
  }

  bootNs(): bigint | undefined {
    this.onRead('boot');
    if (this.bootOffset === undefined) return undefined;
    return floorTo(this.monotonic + this.bootOffset, this.#bootGridNs);
  }

  disruptionMarker(): bigint | undefined {
    return this.marker;
  }

  setTimer(delayMs: number, fn: () => void, options?: TimerOptions): Cancel {
    const timer = {
      dueNs: this.monotonic + BigInt(Math.ceil(Math.max(0, delayMs) * 1e6)) - this.timersEarlyNs,
      order: this.#order++,
      fn,
      background: options?.background ?? false,
    };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  nextTurn(fn: () => void): Cancel {
    const own = (): void => fn();
    this.#turns.push(own);
    return () => {
      const at = this.#turns.indexOf(own);
      if (at >= 0) this.#turns.splice(at, 1);
    };
  }

  #fire(timer: Pending): void {
    this.#timers.delete(timer);
    if (timer.dueNs > this.monotonic) this.monotonic = timer.dueNs;
    timer.fn();
  }

  #due(end: bigint): Pending | undefined {
    let first: Pending | undefined;
    for (const timer of this.#timers) {
      if (timer.dueNs > end) continue;
      if (
        first === undefined ||
        timer.dueNs < first.dueNs ||
        (timer.dueNs === first.dueNs && timer.order < first.order)
      ) {
        first = timer;
      }
    }
    return first;
  }
}

function floorTo(value: bigint, grid: bigint): bigint {
  return grid === 0n ? value : value - (value % grid);
}
