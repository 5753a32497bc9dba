import type { Cancel, Clock, TimerOptions } from '../../src/time/clock.ts';
import { asMonotonicNs, asUnixNs, type MonotonicNs, type UnixNs } from '../../src/time/instant.ts';

interface Timer {
  readonly dueNs: bigint;
  readonly fn: () => void;
  readonly background: boolean;
}

/**
 * A clock a test writes by hand: three exact clocks, moved by the test, and read through their grids.
 * `onRead` runs just before each read, to plant what happens between two reads of one bracket.
 */
export class ScriptedClock implements Clock {
  monotonic = 5_000_000_000n;
  wall = 1_795_227_787_534_418_003n;
  boot: bigint | undefined = 9_000_000_000n;
  monotonicGridNs = 1n;
  wallGridNs = 1_000_000n;
  onRead: (which: 'monotonic' | 'wall' | 'boot') => void = () => {};
  /** How much earlier than asked timers fire. */
  timersEarlyNs = 0n;
  readonly timers: Set<Timer> = new Set<Timer>();

  /** All three clocks advance, as in ordinary life and while the process is stopped. */
  advance(ns: bigint): void {
    this.monotonic += ns;
    this.suspend(ns);
  }

  /** The machine sleeps: only the monotonic clock stands still. */
  suspend(ns: bigint): void {
    this.wall += ns;
    if (this.boot !== undefined) this.boot += ns;
  }

  monotonicNs(): MonotonicNs {
    this.onRead('monotonic');
    return asMonotonicNs(this.monotonic - (this.monotonic % this.monotonicGridNs));
  }

  wallNs(): UnixNs {
    return asUnixNs(this.wall);
  }

  wallReadNs(): UnixNs {
    this.onRead('wall');
    return asUnixNs(this.wall - (this.wall % this.wallGridNs));
  }

  bootNs(): bigint | undefined {
    this.onRead('boot');
    return this.boot === undefined ? undefined : this.boot - (this.boot % 10_000_000n);
  }

  setTimer(delayMs: number, fn: () => void, options?: TimerOptions): Cancel {
    const dueNs = this.monotonic + BigInt(Math.round(delayMs * 1e6)) - this.timersEarlyNs;
    const timer = { dueNs, fn, background: options?.background ?? false };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  nextTurn(fn: () => void): Cancel {
    return this.setTimer(0, fn);
  }

  /** Jumps to the earliest timer and fires it. */
  fireNext(): void {
    const [next] = [...this.timers].sort((a, b) => Number(a.dueNs - b.dueNs));
    if (!next) throw new Error('no timer is set');
    this.timers.delete(next);
    if (next.dueNs > this.monotonic) this.advance(next.dueNs - this.monotonic);
    next.fn();
  }
}
