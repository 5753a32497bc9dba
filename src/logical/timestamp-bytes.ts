/**
 * Timestamps as 8 bytes, big endian, so that byte order is timestamp order. Also as the two 32-bit
 * halves in which JavaScript's protobuf libraries carry an `int64`.
 *
 * Bytes go in and out of int64 slots by their halves, because `BigInt(number)` and `setBigInt64`
 * allocate (docs/internals/performance.md). No call uses what an earlier call left in the scratch
 * slot.
 */
import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';
import { asUnixNs, type UnixNsInput } from '../time/instant.ts';
import { HIGH, LOW } from '../time/int64-slots.ts';
import { MalformedTimestampError } from './errors.ts';
import { checkTimestamp, type HlcTimestamp } from './timestamp.ts';

/** A place to write 8 bytes to or read them from. A `Buffer` is a `Uint8Array`. */
export type Bytes = DataView | Uint8Array;

const scratch: BigInt64Array = new BigInt64Array(1);
const halves: Uint32Array = new Uint32Array(scratch.buffer);

/**
 * Writes 8 bytes, big endian: byte order is timestamp order.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `timestamp` is not a timestamp, or `target`
 *   has no room
 */
export function writeTimestamp(timestamp: UnixNsInput, target: Bytes, offset = 0): void {
  const view = isView(target, offset);
  scratch[0] = checkTimestamp('timestamp', timestamp);
  if (view) writeView(target, offset, halves[HIGH]! | 0, halves[LOW]! | 0);
  else writeBytes(target, offset, halves[HIGH]! | 0, halves[LOW]! | 0);
}

/**
 * The timestamp that {@link writeTimestamp} wrote.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `source` has fewer than 8 bytes at `offset`
 * @throws MalformedTimestampError when the first bit is set (`ERR_TIMESTAMP_MALFORMED`)
 */
export function readTimestamp(source: Bytes, offset = 0): HlcTimestamp {
  if (isView(source, offset)) {
    halves[HIGH] = source.getInt32(offset);
    halves[LOW] = source.getInt32(offset + 4);
  } else {
    halves[HIGH] = readHalf(source, offset);
    halves[LOW] = readHalf(source, offset + 4);
  }
  if (scratch[0]! < 0n) throw malformedBytes();
  return asUnixNs(scratch[0]!);
}

/**
 * `timestamp` as 8 bytes, big endian: byte order is timestamp order. Errors as
 * {@link writeTimestamp}.
 */
export function bytesFromTimestamp(timestamp: UnixNsInput): Uint8Array {
  scratch[0] = checkTimestamp('timestamp', timestamp);
  const bytes = new Uint8Array(8);
  writeBytes(bytes, 0, halves[HIGH]! | 0, halves[LOW]! | 0);
  return bytes;
}

/**
 * The timestamp that {@link bytesFromTimestamp} wrote.
 *
 * @throws ArgumentTypeError when `bytes` is not a Uint8Array
 * @throws MalformedTimestampError when there are not 8 bytes, or the first bit is set
 *   (`ERR_TIMESTAMP_MALFORMED`)
 */
export function timestampFromBytes(bytes: Uint8Array): HlcTimestamp {
  if (!(bytes instanceof Uint8Array)) throw new ArgumentTypeError('bytes', 'a Uint8Array', bytes);
  if (bytes.length !== 8 || bytes[0]! > 0x7f) throw malformedBytes();
  halves[HIGH] = readHalf(bytes, 0);
  halves[LOW] = readHalf(bytes, 4);
  return asUnixNs(scratch[0]!);
}

/** The error that the decoders of 8 bytes throw. */
export function malformedBytes(): MalformedTimestampError {
  return new MalformedTimestampError('timestamp', '8 bytes, big endian, the first bit clear');
}

/**
 * Whether `target` is a DataView; otherwise it is a Uint8Array. A DataView is recognised by its
 * method, which V8 checks at no cost, while `instanceof` walks the prototypes.
 *
 * @throws ArgumentTypeError, ArgumentRangeError unless `target` is either and has 8 bytes at
 *   `offset`
 */
