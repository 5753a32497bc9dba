/**
 * The records of an NTS key exchange (RFC 8915 section 4), without a socket.
 *
 * Each side sends one message, a list of records that ends with End of Message:
 *
 *     0 critical:1 type:15 | 2 length of the body | 4 body      all big endian
 *
 * The client offers NTPv4 and one AEAD, number 15 (AES-SIV-CMAC-256, which every server must have).
 * The server answers with its choice and with cookies. The keys are not in the message: both sides
 * export them from the TLS session.
 *
 * Decoding is total and judges the whole message: any bytes yield either what was agreed, or the
 * one word that says by which rule they are refused. It is stricter than the RFC in three places,
 * so that a hostile server cannot make the client do or keep more than a known amount:
 * - A message is at most {@link MAX_MESSAGE_BYTES}, a record at most {@link MAX_RECORD_BYTES}.
 * - More than {@link MAX_COOKIES} cookies are refused. A server should send eight, says the RFC.
 * - A warning is refused like an error, because the RFC defines no warning that may be ignored.
 */

/** AEAD_AES_SIV_CMAC_256 in the registry of RFC 5116. */
export const AES_SIV_CMAC_256 = 15;
/** The longest key exchange message that is read. */
export const MAX_MESSAGE_BYTES = 16_384;
/** The longest body of a record: a cookie or a server's name. */
const MAX_RECORD_BYTES = 256;
/** The number of cookies that a client keeps and that a server sends. */
export const MAX_COOKIES = 8;

const CRITICAL = 0x8000;
const NTPV4 = 0;

export const RecordType = {
  end: 0,
  nextProtocol: 1,
  error: 2,
  warning: 3,
  aead: 4,
  cookie: 5,
  server: 6,
  port: 7,
} as const;

/** A record as it is on the wire. */
export interface KeRecord {
  readonly type: number;
  /** A receiver that does not know the type must refuse the message. */
  readonly critical: boolean;
  readonly body: Uint8Array;
}

/** What a server agreed to. */
export interface Agreement {
  /** 1 to 8 cookies. Copies: they do not keep the message. */
  readonly cookies: readonly Uint8Array[];
  /** The NTP server to ask, a name or an address; `undefined`: the one of the key exchange. */
  readonly server: string | undefined;
  /** The UDP port to ask. */
  readonly port: number;
}

/** Why a key exchange message is refused. */
export type MessageFault =
  /** It is longer than 16 KiB. */
  | 'message-length'
  /** A record is longer than 256 bytes. */
  | 'record-length'
  /** The same choice is made twice. */
  | 'record-repeated'
  /** A record that must be understood is not known. */
  | 'record-critical'
  /** The server reports an error, or a warning. */
  | 'server-error'
  /** The server does not agree to NTPv4. */
  | 'next-protocol'
  /** The server chose no AEAD, or another than the one offered. */
  | 'aead'
  /** There is no cookie. */
  | 'no-cookie'
  /** There are more than eight cookies. */
  | 'too-many-cookies'
  /** A cookie is empty, or its length is not a multiple of 4. */
  | 'cookie-length'
  /** The NTP server's name is not a name or an address, or its port is not a port. */
  | 'server-address';

/** The client's message: NTPv4, AEAD 15, end. */
export function encodeRequest(): Uint8Array {
  return encodeRecords([
    { type: RecordType.nextProtocol, critical: true, body: uint16(NTPV4) },
    { type: RecordType.aead, critical: true, body: uint16(AES_SIV_CMAC_256) },
    { type: RecordType.end, critical: true, body: new Uint8Array(0) },
  ]);
}

/** The server's message: NTPv4, AEAD 15, the UDP port to ask, cookies, end. */
export function encodeResponse(port: number, cookies: readonly Uint8Array[]): Uint8Array {
  return encodeRecords([
    { type: RecordType.nextProtocol, critical: true, body: uint16(NTPV4) },
    { type: RecordType.aead, critical: true, body: uint16(AES_SIV_CMAC_256) },
    { type: RecordType.port, critical: true, body: uint16(port) },
    ...cookies.map((body) => ({ type: RecordType.cookie, critical: false, body })),
    { type: RecordType.end, critical: true, body: new Uint8Array(0) },
  ]);
}

/** The bytes of `records`. */
export function encodeRecords(records: readonly KeRecord[]): Uint8Array {
  const bytes = new Uint8Array(records.reduce((sum, { body }) => sum + 4 + body.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { type, critical, body } of records) {
    view.setUint16(at, critical ? type | CRITICAL : type);
    view.setUint16(at + 2, body.length);
    bytes.set(body, at + 4);
    at += 4 + body.length;
  }
  return bytes;
}

/** A 16-bit number as the body of a record. */
export function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 255);
}

