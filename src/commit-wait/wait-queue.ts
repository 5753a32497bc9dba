/**
 * All waits on one clock: two queues of timestamps (one per mode), one of time limits, one timer.
 *
 * The problem. A wait may end only when `earliest > timestamp`, and nothing but a reading of the clock says
 * so. Timers fire early and late, the process pauses, samples move the edge in both directions, the bound may
 * be lost. And a server that commits a lot has thousands of waits at a time: a timer and a reading for each
 * would cost more than the transactions.
 *
 * The idea. A wake-up proves nothing; it is only an occasion to look. Every one, whoever caused it (the timer, a turn
 * of the loop, a publication, a release a moment ago), does the same: read the clock, release whatever that reading proves,
 * and plan the next wake-up from the bound as it is now. So a timer that fires early is planned
 * again, an edge that moved back keeps its waits, and one that moved forward frees them in the same
 * turn of the loop.
 *
 * Guarantee. Whoever is released: a reading made during the wait had `earliest > timestamp`. Every wait ends:
 * by release, by the loss of the bound (which comes at the latest when it expires), or as its caller
 * asked. While nobody waits there is no timer, no turn pending and no listener; a promise job may be, and does nothing.
 */
import type { BoundedReader } from '../bounded-clock/bounded-reader.ts';
import type { Cancel, Clock } from '../time/clock.ts';
import { checkObject } from '../time/errors.ts';
import { asUnixNs, type UnixNs } from '../time/instant.ts';
import { nsFromMsUp } from '../time/rounding.ts';
import { addAbortListener, removeAbortListener, throwIfAborted } from './abort-listeners.ts';
import { CommitWaitTimeoutError } from './errors.ts';
import { MinQueue } from './min-queue.ts';
import { admit, interruption, type Waited, type WaitOptions } from './wait-options.ts';

const NS_PER_MS = 1_000_000;
/**
 * From here on a precise wait looks at every turn. Timers count whole milliseconds from the start of the turn,
 * so they fire up to one early; the wake-up of the sleeping loop comes up to one late, and a little more:
 * one that must not be late has to be set so much before.
 */
const LEAD_NS = 1_250_000;
const LEAD_INT64_NS: bigint = BigInt(LEAD_NS);
/** Where timers are exact to less than that, a wait of 1.00002 ms must not become one of 2: they are late by more. */
const SLACK_NS = 50_000;
/** A reader of another thread's clock hears of no publication: it looks this often at least. */
const LOOK_EVERY_MS = 5;
/** A time limit beyond it, half the range of int64, is none. */
const LONGEST_MS = 2 ** 62 / NS_PER_MS;

/**
 * While precise waits are near, a turn goes on looking for so long, ns: going round the loop takes one or two
 * microseconds, and leaves garbage, whose collection makes others late.
 */
const LOOK_ON_NS = 10_000n;
/** After a release it looks on only for those who are due within so long: more than one step of the released may be left. */
const HOLD_UP_NS = 3000n;
/** Of those who are due so many are released at a time, and run: all at once, the first would wait for the last. */
const AT_A_TIME = 4;
/** Its reactions run behind those of whoever has just been released. */
const RELEASED = Promise.resolve();
/** So many readings in a row that say the same instant are of a clock that stands still, as simulated ones do. */
const STILL = 8;

/**
 * Slots: what the last reading said (its upper end is not used), and when; the reading before; how long to look on, and
 * for those who are due within what.
 */
const EARLIEST = 0;
const NOW = 2;
const BEFORE = 3;
const LOOK_UNTIL = 4;
const REACH = 5;

/** Of a waiter, two slots: what it waits for, and since when. */
const TIMESTAMP = 0;
const STARTED = 1;
const WAITER_SLOTS = 2;

/** Ends a wait; with a rejected promise it rejects. */
type Settle = (outcome: Waited | Promise<never>) => void;

/** What ends a wait from elsewhere in the library; an AbortController costs more than the rest of the wait. */
export interface Ending {
  /** There while the wait lasts. */
  end?: ((reason: unknown) => void) | undefined;
}

