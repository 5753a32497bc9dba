/**
 * Reads one log and hands out its events in order.
 *
 * A log that several threads write is not quite sorted. An event is handed out only when no event
 * that belongs before it can still come: when the log has reached a timestamp more than a window
 * later, or its end. Whether an event comes too late depends on the log alone, never on the logs
 * that it is merged with.
 *
 * The window is also limited to {@link MAX_WAITING} events, so memory is constant for any log.
 *
 * Timestamps are compared in int64 slots, because comparing two bigints takes ten times as long.
 */
import { asUnixNs } from '../time/instant.ts';
import { LogUnsortedError } from './errors.ts';
import { checkFields, compareEvents, NO_EARLIEST, type StampedEvent } from './event.ts';

/**
 * An iterator over a log. `next` may return a result itself instead of a promise, whenever it has
 * one at hand: nothing is then awaited, which is several times as fast. `for await` takes such an
 * iterator too.
 */
export interface LogIterator<E> {
  /** The next event, or a promise of it. */
  next(): IteratorResult<E> | PromiseLike<IteratorResult<E>>;
  /** Called when no further event is wanted. */
  return?(): unknown;
}

/** Events of a log, in the order of their timestamps: any iterable or async iterable. */
export type Log<E> = Iterable<E> | { [Symbol.asyncIterator](): LogIterator<E> };

/** An event is handed out early when more than this many wait. */
export const MAX_WAITING = 4096;

const HEAD = 0;
const READ = 1;
/** The greatest timestamp read so far. */
const GREATEST = 2;
/** Every event below this can be handed out. */
const SAFE = 3;
const WINDOW = 4;
const WIDTH = 5;
/** The width of the widest interval read so far. */
const WIDEST = 6;

export class LogReader<E extends StampedEvent> {
  /** The place of the log among those that were given. */
  readonly index: number;
  /** What errors call an event of this log. */
  readonly #eventName: string;
  readonly #iterator: LogIterator<E>;
  readonly #slots = new BigInt64Array(7);
  /** The events that wait are those from `#first` on, in order. */
  readonly #events: E[] = [];
  #first = 0;
  /** The event that was handed out last. */
  #last: E | undefined;
  #ended = false;
  #awaiting = false;

  constructor(log: Log<E>, name: string, index: number, windowNs: bigint) {
    this.index = index;
    this.#eventName = `${name}: event`;
    this.#iterator = Symbol.iterator in log ? log[Symbol.iterator]() : log[Symbol.asyncIterator]();
    this.#slots[WINDOW] = windowNs;
    this.#slots[SAFE] = this.#slots[GREATEST] = NO_EARLIEST;
  }

  /** The width of the widest interval read so far, ns. */
  get widestNs(): bigint {
    return this.#slots[WIDEST]!;
  }

  /** The next event in order; `undefined` at the end of the log. Only after {@link fill}. */
  get head(): E | undefined {
    return this.#events[this.#first];
  }

  /** Whether the head goes before that of `other`. The same event in both: in the logs' order. */
  isBefore(other: LogReader<E>): boolean {
    if (this.#slots[HEAD]! !== other.#slots[HEAD]!) return this.#slots[HEAD]! < other.#slots[HEAD]!;
    return (compareEvents(this.head!, other.head!) || this.index - other.index) < 0;
  }

  /** Removes the head. */
  shift(): void {
    this.#last = this.#events[this.#first++];
    // Moving the others to the front only now and then makes this constant time on average.
    if (2 * this.#first > this.#events.length) {
      this.#events.splice(0, this.#first);
      this.#first = 0;
    }
    this.#noteHead();
  }

  /**
   * Reads until the head is known.
   *
   * @returns a promise when that has to be awaited
   */
  fill(): Promise<void> | undefined {
    const result = this.#read();
    return result && this.#awaitAndRead(result);
  }

  /**
   * Tells the iterator that no further event is wanted. Does not wait for its answer while an event
   * is awaited: a generator would answer only after that event, which may never come.
   */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const closing = Promise.allSettled([this.#iterator.return?.()]);
    if (!this.#awaiting) await closing;
  }

  /** Reads events that are at hand. Returns the first result that has to be awaited. */
  #read(): PromiseLike<IteratorResult<E>> | undefined {
    while (!this.#isHeadKnown()) {
      const result = this.#iterator.next();
      if ('then' in result) return result;
      this.#accept(result);
    }
    return undefined;
  }

  async #awaitAndRead(first: PromiseLike<IteratorResult<E>>): Promise<void> {
    for (let result: typeof first | undefined = first; result; result = this.#read()) {
      this.#awaiting = true;
      this.#accept(await result);
      this.#awaiting = false;
    }
  }

  #isHeadKnown(): boolean {
    const waiting = this.#events.length - this.#first;
    if (this.#ended || waiting === 0) return this.#ended;
    return this.#slots[HEAD]! < this.#slots[SAFE]! || waiting > MAX_WAITING;
  }

  #accept(result: IteratorResult<E>): void {
    if (result.done === true) {
      this.#ended = true;
      return;
    }
    const event = result.value;
    checkFields(this.#eventName, event);
    this.#noteWidth(event);
    const slots = this.#slots;
    slots[READ] = event.timestamp;
    if (slots[READ]! > slots[GREATEST]!) {
      slots[GREATEST] = slots[READ]!;
      slots[SAFE] = BigInt.asIntN(64, slots[READ]! - slots[WINDOW]!);
      this.#events.push(event);
    } else {
      this.#insert(event);
    }
    this.#noteHead();
  }

  /** Puts an event in its place among those that wait, or throws when that place has passed. */
  #insert(event: E): void {
    const passed = this.#last !== undefined && compareEvents(event, this.#last) < 0;
    if (passed || this.#slots[READ]! < this.#slots[SAFE]!) {
      const greatest = asUnixNs(this.#slots[GREATEST]!);
      throw new LogUnsortedError(this.index, asUnixNs(event.timestamp), greatest);
    }
    const events = this.#events;
    let at = events.length;
    while (at > this.#first && compareEvents(event, events[at - 1]!) < 0) at--;
    events.splice(at, 0, event);
  }

  #noteHead(): void {
    const { head } = this;
    if (head !== undefined) this.#slots[HEAD] = head.timestamp;
  }

  #noteWidth({ earliest, latest }: E): void {
    if (earliest === undefined || latest === undefined) return;
    const slots = this.#slots;
    slots[WIDTH] = BigInt.asIntN(64, latest - earliest);
    if (slots[WIDTH]! > slots[WIDEST]!) slots[WIDEST] = slots[WIDTH]!;
  }
}
