/**
 * All waits on one clock: two heaps of timestamps (one per mode), one heap of time limits, one timer.
 *
 * The problem. A wait may end only when `earliest > timestamp`, and nothing but a reading of the clock says
 * so. Timers fire early and late, the process pauses, samples move the edge in both directions, the bound may
 * be lost. And a server that commits a lot has thousands of waits at a time: a timer and a reading for each
 * would cost more than the transactions.
 *
 * The idea. A wake-up proves nothing; it is only an occasion to look. Every one, whoever caused it (the timer, a turn
 * of the loop, a publication), does the same: read the clock once, release whatever that reading proves,
 * and plan the next wake-up from the bound as it is now. So a timer that fires early is planned
 * again, an edge that moved back keeps its waits, and one that moved forward frees them in the same
 * turn of the loop.
 *
 * Guarantee. Whoever is released: a reading made during the wait had `earliest > timestamp`. Every wait ends:
 * by release, by the loss of the bound (which comes at the latest when it expires), or as its caller
 * asked. While nobody waits there is no timer, no turn pending and no listener.
 */
import type { BoundedReader } from '../bounded-clock/bounded-reader.ts';
import type { Cancel, Clock } from '../time/clock.ts';
import { checkObject } from '../time/errors.ts';
import { asUnixNs, type UnixNs } from '../time/instant.ts';
import { nsFromMsUp } from '../time/rounding.ts';
import { addAbortListener, removeAbortListener, throwIfAborted } from './abort-listeners.ts';
import { CommitWaitTimeoutError } from './errors.ts';
import { MinHeap } from './min-heap.ts';
import { admit, interruption, type Waited, type WaitOptions } from './wait-options.ts';

const NS_PER_MS = 1_000_000;
/**
 * From here on a precise wait looks at every turn. Timers count whole milliseconds from the start of the turn,
 * so they fire up to one early; the wake-up of the sleeping loop comes up to one late, and a little more:
 * one that must not be late has to be set so much before.
 */
const LEAD_NS = 1_250_000;
/** Where timers are exact to less than that, a wait of 1.00002 ms must not become one of 2: they are late by more. */
const SLACK_NS = 50_000;
/** A reader of another thread's clock hears of no publication: it looks this often at least. */
const LOOK_EVERY_MS = 5;
/** A time limit beyond it, half the range of int64, is none. */
const LONGEST_MS = 2 ** 62 / NS_PER_MS;

/** Slots: what the last reading said (its upper end is not used), and when. */
const EARLIEST = 0;
const NOW = 2;

interface Waiter {
  readonly timestamp: UnixNs;
  readonly startedNs: bigint;
  readonly resolve: (waited: Waited) => void;
  readonly reject: (reason: unknown) => void;
  readonly signal: AbortSignal | undefined;
  onAbort: (() => void) | undefined;
}

