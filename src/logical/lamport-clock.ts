/**
 * The logical clock of Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System" (CACM
 * 1978): a counter. When a happened before b, then a's number is smaller; the reverse does not follow.
 * With the node id as tie-breaker the numbers are a total order, the same on every node.
 *
 * For systems that want causal order and no relation to time at all. Its numbers are JavaScript's safe
 * integers: 2^53 - 1 is 285 years of a million events a second. At the end it throws; it never repeats.
 *
 * A Lamport clock has nothing to measure a remote number against, so a forged one drags every node along,
 * and one near 2^53 stops them all. Among nodes that don't trust each other use a {@link HybridClock}.
 */
import { ArgumentRangeError, ArgumentTypeError, checkObject } from '../time/errors.ts';
import { TimestampExhaustedError } from './errors.ts';
import { checkNodeId } from './node-id.ts';

export interface LamportClockOptions {
  /** This clock's name, no other clock's: matches `[0-9A-Za-z._:-]{1,64}`. */
  readonly nodeId: string;
  /** All numbers will be greater than this one: the last one stored before a restart. Default 0. */
  readonly after?: number;
}

/** A number and the clock it is from: unique, and totally ordered by {@link compareLamportStamps}. */
export interface LamportStamp {
  readonly time: number;
  readonly nodeId: string;
}

/**
 * A Lamport clock. A method that throws has changed nothing.
 *
 * @example
 * const clock = new LamportClock({ nodeId: 'a' });
 * send({ body, time: clock.tick() });
 * onMessage((m) => clock.receive(m.time));
 */
export class LamportClock {
  readonly nodeId: string;
  #time: number;

  /** @throws ArgumentTypeError, ArgumentRangeError naming the option at fault */
  constructor(options: LamportClockOptions) {
    this.nodeId = checkNodeId('nodeId', checkObject('options', options).nodeId);
    this.#time = checkTime('after', options.after ?? 0);
  }

  /**
   * The number of a local or send event: one more than the last.
   *
   * @throws TimestampExhaustedError after 2^53 - 1 (`ERR_TIMESTAMP_EXHAUSTED`)
   */
  tick(): number {
    return this.#advance(this.#time);
  }

  /**
   * The number of the receipt of a message numbered `remote`: one more than the larger of both.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when `remote` is not an integer from 0 to 2^53 - 1
   * @throws TimestampExhaustedError as {@link LamportClock.tick}
   */
  receive(remote: number): number {
    return this.#advance(Math.max(this.#time, checkTime('remote', remote)));
  }

  /** As {@link LamportClock.tick}, with the node id. */
  stamp(): LamportStamp {
    return { time: this.tick(), nodeId: this.nodeId };
  }

  /** The last number; advances nothing. */
  peek(): number {
    return this.#time;
  }

  #advance(past: number): number {
    if (past === Number.MAX_SAFE_INTEGER) throw new TimestampExhaustedError(BigInt(past));
    this.#time = past + 1;
    return this.#time;
  }
}

/** Negative, 0 or positive: by number, then by node id. A total order that contains happened-before. */
export function compareLamportStamps(a: LamportStamp, b: LamportStamp): -1 | 0 | 1 {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1;
  if (a.nodeId !== b.nodeId) return a.nodeId < b.nodeId ? -1 : 1;
  return 0;
}

function checkTime(name: string, value: unknown): number {
  if (typeof value !== 'number') throw new ArgumentTypeError(name, 'a number', value);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new ArgumentRangeError(name, 'an integer from 0 to 2^53 - 1', value);
  }
  return value;
}
