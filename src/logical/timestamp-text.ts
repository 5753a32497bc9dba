/**
 * Timestamps and stamps as text.
 *
 * The arithmetic is in int64 slots. Numbers enter and leave them through their 32-bit halves,
 * because `BigInt(number)` allocates (docs/internals/performance.md). Text is read in groups of
 * 7 + 6 + 6 digits, each of which fits a half. The only thing kept from one call to the next are
 * the digits of the second formatted last, because most calls need them again.
 */
import { ArgumentTypeError } from '../time/errors.ts';
import { asUnixNs, type UnixNsInput } from '../time/instant.ts';
import { HIGH, LOW } from '../time/int64-slots.ts';
import { NS_PER_SECOND } from '../time/rounding.ts';
import { MalformedTimestampError } from './errors.ts';
import { checkNodeId, isNodeId } from './node-id.ts';
import { checkSlot, checkTimestamp, type HlcTimestamp } from './timestamp.ts';

/**
 * A timestamp and the node id of its clock, as text: `1795227787534418003@orders-3`. Unique across
 * nodes. The order of the texts is the total order of {@link compareStamps}.
 */
export type Stamp = `${string}@${string}`;

/** A stamp as an object. */
export interface StampParts {
  readonly timestamp: HlcTimestamp;
  readonly nodeId: string;
}

/**
 * The parts of a text. A class, because many texts are parsed and a `toJSON` closure for each would
 * cost too much.
 */
class ParsedStamp implements StampParts {
  readonly timestamp: HlcTimestamp;
  readonly nodeId: string;

  constructor(timestamp: HlcTimestamp, nodeId: string) {
    this.timestamp = timestamp;
    this.nodeId = nodeId;
  }

  toJSON(): { timestamp: string; nodeId: string } {
    return { timestamp: String(this.timestamp), nodeId: this.nodeId };
  }
}

const IN = 0;
/** The first nanosecond of the second whose digits are in `secondCodes`. */
const SECOND = 1;
/** Nanoseconds since then. */
const NS = 2;
/** Slots for the groups of digits. Their upper halves stay 0. */
const UPPER = 3;
const MIDDLE = 4;
const LOWER = 5;
const scratch: BigInt64Array = new BigInt64Array(6);
const halves: Uint32Array = new Uint32Array(scratch.buffer);
const NS_LOW: number = 2 * NS + LOW;
const NS_HIGH: number = 2 * NS + HIGH;
const UPPER_LOW: number = 2 * UPPER + LOW;
const MIDDLE_LOW: number = 2 * MIDDLE + LOW;
const LOWER_LOW: number = 2 * LOWER + LOW;

/**
 * Character codes of the ten digits of a second. A plain array, because its elements go to
 * `fromCharCode` without a conversion.
 */
const secondCodes: number[] = Array.from('0000000000', (digit) => digit.charCodeAt(0));
/** The character codes of each number from 000 to 999: hundreds << 16 | tens << 8 | ones. */
const threeCodes: Int32Array = Int32Array.from({ length: 1000 }, (_, number) => {
  const [hundreds, tens, ones] = Array.from(String(number).padStart(3, '0'), (digit) =>
    digit.charCodeAt(0),
  );
  return (hundreds! << 16) | (tens! << 8) | ones!;
});

/**
 * 19 decimal digits, zero padded: text order is timestamp order.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when it is not a timestamp
 * @example formatTimestamp(1_795_227_787_534_418_003n) // '1795227787534418003'
 */
export function formatTimestamp(timestamp: UnixNsInput): string {
  if (typeof timestamp !== 'bigint') checkTimestamp('timestamp', timestamp);
  scratch[IN] = timestamp;
  if (scratch[IN] !== timestamp) checkTimestamp('timestamp', timestamp);
  return spell();
}

/**
 * The text of `scratch[IN]`. A function of its own, so that its caller is small enough to be
 * inlined, which saves the bigint.
 */
function spell(): string {
  scratch[NS] = BigInt.asIntN(64, scratch[IN]! - scratch[SECOND]!);
  if (halves[NS_HIGH] !== 0 || halves[NS_LOW]! >= 1_000_000_000) spellSecond();
  // All below 10^9. `| 0` tells V8 that they are int32, so it divides by multiplication.
  const ns = halves[NS_LOW]! | 0;
  const a = (ns / 1_000_000) | 0;
  const rest = (ns - a * 1_000_000) | 0;
  const b = (rest / 1000) | 0;
  const milli = threeCodes[a]!;
  const micro = threeCodes[b]!;
  const nano = threeCodes[rest - b * 1000]!;
  return String.fromCharCode(
    secondCodes[0]!,
    secondCodes[1]!,
    secondCodes[2]!,
    secondCodes[3]!,
    secondCodes[4]!,
    secondCodes[5]!,
    secondCodes[6]!,
    secondCodes[7]!,
    secondCodes[8]!,
    secondCodes[9]!,
    milli >> 16,
    (milli >> 8) & 0xff,
    milli & 0xff,
    micro >> 16,
    (micro >> 8) & 0xff,
    micro & 0xff,
    nano >> 16,
    (nano >> 8) & 0xff,
    nano & 0xff,
  );
}

