/**
 * `epsilon-clock/timestamps`: the value of a hybrid timestamp, and all its encodings. Loads without
 * Node.
 *
 * @module
 */
export {
  MalformedTimestampError,
  TimestampAheadError,
  TimestampExhaustedError,
} from './logical/errors.ts';
export { nodeIdFrom } from './logical/node-id.ts';
export { type HlcTimestamp, hlcTimestamp } from './logical/timestamp.ts';
export {
  type Bytes,
  bytesFromTimestamp,
  type LongBits,
  longFromTimestamp,
  readTimestamp,
  timestampFromBytes,
  timestampFromLong,
  writeTimestamp,
} from './logical/timestamp-bytes.ts';
export {
  compareStamps,
  formatStamp,
  formatTimestamp,
  parseStamp,
  parseTimestamp,
  parseTimestampInto,
  type Stamp,
  type StampParts,
} from './logical/timestamp-text.ts';
export {
  formatUuidv7,
  parseUuidv7,
  randomNodeBits,
  type Uuidv7Parts,
  uuidv7Bytes,
} from './logical/uuidv7.ts';
