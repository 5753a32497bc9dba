/**
 * NTS protection of NTP packets (RFC 8915 section 5), without a socket: extension fields, and what
 * authenticates them.
 *
 *     header 48 | Unique Identifier | Cookie | Placeholders | Authenticator    a request
 *     header 48 | Unique Identifier | Authenticator (cookies, encrypted)       a reply
 *
 *     0 type | 2 length, with these 4 bytes, a multiple of 4 | 4 body          a field
 *     0 length of the nonce | 2 length of the ciphertext | 4 nonce | ciphertext
 *                                                              the body of the Authenticator
 *
 * The AEAD is AES-SIV-CMAC-256 (RFC 5297): the associated data is everything before the
 * Authenticator, and the nonce is a second piece of associated data.
 *
 * **What a client accepts.** A reply that returns the 32 random bytes of the request and opens
 * under the key from server to client. Everything else is *ignored*, so the exchange goes on: who
 * is on the path can add datagrams but cannot end an exchange with one. What follows the
 * Authenticator is not authenticated and is not read.
 *
 * NTSN, the answer of a server that cannot open the cookie, can be authenticated by nobody. It is
 * ignored like a forgery, under a reason of its own: `nts-transport.ts` decides what follows from
 * it.
 */
import { HEADER_BYTES, type NtpExtension, parsePacket, referenceIdOf } from '../ntp/packet.ts';

/** Seals and opens with a 32-byte key. */
export interface Aead {
  seal(key: Uint8Array, associated: readonly Uint8Array[], plaintext: Uint8Array): Uint8Array;
  /** The plaintext; `undefined` when anything was changed. */
  open(
    key: Uint8Array,
    associated: readonly Uint8Array[],
    ciphertext: Uint8Array,
  ): Uint8Array | undefined;
}

/** Why a datagram is not an authenticated reply to our request. The exchange goes on. */
export type ReplyFault =
  /** It is longer than any reply to a client. */
  | 'reply-length'
  /** It is not an NTP packet. */
  | 'malformed'
  /** It is not a server's reply. */
  | 'mode'
  /** It does not return the unique identifier of our request. */
  | 'unique-id'
  /** It says that the server could not open our request. That cannot be authenticated. */
  | 'nts-nak'
  /** It has no Authenticator. */
  | 'unauthenticated'
  /** Its Authenticator does not open: something was changed, or the keys are others. */
  | 'authenticator'
  /** It brings a cookie that is not encrypted, which an observer could link to our next request. */
  | 'cookie-in-clear';

/** An authenticated reply. */
export interface OpenedReply {
  /** The header, a view. */
  readonly header: Uint8Array;
  /** New cookies. Copies. */
  readonly cookies: readonly Uint8Array[];
}

export const FieldType = {
  uniqueId: 0x0104,
  cookie: 0x0204,
  placeholder: 0x0304,
  authenticator: 0x0404,
} as const;

export const UNIQUE_ID_BYTES = 32;
export const NONCE_BYTES = 16;
export const KEY_BYTES = 32;
/** The synthetic initialisation vector, with which each ciphertext begins. */
const TAG_BYTES = 16;
/** Eight cookies of 256 bytes and all that is around them fit. It bounds the work per datagram. */
const MAX_REPLY_BYTES = 4096;
/** The longest cookie that is kept. */
const MAX_COOKIE_BYTES = 256;
const NTSN = referenceIdOf('NTSN');
const NOTHING_TO_ENCRYPT = new Uint8Array(0);

/**
 * AES-SIV-CMAC-256. The library that computes it is loaded by the first call, so a program that
 * does not use NTS does not load it.
 */
export async function loadAead(): Promise<Aead> {
  const { aessiv } = await import('@noble/ciphers/aes.js');
  const aead: Aead = {
    seal: (key, associated, plaintext) => aessiv(key, ...associated).encrypt(plaintext),
    open: (key, associated, ciphertext) => {
      try {
        return aessiv(key, ...associated).decrypt(ciphertext);
      } catch {
        return undefined;
      }
    },
  };
  // The first use takes milliseconds, in which the stamps of other sources would be late.
  const zeros = new Uint8Array(KEY_BYTES);
  aead.open(zeros, [zeros], aead.seal(zeros, [zeros], zeros));
  return aead;
}

/** An extension field. A body whose length is not a multiple of 4 is padded with zeros. */
export function encodeField(type: number, body: Uint8Array): Uint8Array {
  const field = new Uint8Array(4 + padded(body.length));
  const view = new DataView(field.buffer);
  view.setUint16(0, type);
  view.setUint16(2, field.length);
  field.set(body, 4);
  return field;
}

/** The fields in `bytes` as far as they are well formed. Bodies are views. */
export function decodeFields(bytes: Uint8Array): NtpExtension[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: NtpExtension[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = view.getUint16(at + 2);
    if (length < 4 || length % 4 !== 0 || length > bytes.length - at) break;
    fields.push({ type: view.getUint16(at), body: bytes.subarray(at + 4, at + length) });
    at += length;
  }
  return fields;
}

