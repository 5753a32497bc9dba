/**
 * The hybrid logical clock (Kulkarni, Demirbas et al., "Logical Physical Clocks", OPODIS 2014),
 * with physical part and counter folded into one int64 of Unix nanoseconds.
 *
 * Problem. Clocks of different machines disagree, so "the larger wall time happened later" is false
 * in both directions. A Lamport clock orders cause before effect, but its numbers are not times.
 *
 * Idea. A timestamp is physical time, raised where causality demands it:
 *
 *     local or send event    t' = max(t + 1, now)
 *     receive of r           t' = max(max(t, r) + 1, now)
 *
 * Kulkarni's pair (l, c) counts events in `c` while `l` stands still. Implementations often go
 * wrong where an overflow of `c` must be carried. In nanoseconds the counter *is* the low digits.
 * It runs ahead of physical time by one nanosecond per event, and physical time overtakes it at
 * once. Overflow carries by itself. The integers, their bytes and their texts have one order.
 *
 * Guarantee. Per clock, timestamps strictly increase. If event a happened before event b (on the
 * same clock, or through messages whose timestamps were received) then t(a) < t(b). `(timestamp,
 * nodeId)` is unique as long as no two clocks share a node id. After e events a clock is ahead of
 * the highest reading of its physical clock by at most `maxRemoteAheadMs` + e ns, whatever peers
 * send. A floor that we pass to `nowAtLeast` ourselves may move it further.
 *
 * The limit. A receive raises our clock to the remote timestamp. So one message from the year 2200
 * would move every node that it reaches to that year, for ever. Therefore a remote timestamp
 * further ahead than `maxRemoteAheadMs` is refused before anything changes. The limit counts from
 * *physical* time. If it counted from the clock's own timestamp, each accepted message would raise
 * the limit for the next one (a ratchet). Remotes in the past are harmless. A remote at or below
 * our own last timestamp can't move us, so it is never refused, even when physical time has stepped
 * back.
 *
 * Assumptions. No other clock has our node id. A clock made after a restart starts from physical
 * time. If that went back meanwhile, pass `startAfter`, or use the durable form.
 *
 * How it is made fast. State and operands live in the slots of one `BigInt64Array`, and errors are
 * made in functions of their own (docs/internals/performance.md). Every sum below is in range by
 * the checks before it, except where a comment says so. So wrapping it with `BigInt.asIntN(64)`
 * never changes a value.
 *
 * This file has more than 400 lines because the methods share private slots, which no other file
 * may touch, and because two fifths of it are documentation.
 */
import { ArgumentRangeError, ArgumentTypeError, checkNumber, notUnixNs } from '../time/errors.ts';
import { Inspectable } from '../time/inspect.ts';
import { asUnixNs, INT64_MAX, type UnixNsInput } from '../time/instant.ts';
import { HIGH, LOW } from '../time/int64-slots.ts';
import { checkOptionNames } from '../time/options.ts';
import { nsFromMsDown } from '../time/rounding.ts';
import { TimestampAheadError, TimestampExhaustedError } from './errors.ts';
import { checkNodeId } from './node-id.ts';
import { type BeforeSync, type PhysicalClock, physicalReader } from './physical-clock.ts';
import { checkSlot, checkTimestamp, type HlcTimestamp } from './timestamp.ts';
import {
  type Bytes,
  isView,
  malformedBytes,
  readHalf,
  writeBytes,
  writeView,
} from './timestamp-bytes.ts';
import { formatTimestamp, type Stamp } from './timestamp-text.ts';
import { checkNodeBits, formatUuidv7, randomNodeBits } from './uuidv7.ts';

/** Options of a hybrid clock. */
export interface HybridClockOptions {
  /**
   * Physical time: a `Clock` (its wall reading) or a `BoundedClock` (the middle of its interval).
   */
  readonly clock: PhysicalClock;
  /** The name of this clock and of no other clock: matches `[0-9A-Za-z._:-]{1,64}`. */
  readonly nodeId: string;
  /**
   * Refuse a remote timestamp that is further ahead of physical time than this, in ms. 0 to 9e12;
   * default 500. `Infinity` refuses nothing: any peer can then push the clock to its end.
   */
  readonly maxRemoteAheadMs?: number | undefined;
  /** How far the clock may lead physical time before `onLead` is called, in ms. Default 1000. */
  readonly maxLeadMs?: number | undefined;
  /**
   * Called once each time the lead rises above `maxLeadMs`, because the physical clock stepped back
   * or was far ahead before. It runs in a microtask after the event, so it may use the clock. If it
   * throws, that is an unhandled rejection of its own, as if it were `async`: it can't fail a send
   * or change the state.
   */
  readonly onLead?: ((leadNs: bigint) => void) | undefined;
  /** With a `BoundedClock`: what to do until it has synchronised. Default `'throw'`. */
  readonly beforeSync?: BeforeSync | undefined;
  /** All timestamps will be greater than this one. Default 0. */
  readonly startAfter?: UnixNsInput | undefined;
  /** The node bits of `uuidv7()`: 0 to 2^54 - 1. Default: random, drawn once for this clock. */
  readonly nodeBits?: bigint | undefined;
}

