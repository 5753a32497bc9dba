/**
 * The shared memory segment of ClockBound's daemon: how far the system clock may be from true time.
 * Layouts: version 2 (`shm0`, https://github.com/aws/clock-bound, its protocol page) and version 3
 * (`shm1` of ClockBound 3). Pure: bytes in, facts or a refusal out; and the other way for version
 * 2, which `ClockBoundPublisher` writes.
 *
 * | offset | version 2, 80 bytes            | version 3, at least 97 bytes          |
 * |-------:|--------------------------------|---------------------------------------|
 * |      0 | magic, two u32                 | the same                              |
 * |      8 | size u32                       | the same                              |
 * |     12 | version u16                    | least u8, greatest version u8         |
 * |     14 | generation u16                 | the same                              |
 * |     16 | as of: seconds i64, ns i64     | a counter of the processor            |
 * |     24 |                                | as of                                 |
 * |     32 | void after: seconds i64, ns i64|                                       |
 * |     40 |                                | void after                            |
 * |     48 | bound i64 ns                   |                                       |
 * |     56 | disruption marker u64          | period, its error: two f64            |
 * |     64 | drift u32 ppb, status i32      |                                       |
 * |     72 | disruption support u8          | bound i64 ns                          |
 * |     80 |                                | disruption marker u64                 |
 * |     88 |                                | drift u32 ppb, status i32             |
 * |     96 |                                | disruption support u8                 |
 *
 * All in the byte order of the machine. Instants are readings of the monotonic clock.
 *
 * The bound holds for the clock as it was then; afterwards it grows. The daemon counts 1 ppm for
 * the crystal unless configured, which ordinary crystals exceed when the room gets warmer. So the
 * greater of its drift and 15 ppm counts here, which is what RFC 5905 (section 11.2, PHI) takes.
 */
import { endianness } from 'node:os';
import type { MonotonicNs } from '../../time/instant.ts';

const LITTLE = endianness() === 'LE';
const MAGIC_0 = 0x414d_5a4e;
const MAGIC_1 = 0x4342_0200;
/** As many bytes as are ever read. */
export const MAX_SEGMENT_BYTES = 128;

/** Offsets of the fields, as in the table above. */
interface Layout {
  readonly bytes: number;
  readonly asOf: number;
  readonly voidAfter: number;
  readonly bound: number;
  readonly marker: number;
  readonly drift: number;
  readonly status: number;
  readonly support: number;
}

const VERSION_2: Layout = {
  bytes: 80,
  asOf: 16,
  voidAfter: 32,
  bound: 48,
  marker: 56,
  drift: 64,
  status: 68,
  support: 72,
};
const VERSION_3: Layout = {
  bytes: 97,
  asOf: 24,
  voidAfter: 40,
  bound: 72,
  marker: 80,
  drift: 88,
  status: 92,
  support: 96,
};
const SIZE = 8;
const VERSION = 12;
const GENERATION = 14;

/** Values of the status. */
export const UNKNOWN = 0;
export const SYNCHRONIZED = 1;
export const FREE_RUNNING = 2;
export const DISRUPTED = 3;
/** Nobody's clock is better than that for long; 0 would be a claim that nothing can keep. */
const MIN_DRIFT_PPB = 15_000n;
const PPB = 1_000_000_000n;
const NS_PER_SECOND = 1_000_000_000n;
/** As for NTP servers: a claim that is wider says that something is wrong. */
const MAX_BOUND_NS = 1_500_000_000n;

/** Why a segment is no bound. */
export type SegmentRefusal =
  /** It is not a segment of ClockBound, or has impossible values. */
  | 'malformed'
  /** A layout that is not known here. */
  | 'version'
  /** It has not been written yet, or is being written. */
  | 'not-ready'
  /** The daemon does not know how wrong the clock is. */
  | 'unsynchronized'
  /** The machine was moved or suspended, and the daemon has not caught up. */
  | 'disrupted'
  /** The daemon has not written for too long. */
  | 'expired'
  /** It was written by another clock: before the last start, or in another time namespace. */
  | 'other-clock'
  /** The bound is above 1.5 s. */
  | 'root-distance';

/**
 * True time minus the system clock lies within plus and minus this, ns; or why that is not known.
 */
export function readSegment(bytes: Uint8Array, now: MonotonicNs): bigint | SegmentRefusal {
  const layout = layoutOf(bytes);
  if (typeof layout === 'string') return layout;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const generation = view.getUint16(GENERATION, LITTLE);
  if (generation === 0 || generation % 2 === 1) return 'not-ready';
  const asOf = instantAt(view, layout.asOf);
  const voidAfter = instantAt(view, layout.voidAfter);
  const boundNs = view.getBigInt64(layout.bound, LITTLE);
  const driftPpb = BigInt(view.getUint32(layout.drift, LITTLE));
  const status = view.getInt32(layout.status, LITTLE);
  if (asOf === undefined || voidAfter === undefined || boundNs < 0n) return 'malformed';
  if (status < UNKNOWN || status > DISRUPTED) return 'malformed';
  if (status === UNKNOWN) return 'unsynchronized';
  if (status === DISRUPTED) return 'disrupted';
  if (asOf > now) return 'other-clock';
  if (now > voidAfter) return 'expired';
  const drift = driftPpb > MIN_DRIFT_PPB ? driftPpb : MIN_DRIFT_PPB;
  // Rounded up. `asOf` is a coarse reading: it may be early by a tick, which only adds to the age.
  const grown = boundNs + ((now - asOf) * drift) / PPB + 1n;
  return grown > MAX_BOUND_NS ? 'root-distance' : grown;
}

