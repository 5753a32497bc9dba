/**
 * Timestamps and their encodings.
 *
 * An HLC timestamp is a non-negative int64 of Unix nanoseconds: 1970-01-01 to 2262-04-11T23:47:16Z. It
 * fits a PostgreSQL `BIGINT`, a protobuf `int64`, OpenTelemetry's `timeUnixNano` and `Temporal.Instant`.
 * Every encoding here has a fixed width and keeps the order:
 *
 *     integer   1795227787534418003n
 *     text      '1795227787534418003'            19 digits: by code unit, byte, or COLLATE "C"
 *     stamp     '1795227787534418003@orders-3'   then by node id: the total order across nodes
 *     bytes     18 e9 ee 29 46 e6 40 53          8, big endian: by memcmp, BYTEA
 *
 * (`BIGINT` and 8 bytes are also what to index by; a UUIDv7 is in uuid-v7.ts.)
 *
 * Decoders are strict: they accept exactly what the encoder writes, so a value has one encoding and
 * comparing encodings is comparing values.
 *
 * The arithmetic is in int64 slots (why: hybrid-clock.ts), and numbers enter and leave them through their
 * 32-bit halves, since `BigInt(number)` allocates: text is read in groups of 7 + 6 + 6 digits, each of
 * which fits a half. The scratch slots carry nothing from one call to the next, except the digits of the
 * second formatted last, which most calls need again.
 */
import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';
import { asUnixNs, INT64_MAX, type UnixNs } from '../time/instant.ts';
import { HIGH, LOW } from '../time/int64-slots.ts';
import { NS_PER_SECOND } from '../time/rounding.ts';
import { MalformedTimestampError } from './errors.ts';
import { checkNodeId, isNodeId } from './node-id.ts';

/** A timestamp of a hybrid logical clock: Unix nanoseconds, 0 to 2^63 - 1. */
export type HlcTimestamp = UnixNs;

/** A timestamp and the clock it is from: unique, and totally ordered by {@link compareStamps}. */
export interface Stamp {
  readonly timestamp: HlcTimestamp;
  readonly nodeId: string;
}

const IN = 0;
/** The second whose digits are in `secondCodes`, as its first nanosecond and the one after its last. */
const SECOND = 1;
const SECOND_END = 2;
const NS = 3;
/** Groups of digits; their upper halves stay 0. */
const UPPER = 4;
const MIDDLE = 5;
const LOWER = 6;
const scratch: BigInt64Array = new BigInt64Array(7);
const halves: Uint32Array = new Uint32Array(scratch.buffer);
const IN_HIGH: number = 2 * IN + HIGH;
const IN_LOW: number = 2 * IN + LOW;
const NS_LOW: number = 2 * NS + LOW;
const UPPER_LOW: number = 2 * UPPER + LOW;
const MIDDLE_LOW: number = 2 * MIDDLE + LOW;
const LOWER_LOW: number = 2 * LOWER + LOW;

/** Character codes of the ten digits of a second. Plain arrays: `fromCharCode` takes what is in them as it is. */
const secondCodes: number[] = Array.from('0000000000', (digit) => digit.charCodeAt(0));
/** Character codes of the two digits of 0 to 99. */
const tens: number[] = [];
const ones: number[] = [];
for (let i = 0; i < 100; i++) {
  tens.push(48 + Math.floor(i / 10));
  ones.push(48 + (i % 10));
}

/**
 * `value` as a timestamp.
 *
 * @throws ArgumentTypeError when it is no bigint (`ERR_INVALID_ARG_TYPE`)
 * @throws ArgumentRangeError when it is not 0 to 2^63 - 1 (`ERR_OUT_OF_RANGE`)
 * @example hlcTimestamp(1_795_227_787_534_418_003n)
 */
export function hlcTimestamp(value: bigint): HlcTimestamp {
  return checkTimestamp('timestamp', value);
}

/** As {@link hlcTimestamp}; the error says `name`. */
export function checkTimestamp(name: string, value: unknown): HlcTimestamp {
  if (typeof value !== 'bigint') throw new ArgumentTypeError(name, 'a bigint', value);
  if (value < 0n || value > INT64_MAX) {
    throw new ArgumentRangeError(name, 'from 0 to 2^63 - 1', value);
  }
  return asUnixNs(value);
}

/**
 * 19 decimal digits, zero padded: text order is timestamp order.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `timestamp` is none
 * @example formatTimestamp(hlc.now()) // '1795227787534418003'
 */
