/** Segments of ClockBound's daemon, as its protocol lays them out. */
import { endianness } from 'node:os';

const LITTLE = endianness() === 'LE';
const NS_PER_SECOND = 1_000_000_000n;

export interface SegmentFields {
  readonly version?: 2 | 3;
  readonly generation?: number;
  /** Readings of the monotonic clock, ns. */
  readonly asOf: bigint;
  readonly voidAfter: bigint;
  readonly boundNs?: bigint;
  readonly driftPpb?: number;
  readonly status?: number;
}

export function segmentBytes(fields: SegmentFields): Buffer {
  const { version = 2, generation = 4, asOf, voidAfter } = fields;
  const { boundNs = 100_000n, driftPpb = 1000, status = 1 } = fields;
  const bytes = Buffer.alloc(version === 2 ? 80 : 104);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const instant = (at: number, ns: bigint): void => {
    view.setBigInt64(at, ns / NS_PER_SECOND, LITTLE);
    view.setBigInt64(at + 8, ns % NS_PER_SECOND, LITTLE);
  };
  view.setUint32(0, 0x414d5a4e, LITTLE);
  view.setUint32(4, 0x43420200, LITTLE);
  view.setUint32(8, bytes.length, LITTLE);
  if (version === 2) view.setUint16(12, 2, LITTLE);
  else bytes.set([2, 3], 12);
  view.setUint16(14, generation, LITTLE);
  const shift = version === 2 ? 0 : 8;
  instant(16 + shift, asOf);
  instant(32 + shift, voidAfter);
  const rest = version === 2 ? 48 : 72;
  view.setBigInt64(rest, boundNs, LITTLE);
  view.setUint32(rest + 16, driftPpb, LITTLE);
  view.setInt32(rest + 20, status, LITTLE);
  return bytes;
}
