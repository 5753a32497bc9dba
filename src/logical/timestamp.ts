/**
 * The value of a hybrid timestamp, and its encodings at a glance.
 *
 * A timestamp is a non-negative int64 of Unix nanoseconds: 1970-01-01 to 2262-04-11T23:47:16Z. It
 * fits a PostgreSQL `BIGINT`, a protobuf `int64`, OpenTelemetry's `timeUnixNano` and
 * `Temporal.Instant`. Every encoding has a fixed width and keeps the order:
 *
 *     integer   1795227787534418003n
 *     text      '1795227787534418003'            19 digits: by code unit, byte, or COLLATE "C"
 *     stamp     '1795227787534418003@orders-3'   then by node id: the total order across nodes
 *     bytes     18 e9 ee 29 46 e6 40 53          8, big endian: by memcmp, BYTEA
 *     UUIDv7    '01a1fbea-210e-7660-b4c0-...'    then by 54 node bits
 *
 * Text and stamps are in timestamp-text.ts, bytes in timestamp-bytes.ts, UUIDs in uuidv7.ts.
 *
 * Decoders are strict: they accept exactly what the encoder writes. So a value has one encoding,
 * and two encodings compare as their values do.
 */
import { ArgumentRangeError, ArgumentTypeError, notUnixNs } from '../time/errors.ts';
import { asUnixNs, INT64_MAX, type UnixNs } from '../time/instant.ts';

/** A timestamp of a hybrid logical clock: Unix nanoseconds, 0 to 2^63 - 1. */
export type HlcTimestamp = UnixNs;

/**
 * `value` as a timestamp.
 *
 * @throws ArgumentTypeError when it is not a bigint (`ERR_INVALID_ARG_TYPE`)
 * @throws ArgumentRangeError when it is not from 0 to 2^63 - 1 (`ERR_OUT_OF_RANGE`)
 * @example hlcTimestamp(1_795_227_787_534_418_003n) // 1795227787534418003n
 */
export function hlcTimestamp(value: bigint): HlcTimestamp {
  return checkTimestamp('timestamp', value);
}

/** As {@link hlcTimestamp}; the error names the argument `name`. */
export function checkTimestamp(name: string, value: unknown): HlcTimestamp {
  if (typeof value !== 'bigint') throw notUnixNs(name, value);
  if (value < 0n || value > INT64_MAX) {
    throw new ArgumentRangeError(name, 'from 0 to 2^63 - 1', value);
  }
  return asUnixNs(value);
}

/** @throws ArgumentTypeError, ArgumentRangeError unless `target` has a slot at `index` */
export function checkSlot(target: BigInt64Array, index: number): void {
  if (!(target instanceof BigInt64Array)) throw noArray(target);
  if (!(index >>> 0 === index && index < target.length)) throw noSlot(index);
}

// A function of its own keeps the check small enough to inline (docs/internals/performance.md).
const noArray = (target: unknown): Error =>
  new ArgumentTypeError('target', 'a BigInt64Array', target);
const noSlot = (index: unknown): Error =>
  new ArgumentRangeError('index', 'an index of target', index);
