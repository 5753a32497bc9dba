/**
 * The NTP packet (RFC 5905 section 7.3): a 48-byte big-endian header, then extension fields (RFC
 * 7822) and a message authentication code, both optional.
 *
 *     0 leap:2 version:3 mode:3 | 1 stratum | 2 poll, signed | 3 precision, signed
 *     4 root delay 16.16        | 8 root dispersion 16.16    | 12 reference id
 *     16 reference  24 origin  32 receive  40 transmit: timestamps, 32.32
 *
 * Decoding is total: any bytes yield either a packet, or the reason why they are not one. No field
 * is ever out of its range. Decoding judges nothing: `exchange.ts` decides what a client may
 * believe.
 *
 * {@link parsePacket}, for use inside the library, returns the reason: under a flood most datagrams
 * are not packets, and throwing costs more than all the rest (docs/internals/performance.md).
 * {@link decodePacket} throws it.
 *
 * What follows the header is told apart by its length alone, as in RFC 7822 section 3: 4 (a
 * crypto-NAK), 20 or 24 bytes are a code; 28 or more begin with an extension field. Fields and code
 * are returned but not verified, because no key is known here. Before version 4 there were no
 * extension fields, so all of the rest is the code.
 */
import { ArgumentTypeError, EpsilonClockError } from '../../time/errors.ts';
import { withJson } from '../../time/json.ts';

/** The leap indicator. 0: none; 1: insert; 2: delete; 3: the server's clock is not synchronised. */
export type LeapIndicator = 0 | 1 | 2 | 3;

/**
 * The fixed header. Timestamps and short formats are raw, as on the wire (`timestamp.ts` converts
 * them).
 */
export interface NtpHeader {
  /** 0 none, 1 insert, 2 delete, 3 unsynchronised. */
  readonly leap: LeapIndicator;
  /** The protocol version, 0 to 7; 3 and 4 are in use. */
  readonly version: number;
  /** The mode, 0 to 7; 3 is client, 4 is server. */
  readonly mode: number;
  /** The stratum, 0 to 255; 0 is a kiss-o'-death, 1 a reference clock, 16 not synchronised. */
  readonly stratum: number;
  /** The poll interval, signed log2 seconds. */
  readonly poll: number;
  /** The precision of the server's clock, signed log2 seconds. */
  readonly precision: number;
  /** The root delay, 16.16 seconds as an unsigned 32-bit integer. */
  readonly rootDelay: number;
  /** The root dispersion, 16.16 seconds as an unsigned 32-bit integer. */
  readonly rootDispersion: number;
  /** The reference id, unsigned 32-bit: an address, a hash of one, or four ASCII letters. */
  readonly referenceId: number;
  /**
   * When the server's clock was last set; 32.32 seconds as an unsigned 64-bit integer, 0 when
   * unknown.
   */
  readonly referenceTime: bigint;
  /** The transmit time of the request that this answers; format as `referenceTime`. */
  readonly originTime: bigint;
  /** When the server received the request; format as `referenceTime`. */
  readonly receiveTime: bigint;
  /** When this packet was sent; format as `referenceTime`. */
  readonly transmitTime: bigint;
}

/** An extension field: its type, and the bytes after its 4-byte head, padding included. */
export interface NtpExtension {
  /** The field type (RFC 7822). */
  readonly type: number;
  /** The field without its header. */
  readonly body: Uint8Array;
}

/** A decoded packet: the header, and what follows it. */
export interface NtpPacket extends NtpHeader {
  /** Views of the decoded bytes, not copies. */
  readonly extensions: readonly NtpExtension[];
  /** Key id and digest, unverified; a view. `undefined` when the packet has no code. */
  readonly mac: Uint8Array | undefined;
}

/** Why bytes are not an NTP packet. */
export type NtpPacketReason =
  /** Shorter than the header. */
  | 'short'
  /** An extension field shorter than 16 bytes, not a multiple of 4, or longer than the packet. */
  | 'extension-length'
  /** Bytes at the end that are neither an extension field nor an authentication code. */
  | 'trailing-bytes';

/** Bytes are not an NTP packet (`ERR_NTP_PACKET`). */
export class NtpPacketError extends EpsilonClockError {
  readonly code = 'ERR_NTP_PACKET' as const;
  /** Why the bytes are not a packet. */
  readonly reason: NtpPacketReason;
  /** The number of bytes that came. */
  readonly length: number;

  constructor(reason: NtpPacketReason, length: number) {
    super(`not an NTP packet: ${reason} (${length} bytes)`);
    this.name = 'NtpPacketError';
    this.reason = reason;
    this.length = length;
  }
}

