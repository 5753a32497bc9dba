/**
 * All waits on one clock: two queues of timestamps (one per mode), one queue of time limits, one
 * timer.
 *
 * The problem. A wait may end only when `earliest > timestamp`, and only a reading of the clock can
 * say so. Timers fire early and late, the process pauses, samples move the edge in both directions,
 * and the bound may be lost. A server that commits a lot has thousands of waits at a time: a timer
 * and a reading for each of them would cost more than the transactions.
 *
 * The idea. A wake-up proves nothing. It is only an occasion to poll: read the clock, release every
 * wait that this reading proves, end every wait whose time limit has come, and plan the next
 * wake-up from the bound as it is now. Each wake-up does exactly this, whatever caused it: the
 * timer, a turn of the event loop, a publication, or a release a moment ago. So a timer that fires
 * early is set again, an edge that moved back keeps its waits, and an edge that moved forward frees
 * them in the same turn of the loop.
 *
 * The event loop. A released caller may begin its next wait at once, and with thousands of callers
 * some wait is then always due. Polls that follow each other within one turn of the loop therefore
 * stop after `TURN_BUDGET_NS`. What is still due is released in the next turn, after timers,
 * sockets and aborts.
 *
 * Guarantee. If a wait is released, a reading made during the wait had `earliest > timestamp`.
 * Every wait ends: by release, by its time limit, by the loss of the bound (at the latest when it
 * expires), or as its caller asked. While nobody waits there is no timer, no pending turn and no
 * listener. A promise job may be left; it does nothing.
 */
import type { BoundedReader } from '../bounded-clock/bounded-reader.ts';
import type { Cancel, Clock } from '../time/clock.ts';
import { checkObject } from '../time/errors.ts';
import { asUnixNs, type UnixNs } from '../time/instant.ts';
import { nsFromMsUp } from '../time/rounding.ts';
import { addAbortListener, removeAbortListener, throwIfAborted } from './abort-listeners.ts';
import { CommitWaitTimeoutError } from './errors.ts';
import { MinQueue } from './min-queue.ts';
import { admit, interruption, WaitEnd, type Waited, type WaitOptions } from './wait-options.ts';

const { asIntN } = BigInt;
const NS_PER_MS = 1_000_000;
/**
 * How long before its end a precise wait begins to poll in every turn of the loop. A timer counts
 * whole milliseconds from the start of a turn, so it fires up to 1 ms early; the sleeping loop
 * wakes up to 1 ms late and a little more. A wake-up that must not be late is therefore set this
 * much early.
 */
const LEAD_NS = 1_250_000;
const LEAD_INT64_NS: bigint = BigInt(LEAD_NS);
/**
 * How much may be cut off a wait to save a whole millisecond of timer: a wait of 1.00002 ms must
 * not become one of 2 ms. Timers that are exact to less than this are rare.
 */
const SLACK_NS = 50_000;
/** A reader in another thread is not told of publications, so it polls at least this often, ms. */
const POLL_EVERY_MS = 5;
/** A time limit beyond this, half the range of int64, is no limit. */
const MAX_TIME_LIMIT_MS = 2 ** 62 / NS_PER_MS;

/**
 * While precise waits are near, one turn of the loop keeps polling for this long. Going round the
 * loop takes one or two microseconds and leaves garbage, whose collection makes others late.
 */
const SPIN_BUDGET_NS = 10_000n;
/**
 * After a release, keep polling only if the next wait is due within this time: the released callers
 * may have more than one step left to run.
 */
const YIELD_WINDOW_NS = 3000n;
/** Polls that follow releases end after this long in one turn of the loop. Then the loop turns. */
const TURN_BUDGET_NS = 1_000_000n;
/**
 * Waits released at a time, per mode. Releasing all at once would make the first caller wait until
 * the last one has been released.
 */
const RELEASE_BATCH = 4;
/** A resolved promise. `then` on it queues a job behind those of the callers just released. */
const RELEASED = Promise.resolve();
/** After this many equal readings the clock is taken to stand still, as simulated clocks do. */
const MAX_STALLED_READINGS = 8;

/**
 * Slots of one poll: the interval that the last reading gave (only its lower end is used), the
 * instant of that reading, the instant of the reading before it, when spinning ends, when this
 * turn's polls end, and how near the next wait must be to keep polling for it.
 */
const EARLIEST = 0;
const NOW = 2;
const BEFORE = 3;
const SPIN_UNTIL = 4;
const TURN_UNTIL = 5;
const HORIZON = 6;
const POLL_SLOTS = 7;

/** Two slots per wait: the timestamp it waits for, and when it began. */
const TIMESTAMP = 0;
const STARTED = 1;
const WAIT_SLOTS = 2;

/** Ends a wait; with a rejected promise it rejects. */
type Settle = (outcome: Waited | Promise<never>) => void;

/**
 * Lets other parts of the library end a wait. An AbortController would cost more than the rest of
 * the wait.
 */