export function formatTimestamp(timestamp: bigint): string {
  if (typeof timestamp !== 'bigint') checkTimestamp('timestamp', timestamp);
  scratch[IN] = timestamp;
  if (scratch[IN] !== timestamp || scratch[IN]! < 0n) checkTimestamp('timestamp', timestamp);

  return spell();
}

/** The text of `scratch[IN]`. Apart, so that what checks can be inlined and the bigint be spared. */
function spell(): string {
  if (scratch[IN]! < scratch[SECOND]! || scratch[IN]! >= scratch[SECOND_END]!) spellSecond();
  scratch[NS] = BigInt.asIntN(64, scratch[IN]! - scratch[SECOND]!);
  // All below 10^9, and said to be int32, so that V8 divides by multiplication.
  const ns = halves[NS_LOW]! | 0;
  const a = (ns / 1_000_000) | 0;
  const rest = (ns - a * 1_000_000) | 0;
  const b = (rest / 1000) | 0;
  const c = (rest - b * 1000) | 0;
  const a2 = (a / 10) | 0;
  const b2 = (b / 10) | 0;
  const c2 = (c / 10) | 0;
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
    tens[a2]!,
    ones[a2]!,
    48 + a - a2 * 10,
    tens[b2]!,
    ones[b2]!,
    48 + b - b2 * 10,
    tens[c2]!,
    ones[c2]!,
    48 + c - c2 * 10,
  );
}

/**
 * Makes the second of `scratch[IN]` the one in `secondCodes`. The last second of int64 is cut short: its
 * end would overflow, so the end of int64 itself is spelled anew on each call.
 */
