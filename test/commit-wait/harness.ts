import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import type { BoundedClockOptions } from '../../src/bounded-clock/options.ts';
import { HybridClock, type HybridClockOptions } from '../../src/logical/hybrid-clock.ts';
import { asUnixNs, type UnixNs } from '../../src/time/instant.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { type Reply, ScriptedSource } from '../kit/scripted-source.ts';

export const MS: bigint = 1_000_000n;
export const SECOND: bigint = 1000n * MS;

/**
 * A bounded clock on a clock that the test moves by hand, its sources, and a hybrid clock on it.
 * The harness knows true time.
 */
export class Harness {
  readonly clock: HandClock = new HandClock();
  readonly sources: readonly ScriptedSource[];
  readonly bounded: BoundedClock;
  readonly hlc: HybridClock;
  readonly theta: bigint = this.clock.wallOffset;

  /** Begins synchronised: the bound is true time plus and minus 1 ms. */
  constructor(
    options: Partial<BoundedClockOptions> = {},
    sources = 1,
    logical: Partial<HybridClockOptions> = {},
  ) {
    this.sources = Array.from({ length: sources }, (_, i) => new ScriptedSource(`s${i}`));
    const { clock, sources: all } = this;
    this.bounded = BoundedClock.start({
      hostClock: 'free-running',
      maxDriftPpm: 200,
      ...options,
      sources: all,
      clock,
    });
    this.hlc = new HybridClock({ nodeId: 'a', ...logical, clock: this.bounded });
    this.sample();
  }

  static ofFive(): Harness {
    return new Harness({}, 5);
  }

  get truth(): bigint {
    return this.clock.monotonic + this.theta;
  }

  get earliest(): bigint {
    return this.bounded.now().earliest;
  }

  /** The timestamp that is `ns` ahead of `earliest`. */
  ahead(ns: bigint): UnixNs {
    return asUnixNs(this.earliest + ns);
  }

  /** Every source replies now. */
  sample(reply: Partial<Reply> = {}): void {
    for (const source of this.sources) {
      source.reply(this.clock, { theta: this.theta, ...reply });
    }
  }

  /** Lets the event loop turn, 1 us per turn, while a callback waits for a turn. */
  spin(forNs: bigint = 10n * MS): void {
    const end = this.clock.monotonic + forNs;
    while (this.clock.turnsPending > 0 && this.clock.monotonic < end) {
      this.clock.advance(1000n);
      this.clock.turns();
    }
  }

  /** How many timers, pending turns and publication listeners (hooks) there are. */
  get leftovers(): { timers: number; turns: number; hooks: number } {
    return {
      timers: this.clock.pending().foreground,
      turns: this.clock.turnsPending,
      hooks: this.bounded.publishListeners.size,
    };
  }
}

export const NOTHING_LEFT: Harness['leftovers'] = { timers: 0, turns: 0, hooks: 0 };

/** The state of a promise once the pending promise jobs have run; does not wait for the promise. */
export async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  const pending = Symbol('pending');
  const settle = new Promise((resolve) => setImmediate(() => resolve(pending)));
  const seen = await Promise.race([
    promise.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    ),
    settle,
  ]);
  return seen === pending ? 'pending' : seen;
}
