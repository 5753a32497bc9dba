/**
 * The logical clock of Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System"
 * (CACM 1978): a counter. When a happened before b, then a's number is smaller; the reverse does
 * not follow. With the node id as tie-breaker the numbers are a total order, the same on every
 * node.
 *
 * For systems that need causal order and no relation to time. Its numbers are JavaScript's safe
 * integers: 2^53 - 1 is 285 years of a million events a second. At the end it throws; it never
 * repeats a number.
 *
 * A Lamport clock has nothing to measure a remote number against. So a forged number drags every
 * node along, and one near 2^53 stops them all. Among nodes that don't trust each other use a
 * {@link HybridClock}.
 */
import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';
import { Inspectable } from '../time/inspect.ts';
import { checkOptionNames } from '../time/options.ts';
import { MalformedTimestampError, TimestampExhaustedError } from './errors.ts';
import { checkNodeId } from './node-id.ts';
import type { Stamp } from './timestamp-text.ts';

/** Options of a {@link LamportClock}. */
export interface LamportClockOptions {
  /** The name of this clock and of no other clock: matches `[0-9A-Za-z._:-]{1,64}`. */
  readonly nodeId: string;
  /** All numbers will be greater than this one: the last one stored before a restart. Default 0. */
  readonly startAfter?: number | undefined;
}

const NAMES: Readonly<Record<keyof LamportClockOptions, true>> = { nodeId: true, startAfter: true };

/** A Lamport stamp as an object. */
export interface LamportStampParts {
  /** The number, from 1 to 2^53 - 1. */
  readonly time: number;
  readonly nodeId: string;
}

/**
 * A Lamport clock. A method that throws has changed nothing.
 *
 * @example
 * const lamport = new LamportClock({ nodeId: 'a' });
 * lamport.now() // 1
 * lamport.receive(message.counter) // 8
 */
export class LamportClock extends Inspectable {
  readonly nodeId: string;
  #time: number;

  /** @throws ArgumentTypeError, ArgumentRangeError naming the option at fault */
  constructor(options: LamportClockOptions) {
    super();
    const { nodeId, startAfter = 0 } = checkOptionNames(options, NAMES);
    this.nodeId = checkNodeId('nodeId', nodeId);
    this.#time = checkTime('startAfter', startAfter);
  }

  /**
   * The number of a local or send event: one more than the last.
   *
   * @throws TimestampExhaustedError after 2^53 - 1 (`ERR_TIMESTAMP_EXHAUSTED`)
   */
  now(): number {
    return this.#advance(this.#time);
  }

  /** As {@link LamportClock.now} without handing out the number. */
  tick(): void {
    this.#advance(this.#time);
  }

  /**
   * The number of the receipt of a message numbered `remote`: one more than the larger of both.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when `remote` is not an integer from 0 to 2^53 -
   *   1
   * @throws TimestampExhaustedError as {@link LamportClock.now}
   */
  receive(remote: number): number {
    return this.#advance(Math.max(this.#time, checkTime('remote', remote)));
  }

  /** As {@link LamportClock.receive} without handing out the number. */
  update(remote: number): void {
    this.receive(remote);
  }

  /**
   * As {@link LamportClock.now}, as text with the node id: `'0000000000000008@a'`. Unique across
   * nodes.
   */
  stamp(): Stamp {
    return formatLamportStamp(this.now(), this.nodeId);
  }

  /** The last number; advances nothing. */
  peek(): number {
    return this.#time;
  }

  toJSON(): LamportStampParts {
    return { time: this.#time, nodeId: this.nodeId };
  }

  /** One line, also what `console.log` shows. */
  override toString(): string {
    return `${this.constructor.name} { ${this.nodeId}, ${this.#time} }`;
  }

  #advance(past: number): number {
    if (past === Number.MAX_SAFE_INTEGER) throw new TimestampExhaustedError(BigInt(past));
    this.#time = past + 1;
    return this.#time;
  }
}

const DIGITS = 16;
const LAMPORT_STAMP = /^(\d{16})@([0-9A-Za-z._:-]{1,64})$/;

/**
 * A number and its clock's node id as text: 16 digits, `@`, node id. The texts sort by number, then
 * by node id. That is a total order that contains happened-before; `compareStamps` and a plain
 * `sort()` both give it.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `time` or `nodeId` is not valid for a Lamport
 *   clock
 * @example formatLamportStamp(8, 'a') // '0000000000000008@a'
 */
export function formatLamportStamp(time: number, nodeId: string): Stamp {
  return `${String(checkTime('time', time)).padStart(DIGITS, '0')}@${checkNodeId('nodeId', nodeId)}`;
}

/**
 * The number and node id that {@link formatLamportStamp} wrote as `text`.
 *
 * @throws ArgumentTypeError when `text` is not a string
 * @throws MalformedTimestampError when it is not 16 digits of at most 2^53 - 1, `@`, node id
 *   (`ERR_TIMESTAMP_MALFORMED`)
 * @example parseLamportStamp('0000000000000008@a') // { time: 8, nodeId: 'a' }
 */
export function parseLamportStamp(text: string): LamportStampParts {
  if (typeof text !== 'string') throw new ArgumentTypeError('text', 'a string', text);
  const [, digits = '', nodeId = ''] = LAMPORT_STAMP.exec(text) ?? [];
  const time = Number(digits);
  if (digits === '' || !Number.isSafeInteger(time)) {
    throw new MalformedTimestampError('Lamport stamp', '16 digits, at most 2^53 - 1, @, node id');
  }
  return { time, nodeId };
}

function checkTime(name: string, value: unknown): number {
  if (typeof value !== 'number') throw new ArgumentTypeError(name, 'a number', value);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new ArgumentRangeError(name, 'an integer from 0 to 2^53 - 1', value);
  }
  return value;
}
