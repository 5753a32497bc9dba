/**
 * The hybrid logical clock (Kulkarni, Demirbas et al., "Logical Physical Clocks", OPODIS 2014), with
 * physical part and counter folded into one int64 of Unix nanoseconds.
 *
 * Problem. Clocks of different machines disagree, so "the larger wall time happened later" is false in
 * both directions. A Lamport clock orders cause before effect but says nothing about when.
 *
 * Idea. A timestamp is physical time, pushed up where causality demands it:
 *
 *     local or send event    t' = max(t + 1, now)
 *     receive of r           t' = max(max(t, r) + 1, now)
 *
 * Kulkarni's pair (l, c) counts events in `c` while `l` stands still; its rule for carrying an overflow
 * of `c` is where implementations go wrong. In nanoseconds the counter *is* the low digits: it runs ahead
 * of physical time by one nanosecond per event, physical time overtakes it at once, overflow carries by
 * itself, and the order of the integers, of their bytes and of their text is one order.
 *
 * Guarantee. Per clock timestamps strictly increase. If event a happened before event b (same clock, or
 * through messages whose timestamps were received) then t(a) < t(b). `(timestamp, nodeId)` is unique as
 * long as no two clocks share a node id. After e events a clock is ahead of the highest reading its physical
 * clock has given by at most `maxRemoteAheadMs` + e ns, whatever peers send (floors of `nowAtLeast`, which
 * are our own, aside).
 *
 * The limit. A receive moves us up to the remote, so one message from the year 2200 would drag every node
 * it reaches there, for ever. Hence a remote further ahead than `maxRemoteAheadMs` is refused, before
 * anything changes. It is measured against *physical* time: measured against the clock's own timestamp,
 * each accepted message would raise the bar for the next (a ratchet). Remotes in the past are harmless.
 *
 * Assumptions. The node id is ours alone. A clock made after a restart starts from physical time: if that
 * went back meanwhile, pass `after`, or use the durable form.
 *
 * How it is made fast. State and operands live in the slots of one `BigInt64Array`: V8 then keeps the
 * arithmetic in registers and allocates no BigInt. That holds for sums wrapped in `BigInt.asIntN(64)`
 * and comparisons of slots, not for BigInts held in object fields. Every sum below is proven in range
 * where it stands, so the wrapping never changes a value. And it holds within one piece of machine code
 * only: V8 inlines so much and no more, counting the text that never runs too, and a bigint that crosses
 * the seam is an object. So errors are made elsewhere.
 */
import { ArgumentRangeError, ArgumentTypeError, checkNumber, checkObject } from '../time/errors.ts';
import { asUnixNs, INT64_MAX } from '../time/instant.ts';
import { HIGH, LOW } from '../time/int64-slots.ts';
import { nsFromMsDown } from '../time/rounding.ts';
import { TimestampAheadError, TimestampExhaustedError } from './errors.ts';
import { checkNodeId } from './node-id.ts';
import { type BeforeSync, type PhysicalClock, physicalReader } from './physical-clock.ts';
import {
  checkRoom,
  checkSlot,
  checkTimestamp,
  formatTimestamp,
  type HlcTimestamp,
  malformedBytes,
} from './timestamp.ts';

export interface HybridClockOptions {
  /** Physical time: a `Clock` (its wall reading) or a `BoundedClock` (the middle of its interval). */
  readonly clock: PhysicalClock;
  /** This clock's name, no other clock's: matches `[0-9A-Za-z._:-]{1,64}`. */
  readonly nodeId: string;
  /**
   * Refuse a remote timestamp that is further ahead of physical time than this, in ms. 0 to 9e12, or
   * `Infinity`, which must be written out: any peer can then push the clock to its end. Default 500.
   */
  readonly maxRemoteAheadMs?: number;
  /** How far the clock may lead physical time before `onLead` is called, in ms. Default 1000. */
  readonly maxLeadMs?: number;
  /**
   * Called once each time the lead rises above `maxLeadMs`: the physical clock stepped back, or was far
   * ahead before. Called from a microtask after the event, so it may use the clock, and what it throws
   * is an uncaught exception of its own: it can't fail a send or touch the state.
   */
  readonly onLead?: (leadNs: bigint) => void;
  /** With a `BoundedClock`: what to do until it has synchronised. Default `'throw'`. */
  readonly beforeSync?: BeforeSync;
  /** All timestamps will be greater than this one. Default 0. */
  readonly after?: bigint;
}

