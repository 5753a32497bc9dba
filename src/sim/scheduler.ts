/**
 * Virtual time. A discrete-event scheduler: it owns *true* time, jumps from event to event, and never
 * waits for anything real, so a simulated hour costs what its events cost.
 *
 * **Time.** True time is `origin + elapsed`. `elapsed` counts whole nanoseconds from the beginning of the
 * world in a double, exact below 2^53 (104 days), because a heap of doubles is several times faster than
 * one of bigints; {@link Scheduler.trueNs} is the same instant as an int64 Unix time.
 *
 * **Order.** Events run by time, and by the order in which they were scheduled within one instant.
 * Nothing else (no hash order, no real clock) has a say, so a seed determines a world.
 *
 * **Time inside an event.** Real code is pre-empted between any two lines. {@link Scheduler.stall} lets time
 * pass *inside* the running event: what it reads, sends or schedules afterwards happens later. Events
 * that fall into the stall run after it, in order, each at its own time; that is sound for simulated
 * nodes, which affect each other only by messages that take time, and one node's own events are held
 * back until its stall is over (`SimProcess`).
 *
 * **Promises.** {@link Scheduler.run} is for callbacks only. {@link Scheduler.runAsync} also lets the
 * promise continuations that an event set off run to their end, still at that event's instant.
 */

import type { Cancel } from '../time/clock.ts';
import { ArgumentRangeError, checkNumber } from '../time/errors.ts';
import { asUnixNs, type UnixNs } from '../time/instant.ts';

interface ScheduledEvent {
  readonly at: number;
  readonly order: number;
  /** Cleared by a cancel: the event is then skipped when its turn comes. */
  fn: (() => void) | undefined;
}

/** 2026-11-18T00:26:40Z: no world begins at 1970, where sign mistakes cancel. */
const DEFAULT_ORIGIN = 1_795_000_000_000_000_000n;

/** Promise jobs an event may set off, one after the other, before the next event runs; see `runAsync`. */
const SETTLE_JOBS = 32;

export interface RunAsyncOptions {
  /**
   * Resolves when every promise job the last event set off has run. The default waits for a chain of 32
   * promise jobs, which needs no timer; for code with longer chains pass a macrotask, for example
   * `setImmediate` of `node:timers/promises`. It may return `undefined` when it knows of none waiting.
   */
  readonly settle?: () => Promise<unknown> | undefined;
}

const LEAP_SECOND = 1_000_000_000n;

export interface SchedulerOptions {
  /** True time when the world begins. Default: an instant in November 2026. */
  readonly originNs?: UnixNs;
  /** At this instant a leap second is inserted: Unix time, and so true time, repeats the second before. */
  readonly leapSecondAtNs?: UnixNs;
}

export class Scheduler {
  /** True time when the world began. */
  readonly originNs: UnixNs;
  readonly #heap: ScheduledEvent[] = [];
  readonly #leapNs: UnixNs | undefined;
  #now = 0;
  #stalled = 0;
  #scheduled = 0;
  #executed = 0;

  constructor(options: SchedulerOptions = {}) {
    this.originNs = options.originNs ?? asUnixNs(DEFAULT_ORIGIN);
    this.#leapNs = options.leapSecondAtNs;
  }

  /** True time since the beginning, in whole ns. */
  get elapsedNs(): number {
    return this.#now + this.#stalled;
  }

  /** True time. What the library under test tries to enclose, and must have no other way to learn. */
  trueNs(): UnixNs {
    const now = this.originNs + BigInt(this.#now + this.#stalled);
    const leapt = this.#leapNs !== undefined && now >= this.#leapNs;
    return asUnixNs(leapt ? now - LEAP_SECOND : now);
  }

  /** How many events have run: the index that a violation is reported with. */
  get eventIndex(): number {
    return this.#executed;
  }

  /** Runs `fn` at the instant `elapsedNs` (rounded up to a whole ns), or now if that has passed. */
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

  /** Runs `fn` after `delayNs` of true time. */
  after(delayNs: number, fn: () => void): Cancel {
    return this.at(this.elapsedNs + delayNs, fn);
  }

  /** Lets `ns` of true time pass inside the running event. */
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
    await settle(); // what the caller began before the first event
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