function spellSecond(): void {
  const second = scratch[IN]! / NS_PER_SECOND;
  const end = (second + 1n) * NS_PER_SECOND;
  scratch[SECOND] = second * NS_PER_SECOND;
  scratch[SECOND_END] = end > INT64_MAX ? INT64_MAX : end;
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
 * @throws ArgumentTypeError when `text` is no string
 * @throws MalformedTimestampError when it is not exactly 19 ASCII digits of at most 2^63 - 1
 *   (`ERR_TIMESTAMP_MALFORMED`)
 */
export function parseTimestamp(text: string): HlcTimestamp {
  parseTimestampInto(text, scratch, IN);
  return asUnixNs(scratch[IN]!);
}

/** As {@link parseTimestamp}, into `target[index]`; nothing is written on error. No allocation. */
export function parseTimestampInto(text: string, target: BigInt64Array, index: number): void {
  if (typeof text !== 'string') throw new ArgumentTypeError('text', 'a string', text);
  checkSlot(target, index);
  if (text.length !== 19) throw malformedText();
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
  // d is a digit exactly when neither d nor 9 - d is negative: one sign bit for all nineteen.
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
  // At most 10^19 - 1, which is below 2^64: what exceeds int64 wraps once, to a negative.
  scratch[IN] = BigInt.asIntN(
    64,
    BigInt.asIntN(64, scratch[UPPER]! * 1_000_000_000_000n) +
      BigInt.asIntN(64, scratch[MIDDLE]! * 1_000_000n) +
      scratch[LOWER]!,
  );
  if (scratch[IN]! < 0n) throw malformedText();
  target[index] = scratch[IN]!;
}

function malformedText(): MalformedTimestampError {
  return new MalformedTimestampError('timestamp', '19 digits, at most 9223372036854775807');
}

/**
 * `'1795227787534418003@orders-3'`: unique across nodes, and text order is {@link compareStamps} order.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `timestamp` or `nodeId` is none
 */
export function formatStamp(timestamp: bigint, nodeId: string): string {
  return `${formatTimestamp(timestamp)}@${checkNodeId('nodeId', nodeId)}`;
}

/**
 * The timestamp and node id that {@link formatStamp} wrote as `text`.
 *
 * @throws ArgumentTypeError when `text` is no string
 * @throws MalformedTimestampError when it is not 19 digits, `@`, node id (`ERR_TIMESTAMP_MALFORMED`)
 */
export function parseStamp(text: string): Stamp {
  if (typeof text !== 'string') throw new ArgumentTypeError('text', 'a string', text);
  const nodeId = text.slice(20);
  if (text.charCodeAt(19) !== 0x40 || !isNodeId(nodeId)) {
    throw new MalformedTimestampError('stamp', '19 digits, @, node id');
  }
  return { timestamp: parseTimestamp(text.slice(0, 19)), nodeId };
}

/**
 * Negative, 0 or positive: by timestamp, then by node id. A total order that contains happened-before.
 *
 * @example stamps.sort(compareStamps)
 */
export function compareStamps(a: Stamp, b: Stamp): -1 | 0 | 1 {
  if (a.timestamp !== b.timestamp) return a.timestamp < b.timestamp ? -1 : 1;
  if (a.nodeId !== b.nodeId) return a.nodeId < b.nodeId ? -1 : 1;
  return 0;
}

/**
 * Writes 8 bytes, big endian: byte order is timestamp order.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `timestamp` is none or `view` has no room
 */
export function writeTimestamp(timestamp: bigint, view: DataView, offset: number): void {
  checkRoom(view, offset);
  scratch[IN] = checkTimestamp('timestamp', timestamp);
  view.setUint32(offset, halves[IN_HIGH]!);
  view.setUint32(offset + 4, halves[IN_LOW]!);
}

/**
 * The timestamp that {@link writeTimestamp} wrote.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `view` has no 8 bytes at `offset`
 * @throws MalformedTimestampError when the first bit is set (`ERR_TIMESTAMP_MALFORMED`)
 */
export function readTimestamp(view: DataView, offset: number): HlcTimestamp {
  checkRoom(view, offset);
  halves[IN_HIGH] = view.getUint32(offset);
  halves[IN_LOW] = view.getUint32(offset + 4);
  if (scratch[IN]! < 0n) throw malformedBytes();
  return asUnixNs(scratch[IN]!);
}

/** `timestamp` as 8 bytes, big endian: byte order is timestamp order. Errors as {@link writeTimestamp}. */
export function timestampToBytes(timestamp: bigint): Uint8Array {
  scratch[IN] = checkTimestamp('timestamp', timestamp);
  const high = halves[IN_HIGH]!;
  const low = halves[IN_LOW]!;
  // Byte by byte: a DataView for one use costs more than all the rest.
  const bytes = new Uint8Array(8);
  bytes[0] = high >>> 24;
  bytes[1] = high >>> 16;
  bytes[2] = high >>> 8;
  bytes[3] = high;
  bytes[4] = low >>> 24;
  bytes[5] = low >>> 16;
  bytes[6] = low >>> 8;
  bytes[7] = low;
  return bytes;
}

/**
 * The timestamp that {@link timestampToBytes} wrote.
 *
 * @throws ArgumentTypeError when `bytes` is no Uint8Array
 * @throws MalformedTimestampError when they are not 8, the first bit clear (`ERR_TIMESTAMP_MALFORMED`)
 */
export function timestampFromBytes(bytes: Uint8Array): HlcTimestamp {
  if (!(bytes instanceof Uint8Array)) throw new ArgumentTypeError('bytes', 'a Uint8Array', bytes);
  if (bytes.length !== 8 || bytes[0]! > 0x7f) throw malformedBytes();
  halves[IN_HIGH] = (bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!;
  halves[IN_LOW] = (bytes[4]! << 24) | (bytes[5]! << 16) | (bytes[6]! << 8) | bytes[7]!;
  return asUnixNs(scratch[IN]!);
}

/** What the decoders of 8 bytes throw. */
export function malformedBytes(): MalformedTimestampError {
  return new MalformedTimestampError('timestamp', '8 bytes, big endian, the first bit clear');
}

/**
 * A view is known by its method: that V8 checks for nothing, where `instanceof` walks the prototypes.
 *
 * @throws ArgumentTypeError, ArgumentRangeError unless `view` has 8 bytes at `offset`
 */
export function checkRoom(view: DataView, offset: number): void {
  if (typeof (view as DataView | undefined)?.setUint32 !== 'function') throw noView(view);
  if (!(offset >>> 0 === offset && offset + 8 <= view.byteLength)) throw noRoom(offset);
}

/** @throws ArgumentTypeError, ArgumentRangeError unless `target` has a slot at `index` */
export function checkSlot(target: BigInt64Array, index: number): void {
  if (!(target instanceof BigInt64Array)) throw noArray(target);
  if (!(index >>> 0 === index && index < target.length)) throw noSlot(index);
}

// Apart, so that the checks stay small enough to be inlined (hybrid-clock.ts).
const noView = (view: unknown): Error => new ArgumentTypeError('view', 'a DataView', view);
const noRoom = (offset: unknown): Error =>
  new ArgumentRangeError('offset', 'an offset of view with 8 bytes after it', offset);
const noArray = (target: unknown): Error =>
  new ArgumentTypeError('target', 'a BigInt64Array', target);
const noSlot = (index: unknown): Error =>
  new ArgumentRangeError('index', 'an index of target', index);