/**
 * Keeps the second of `scratch[IN]` and its digits. Only here can a timestamp be negative, because
 * no negative one is in a second that is kept.
 */
function spellSecond(): void {
  checkTimestamp('timestamp', scratch[IN]!);
  const second = scratch[IN]! / NS_PER_SECOND;
  scratch[SECOND] = second * NS_PER_SECOND;
  scratch[NS] = scratch[IN]! - scratch[SECOND]!;
  let rest = Number(second);
  for (let i = 9; i >= 0; i--) {
    const tenth = Math.floor(rest / 10);
    secondCodes[i] = 48 + rest - tenth * 10;
    rest = tenth;
  }
}

/**
 * The timestamp that {@link formatTimestamp} wrote as `text`.
 *
 * @throws ArgumentTypeError when `text` is not a string
 * @throws MalformedTimestampError when it is not exactly 19 ASCII digits of at most 2^63 - 1
 *   (`ERR_TIMESTAMP_MALFORMED`)
 */
export function parseTimestamp(text: string): HlcTimestamp {
  parseTimestampInto(text, scratch, IN);
  return asUnixNs(scratch[IN]!);
}

/** As {@link parseTimestamp}, into `target[index]`; nothing is written on error. No allocation. */
export function parseTimestampInto(text: string, target: BigInt64Array, index = 0): void {
  if (typeof text !== 'string') throw new ArgumentTypeError('text', 'a string', text);
  checkSlot(target, index);
  if (text.length !== 19) throw malformedText();
  readDigits(text);
  target[index] = scratch[IN]!;
}

/** Reads the first 19 characters of `text` into `scratch[IN]`. */
function readDigits(text: string): void {
  const d0 = text.charCodeAt(0) - 48;
  const d1 = text.charCodeAt(1) - 48;
  const d2 = text.charCodeAt(2) - 48;
  const d3 = text.charCodeAt(3) - 48;
  const d4 = text.charCodeAt(4) - 48;
  const d5 = text.charCodeAt(5) - 48;
  const d6 = text.charCodeAt(6) - 48;
  const d7 = text.charCodeAt(7) - 48;
  const d8 = text.charCodeAt(8) - 48;
  const d9 = text.charCodeAt(9) - 48;
  const d10 = text.charCodeAt(10) - 48;
  const d11 = text.charCodeAt(11) - 48;
  const d12 = text.charCodeAt(12) - 48;
  const d13 = text.charCodeAt(13) - 48;
  const d14 = text.charCodeAt(14) - 48;
  const d15 = text.charCodeAt(15) - 48;
  const d16 = text.charCodeAt(16) - 48;
  const d17 = text.charCodeAt(17) - 48;
  const d18 = text.charCodeAt(18) - 48;
  // d is a digit exactly when neither d nor 9 - d is negative. `|` gathers all nineteen sign bits.
  const sign =
    d0 |
    (9 - d0) |
    d1 |
    (9 - d1) |
    d2 |
    (9 - d2) |
    d3 |
    (9 - d3) |
    d4 |
    (9 - d4) |
    d5 |
    (9 - d5) |
    d6 |
    (9 - d6) |
    d7 |
    (9 - d7) |
    d8 |
    (9 - d8) |
    d9 |
    (9 - d9) |
    d10 |
    (9 - d10) |
    d11 |
    (9 - d11) |
    d12 |
    (9 - d12) |
    d13 |
    (9 - d13) |
    d14 |
    (9 - d14) |
    d15 |
    (9 - d15) |
    d16 |
    (9 - d16) |
    d17 |
    (9 - d17) |
    d18 |
    (9 - d18);
  if (sign < 0) throw malformedText();

  const upper = ((((d0 * 10 + d1) * 10 + d2) * 10 + d3) * 10 + d4) * 100 + d5 * 10 + d6;
  const middle = ((((d7 * 10 + d8) * 10 + d9) * 10 + d10) * 10 + d11) * 10 + d12;
  const lower = ((((d13 * 10 + d14) * 10 + d15) * 10 + d16) * 10 + d17) * 10 + d18;
  halves[UPPER_LOW] = upper;
  halves[MIDDLE_LOW] = middle;
  halves[LOWER_LOW] = lower;
  // At most 10^19 - 1, which is below 2^64. So a value beyond int64 wraps once, to a negative one.
  scratch[IN] = BigInt.asIntN(
    64,
    BigInt.asIntN(64, scratch[UPPER]! * 1_000_000_000_000n) +
      BigInt.asIntN(64, scratch[MIDDLE]! * 1_000_000n) +
      scratch[LOWER]!,
  );
  if (scratch[IN]! < 0n) throw malformedText();
}