const NOBODY: Settle = () => {};

export class WaitQueue {
  readonly #reader: BoundedReader;
  readonly #clock: Clock;
  readonly #economy = new MinQueue();
  readonly #precise = new MinQueue();
  readonly #deadlines = new MinQueue();
  /**
   * By identifier, as in the queues: a waiter is one function and two integers, no object. While thousands wait,
   * every collection of young garbage copies all that they hold, and whoever is due meanwhile is late by that.
   */
  readonly #settles: (Settle | undefined)[] = [];
  #numbers = new BigInt64Array(16 * WAITER_SLOTS);
  readonly #free: number[] = [];
  /** What else ends with a wait: whatever could have ended it. */
  readonly #forget = new Map<number, () => void>();
  readonly #slots = new BigInt64Array(6);
  readonly #wake = (): void => this.#look(false);
  readonly #lookAgain = (): void => {
    if (this.size > 0) this.#look(true);
  };
  /** One executor for all promises, which leaves their function here: a closure for each is a third of its cost. */
  readonly #capture = (resolve: Settle): void => {
    this.#captured = resolve;
  };
  #captured = NOBODY;
  #cancel: Cancel | undefined;
  /** The monotonic instant of the next wake-up, in ns; a double is good enough to plan by. */
  #plannedNs = Number.POSITIVE_INFINITY;
  /** How often in a row the clock said the same. */
  #still = 0;

  constructor(reader: BoundedReader) {
    this.#reader = reader;
    this.#clock = reader.clock;
  }

  /** How many wait. */
  get size(): number {
    return this.#economy.size + this.#precise.size;
  }

  /** Throws what refuses the wait; otherwise the promise is the wait's. */
  add(timestamp: UnixNs, options: WaitOptions, ending?: Ending): Promise<Waited> {
    const { mode, signal, timeoutMs } = checkObject('options', options);
    throwIfAborted(signal);
    const remainingNs = admit(this.#reader, timestamp, options);
    if (remainingNs === 0) return Promise.resolve({ waitedNs: 0n });
    const promise = new Promise<Waited>(this.#capture);
    const id = this.#free.pop() ?? this.#settles.length;
    this.#settles[id] = this.#captured;
    this.#captured = NOBODY;
    this.#slots[NOW] = this.#reader.answeredAt;
    const numbers = this.#numbersOf(id);
    numbers[WAITER_SLOTS * id + TIMESTAMP] = timestamp;
    numbers[WAITER_SLOTS * id + STARTED] = this.#slots[NOW]!;
    try {
      if (signal || ending) this.#mayEnd(id, signal, ending);
      if (this.size === 0) this.#reader.publications?.add(this.#wake);
      const precise = mode === 'precise';
      (precise ? this.#precise : this.#economy).add(id, timestamp);
      let inMs = precise ? preciseMs(remainingNs) : economyMs(remainingNs);
      if (timeoutMs !== undefined && timeoutMs < LONGEST_MS) {
        this.#deadlines.add(id, this.#slots[NOW]! + nsFromMsUp(timeoutMs));
        inMs = Math.min(inMs, Math.max(1, Math.ceil(timeoutMs)));
      }
      this.#plan(Number(this.#slots[NOW]!), inMs);
    } catch (error) {
      this.#end(id);
      throw error;
    }
    return promise;
  }

  /** The slots, of which there are enough for `id`. */
  #numbersOf(id: number): BigInt64Array {
    if (WAITER_SLOTS * id >= this.#numbers.length) {
      const grown = new BigInt64Array(2 * this.#numbers.length);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    return this.#numbers;
  }

  #mayEnd(id: number, signal: AbortSignal | undefined, ending: Ending = {}): void {
    const end = (reason: unknown): void => this.#end(id)(Promise.reject(reason));
    const onAbort = (): void => end(signal?.reason);
    ending.end = end;
    if (signal) addAbortListener(signal, onAbort);
    this.#forget.set(id, () => {
      ending.end = undefined;
      if (signal) removeAbortListener(signal, onAbort);
    });
  }

  /** The one thing that every wake-up does; `again` when it follows a release, in the same turn of the loop. */
  #look(again: boolean): void {
    const slots = this.#slots;
    try {
      if (!again) {
        this.#stopTimer();
        slots[NOW] = this.#clock.monotonicNs();
        slots[LOOK_UNTIL] = slots[NOW]! + LOOK_ON_NS;
      }
      const waiting = this.size;
      do {
        slots[BEFORE] = slots[NOW]!;
        this.#reader.readInto(slots, EARLIEST);
        slots[NOW] = this.#reader.answeredAt;
        this.#release(this.#economy);
        this.#release(this.#precise);
      } while (this.size === waiting && this.#mayLookOn(again));
      const released = waiting - this.size;
      if (released >= AT_A_TIME || (released > 0 && this.#mayLookOn(true))) {
        RELEASED.then(this.#lookAgain);
        return;
      }
      this.#giveUp();
      if (this.size > 0) this.#plan(Number(slots[NOW]!), this.#nextLookMs());
    } catch (error) {
      this.#interrupt(error);
    }
  }

  /** To be asked once per reading: also counts those that say the same. */
  #mayLookOn(released: boolean): boolean {
    const slots = this.#slots;
    this.#still = slots[NOW]! > slots[BEFORE]! ? 0 : this.#still + 1;
    if (this.#precise.size === 0 || this.#still >= STILL) return false;
    if (slots[NOW]! >= slots[LOOK_UNTIL]!) return false;
    slots[REACH] = released ? HOLD_UP_NS : LEAD_INT64_NS;
    return this.#precise.leastKey - slots[EARLIEST]! < slots[REACH]!;
  }

  #release(queue: MinQueue): void {
    let left = AT_A_TIME;
    while (left-- > 0 && queue.size > 0 && queue.leastKey < this.#slots[EARLIEST]!) {
      const id = queue.leastId;
      const waitedNs = this.#waitedNs(id);
      this.#end(id)({ waitedNs });
    }
  }

  #giveUp(): void {
    const deadlines = this.#deadlines;
    while (deadlines.size > 0 && deadlines.leastKey <= this.#slots[NOW]!) {
      const id = deadlines.leastId;
      const error = new CommitWaitTimeoutError(this.#timestamp(id), this.#waitedNs(id));
      this.#end(id)(Promise.reject(error));
    }
  }

  /** Nothing can be proven any more: every wait ends, with its own numbers. */
  #interrupt(error: unknown): void {
    for (let id = 0; id < this.#settles.length; id++) {
      if (this.#settles[id] === undefined) continue;
      const wait = { timestamp: this.#timestamp(id), waitedNs: this.#waitedNs(id) };
      this.#end(id)(Promise.reject(interruption(error, wait)));
    }
  }

  #timestamp(id: number): UnixNs {
    return asUnixNs(this.#numbers[WAITER_SLOTS * id + TIMESTAMP]!);
  }

  /** By the last look. */
  #waitedNs(id: number): bigint {
    return this.#slots[NOW]! - this.#numbers[WAITER_SLOTS * id + STARTED]!;
  }

  /** Forgets a waiter, and returns what settles it; with the last one go the timer and the hook. */
  #end(id: number): Settle {
    const settle = this.#settles[id]!;
    this.#settles[id] = undefined;
    this.#free.push(id);
    this.#economy.remove(id);
    this.#precise.remove(id);
    this.#deadlines.remove(id);
    if (this.#forget.size > 0) {
      this.#forget.get(id)?.();
      this.#forget.delete(id);
    }
    if (this.size === 0) {
      this.#stopTimer();
      this.#reader.publications?.delete(this.#wake);
    }
    return settle;
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

  #remainingNs(queue: MinQueue): number {
    return this.#reader.remaining(asUnixNs(queue.leastKey));
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
    const cancel = this.#cancel;
    this.#cancel = undefined;
    this.#plannedNs = Number.POSITIVE_INFINITY;
    cancel?.();
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