/** The names of all options. */
export const HYBRID_CLOCK_OPTIONS: Readonly<Record<keyof HybridClockOptions, true>> = {
  clock: true,
  nodeId: true,
  maxRemoteAheadMs: true,
  maxLeadMs: true,
  onLead: true,
  beforeSync: true,
  startAfter: true,
  nodeBits: true,
};

/** The greatest `count` of one reservation. */
const MAX_RESERVED = 1_000_000;
/**
 * A reserved timestamp is 8 more than the one 8 places before it. So the processor makes 8 sums at
 * a time, where 1 more than the last one would wait until that is stored.
 */
const LANES = 8;
const ALL_LANES = 8n;

const { asIntN } = BigInt;

/** The last timestamp handed out. */
export const LAST = 0;
/** Physical time at the present event, never negative. */
const NOW = 1;
/** The remote timestamp of the present event. */
const REMOTE = 2;
/** The least timestamp that the present event may have. It must also be greater than the last. */
export const FLOOR = 3;
const MAX_AHEAD = 4;
const MAX_LEAD = 5;
/** The ceiling: no timestamp above it is handed out. */
const CEILING = 6;
/** How many timestamps a reservation takes, and the next of them to be written down. */
export const COUNT = 7;
const NEXT = 8;
/** Always 0. */
const ZERO = 9;
const SLOTS = 10;

/** The same among the halves. */
const LAST_HIGH = 2 * LAST + HIGH;
const LAST_LOW = 2 * LAST + LOW;
const REMOTE_HIGH = 2 * REMOTE + HIGH;
const REMOTE_LOW = 2 * REMOTE + LOW;
const COUNT_LOW = 2 * COUNT + LOW;

/**
 * A hybrid logical clock.
 *
 * Every method either does all that it says, or throws and changes nothing. Every method that
 * advances the clock throws `TimestampExhaustedError` (`ERR_TIMESTAMP_EXHAUSTED`) at the end of
 * int64, and passes on the errors of the physical clock (`ERR_CLOCK_UNSYNCHRONIZED`).
 *
 * @example
 * const hlc = new HybridClock({ clock: systemClock(), nodeId: 'orders-3' });
 * const reply = { body: 'done', at: hlc.now() }; // an event of our own, or a send
 * hlc.receive(message.at); // a receipt: every later timestamp is above the message's
 */
export class HybridClock extends Inspectable {
  readonly nodeId: string;
  readonly #suffix: `@${string}`;
  readonly #slots: BigInt64Array = new BigInt64Array(SLOTS);
  /** The same slots as 32-bit halves: bytes go in and out without a BigInt. */
  readonly #halves: Uint32Array = new Uint32Array(this.#slots.buffer);
  // Declared, and so stored once: docs/internals/performance.md, "A constant field is stored once".
  declare private readonly readPhysicalNs: () => bigint;
  readonly #onLead: ((leadNs: bigint) => void) | undefined;
  #leading = false;
  #refused = 0;
  #nodeBits: bigint | undefined;

  /**
   * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
   */
  constructor(options: HybridClockOptions) {
    super();
    this.nodeId = checkNodeId('nodeId', checkOptionNames(options, HYBRID_CLOCK_OPTIONS).nodeId);
    this.#suffix = `@${this.nodeId}`;
    this.readPhysicalNs = physicalReader(options.clock, options.beforeSync ?? 'throw');
    this.#slots[LAST] = checkTimestamp('startAfter', options.startAfter ?? 0n);
    this.#slots[CEILING] = INT64_MAX;
    this.#slots[MAX_AHEAD] = limitNs('maxRemoteAheadMs', options.maxRemoteAheadMs ?? 500);
    const maxLeadNs = limitNs('maxLeadMs', options.maxLeadMs ?? 1000);
    if (options.onLead !== undefined && typeof options.onLead !== 'function') {
      throw new ArgumentTypeError('onLead', 'a function', options.onLead);
    }
    this.#onLead = options.onLead;
    this.#slots[MAX_LEAD] = options.onLead === undefined ? INT64_MAX : maxLeadNs;
    if (options.nodeBits !== undefined) this.#nodeBits = checkNodeBits(options.nodeBits);
  }