export function isView(target: Bytes, offset: number): target is DataView {
  if (typeof (target as DataView | undefined)?.setUint32 !== 'function')
    return noView(target, offset);
  if (!(offset >>> 0 === offset && offset + 8 <= target.byteLength)) throw noRoom(offset);
  return true;
}

function noView(target: Bytes, offset: number): false {
  if (!(target instanceof Uint8Array)) {
    throw new ArgumentTypeError('target', 'a DataView or a Uint8Array', target);
  }
  if (!(offset >>> 0 === offset && offset + 8 <= target.length)) throw noRoom(offset);
  return false;
}

const noRoom = (offset: unknown): Error =>
  new ArgumentRangeError('offset', 'an offset with 8 bytes after it', offset);

/**
 * Writes the two halves, each as an int32. A number up to 2^32 - 1 would be an object where this
 * call is not inlined (docs/internals/performance.md, "Halves instead of whole numbers").
 */
export function writeView(view: DataView, offset: number, high: number, low: number): void {
  view.setInt32(offset, high);
  view.setInt32(offset + 4, low);
}

/**
 * As {@link writeView}, byte by byte, because a DataView for one use costs more than all the rest.
 */
export function writeBytes(bytes: Uint8Array, offset: number, high: number, low: number): void {
  bytes[offset] = high >>> 24;
  bytes[offset + 1] = high >>> 16;
  bytes[offset + 2] = high >>> 8;
  bytes[offset + 3] = high;
  bytes[offset + 4] = low >>> 24;
  bytes[offset + 5] = low >>> 16;
  bytes[offset + 6] = low >>> 8;
  bytes[offset + 7] = low;
}

/** The four bytes at `offset` as an int32. */
export function readHalf(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset]! << 24) |
    (bytes[offset + 1]! << 16) |
    (bytes[offset + 2]! << 8) |
    bytes[offset + 3]!
  );
}

/**
 * The halves of a 64-bit integer, with the fields of a `Long` as the package `long`, protobufjs and
 * the gRPC loaders use it. `Long.fromValue` takes it.
 */
export interface LongBits {
  /** The lower 32 bits. */
  readonly low: number;
  /** The upper 32 bits. */
  readonly high: number;
  /** Whether the halves mean an unsigned integer. */
  readonly unsigned: boolean;
}

/**
 * `timestamp` as signed halves.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when it is not a timestamp
 * @example longFromTimestamp(2n ** 32n + 5n) // { low: 5, high: 1, unsigned: false }
 */
export function longFromTimestamp(timestamp: UnixNsInput): LongBits {
  const value = checkTimestamp('timestamp', timestamp);
  return {
    low: Number(BigInt.asIntN(32, value)),
    high: Number(value >> 32n),
    unsigned: false,
  };
}

/**
 * The timestamp whose halves are `bits`; each half may be signed or unsigned.
 *
 * @throws ArgumentTypeError when `bits` does not have the fields of a `Long`
 * @throws ArgumentRangeError when a half is not a 32-bit integer, or the whole is negative or
 *   beyond 2^63 - 1
 * @example timestampFromLong({ low: 5, high: 1 }) // 4294967301n
 */
export function timestampFromLong(bits: Pick<LongBits, 'low' | 'high'>): HlcTimestamp {
  if (typeof bits !== 'object' || bits === null) {
    throw new ArgumentTypeError('bits', 'an object with low and high', bits);
  }
  const low = half('low', bits.low, 0xffff_ffff);
  const high = half('high', bits.high, 0x7fff_ffff);
  if (high < 0) throw new ArgumentRangeError('high', 'not negative', high);
  return asUnixNs((BigInt(high) << 32n) | BigInt.asUintN(32, BigInt(low)));
}

/** Signed halves are -2^31 to 2^31 - 1; some libraries write the lower one unsigned. */
function half(name: string, value: unknown, max: number): number {
  if (typeof value !== 'number') throw new ArgumentTypeError(name, 'a number', value);
  if (!Number.isInteger(value) || value < -0x8000_0000 || value > max) {
    throw new ArgumentRangeError(name, 'a 32-bit integer', value);
  }
  return value;
}