const { asIntN } = BigInt;

/** The last timestamp handed out. */
export const LAST = 0;
/** Physical time at the present event, never negative. */
const NOW = 1;
/** The remote timestamp under examination. */
const REMOTE = 2;
/** The least timestamp the present event may have, besides being greater than the last. */
export const FLOOR = 3;
const MAX_AHEAD = 4;
const MAX_LEAD = 5;
/** No timestamp above it is handed out. */
const CEILING = 6;
const SLOTS = 7;

/** The same among the halves. */
const LAST_HIGH = 2 * LAST + HIGH;
const LAST_LOW = 2 * LAST + LOW;
const REMOTE_HIGH = 2 * REMOTE + HIGH;
const REMOTE_LOW = 2 * REMOTE + LOW;

/**
 * A hybrid logical clock.
 *
 * Every method either does all of what it says or throws and changes nothing. All that advance the clock
 * throw `TimestampExhaustedError` (`ERR_TIMESTAMP_EXHAUSTED`) when it stands at the end of int64, and
 * pass on what the physical clock throws (`ERR_CLOCK_UNSYNCHRONIZED`).
 *
 * @example
 * const hlc = new HybridClock({ clock: systemClock, nodeId: 'orders-3' });
 * send({ body, at: hlc.now() });
 * onMessage((m) => hlc.receive(m.at));
 */
export class HybridClock {
  readonly nodeId: string;
  readonly #suffix: string;
  readonly #slots: BigInt64Array = new BigInt64Array(SLOTS);
  /** The same slots as 32-bit halves: bytes go in and out without a BigInt. */
  readonly #halves: Uint32Array = new Uint32Array(this.#slots.buffer);
  readonly #physicalNs: () => bigint;
  readonly #onLead: ((leadNs: bigint) => void) | undefined;
  #leading = false;

  /**
   * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
   */
  constructor(options: HybridClockOptions) {
    this.nodeId = checkNodeId('nodeId', checkObject('options', options).nodeId);
    this.#suffix = `@${this.nodeId}`;
    this.#physicalNs = physicalReader(options.clock, options.beforeSync ?? 'throw');
    this.#slots[LAST] = checkTimestamp('after', options.after ?? 0n);
    this.#slots[CEILING] = INT64_MAX;
    this.#slots[MAX_AHEAD] = limitNs('maxRemoteAheadMs', options.maxRemoteAheadMs ?? 500);
    const maxLeadNs = limitNs('maxLeadMs', options.maxLeadMs ?? 1000);
    if (options.onLead !== undefined && typeof options.onLead !== 'function') {
      throw new ArgumentTypeError('onLead', 'a function', options.onLead);
    }
    this.#onLead = options.onLead;
    this.#slots[MAX_LEAD] = options.onLead === undefined ? INT64_MAX : maxLeadNs;
  }

  /** A remote timestamp further ahead of physical time than this is refused, in ns: `maxRemoteAheadMs`. */
  get maxRemoteAheadNs(): bigint {
    return this.#slots[MAX_AHEAD]!;
  }