export const HEADER_BYTES = 48;
/** RFC 7822: a field is at least 16 bytes; the last one is at least 28 when no code follows it. */
const MIN_EXTENSION_BYTES = 16;
const MIN_LAST_EXTENSION_BYTES = 28;
/** 4: crypto-NAK. 20: key id and MD5, or a truncated digest. 24: key id and SHA-1. */
const MAC_BYTES: readonly number[] = [4, 20, 24];
/** Key id and SHA-512, which version 3 servers send whole. */
const MAX_V3_MAC_BYTES = 68;

type Trailer = Pick<NtpPacket, 'extensions' | 'mac'>;
const NO_TRAILER: Trailer = { extensions: Object.freeze([]), mac: undefined };

/**
 * The packet in `bytes`. The caller keeps `bytes`: extensions and code are views of them.
 *
 * @throws NtpPacketError (`ERR_NTP_PACKET`, `reason` says why) when `bytes` are not an NTP packet
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `bytes` is not a Uint8Array
 * @example decodePacket(new Uint8Array(48).fill(36, 0, 1)).version // 4
 */
export function decodePacket(bytes: Uint8Array): NtpPacket {
  if (!(bytes instanceof Uint8Array)) throw new ArgumentTypeError('bytes', 'a Uint8Array', bytes);
  const packet = parsePacket(bytes);
  if (typeof packet === 'string') throw new NtpPacketError(packet, bytes.byteLength);
  return withJson(packet);
}

/** As {@link decodePacket}, but returns the reason instead of throwing an error. */
export function parsePacket(bytes: Uint8Array): NtpPacket | NtpPacketReason {
  if (bytes.byteLength < HEADER_BYTES) return 'short';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = view.getUint8(0);
  const version = (first >> 3) & 7;
  const trailer =
    bytes.byteLength === HEADER_BYTES ? NO_TRAILER : parseTrailer(bytes, view, version);
  if (typeof trailer === 'string') return trailer;
  return {
    leap: (first >> 6) as LeapIndicator,
    version,
    mode: first & 7,
    stratum: view.getUint8(1),
    poll: view.getInt8(2),
    precision: view.getInt8(3),
    rootDelay: view.getUint32(4),
    rootDispersion: view.getUint32(8),
    referenceId: view.getUint32(12),
    referenceTime: view.getBigUint64(16),
    originTime: view.getBigUint64(24),
    receiveTime: view.getBigUint64(32),
    transmitTime: view.getBigUint64(40),
    extensions: trailer.extensions,
    mac: trailer.mac,
  };
}

function parseTrailer(
  bytes: Uint8Array,
  view: DataView,
  version: number,
): Trailer | NtpPacketReason {
  const extensions: NtpExtension[] = [];
  const end = bytes.byteLength;
  let at = HEADER_BYTES;
  // Each turn consumes at least 16 bytes, so even a datagram of 65,507 bytes ends after 4,092
  // turns.
  while (version >= 4 && end - at >= MIN_LAST_EXTENSION_BYTES) {
    const length = view.getUint16(at + 2);
    if (length < MIN_EXTENSION_BYTES || length % 4 !== 0 || length > end - at) {
      return 'extension-length';
    }
    extensions.push({ type: view.getUint16(at), body: bytes.subarray(at + 4, at + length) });
    at += length;
  }
  const rest = end - at;
  if (rest === 0) return { extensions, mac: undefined };
  const isMac =
    version >= 4 ? MAC_BYTES.includes(rest) : rest % 4 === 0 && rest <= MAX_V3_MAC_BYTES;
  if (!isMac) return 'trailing-bytes';
  return { extensions, mac: bytes.subarray(at, end) };
}

/** The 48 bytes of `header`. Each field must be in the range its type states. */
export function encodePacket(header: NtpHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, (header.leap << 6) | (header.version << 3) | header.mode);
  view.setUint8(1, header.stratum);
  view.setInt8(2, header.poll);
  view.setInt8(3, header.precision);
  view.setUint32(4, header.rootDelay);
  view.setUint32(8, header.rootDispersion);
  view.setUint32(12, header.referenceId);
  view.setBigUint64(16, header.referenceTime);
  view.setBigUint64(24, header.originTime);
  view.setBigUint64(32, header.receiveTime);
  view.setBigUint64(40, header.transmitTime);
  return bytes;
}

/** Four ASCII letters as a reference id or kiss code: `referenceIdOf('RATE')`. */
export function referenceIdOf(letters: string): number {
  let id = 0;
  for (let i = 0; i < 4; i++) id = (id << 8) | (letters.charCodeAt(i) & 0x7f || 0);
  return id >>> 0;
}
