/** A clock that moves only when told; timers fire in order of their due time, from `advance`. */
import type { Cancel, Clock, TimerOptions } from '../../src/time/clock.ts';
import { asMonotonicNs, asUnixNs, type MonotonicNs, type UnixNs } from '../../src/time/instant.ts';

interface Timer {
  readonly dueNs: bigint;
  readonly fn: () => void;
  readonly background: boolean;
}

export class ManualClock implements Clock {
  readonly monotonicGridNs = 0n;
  readonly wallGridNs = 0n;
  timers: Timer[] = [];
  #monotonicNs = 1_000_000_000n;
  #wallNs: bigint;

  constructor(wallNs: bigint) {
    this.#wallNs = wallNs;
  }

  monotonicNs(): MonotonicNs {
    return asMonotonicNs(this.#monotonicNs);
  }

  wallNs(): UnixNs {
    return asUnixNs(this.#wallNs);
  }

  wallReadNs(): UnixNs {
    return this.wallNs();
  }

  setTimer(delayMs: number, fn: () => void, options?: TimerOptions): Cancel {
    const dueNs = this.#monotonicNs + BigInt(Math.ceil(delayMs * 1e6));
    const timer = { dueNs, fn, background: options?.background ?? false };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  nextTurn(fn: () => void): Cancel {
    return this.setTimer(0, fn);
  }

  /** Time passes, on both clocks. */
  advance(ms: number): void {
    this.#monotonicNs += BigInt(Math.round(ms * 1e6));
    this.#wallNs += BigInt(Math.round(ms * 1e6));
    const due = this.timers.filter((timer) => timer.dueNs <= this.#monotonicNs);
    this.timers = this.timers.filter((timer) => timer.dueNs > this.#monotonicNs);
    due.sort((a, b) => (a.dueNs < b.dueNs ? -1 : 1));
    for (const timer of due) timer.fn();
  }

  /** The wall clock is set; no timer notices. */
  step(ms: number): void {
    this.#wallNs += BigInt(Math.round(ms * 1e6));
  }
}
