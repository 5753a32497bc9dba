/**
 * Virtual time. A discrete-event scheduler: it owns *true* time, jumps from event to event, and
 * never waits for anything real. So a simulated hour costs only the work of its events.
 *
 * **Time.** True time is `origin + elapsed`. `elapsed` counts whole nanoseconds from the beginning
 * of the world in a double, exact below 2^53 (104 days), because a heap of doubles is several times
 * faster than one of bigints. {@link Scheduler.trueNs} is the same instant as an int64 Unix time.
 *
 * **Order.** Events run by time, and within one instant in the order in which they were scheduled.
 * Nothing else (no hash order, no real clock) decides, so a seed determines a world.
 *
 * **Time inside an event.** Real code is pre-empted between any two lines. {@link Scheduler.stall}
 * lets time pass *inside* the running event: its later reads, sends and schedules happen later.
 * Events that fall into the stall run after it, in order, each at its own time. That is sound for
 * simulated nodes, which affect each other only by messages that take time. One node's own events
 * are held back until its stall is over (`SimProcess`).
 *
 * **Promises.** {@link Scheduler.run} is for callbacks only. {@link Scheduler.runAsync} also lets
 * the promise continuations that an event set off run to their end, still at that event's instant.
 */

import type { Cancel } from '../time/clock.ts';
import { ArgumentRangeError, checkNumber, checkObject } from '../time/errors.ts';
import { asUnixNs, type UnixNs } from '../time/instant.ts';
import { jsonForm } from '../time/json.ts';

interface ScheduledEvent {
  readonly at: number;
  readonly order: number;
  /** Cleared by a cancel: the event is then skipped when its turn comes. */
  fn: (() => void) | undefined;
}

/** 2026-11-18T00:26:40Z. No world begins at 1970, where mistakes of sign cancel. */
const DEFAULT_ORIGIN_NS = 1_795_000_000_000_000_000n;

/**
 * The promise jobs that an event may set off, one after the other, before the next event runs; see
 * `runAsync`.
 */
const SETTLE_JOBS = 32;

/** Options of {@link Scheduler.runAsync}. */
export interface RunAsyncOptions {
  /**
   * Returns a promise that resolves when every promise job of the last event has run, or
   * `undefined` when it knows that there is no such job.
   *
   * The default waits for a chain of 32 promise jobs, which needs no timer. For code with longer
   * chains, pass a macrotask, such as `setImmediate` of `node:timers/promises`.
   */
  readonly settle?: (() => Promise<unknown> | undefined) | undefined;
}

const LEAP_SECOND_NS = 1_000_000_000n;

/** True time of a simulated world. */
export interface SchedulerOptions {
  /** True time when the world begins. Default: an instant in November 2026. */
  readonly originNs?: UnixNs | undefined;
  /** The month ends at this instant with a leap second. Default: no leap second. */
  readonly leapSecondAtNs?: UnixNs | undefined;
  /**
   * `'insert'` (default): at `leapSecondAtNs` Unix time, and so true time, goes back by a second
   * and repeats it. `'delete'`: a second before `leapSecondAtNs` true time jumps ahead to it, so
   * that second does not exist.
   */
  readonly leapSecondKind?: 'insert' | 'delete' | undefined;
}

/** Virtual time: owns true time, and runs events in its order. */
export class Scheduler {
  /** True time when the world began. */
  readonly originNs: UnixNs;
  readonly #heap: ScheduledEvent[] = [];
  readonly #leapElapsedNs: number;
  readonly #leapStepNs: bigint;
  #now = 0;
  #stalled = 0;
  #scheduled = 0;
  #executed = 0;

  constructor(options: SchedulerOptions = {}) {
    checkObject('options', options);
    this.originNs = options.originNs ?? asUnixNs(DEFAULT_ORIGIN_NS);
    const { leapSecondAtNs, leapSecondKind = 'insert' } = options;
    const deleted = leapSecondKind === 'delete';
    this.#leapStepNs = deleted ? LEAP_SECOND_NS : -LEAP_SECOND_NS;
    this.#leapElapsedNs =
      leapSecondAtNs === undefined
        ? Number.POSITIVE_INFINITY
        : Number(leapSecondAtNs - (deleted ? LEAP_SECOND_NS : 0n) - this.originNs);
  }

