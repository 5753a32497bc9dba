import type { Cancel, Clock, MonotonicNs, UnixNs } from 'epsilon-clock';
import { monotonicNs, unixNs } from 'epsilon-clock';

/** A clock that stands still until a test moves it, and then fires its timers in order. */
export class ManualClock implements Clock {
  readonly monotonicGridNs = 1n;
  readonly wallGridNs = 1n;
  #now: bigint;
  /** True time, which `wallNs` reports, minus the monotonic clock. */
  readonly theta: bigint;
  readonly #timers: { at: bigint; order: number; fn: () => void }[] = [];
  #order = 0;

  constructor(startMs = 1000, wallStart = 1_795_000_000_000_000_000n) {
    this.#now = BigInt(startMs) * 1_000_000n;
    this.theta = wallStart - this.#now;
  }

  monotonicNs(): MonotonicNs {
    return monotonicNs(this.#now);
  }

  wallNs(): UnixNs {
    return unixNs(this.#now + this.theta);
  }

  wallReadNs(): UnixNs {
    return this.wallNs();
  }

  setTimer(delayMs: number, fn: () => void): Cancel {
    const timer = { at: this.#now + BigInt(Math.ceil(delayMs * 1e6)), order: this.#order++, fn };
    this.#timers.push(timer);
    this.#timers.sort((a, b) => (a.at === b.at ? a.order - b.order : a.at < b.at ? -1 : 1));
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#timers.splice(index, 1);
    };
  }

  nextTurn(fn: () => void): Cancel {
    return this.setTimer(0, fn);
  }

  /** Timers that wait to fire. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Moves on by `ms`, firing what is due on the way; promises settle before each and at the end. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + BigInt(Math.round(ms * 1e6));
    for (;;) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      const next = this.#timers[0];
      if (next === undefined || next.at > end) break;
      this.#timers.shift();
      if (next.at > this.#now) this.#now = next.at;
      next.fn();
    }
    this.#now = end;
  }
}
