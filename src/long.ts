/**
 * `epsilon-clock/long`: timestamps as the two 32-bit halves by which JavaScript's protobuf libraries
 * carry an `int64`. Structural: what `toLong` returns, `Long.fromValue`, protobufjs and the gRPC loaders
 * take, and `fromLong` takes a `Long` of the `long` package as it is. Nothing is imported from it.
 *
 * Range: 1970-01-01 to 2262-04-11T23:47:16Z, 0 to 2^63 - 1 ns.
 */
import { checkTimestamp, type HlcTimestamp } from './logical/timestamp.ts';
import { ArgumentRangeError, ArgumentTypeError } from './time/errors.ts';
import { asUnixNs } from './time/instant.ts';

/** The halves of a 64-bit integer: the shape of a `Long`. */
export interface LongBits {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

/**
 * `timestamp` as signed halves.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `timestamp` is none
 * @example message.committedAt = Long.fromValue(toLong(hlc.now()))
 */
export function toLong(timestamp: bigint): LongBits {
  const value = checkTimestamp('timestamp', timestamp);
  return {
    low: Number(BigInt.asIntN(32, value)),
    high: Number(value >> 32n),
    unsigned: false,
  };
}

/**
 * The timestamp whose halves are `bits`, signed or unsigned alike.
 *
 * @throws ArgumentTypeError when `bits` has not the shape of a `Long`
 * @throws ArgumentRangeError when a half is no 32-bit integer, or the whole is negative or beyond 2^63 - 1
 * @example hlc.receive(fromLong(message.committedAt))
 */
export function fromLong(bits: Pick<LongBits, 'low' | 'high'>): HlcTimestamp {
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