  toJSON(): unknown {
    return jsonForm(this);
  }

  /** True time since the beginning of the world, in whole ns. */
  get elapsedNs(): number {
    return this.#now + this.#stalled;
  }

  /**
   * True time now. The library under test tries to enclose it, and must have no other way to learn
   * it.
   */
  trueNs(): UnixNs {
    return this.trueNsAt(this.elapsedNs);
  }

  /** True time at an instant that is given as whole ns since the beginning. */
  trueNsAt(elapsedNs: number): UnixNs {
    const now = this.originNs + BigInt(elapsedNs);
    return asUnixNs(elapsedNs >= this.#leapElapsedNs ? now + this.#leapStepNs : now);
  }

  /**
   * When true time steps because of the leap second, in ns since the beginning; Infinity without
   * one.
   */
  get leapElapsedNs(): number {
    return this.#leapElapsedNs;
  }

  /** The number of events that have run. Violations are reported with it. */
  get eventIndex(): number {
    return this.#executed;
  }

  /**
   * Runs `fn` at the instant `elapsedNs` (rounded up to a whole ns), or now if that has passed.
   *
   * @returns cancels the event
   * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when `elapsedNs` is not below 2^53 ns (104
   *   days)
   */
  at(elapsedNs: number, fn: () => void): Cancel {
    const at = Math.max(Math.ceil(elapsedNs), this.#now);
    if (!(at <= Number.MAX_SAFE_INTEGER)) {
      throw new ArgumentRangeError('elapsedNs', 'below 2^53 ns (104 days)', elapsedNs);
    }
    const event: ScheduledEvent = { at, order: this.#scheduled++, fn };
    this.#push(event);
    return () => {
      event.fn = undefined;
    };
  }

  /** Runs `fn` after `delayNs` of true time; otherwise as {@link at}. */
  after(delayNs: number, fn: () => void): Cancel {
    return this.at(this.elapsedNs + delayNs, fn);
  }

  /**
   * Lets `ns` of true time pass inside the running event.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when `ns` is not a number, 0 or more
   */
  stall(ns: number): void {
    this.#stalled += Math.ceil(checkNumber('ns', ns, 0, Number.MAX_SAFE_INTEGER));
  }

  /** Runs every event up to and including the instant `untilNs`, and stops there. */
  run(untilNs: number): void {
    while (this.#step(untilNs));
    this.#arrive(untilNs);
  }

  /** As {@link run}, for code that awaits: after each event its promise continuations run too. */
  async runAsync(untilNs: number, options: RunAsyncOptions = {}): Promise<void> {
    const settle = options.settle ?? settlePromises;
    await settle(); // the promise jobs of the caller, before the first event
    while (this.#step(untilNs)) {
      const settled = settle();
      if (settled !== undefined) await settled; // an await of nothing costs more than most events
    }
    this.#arrive(untilNs);
  }

  #step(untilNs: number): boolean {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.at > untilNs) return false;
      this.#pop();
      if (next.fn === undefined) continue;
      this.#now = next.at;
      this.#stalled = 0;
      this.#executed++;
      next.fn();
      return true;
    }
  }

  #arrive(untilNs: number): void {
    this.#stalled = 0;
    this.#now = Math.max(this.#now, Math.ceil(untilNs));
  }

  #push(event: ScheduledEvent): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(event);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent]!;
      if (isBefore(above, event)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    const size = heap.length;
    if (size === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= size) break;
      if (child + 1 < size && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(last, heap[child]!)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }
}

function isBefore(a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Waits for a chain of {@link SETTLE_JOBS} promise jobs. */
export async function settlePromises(): Promise<void> {
  for (let i = 0; i < SETTLE_JOBS; i++) await undefined;
}