export interface Ending {
  /** Rejects the wait with `reason`. Present while the wait lasts. */
  end?: ((reason: unknown) => void) | undefined;
}

const NOOP: Settle = () => {};

export class WaitQueue {
  readonly #reader: BoundedReader;
  readonly #clock: Clock;
  readonly #economy = new MinQueue();
  readonly #precise = new MinQueue();
  readonly #deadlines = new MinQueue();
  /**
   * What settles each wait, by the identifier that the queues use. A wait is one function and two
   * integers, and not an object. While thousands wait, each collection of young garbage copies all
   * objects that they hold, and a wait that is due meanwhile is late by the time this takes.
   */
  readonly #settles: (Settle | undefined)[] = [];
  #numbers = new BigInt64Array(16 * WAIT_SLOTS);
  readonly #free: number[] = [];
  /** Clean-up by identifier: removes the wait's abort listener and its {@link Ending}. */
  readonly #cleanups = new Map<number, () => void>();
  readonly #slots = new BigInt64Array(POLL_SLOTS);
  readonly #wake = (): void => this.#poll(false);
  readonly #onPublication = (): void => {
    if (!this.#resumes) this.#poll(false);
  };
  readonly #pollAgain = (): void => {
    this.#resumes = false;
    if (this.size > 0) this.#poll(true);
  };
  /**
   * The executor of all promises. It stores the resolve function in `#captured`. An executor
   * closure for each promise would be a third of a wait's cost.
   */
  readonly #capture = (resolve: Settle): void => {
    this.#captured = resolve;
  };
  #captured = NOOP;
  #cancel: Cancel | undefined;
  /** The monotonic instant of the next wake-up, ns. A double is exact enough to plan by. */
  #plannedNs = Number.POSITIVE_INFINITY;
  /**
   * Whether a poll is sure to follow: in this turn behind the released callers, or in the next turn
   * because the budget is spent. A publication meanwhile needs no poll of its own, and must not
   * begin a new budget.
   */
  #resumes = false;
  /** How many readings in a row gave the same instant. */
  #stalledReadings = 0;

  constructor(reader: BoundedReader) {
    this.#reader = reader;
    this.#clock = reader.localClock;
  }

  /** How many waits are pending. */
  get size(): number {
    return this.#economy.size + this.#precise.size;
  }

  /**
   * Begins a wait. Throws if the wait is refused. Once the wait has begun, everything that ends it
   * settles the promise.
   */
  add(timestamp: UnixNs, options: WaitOptions, ending?: Ending): Promise<Waited> {
    const { mode, signal, timeoutMs } = checkObject('options', options);
    throwIfAborted(signal);
    const remainingNs = admit(this.#reader, timestamp, options);
    if (remainingNs === 0) return Promise.resolve(new WaitEnd(0n));
    const promise = new Promise<Waited>(this.#capture);
    const id = this.#free.pop() ?? this.#settles.length;
    this.#settles[id] = this.#captured;
    this.#captured = NOOP;
    this.#slots[NOW] = this.#reader.answeredAt;
    const numbers = this.#numbersOf(id);
    numbers[WAIT_SLOTS * id + TIMESTAMP] = timestamp;
    numbers[WAIT_SLOTS * id + STARTED] = this.#slots[NOW]!;
    try {
      if (signal || ending) this.#mayEnd(id, signal, ending);
      if (this.size === 0) this.#reader.publishListeners?.add(this.#onPublication);
      const precise = mode === 'precise';
      (precise ? this.#precise : this.#economy).add(id, timestamp);
      let inMs = precise ? preciseMs(remainingNs) : economyMs(remainingNs);
      if (timeoutMs !== undefined && timeoutMs < MAX_TIME_LIMIT_MS) {
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

  /** The slots of all waits, grown so that there is room for `id`. */
  #numbersOf(id: number): BigInt64Array {
    if (WAIT_SLOTS * id >= this.#numbers.length) {
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
    this.#cleanups.set(id, () => {
      ending.end = undefined;
      if (signal) removeAbortListener(signal, onAbort);
    });
  }

  /**
   * What every wake-up does. `again` marks a poll that follows a release in the same turn of the
   * loop.
   */
  #poll(again: boolean): void {
    const slots = this.#slots;
    try {
      if (!again) {
        this.#stopTimer();
        slots[NOW] = this.#clock.monotonicNs();
        slots[SPIN_UNTIL] = slots[NOW]! + SPIN_BUDGET_NS;
        slots[TURN_UNTIL] = slots[NOW]! + TURN_BUDGET_NS;
      }
      const waiting = this.size;
      do {
        slots[BEFORE] = slots[NOW]!;
        this.#reader.readInto(slots, EARLIEST);
        slots[NOW] = this.#reader.answeredAt;
        this.#release(this.#economy);
        this.#release(this.#precise);
      } while (this.size === waiting && this.#maySpin(again));
      const released = waiting - this.size;
      if (released >= RELEASE_BATCH || (released > 0 && this.#maySpin(true))) {
        if (this.#deadlines.size > 0) this.#expireDeadlines();
        if (slots[NOW]! < slots[TURN_UNTIL]!) RELEASED.then(this.#pollAgain);
        else if (this.size > 0) this.#plan(Number(slots[NOW]!), 0);
        else return;
        this.#resumes = true;
        return;
      }
      if (this.#deadlines.size > 0) this.#expireDeadlines();
      if (this.size > 0) this.#plan(Number(slots[NOW]!), this.#nextPollMs());
    } catch (error) {
      this.#interrupt(error);
    }
  }

  /** Call once per reading, because it also counts the readings that gave the same instant. */
  #maySpin(released: boolean): boolean {
    const slots = this.#slots;
    this.#stalledReadings = slots[NOW]! > slots[BEFORE]! ? 0 : this.#stalledReadings + 1;
    if (this.#precise.size === 0 || this.#stalledReadings >= MAX_STALLED_READINGS) return false;
    if (slots[NOW]! >= slots[SPIN_UNTIL]!) return false;
    slots[HORIZON] = released ? YIELD_WINDOW_NS : LEAD_INT64_NS;
    return asIntN(64, this.#precise.leastKey - slots[EARLIEST]!) < slots[HORIZON]!;
  }

  #release(queue: MinQueue): void {
    let left = RELEASE_BATCH;
    while (left-- > 0 && queue.size > 0 && queue.leastKey < this.#slots[EARLIEST]!) {
      this.#releaseOne(queue.leastId);
    }
  }

  #releaseOne(id: number): void {
    const waited = new WaitEnd(this.#waitedNs(id));
    this.#end(id)(waited);
  }

  /**
   * A wait whose timestamp has certainly passed is released even when its time limit has come too.
   */
  #expireDeadlines(): void {
    const deadlines = this.#deadlines;
    while (deadlines.size > 0 && deadlines.leastKey <= this.#slots[NOW]!) {
      const id = deadlines.leastId;
      if (this.#numbers[WAIT_SLOTS * id + TIMESTAMP]! < this.#slots[EARLIEST]!) {
        this.#releaseOne(id);
        continue;
      }
      const error = new CommitWaitTimeoutError(this.#timestamp(id), this.#waitedNs(id));
      this.#end(id)(Promise.reject(error));
    }
  }

  /** Ends every wait with its own numbers, because without a bound nothing can be proven. */
  #interrupt(error: unknown): void {
    for (let id = 0; id < this.#settles.length; id++) {
      if (this.#settles[id] === undefined) continue;
      const wait = { timestamp: this.#timestamp(id), waitedNs: this.#waitedNs(id) };
      this.#end(id)(Promise.reject(interruption(error, wait)));
    }
  }

  #timestamp(id: number): UnixNs {
    return asUnixNs(this.#numbers[WAIT_SLOTS * id + TIMESTAMP]!);
  }

  /** How long the wait has lasted as of the last reading, ns. */
  #waitedNs(id: number): bigint {
    return this.#slots[NOW]! - this.#numbers[WAIT_SLOTS * id + STARTED]!;
  }

  /**
   * Forgets a wait and returns what settles it. After the last wait it also stops the timer and
   * removes the listener.
   */
  #end(id: number): Settle {
    const settle = this.#settles[id]!;
    this.#settles[id] = undefined;
    this.#free.push(id);
    this.#economy.remove(id);
    this.#precise.remove(id);
    this.#deadlines.remove(id);
    if (this.#cleanups.size > 0) {
      this.#cleanups.get(id)?.();
      this.#cleanups.delete(id);
    }
    if (this.size === 0) {
      this.#stopTimer();
      this.#reader.publishListeners?.delete(this.#onPublication);
    }
    return settle;
  }

  /**
   * In how many ms the next poll is needed, by the present bound. 0 is the next turn of the loop.
   */
  #nextPollMs(): number {
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

  /** Makes sure that a wake-up comes in `inMs` at the latest. */
  #plan(nowNs: number, inMs: number): void {
    const delayMs = this.#reader.publishListeners ? inMs : Math.min(inMs, POLL_EVERY_MS);
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
    this.#resumes = false;
    this.#plannedNs = Number.POSITIVE_INFINITY;
    cancel?.();
  }
}

/** Whole milliseconds, as timers count; at least 1, because a timer of 0 ms does not exist. */
function economyMs(remainingNs: number): number {
  return Math.max(1, Math.ceil((remainingNs - SLACK_NS) / NS_PER_MS));
}

function preciseMs(remainingNs: number): number {
  return Math.max(0, Math.floor((remainingNs - LEAD_NS) / NS_PER_MS));
}

function deadlineMs(remainingNs: number): number {
  return Math.max(1, Math.ceil(remainingNs / NS_PER_MS));
}