/** `parts` one after another. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** `packet` with an Authenticator at its end, which protects all of it and encrypts `plaintext`. */
export function sealPacket(
  aead: Aead,
  key: Uint8Array,
  packet: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array = NOTHING_TO_ENCRYPT,
): Uint8Array {
  const ciphertext = aead.seal(key, [packet, nonce], plaintext);
  const lengths = new Uint8Array(4);
  const view = new DataView(lengths.buffer);
  view.setUint16(0, nonce.length);
  view.setUint16(2, ciphertext.length);
  const noncePadding = new Uint8Array(padded(nonce.length) - nonce.length);
  const body = concat(lengths, nonce, noncePadding, ciphertext);
  return concat(packet, encodeField(FieldType.authenticator, body));
}

/**
 * Opens the Authenticator `fields[at]` of `packet`. Returns the plaintext; `undefined` when it is
 * malformed or does not authenticate what is before it.
 */
export function openPacket(
  aead: Aead,
  key: Uint8Array,
  packet: Uint8Array,
  { body }: NtpExtension,
): Uint8Array | undefined {
  if (body.length < 4) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const [nonceLength, ciphertextLength] = [view.getUint16(0), view.getUint16(2)];
  const ciphertextAt = 4 + padded(nonceLength);
  if (nonceLength === 0 || ciphertextLength < TAG_BYTES) return undefined;
  if (ciphertextAt + padded(ciphertextLength) > body.length) return undefined;
  const nonce = body.subarray(4, 4 + nonceLength);
  const ciphertext = body.subarray(ciphertextAt, ciphertextAt + ciphertextLength);
  // Padding is not authenticated, so it must be what the sender must have sent.
  const padding = [
    body.subarray(4 + nonceLength, ciphertextAt),
    body.subarray(ciphertextAt + ciphertextLength),
  ];
  if (padding.some((bytes) => bytes.some((byte) => byte !== 0))) return undefined;
  const associated = packet.subarray(0, body.byteOffset - 4 - packet.byteOffset);
  return aead.open(key, [associated, nonce], ciphertext);
}

/** A request: `header`, sealed with `key` under `cookie`, asking for further cookies. */
export function sealRequest(
  aead: Aead,
  request: {
    readonly header: Uint8Array;
    readonly uniqueId: Uint8Array;
    readonly cookie: Uint8Array;
    readonly placeholders: number;
    readonly key: Uint8Array;
    readonly nonce: Uint8Array;
  },
): Uint8Array {
  const { header, uniqueId, cookie, placeholders, key, nonce } = request;
  const placeholder = encodeField(FieldType.placeholder, new Uint8Array(cookie.length));
  const packet = concat(
    header,
    encodeField(FieldType.uniqueId, uniqueId),
    encodeField(FieldType.cookie, cookie),
    ...Array.from({ length: placeholders }, () => placeholder),
  );
  return sealPacket(aead, key, packet, nonce);
}

/**
 * What `datagram` is for the request with this `uniqueId`. Never throws, whatever the bytes, and
 * does no cryptography for who has not seen the request.
 */
export function openReply(
  aead: Aead,
  datagram: Uint8Array,
  { uniqueId, key }: { readonly uniqueId: Uint8Array; readonly key: Uint8Array },
): OpenedReply | ReplyFault {
  if (datagram.length > MAX_REPLY_BYTES) return 'reply-length';
  const packet = parsePacket(datagram);
  if (typeof packet === 'string') return 'malformed';
  if (packet.mode !== 4) return 'mode';
  const { extensions } = packet;
  const returned = extensions.find(({ type }) => type === FieldType.uniqueId);
  if (returned === undefined || !equal(returned.body, uniqueId)) return 'unique-id';
  const at = extensions.findIndex(({ type }) => type === FieldType.authenticator);
  const authenticator = extensions[at];
  if (authenticator === undefined) {
    const isNak = packet.stratum === 0 && packet.referenceId === NTSN;
    return isNak ? 'nts-nak' : 'unauthenticated';
  }
  if (extensions.indexOf(returned) > at) return 'unique-id';
  const plaintext = openPacket(aead, key, datagram, authenticator);
  if (plaintext === undefined) return 'authenticator';
  if (extensions.slice(0, at).some(({ type }) => type === FieldType.cookie)) {
    return 'cookie-in-clear';
  }
  const cookies = decodeFields(plaintext)
    .filter(({ type, body }) => type === FieldType.cookie && isCookie(body))
    .map(({ body }) => body.slice());
  return { header: datagram.subarray(0, HEADER_BYTES), cookies };
}

function isCookie({ length }: Uint8Array): boolean {
  return length > 0 && length <= MAX_COOKIE_BYTES;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