export class WaitQueue {
  readonly #reader: BoundedReader;
  readonly #clock: Clock;
  readonly #economy = new MinHeap();
  readonly #precise = new MinHeap();
  readonly #deadlines = new MinHeap();
  /** By identifier, as in the heaps. */
  readonly #waiters: (Waiter | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #slots = new BigInt64Array(3);
  readonly #wake = (): void => this.#look();
  /** One executor for all promises, which leaves their two functions here: a closure for each is a third of its cost. */
  readonly #capture = (resolve: Waiter['resolve'], reject: Waiter['reject']): void => {
    this.#resolve = resolve;
    this.#reject = reject;
  };
  #resolve: Waiter['resolve'] = () => {};
  #reject: Waiter['reject'] = () => {};
  #cancel: Cancel | undefined;
  /** The monotonic instant of the next wake-up, in ns; a double is good enough to plan by. */
  #plannedNs = Number.POSITIVE_INFINITY;

  constructor(reader: BoundedReader) {
    this.#reader = reader;
    this.#clock = reader.clock;
  }

  /** How many wait. */
  get size(): number {
    return this.#economy.size + this.#precise.size;
  }

  /** Throws what refuses the wait; otherwise the promise is the wait's. */
  add(timestamp: UnixNs, options: WaitOptions): Promise<Waited> {
    const { mode, signal, timeoutMs } = checkObject('options', options);
    throwIfAborted(signal);
    const remainingNs = admit(this.#reader, timestamp, options);
    if (remainingNs === 0) return Promise.resolve({ waitedNs: 0n });
    const promise = new Promise<Waited>(this.#capture);
    const waiter: Waiter = {
      timestamp,
      startedNs: this.#clock.monotonicNs(),
      resolve: this.#resolve,
      reject: this.#reject,
      signal,
      onAbort: undefined,
    };
    const id = this.#free.pop() ?? this.#waiters.length;
    this.#waiters[id] = waiter;
    if (signal) this.#listen(signal, waiter, id);
    if (this.size === 0) this.#reader.publications?.add(this.#wake);

    const precise = mode === 'precise';
    (precise ? this.#precise : this.#economy).add(id, timestamp);
    let inMs = precise ? preciseMs(remainingNs) : economyMs(remainingNs);
    if (timeoutMs !== undefined && timeoutMs < LONGEST_MS) {
      this.#deadlines.add(id, waiter.startedNs + nsFromMsUp(timeoutMs));
      inMs = Math.min(inMs, Math.max(1, Math.ceil(timeoutMs)));
    }
    this.#plan(Number(waiter.startedNs), inMs);
    return promise;
  }

  #listen(signal: AbortSignal, waiter: Waiter, id: number): void {
    waiter.onAbort = () => this.#end(id).reject(signal.reason);
    addAbortListener(signal, waiter.onAbort);
  }

  /** The one thing that every wake-up does. */
  #look(): void {
    this.#stopTimer();
    try {
      this.#reader.readInto(this.#slots, EARLIEST);
      this.#slots[NOW] = this.#clock.monotonicNs();
      this.#release(this.#economy);
      this.#release(this.#precise);
      this.#giveUp();
      if (this.size > 0) this.#plan(Number(this.#slots[NOW]!), this.#nextLookMs());
    } catch (error) {
      this.#interrupt(error);
    }
  }

  #release(heap: MinHeap): void {
    while (heap.size > 0 && heap.leastKey < this.#slots[EARLIEST]!) {
      const { resolve, startedNs } = this.#end(heap.leastId);
      resolve({ waitedNs: this.#slots[NOW]! - startedNs });
    }
  }

  #giveUp(): void {
    const deadlines = this.#deadlines;
    while (deadlines.size > 0 && deadlines.leastKey <= this.#slots[NOW]!) {
      const { reject, timestamp, startedNs } = this.#end(deadlines.leastId);
      reject(new CommitWaitTimeoutError(timestamp, this.#slots[NOW]! - startedNs));
    }
  }

  /** Nothing can be proven any more: every wait ends, with its own numbers. */
  #interrupt(error: unknown): void {
    this.#slots[NOW] = this.#clock.monotonicNs();
    for (let id = 0; id < this.#waiters.length; id++) {
      if (this.#waiters[id] === undefined) continue;
      const { reject, timestamp, startedNs } = this.#end(id);
      reject(interruption(error, { timestamp, waitedNs: this.#slots[NOW]! - startedNs }));
    }
  }

  /** Forgets a waiter; with the last one go the timer and the hook. */
  #end(id: number): Waiter {
    const waiter = this.#waiters[id]!;
    this.#waiters[id] = undefined;
    this.#free.push(id);
    this.#economy.remove(id);
    this.#precise.remove(id);
    this.#deadlines.remove(id);
    if (waiter.signal && waiter.onAbort) removeAbortListener(waiter.signal, waiter.onAbort);
    if (this.size === 0) {
      this.#stopTimer();
      this.#reader.publications?.delete(this.#wake);
    }
    return waiter;
  }

  /** Until something may have to be done, as far as the present bound tells; 0 is the next turn. */
  #nextLookMs(): number {
    let inMs = Number.POSITIVE_INFINITY;
    if (this.#precise.size > 0) inMs = preciseMs(this.#remainingNs(this.#precise));
    if (this.#economy.size > 0) {
      inMs = Math.min(inMs, economyMs(this.#remainingNs(this.#economy)));
    }
    if (this.#deadlines.size > 0) {
      inMs = Math.min(inMs, deadlineMs(Number(this.#deadlines.leastKey - this.#slots[NOW]!)));
    }
    return inMs;
  }

  #remainingNs(heap: MinHeap): number {
    return Number(this.#reader.remainingNs(asUnixNs(heap.leastKey)));
  }

  /** Makes sure of a wake-up in `inMs`, unless one comes before. */
  #plan(nowNs: number, inMs: number): void {
    const delayMs = this.#reader.publications ? inMs : Math.min(inMs, LOOK_EVERY_MS);
    const atNs = nowNs + delayMs * NS_PER_MS;
    if (atNs >= this.#plannedNs) return;
    this.#stopTimer();
    this.#plannedNs = atNs;
    this.#cancel =
      delayMs === 0 ? this.#clock.nextTurn(this.#wake) : this.#clock.setTimer(delayMs, this.#wake);
  }

  #stopTimer(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#plannedNs = Number.POSITIVE_INFINITY;
  }
}

/** Whole milliseconds, as timers count: of 0 there is none. */
function economyMs(remainingNs: number): number {
  return Math.max(1, Math.ceil((remainingNs - SLACK_NS) / NS_PER_MS));
}

function preciseMs(remainingNs: number): number {
  return Math.max(0, Math.floor((remainingNs - LEAD_NS) / NS_PER_MS));
}

function deadlineMs(remainingNs: number): number {
  return Math.max(1, Math.ceil(remainingNs / NS_PER_MS));
}