  /**
   * The timestamp of a local or send event: greater than every one before, and at least physical time.
   * Costs about 1.4 readings of the clock; allocates the bigint.
   */
  now(): HlcTimestamp {
    this.tick();
    return asUnixNs(this.#slots[LAST]!);
  }

  /** As {@link now} without handing out the timestamp. About 1.1 readings, no allocation. */
  tick(): void {
    const slots = this.#slots;
    this.#readPhysical(slots);
    slots[FLOOR] = slots[NOW]!;
    this.#step(slots);
  }

  /**
   * As {@link now}, and at least `floor`: for a commit that must not be earlier than the latest true time.
   * `floor` is trusted; what a peer sent goes through {@link receive}.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when `floor` is no timestamp
   */
  nowAtLeast(floor: bigint): HlcTimestamp {
    const slots = this.#slots;
    this.#admit('floor', floor, slots);
    this.#readPhysical(slots);
    slots[FLOOR] = slots[NOW]!;
    if (slots[REMOTE]! > slots[FLOOR]!) slots[FLOOR] = slots[REMOTE]!;
    this.#step(slots);
    return asUnixNs(slots[LAST]!);
  }

  /**
   * The timestamp of the receipt of a message stamped `remote`: greater than `remote` and than every one
   * before, and at least physical time. Costs about 1.7 readings of the clock; allocates the bigint.
   *
   * @throws TimestampAheadError when `remote` is more than `maxRemoteAheadMs` ahead of physical time
   *   (`ERR_TIMESTAMP_AHEAD`)
   * @throws ArgumentTypeError, ArgumentRangeError when `remote` is no timestamp
   *   (`ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`)
   */
  receive(remote: bigint): HlcTimestamp {
    this.update(remote);
    return asUnixNs(this.#slots[LAST]!);
  }

  /** As {@link receive} without handing out the timestamp. About 1.3 readings, no allocation. */
  update(remote: bigint): void {
    const slots = this.#slots;
    this.#admit('remote', remote, slots);
    this.#merge(slots);
  }

  /**
   * As {@link update}, the remote being the 8 bytes, big endian, at `offset` of `view`. No allocation.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when `view` holds no 8 bytes there
   * @throws MalformedTimestampError when the first bit is set (`ERR_TIMESTAMP_MALFORMED`)
   */
  updateFrom(view: DataView, offset: number): void {
    checkRoom(view, offset);
    const slots = this.#slots;
    const halves = this.#halves;
    const high = view.getUint32(offset);
    // By the half: a load of the whole right after the stores of its halves would wait for them.
    if (high > 0x7fff_ffff) throw malformedBytes();
    halves[REMOTE_HIGH] = high;
    halves[REMOTE_LOW] = view.getUint32(offset + 4);
    this.#merge(slots);
  }

  /**
   * One event that receives many messages: all are checked, then the clock advances once, above them
   * all. If one is refused none counts. With none it is {@link now}.
   *
   * @throws as {@link receive}; the greatest of them is the one that is too far ahead
   */
  receiveAll(remotes: ArrayLike<bigint>): HlcTimestamp {
    if (typeof remotes !== 'object' || typeof remotes?.length !== 'number') {
      throw new ArgumentTypeError('remotes', 'an array of bigint', remotes);
    }
    // Above the greatest is above all, within the limit likewise; and 0 asks for nothing.
    let greatest = 0n;
    for (let i = 0; i < remotes.length; i++) {
      const remote = checkTimestamp('each of remotes', remotes[i]);
      if (remote > greatest) greatest = remote;
    }
    return this.receive(greatest);
  }

  /** As {@link now}, as text with the node id: `'1795227787534418003@orders-3'`. Unique across nodes. */
  stamp(): string {
    return formatTimestamp(this.now()) + this.#suffix;
  }

  /**
   * As {@link now}, written as 8 bytes, big endian. About 1.2 readings, no allocation.
   *
   * @throws ArgumentRangeError when `view` has no room for 8 bytes at `offset`
   */
  writeTo(view: DataView, offset: number): void {
    checkRoom(view, offset);
    this.tick();
    const halves = this.#halves;
    view.setUint32(offset, halves[LAST_HIGH]!);
    view.setUint32(offset + 4, halves[LAST_LOW]!);
  }

  /**
   * As {@link now}, written to `target[index]`. About 1.2 readings, no allocation.
   *
   * @throws ArgumentRangeError when `target` has no such index
   */
  into(target: BigInt64Array, index: number): void {
    checkSlot(target, index);
    this.tick();
    target[index] = this.#slots[LAST]!;
  }

  /** The last timestamp handed out or received to; `after` (0) when there was none. Advances nothing. */
  peek(): HlcTimestamp {
    return asUnixNs(this.#slots[LAST]!);
  }

  /**
   * How far the clock is ahead of physical time now, in ns; 0 when it is not ahead. Advances nothing.
   */
  leadNs(): bigint {
    const slots = this.#slots;
    this.#readPhysical(slots);
    const lead = this.peek() - slots[NOW]!;
    return lead > 0n ? lead : 0n;
  }

  /**
   * The only place where the state changes: `last = max(last + 1, floor)`, both in `slots`; or it throws
   * and changes nothing.
   */
  protected advance(slots: BigInt64Array): void {
    if (slots[FLOOR]! > slots[LAST]!) {
      if (slots[FLOOR]! > slots[CEILING]!) this.raiseCeiling(slots[FLOOR]!);
      slots[LAST] = slots[FLOOR]!;
    } else {
      if (slots[LAST]! >= slots[CEILING]!) this.raiseCeiling(slots[LAST]! + 1n);
      slots[LAST] = asIntN(64, slots[LAST]! + 1n);
    }
  }

  /** The greatest timestamp that may be handed out now; the end of int64 here. From `after` to 2^63 - 1. */
  protected set ceilingNs(value: bigint) {
    this.#slots[CEILING] = value;
  }

  /**
   * Called before anything changes when the present event needs a timestamp above the ceiling: `needed`, at
   * most 2^63. Raises the ceiling to `needed` or more, or throws. For a subclass that may not hand out
   * a timestamp before it has done something about it; it must not use the clock meanwhile.
   */
  protected raiseCeiling(_needed: bigint): void {
    throw exhausted();
  }

  /** A physical clock before 1970 reads as 1970: it must not turn the differences below negative. */
  #readPhysical(slots: BigInt64Array): void {
    slots[NOW] = this.#physicalNs();
    if (slots[NOW]! < 0n) slots[NOW] = 0n;
  }

  /** Puts an outside value into its slot, or throws: only a bigint from 0 to 2^63 - 1 survives both tests. */
  #admit(name: string, value: unknown, slots: BigInt64Array): void {
    if (typeof value !== 'bigint') throw new ArgumentTypeError(name, 'a bigint', value);
    slots[REMOTE] = value;
    if (slots[REMOTE] !== value || slots[REMOTE]! < 0n) throw notATimestamp(name, value);
  }

  /** Refuses the remote, or advances above it. Both operands are 0 to 2^63 - 1: no overflow. */
  #merge(slots: BigInt64Array): void {
    this.#readPhysical(slots);
    slots[FLOOR] = slots[NOW]!;
    if (asIntN(64, slots[REMOTE]! - slots[NOW]!) > slots[MAX_AHEAD]!) throw tooFarAhead(slots);
    if (slots[REMOTE]! >= slots[FLOOR]!) {
      if (slots[REMOTE] === INT64_MAX) throw exhausted();
      slots[FLOOR] = asIntN(64, slots[REMOTE]! + 1n);
    }
    this.#step(slots);
  }