  /** How many remote timestamps this clock has refused as too far ahead since it was made. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * A remote timestamp further ahead of physical time than this is refused: `maxRemoteAheadMs`,
   * in ns.
   */
  get maxRemoteAheadNs(): bigint {
    return this.#slots[MAX_AHEAD]!;
  }

  /**
   * The timestamp of a local or send event: greater than every one before, and at least physical
   * time. Costs about 1.4 readings of the clock; allocates the bigint.
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
   * As {@link now}, and at least `floor`: for a commit that must not be earlier than the latest
   * true time. `floor` is trusted, so pass a peer's timestamp to {@link receive} instead.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when `floor` is not a timestamp
   */
  nowAtLeast(floor: UnixNsInput): HlcTimestamp {
    const slots = this.#slots;
    this.#admit('floor', floor, slots);
    this.#readPhysical(slots);
    slots[FLOOR] = slots[NOW]!;
    if (slots[REMOTE]! > slots[FLOOR]!) slots[FLOOR] = slots[REMOTE]!;
    this.#step(slots);
    return asUnixNs(slots[LAST]!);
  }

  /**
   * The timestamp of the receipt of a message stamped `remote`: greater than `remote` and than
   * every one before, and at least physical time. Costs about 1.7 readings of the clock; allocates
   * the bigint.
   *
   * @throws TimestampAheadError when `remote` is more than `maxRemoteAheadMs` ahead of physical
   *   time and above {@link peek} (`ERR_TIMESTAMP_AHEAD`)
   * @throws ArgumentTypeError, ArgumentRangeError when `remote` is not a timestamp
   *   (`ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`)
   */
  receive(remote: UnixNsInput): HlcTimestamp {
    this.update(remote);
    return asUnixNs(this.#slots[LAST]!);
  }

  /** As {@link receive} without handing out the timestamp. About 1.3 readings, no allocation. */
  update(remote: UnixNsInput): void {
    const slots = this.#slots;
    this.#admit('remote', remote, slots);
    this.#merge(slots);
  }

  /**
   * As {@link update}, with the remote given as 8 bytes, big endian, at `offset` of `source`. No
   * allocation.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when `source` has fewer than 8 bytes there
   * @throws MalformedTimestampError when the first bit is set (`ERR_TIMESTAMP_MALFORMED`)
   */
  updateFrom(source: Bytes, offset = 0): void {
    const view = isView(source, offset);
    const slots = this.#slots;
    const halves = this.#halves;
    const high = view ? source.getInt32(offset) : readHalf(source, offset);
    // Test one half, because a load of all 64 bits would wait for the stores of both halves.
    if (high < 0) throw malformedBytes();
    halves[REMOTE_HIGH] = high;
    halves[REMOTE_LOW] = view ? source.getInt32(offset + 4) : readHalf(source, offset + 4);
    this.#merge(slots);
  }

  /**
   * One event that receives many messages. All are checked, then the clock advances once, above all
   * of them. If one is refused, none of them counts. Without messages it is {@link now}.
   *
   * @throws as {@link receive}; the error names the greatest of them when that is too far ahead
   */
  receiveAll(remotes: ArrayLike<UnixNsInput>): HlcTimestamp {
    if (typeof remotes !== 'object' || typeof remotes?.length !== 'number') {
      throw new ArgumentTypeError('remotes', 'an array of bigint', remotes);
    }
    // Above the greatest is above all, and if the greatest is within the limit, all are. A remote
    // of 0 changes nothing.
    let greatest = 0n;
    for (let i = 0; i < remotes.length; i++) {
      const remote = checkTimestamp('each of remotes', remotes[i]);
      if (remote > greatest) greatest = remote;
    }
    return this.receive(greatest);
  }

  /**
   * As {@link now}, as text with the node id: `'1795227787534418003@orders-3'`. Unique across
   * nodes.
   */
  stamp(): Stamp {
    return `${formatTimestamp(this.now())}${this.#suffix}`;
  }

  /**
   * As {@link now}, as a UUIDv7 with this clock's node bits. The texts sort as the timestamps do,
   * and `parseUuidv7` gives back the exact timestamp.
   */
  uuidv7(): string {
    this.#nodeBits ??= randomNodeBits();
    return formatUuidv7(this.now(), this.#nodeBits);
  }

  /**
   * `count` consecutive timestamps by one reading of the clock, for a batch of rows. Counts as
   * `count` events: the lead grows by at most `count` ns. The clock advances in one step. So on a
   * shared clock no other thread's timestamp lies between them, and on a durable clock the ceiling
   * covers all of them.
   *
   * @param count 1 to 1,000,000
   * @throws ArgumentTypeError, ArgumentRangeError for any other `count`
   * @example
   * const ids = hlc.reserve(3);
   * ids[2]! - ids[0]! // 2n
   */
  reserve(count: number): BigInt64Array {
    if (!Number.isInteger(checkNumber('count', count, 1, MAX_RESERVED))) {
      throw new ArgumentRangeError('count', 'a whole number', count);
    }
    const target = new BigInt64Array(count);
    this.reserveInto(target);
    return target;
  }

  /** As {@link reserve}, but fills every slot of `target` with a timestamp. No allocation. */
  reserveInto(target: BigInt64Array): void {
    if (!(target instanceof BigInt64Array && target.length > 0 && target.length <= MAX_RESERVED)) {
      throw notABatch(target);
    }
    const slots = this.#slots;
    this.#readPhysical(slots);
    slots[FLOOR] = slots[NOW]!;
    this.#halves[COUNT_LOW] = target.length;
    this.advanceBy(slots);
    this.#watchLead(slots);
    slots[NEXT] = asIntN(64, slots[LAST]! - slots[COUNT]!);
    let i = 0;
    for (; i < target.length && i < LANES; i++) {
      slots[NEXT] = asIntN(64, slots[NEXT]! + 1n);
      target[i] = slots[NEXT]!;
    }
    for (; i < target.length; i++) target[i] = asIntN(64, target[i - LANES]! + ALL_LANES);
  }

  /**
   * As {@link now}, written as 8 bytes, big endian. About 1.2 readings, no allocation.
   *
   * @throws ArgumentRangeError when `target` has no room for 8 bytes at `offset`
   */
  writeTo(target: Bytes, offset = 0): void {
    const view = isView(target, offset);
    this.tick();
    const halves = this.#halves;
    if (view) writeView(target, offset, halves[LAST_HIGH]! | 0, halves[LAST_LOW]! | 0);
    else writeBytes(target, offset, halves[LAST_HIGH]! | 0, halves[LAST_LOW]! | 0);
  }

  /**
   * As {@link now}, written to `target[index]`. About 1.2 readings, no allocation.
   *
   * @throws ArgumentRangeError when `target` has no such index
   */
  nowInto(target: BigInt64Array, index = 0): void {
    checkSlot(target, index);
    this.tick();
    target[index] = this.#slots[LAST]!;
  }

  /**
   * The timestamp of the last event; before the first event `startAfter` (default 0). Advances
   * nothing.
   */
  peek(): HlcTimestamp {
    return asUnixNs(this.#slots[LAST]!);
  }

  /**
   * How far the clock is ahead of physical time now, in ns; 0 when it is not ahead. Advances
   * nothing.
   */
  leadNs(): bigint {
    const slots = this.#slots;
    this.#readPhysical(slots);
    const lead = this.peek() - slots[NOW]!;
    return lead > 0n ? lead : 0n;
  }

  toJSON(): { nodeId: string; timestamp: string } {
    return { nodeId: this.nodeId, timestamp: String(this.peek()) };
  }

  /** One line, also what `console.log` shows. */
  override toString(): string {
    return `${this.constructor.name} { ${this.nodeId}, ${this.peek()} }`;
  }

  /**
   * `last = max(last + 1, floor)`, both in `slots`. Throws and changes nothing when that is not
   * possible. Besides `advanceBy` this is the only place where the state changes.
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

  /**
   * As {@link HybridClock.advance}, by the `COUNT` of a reservation: `last = max(last + 1, floor) +
   * COUNT - 1`. A method of its own, because a count would make every event slower.
   */
  protected advanceBy(slots: BigInt64Array): void {
    if (slots[FLOOR]! > slots[LAST]!) slots[NEXT] = asIntN(64, slots[FLOOR]! - 1n);
    else slots[NEXT] = slots[LAST]!;
    slots[NEXT] = asIntN(64, slots[NEXT]! + slots[COUNT]!);
    // A sum beyond int64 wraps to a negative one, because a count is at most a million.
    if (slots[NEXT]! < slots[ZERO]!) throw exhausted();
    if (slots[NEXT]! > slots[CEILING]!) this.raiseCeiling(slots[NEXT]!);
    slots[LAST] = slots[NEXT]!;
  }

  /**
   * The greatest timestamp that may be handed out now, from `startAfter` to 2^63 - 1. In this class
   * it is the end of int64.
   */
  protected set ceilingNs(value: bigint) {
    this.#slots[CEILING] = value;
  }

  /**
   * Called when the present event needs a timestamp above the ceiling: `needed`, at most 2^63.
   * Nothing has changed yet. Raises the ceiling to `needed` or more, or throws. A subclass does
   * here whatever must happen before such a timestamp is handed out. It must not use the clock
   * meanwhile.
   */
  protected raiseCeiling(_needed: bigint): void {
    throw exhausted();
  }

  /**
   * Reads physical time into its slot. A time before 1970 becomes 1970, because the differences
   * below must not become negative.
   */
  #readPhysical(slots: BigInt64Array): void {
    slots[NOW] = this.readPhysicalNs();
    if (slots[NOW]! < slots[ZERO]!) slots[NOW] = slots[ZERO]!;
  }

  /**
   * Puts a caller's value into the slot `REMOTE`, or throws. Only a bigint from 0 to 2^63 - 1
   * passes both tests.
   */
  #admit(name: string, value: unknown, slots: BigInt64Array): void {
    if (typeof value !== 'bigint') throw notUnixNs(name, value);
    slots[REMOTE] = value;
    if (slots[REMOTE] !== value || slots[REMOTE]! < slots[ZERO]!) throw notATimestamp(name, value);
  }

  /** Refuses the remote, or advances above it. Both operands are 0 to 2^63 - 1, so no overflow. */
  #merge(slots: BigInt64Array): void {
    this.#readPhysical(slots);
    slots[FLOOR] = slots[NOW]!;
    const remote = slots[REMOTE]!;
    if (asIntN(64, remote - slots[NOW]!) > slots[MAX_AHEAD]!) this.#refuse(slots);
    if (remote >= slots[FLOOR]!) {
      if (remote === INT64_MAX) throw exhausted();
      slots[FLOOR] = asIntN(64, remote + 1n);
    }
    this.#step(slots);
  }