function malformedText(): MalformedTimestampError {
  return new MalformedTimestampError('timestamp', '19 digits, at most 9223372036854775807');
}

/**
 * `'1795227787534418003@orders-3'`: unique across nodes, and text order is {@link compareStamps}
 * order.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `timestamp` is not a timestamp or `nodeId` is
 *   not a node id
 */
export function formatStamp(timestamp: UnixNsInput, nodeId: string): Stamp {
  return `${formatTimestamp(timestamp)}@${checkNodeId('nodeId', nodeId)}`;
}

/**
 * The timestamp and node id that {@link formatStamp} wrote as `text`.
 *
 * @throws ArgumentTypeError when `text` is not a string
 * @throws MalformedTimestampError when it is not 19 digits, `@`, node id
 *   (`ERR_TIMESTAMP_MALFORMED`)
 */
export function parseStamp(text: string): StampParts {
  if (typeof text !== 'string') throw new ArgumentTypeError('text', 'a string', text);
  const nodeId = text.slice(20);
  if (text.charCodeAt(19) !== 0x40 || !isNodeId(nodeId)) {
    throw new MalformedTimestampError('stamp', '19 digits, @, node id');
  }
  return new ParsedStamp(parseTimestamp(text.slice(0, 19)), nodeId);
}

/** As {@link parseStamp}, without the parts: only the timestamp, and no other object. */
export function timestampFromStamp(text: string): HlcTimestamp {
  if (text.charCodeAt(19) !== 0x40 || !isNodeId(text, 20)) {
    throw new MalformedTimestampError('stamp', '19 digits, @, node id');
  }
  readDigits(text);
  return asUnixNs(scratch[IN]!);
}

/** 19 digits in the stamp of a hybrid clock, 16 in that of a Lamport clock; then the node id. */
const STAMP = /^(\d{19}|\d{16})@[0-9A-Za-z._:-]{1,64}$/;

/**
 * Compares by timestamp, then by node id. A total order that contains happened-before. Takes texts
 * and parts, also mixed, and stamps of Lamport clocks as text.
 *
 * Anything else is refused, because answering 0 for it would silently leave an array unsorted. A
 * stamp of a hybrid clock and one of a Lamport clock have no common order, so that pair is refused
 * too.
 *
 * @throws ArgumentTypeError when `a` or `b` is neither a text nor parts (`ERR_INVALID_ARG_TYPE`)
 * @throws MalformedTimestampError when a text is not a stamp, or the two are of different kinds
 *   (`ERR_TIMESTAMP_MALFORMED`)
 * @example
 * const stamps = [hlc.stamp(), hlc.stamp()];
 * stamps.sort(compareStamps);
 */
export function compareStamps(a: Stamp | StampParts, b: Stamp | StampParts): -1 | 0 | 1 {
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  const left = partsOf('a', a);
  const right = partsOf('b', b);
  if (left.timestamp !== right.timestamp) return left.timestamp < right.timestamp ? -1 : 1;
  if (left.nodeId !== right.nodeId) return left.nodeId < right.nodeId ? -1 : 1;
  return 0;
}

/**
 * The digits have a fixed width, so the order of the texts is the order by timestamp, then by node
 * id.
 */
function compareTexts(a: string, b: string): -1 | 0 | 1 {
  if (!STAMP.test(a) || !STAMP.test(b)) {
    throw new MalformedTimestampError('stamp', '19 digits (16 of a Lamport clock), @, node id');
  }
  if (a.indexOf('@') !== b.indexOf('@')) {
    throw new MalformedTimestampError('pair of stamps', 'two of one kind of clock');
  }
  return a === b ? 0 : a < b ? -1 : 1;
}

function partsOf(name: string, stamp: Stamp | StampParts): StampParts {
  if (typeof stamp === 'string') return parseStamp(stamp);
  if (typeof stamp?.timestamp !== 'bigint' || typeof stamp.nodeId !== 'string') {
    throw new ArgumentTypeError(name, 'a stamp: its text, or an object with its parts', stamp);
  }
  return stamp;
}