function layoutOf(bytes: Uint8Array): Layout | SegmentRefusal {
  if (bytes.byteLength < 16) return 'malformed';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!startsAsSegment(bytes)) return 'malformed';
  const two = view.getUint16(VERSION, LITTLE) === 2;
  const three = view.getUint8(VERSION) <= 3 && view.getUint8(VERSION + 1) === 3;
  if (!two && !three) return 'version';
  const layout = two ? VERSION_2 : VERSION_3;
  const size = view.getUint32(SIZE, LITTLE);
  return size >= layout.bytes && bytes.byteLength >= layout.bytes ? layout : 'malformed';
}

/** Whether `bytes` begin as a segment of any version does. */
export function startsAsSegment(bytes: Uint8Array): boolean {
  if (bytes.byteLength < 8) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getUint32(0, LITTLE) === MAGIC_0 && view.getUint32(4, LITTLE) === MAGIC_1;
}

/** A reading of the monotonic clock; `undefined` when its parts are impossible. */
function instantAt(view: DataView, offset: number): bigint | undefined {
  const seconds = view.getBigInt64(offset, LITTLE);
  const ns = view.getBigInt64(offset + 8, LITTLE);
  if (seconds < 0n || seconds > 2n ** 32n || ns < 0n || ns >= NS_PER_SECOND) return undefined;
  return seconds * NS_PER_SECOND + ns;
}

/** What a segment of version 2 says, besides its generation. */
export interface SegmentFields {
  /** Readings of the monotonic clock, ns, from 0. */
  readonly asOf: bigint;
  readonly voidAfter: bigint;
  /** The bound as it was at `asOf`, ns. */
  readonly boundNs: bigint;
  /** What the bound grows by, parts per billion. */
  readonly driftPpb: bigint;
  readonly status: number;
  /** The machine's disruption marker, u64; `undefined` where clients need not compare it. */
  readonly marker: bigint | undefined;
}

/** Bytes of a segment of version 2. */
export const SEGMENT_BYTES: number = VERSION_2.bytes;
/** Where the fields begin. The header is before. */
export const FIELDS_AT: number = VERSION_2.asOf;
/** Where the version is, u16. */
export const VERSION_AT: number = VERSION;
/** Where the byte of the generation is that says whether it is odd, and the other one. */
export const GENERATION_LOW_AT: number = LITTLE ? GENERATION : GENERATION + 1;
export const GENERATION_HIGH_AT: number = LITTLE ? GENERATION + 1 : GENERATION;

/** The fields of a segment of version 2: the bytes from {@link FIELDS_AT} to its end. */
export function segmentFields(fields: SegmentFields): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_BYTES);
  const view = new DataView(bytes.buffer);
  setInstant(view, VERSION_2.asOf, fields.asOf);
  setInstant(view, VERSION_2.voidAfter, fields.voidAfter);
  view.setBigInt64(VERSION_2.bound, fields.boundNs, LITTLE);
  view.setBigUint64(VERSION_2.marker, fields.marker ?? 0n, LITTLE);
  view.setUint32(VERSION_2.drift, Number(fields.driftPpb), LITTLE);
  view.setInt32(VERSION_2.status, fields.status, LITTLE);
  view.setUint8(VERSION_2.support, fields.marker === undefined ? 0 : 1);
  return bytes.subarray(FIELDS_AT);
}

/** A segment of version 2 that no client reads yet: its version and its generation are 0. */
export function blankSegment(): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC_0, LITTLE);
  view.setUint32(4, MAGIC_1, LITTLE);
  view.setUint32(SIZE, SEGMENT_BYTES, LITTLE);
  return bytes;
}

/** The version of a segment, as its two bytes. */
export function versionBytes(): Uint8Array {
  const bytes = new Uint8Array(2);
  new DataView(bytes.buffer).setUint16(0, 2, LITTLE);
  return bytes;
}

/** The generation of a segment that clients may have open; `undefined` for other bytes. */
export function generationOf(bytes: Uint8Array): number | undefined {
  if (layoutOf(bytes) !== VERSION_2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const generation = view.getUint16(GENERATION, LITTLE);
  return generation === 0 ? undefined : generation;
}

function setInstant(view: DataView, offset: number, ns: bigint): void {
  view.setBigInt64(offset, ns / NS_PER_SECOND, LITTLE);
  view.setBigInt64(offset + 8, ns % NS_PER_SECOND, LITTLE);
}