  #step(slots: BigInt64Array): void {
    this.advance(slots);
    this.#watchLead(slots);
  }

  #watchLead(slots: BigInt64Array): void {
    if (asIntN(64, slots[LAST]! - slots[NOW]!) > slots[MAX_LEAD]! !== this.#leading) {
      this.#leadCrossed(slots);
    }
  }

  /**
   * Refuses a remote beyond the limit, unless it is at or below our own last timestamp: then it
   * can't move us. That happens when physical time stepped back, and peers send us timestamps that
   * they had from us.
   */
  #refuse(slots: BigInt64Array): void {
    const remote = asUnixNs(slots[REMOTE]!);
    if (remote <= this.peek()) return;
    this.#refused++;
    throw new TimestampAheadError(remote, remote - slots[NOW]!, slots[MAX_AHEAD]!);
  }

  #leadCrossed(slots: BigInt64Array): void {
    const leadNs = slots[LAST]! - slots[NOW]!;
    this.#leading = !this.#leading;
    const onLead = this.#onLead;
    if (this.#leading && onLead !== undefined) void Promise.resolve(leadNs).then(onLead);
  }
}

/** Ms to ns, rounded down. `Infinity` becomes the end of int64. */
function limitNs(name: string, ms: number): bigint {
  if (ms === Number.POSITIVE_INFINITY) return INT64_MAX;
  return nsFromMsDown(checkNumber(name, ms, 0, 9e12), name);
}

function notABatch(target: unknown): Error {
  return target instanceof BigInt64Array
    ? new ArgumentRangeError('target.length', `from 1 to ${MAX_RESERVED}`, target.length)
    : new ArgumentTypeError('target', 'a BigInt64Array', target);
}

function exhausted(): TimestampExhaustedError {
  return new TimestampExhaustedError(INT64_MAX);
}

function notATimestamp(name: string, value: bigint): ArgumentRangeError {
  return new ArgumentRangeError(name, 'from 0 to 2^63 - 1', value);
}

/** @throws ArgumentTypeError unless `hlc` is one */
export function checkHybridClock(hlc: HybridClock): HybridClock {
  if (hlc instanceof HybridClock) return hlc;
  throw new ArgumentTypeError('hlc', 'a HybridClock', hlc);
}