/**
 * Collects the bytes of one message as they come, in pieces of any size. Its work is proportional
 * to the bytes, however small the pieces are.
 */
export class RecordReader {
  readonly #bytes = new Uint8Array(MAX_MESSAGE_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #records: KeRecord[] = [];
  /** The number of bytes that came, and of those that are in `#records`. */
  #length = 0;
  #read = 0;

  /** The records up to and including End of Message; `undefined` while more bytes must come. */
  push(piece: Uint8Array): readonly KeRecord[] | MessageFault | undefined {
    if (piece.length > MAX_MESSAGE_BYTES - this.#length) return 'message-length';
    this.#bytes.set(piece, this.#length);
    this.#length += piece.length;
    while (this.#read + 4 <= this.#length) {
      const head = this.#view.getUint16(this.#read);
      const start = this.#read + 4;
      const end = start + this.#view.getUint16(this.#read + 2);
      if (end - start > MAX_RECORD_BYTES) return 'record-length';
      if (end > this.#length) return undefined;
      this.#read = end;
      const type = head & ~CRITICAL;
      const body = this.#bytes.subarray(start, end);
      this.#records.push({ type, critical: (head & CRITICAL) !== 0, body });
      if (type === RecordType.end) return this.#records;
    }
    return undefined;
  }
}

/**
 * What the server's `records` agree to, or the rule by which they are refused. Without a Port
 * record the port is 123, whatever the port of the key exchange (RFC 8915 section 4.1.8).
 */
export function judgeResponse(records: readonly KeRecord[]): Agreement | MessageFault {
  let nextProtocol: number | undefined;
  let aead: number | undefined;
  let server: string | undefined;
  let port: number | undefined;
  const cookies: Uint8Array[] = [];
  for (const { type, critical, body } of records) {
    switch (type) {
      case RecordType.end:
        break;
      case RecordType.error:
      case RecordType.warning:
        return 'server-error';
      case RecordType.nextProtocol:
        if (nextProtocol !== undefined) return 'record-repeated';
        if (!critical || body.length !== 2) return 'next-protocol';
        nextProtocol = numberIn(body);
        break;
      case RecordType.aead:
        if (aead !== undefined) return 'record-repeated';
        if (body.length !== 2) return 'aead';
        aead = numberIn(body);
        break;
      case RecordType.cookie:
        if (body.length === 0 || body.length % 4 !== 0) return 'cookie-length';
        if (cookies.length === MAX_COOKIES) return 'too-many-cookies';
        cookies.push(body.slice());
        break;
      case RecordType.server:
        if (server !== undefined) return 'record-repeated';
        server = hostIn(body);
        if (server === undefined) return 'server-address';
        break;
      case RecordType.port:
        if (port !== undefined) return 'record-repeated';
        if (body.length !== 2 || numberIn(body) === 0) return 'server-address';
        port = numberIn(body);
        break;
      default:
        if (critical) return 'record-critical';
    }
  }
  if (nextProtocol !== NTPV4) return 'next-protocol';
  if (aead !== AES_SIV_CMAC_256) return 'aead';
  if (cookies.length === 0) return 'no-cookie';
  return { cookies, server, port: port ?? 123 };
}

/** Whether the client's `records` ask for what our server has. */
export function acceptsRequest(records: readonly KeRecord[]): boolean {
  const offers = (type: number, wanted: number): boolean =>
    records.some(({ type: each, body }) => each === type && listIn(body).includes(wanted));
  const unknown = records.some(({ type, critical }) => critical && type > RecordType.port);
  return (
    !unknown && offers(RecordType.nextProtocol, NTPV4) && offers(RecordType.aead, AES_SIV_CMAC_256)
  );
}

function numberIn(body: Uint8Array): number {
  return (body[0]! << 8) | body[1]!;
}

function listIn(body: Uint8Array): number[] {
  const numbers: number[] = [];
  for (let i = 0; i + 1 < body.length; i += 2) numbers.push((body[i]! << 8) | body[i + 1]!);
  return numbers;
}

/** A name or an address: the letters that either may have, so nothing can be misread. */
function hostIn(body: Uint8Array): string | undefined {
  const text = String.fromCharCode(...body);
  return /^[\w.:-]{1,253}$/.test(text) ? text : undefined;
}
