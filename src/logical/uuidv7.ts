/**
 * HLC timestamps as UUIDs, for systems whose keys are UUIDs: version 7 of RFC 9562, section 5.7.
 *
 * The RFC puts 48 bits of Unix milliseconds at the front and leaves 74 bits to the implementation.
 * Section 6.2, method 3, suggests a finer time for the first of these. A hybrid timestamp counts
 * nanoseconds, so the bits are:
 *
 *     unix_ts_ms  48   milliseconds
 *     ver          4   7
 *     rand_a      12   upper bits of the nanosecond within the millisecond (0 to 999 999, 20 bits)
 *     var          2   binary 10
 *     rand_b       8   its lower bits
 *     rand_b      54   node bits
 *
 * The order by text, by byte and in PostgreSQL's `UUID` is the order by timestamp, then by node
 * bits, and the timestamp comes back exactly. Most UUIDv7 have random bits instead, so two of one
 * millisecond are in no order. Others have a counter, which orders them on one node only. These are
 * in order on all nodes.
 *
 * A UUID is as unique as its pair `(timestamp, node bits)`. Give every node its own 54 bits, or
 * draw them at random: once per process ({@link randomNodeBits}) or, by default, for each UUID.
 * Random node bits collide only when two nodes issue the same nanosecond, and then with a chance of
 * 2^-54.
 *
 * Range: int64 nanoseconds end in 2262. The 48 bits would last until 10889.
 */
import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';
import { asUnixNs, INT64_MAX, type UnixNsInput } from '../time/instant.ts';
import { withJson } from '../time/json.ts';
import { MalformedTimestampError } from './errors.ts';
import { checkTimestamp, type HlcTimestamp } from './timestamp.ts';

const NODE_BITS = 54n;
const NODE_MAX = 2n ** NODE_BITS - 1n;
const NS_PER_MS = 1_000_000n;
const VERSION_7 = 7n << 76n;
const VARIANT = 0b10n << 62n;

/**
 * 8-4-4-4-12 hexadecimal digits, version 7, variant 10. By RFC 9562, section 4, they are written in
 * lower case and read in either case. SQL Server and .NET write upper case.
 */
const UUIDV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** The parts of a UUID: a timestamp and 54 node bits. */
export interface Uuidv7Parts {
  readonly timestamp: HlcTimestamp;
  /** 0 to 2^54 - 1. */
  readonly nodeBits: bigint;
}

/** 54 random bits from the platform's cryptographic generator: 0 to 2^54 - 1. */
export function randomNodeBits(): bigint {
  return crypto.getRandomValues(new BigUint64Array(1))[0]! >> 10n;
}

/**
 * `timestamp` as a UUIDv7. The UUIDs sort as their timestamps do.
 *
 * @param nodeBits 0 to 2^54 - 1; drawn at random when left out
 * @throws ArgumentTypeError, ArgumentRangeError (`ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`)
 * @example formatUuidv7(1_795_227_787_534_418_003n, 3n) // '01a1fbea-210e-7660-b4c0-000000000003'
 */
export function formatUuidv7(timestamp: UnixNsInput, nodeBits: bigint = randomNodeBits()): string {
  const hex = bitsOf(timestamp, nodeBits).toString(16).padStart(32, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/**
 * {@link formatUuidv7} as 16 bytes, for binary columns: byte order is timestamp order.
 *
 * @example uuidv7Bytes(1_795_227_787_534_418_003n, 3n).length // 16
 */
export function uuidv7Bytes(
  timestamp: UnixNsInput,
  nodeBits: bigint = randomNodeBits(),
): Uint8Array {
  const bits = bitsOf(timestamp, nodeBits);
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, bits >> 64n);
  view.setBigUint64(8, BigInt.asUintN(64, bits));
  return bytes;
}

function bitsOf(timestamp: unknown, nodeBits: bigint): bigint {
  const checked = checkTimestamp('timestamp', timestamp);
  checkNodeBits(nodeBits);
  const ms = checked / NS_PER_MS;
  const ns = checked % NS_PER_MS;
  return (
    (ms << 80n) | VERSION_7 | ((ns >> 8n) << 64n) | VARIANT | ((ns & 0xffn) << NODE_BITS) | nodeBits
  );
}

/** @throws ArgumentTypeError, ArgumentRangeError unless `nodeBits` is a bigint of 54 bits */
export function checkNodeBits(nodeBits: unknown): bigint {
  if (typeof nodeBits !== 'bigint') throw new ArgumentTypeError('nodeBits', 'a bigint', nodeBits);
  if (nodeBits >= 0n && nodeBits <= NODE_MAX) return nodeBits;
  throw new ArgumentRangeError('nodeBits', 'from 0 to 2^54 - 1', nodeBits);
}

/**
 * The timestamp and node bits that {@link formatUuidv7} wrote as text, or {@link uuidv7Bytes} as 16
 * bytes. Upper case is read too. Strict: version 7, variant 10, less than a million nanoseconds in
 * the millisecond, at most 2^63 - 1 in all. A UUIDv7 made by another program has random bits in
 * place of the nanoseconds. It passes these tests with a chance of 95 %, and is then taken for one
 * of ours.
 *
 * @throws ArgumentTypeError when `uuid` is neither a string nor a Uint8Array
 * @throws MalformedTimestampError otherwise (`ERR_TIMESTAMP_MALFORMED`)
 */
export function parseUuidv7(uuid: string | Uint8Array): Uuidv7Parts {
  const text = typeof uuid === 'string' ? uuid : textOf(uuid);
  if (!UUIDV7.test(text)) throw malformed();
  const bits = BigInt(`0x${text.replaceAll('-', '')}`);
  const ms = bits >> 80n;
  const ns = (((bits >> 64n) & 0xfffn) << 8n) | ((bits >> NODE_BITS) & 0xffn);
  const timestamp = ms * NS_PER_MS + ns;
  if (ns >= NS_PER_MS || timestamp > INT64_MAX) throw malformed();
  return withJson({ timestamp: asUnixNs(timestamp), nodeBits: bits & NODE_MAX });
}

/** 16 bytes as the text of a UUID. Any other number of bytes gives a text that is not a UUID. */
function textOf(bytes: Uint8Array): string {
  if (!(bytes instanceof Uint8Array)) {
    throw new ArgumentTypeError('uuid', 'a string or a Uint8Array', bytes);
  }
  if (bytes.length !== 16) return '';
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
  return [hex.slice(0, 4), hex.slice(4, 6), hex.slice(6, 8), hex.slice(8, 10), hex.slice(10)]
    .map((group) => group.join(''))
    .join('-');
}

function malformed(): MalformedTimestampError {
  return new MalformedTimestampError('UUIDv7', 'version 7, nanosecond below 10^6');
}