  #step(slots: BigInt64Array): void {
    this.advance(slots);
    if (asIntN(64, slots[LAST]! - slots[NOW]!) > slots[MAX_LEAD]! !== this.#leading) {
      this.#leadCrossed(slots);
    }
  }

  #leadCrossed(slots: BigInt64Array): void {
    const leadNs = slots[LAST]! - slots[NOW]!;
    this.#leading = !this.#leading;
    const onLead = this.#onLead;
    if (this.#leading && onLead !== undefined) queueMicrotask(() => onLead(leadNs));
  }
}

/** Ms to ns, rounded down; `Infinity` is as far as int64 goes. */
function limitNs(name: string, ms: number): bigint {
  if (ms === Number.POSITIVE_INFINITY) return INT64_MAX;
  return nsFromMsDown(checkNumber(name, ms, 0, 9e12), name);
}

function tooFarAhead(slots: BigInt64Array): TimestampAheadError {
  const remote = asUnixNs(slots[REMOTE]!);
  return new TimestampAheadError(remote, remote - slots[NOW]!, slots[MAX_AHEAD]!);
}

function exhausted(): TimestampExhaustedError {
  return new TimestampExhaustedError(INT64_MAX);
}

function notATimestamp(name: string, value: bigint): ArgumentRangeError {
  return new ArgumentRangeError(name, 'from 0 to 2^63 - 1', value);
}
