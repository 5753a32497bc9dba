/**
 * HLC timestamps as UUIDs, for systems whose keys are UUIDs: version 7 of RFC 9562, section 5.7.
 *
 * The RFC fixes 48 bits of Unix milliseconds at the front and leaves 74 to the implementation; section
 * 6.2, method 3, suggests finer time for the first of them. A hybrid timestamp is nanoseconds, so:
 *
 *     unix_ts_ms  48   milliseconds
 *     ver          4   7
 *     rand_a      12   upper bits of the nanosecond within the millisecond (0 to 999 999, 20 bits)
 *     var          2   binary 10
 *     rand_b       8   its lower bits
 *     rand_b      54   node bits
 *
 * Order by text, by byte and in PostgreSQL's `UUID` is timestamp order, then order of the node bits; the
 * timestamp comes back exactly. Unlike the random bits of a common UUIDv7, two made in one millisecond
 * are in order, and unlike a counter's, on different nodes too.
 *
 * Unique as `(timestamp, node bits)` is: give every node its own 54 bits, or draw them at random, once
 * per process ({@link randomNodeBits}) or, by default, for each UUID. Even then two UUIDs can only collide
 * when two nodes issue the same nanosecond, and then with a chance of 2^-54.
 *
 * Range: int64 nanoseconds end in 2262; the 48 bits would last until 10889.
 */
import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';
import { asUnixNs, INT64_MAX } from '../time/instant.ts';
import { MalformedTimestampError } from './errors.ts';
import { checkTimestamp, type HlcTimestamp } from './timestamp.ts';

const NODE_BITS = 54n;
const NODE_MAX = 2n ** NODE_BITS - 1n;
const NS_PER_MS = 1_000_000n;
const VERSION_7 = 7n << 76n;
const VARIANT = 0b10n << 62n;

/** 8-4-4-4-12 hexadecimal digits, version 7, variant 10; lower case, as the RFC has writers write. */
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** A timestamp and the 54 node bits next to it. */
export interface UuidV7Parts {
  readonly timestamp: HlcTimestamp;
  readonly nodeBits: bigint;
}

/** 54 random bits from the platform's cryptographic generator: 0 to 2^54 - 1. */
export function randomNodeBits(): bigint {
  return crypto.getRandomValues(new BigUint64Array(1))[0]! >> 10n;
}

/**
 * `timestamp` as a UUIDv7 that sorts as it does.
 *
 * @param nodeBits 0 to 2^54 - 1; drawn at random when left out
 * @throws ArgumentTypeError, ArgumentRangeError (`ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`)
 * @example toUuidV7(1_795_227_787_534_418_003n, 3n) // '01a1fbea-210e-7660-b4c0-000000000003'
 */
export function toUuidV7(timestamp: bigint, nodeBits: bigint = randomNodeBits()): string {
  checkTimestamp('timestamp', timestamp);
  if (typeof nodeBits !== 'bigint') throw new ArgumentTypeError('nodeBits', 'a bigint', nodeBits);
  if (nodeBits < 0n || nodeBits > NODE_MAX) {
    throw new ArgumentRangeError('nodeBits', 'from 0 to 2^54 - 1', nodeBits);
  }
  const ms = timestamp / NS_PER_MS;
  const ns = timestamp % NS_PER_MS;
  const bits =
    (ms << 80n) |
    VERSION_7 |
    ((ns >> 8n) << 64n) |
    VARIANT |
    ((ns & 0xffn) << NODE_BITS) |
    nodeBits;
  const hex = bits.toString(16).padStart(32, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/**
 * The timestamp and node bits that {@link toUuidV7} wrote as `uuid`. Strict: lower case, version 7,
 * variant 10, less than a million nanoseconds in the millisecond, at most 2^63 - 1 in all. A UUIDv7 of
 * another maker has random bits there and passes with a chance of 95 %: it can't be told apart then.
 *
 * @throws ArgumentTypeError when `uuid` is no string
 * @throws MalformedTimestampError otherwise (`ERR_TIMESTAMP_MALFORMED`)
 */
export function fromUuidV7(uuid: string): UuidV7Parts {
  if (typeof uuid !== 'string') throw new ArgumentTypeError('uuid', 'a string', uuid);
  if (!UUID_V7.test(uuid)) throw malformed();
  const bits = BigInt(`0x${uuid.replaceAll('-', '')}`);
  const ms = bits >> 80n;
  const ns = (((bits >> 64n) & 0xfffn) << 8n) | ((bits >> NODE_BITS) & 0xffn);
  const timestamp = ms * NS_PER_MS + ns;
  if (ns >= NS_PER_MS || timestamp > INT64_MAX) throw malformed();
  return { timestamp: asUnixNs(timestamp), nodeBits: bits & NODE_MAX };
}

function malformed(): MalformedTimestampError {
  return new MalformedTimestampError('UUIDv7', 'version 7 in lower case, nanosecond below 10^6');
}
