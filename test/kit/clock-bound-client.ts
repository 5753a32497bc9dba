/**
 * What ClockBound's client computes from its segment, written anew from its source: with its
 * doubles and its rounding, for the layout of version 2.
 */
import { endianness } from 'node:os';

const LITTLE = endianness() === 'LE';
const GRACE_NS = 5_000_000_000n;

export interface Segment {
  readonly generation: number;
  readonly asOf: bigint;
  readonly voidAfter: bigint;
  readonly boundNs: bigint;
  readonly marker: bigint;
  readonly driftPpb: number;
  readonly status: number;
  readonly support: number;
}

export const STATUS = { unknown: 0, synchronized: 1, freeRunning: 2, disrupted: 3 } as const;

/** The fields of a segment. Throws when a client would not open it. */
export function parseSegment(bytes: Uint8Array): Segment {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const instant = (at: number): bigint =>
    view.getBigInt64(at, LITTLE) * 1_000_000_000n + view.getBigInt64(at + 8, LITTLE);
  const head = [0, 4, 8].map((at) => view.getUint32(at, LITTLE));
  if (head[0] !== 0x414d5a4e || head[1] !== 0x43420200) throw new Error('not initialized');
  if (view.getUint16(12, LITTLE) !== 2) throw new Error('version not supported');
  if (head[2]! < 80 || bytes.length < head[2]!) throw new Error('malformed');
  return {
    generation: view.getUint16(14, LITTLE),
    asOf: instant(16),
    voidAfter: instant(32),
    boundNs: view.getBigInt64(48, LITTLE),
    marker: view.getBigUint64(56, LITTLE),
    driftPpb: view.getUint32(64, LITTLE),
    status: view.getInt32(68, LITTLE),
    support: view.getUint8(72),
  };
}

/**
 * `compute_bound_at` of the client.
 *
 * @param real what CLOCK_REALTIME shows
 * @param mono what CLOCK_MONOTONIC_COARSE shows, read after it
 */
export function clientNow(
  segment: Segment,
  real: bigint,
  mono: bigint,
): { earliest: bigint; latest: bigint; status: number } {
  if (segment.driftPpb >= 1_000_000_000) throw new Error('malformed');
  let { status } = segment;
  if (status === STATUS.synchronized || status === STATUS.freeRunning) {
    if (mono >= segment.asOf + GRACE_NS) {
      status = mono < segment.voidAfter ? STATUS.freeRunning : STATUS.unknown;
    }
  }
  let duration = mono - segment.asOf;
  if (duration < 0n) {
    if (duration <= -1000n) throw new Error('causality breach');
    duration = 0n;
  }
  const grown = Math.trunc((Number(duration) / 1e9) * segment.driftPpb);
  const bound = segment.boundNs + BigInt(grown);
  return { earliest: real - bound, latest: real + bound, status };
}
