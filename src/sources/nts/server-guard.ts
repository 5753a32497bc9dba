/**
 * The server's side of NTS protection (RFC 8915 sections 5 and 6), without a socket: it mints
 * cookies, opens requests and seals replies.
 *
 * A cookie holds both keys of a session, sealed under the server's master key:
 *
 *     0 nonce 16 | 16 AES-SIV of both keys, 16 + 64        96 bytes
 *
 * So the server remembers nothing of its clients. A new master key makes all cookies useless, and
 * their owners get NTSN.
 *
 * It answers nobody with more bytes than came: a new cookie is sent only for a field of its length
 * in the request, and NTSN is shorter than any request.
 */
import { HEADER_BYTES, type NtpExtension, parsePacket, referenceIdOf } from '../ntp/packet.ts';
import type { SessionKeys } from './key-exchange.ts';
import {
  type Aead,
  concat,
  encodeField,
  FieldType,
  KEY_BYTES,
  NONCE_BYTES,
  openPacket,
  sealPacket,
} from './protection.ts';
import { MAX_COOKIES } from './records.ts';

/** Turns the plain reply to a request into the one that is sent. */
export type SealReply = (reply: Uint8Array) => Uint8Array;

/** The number of cookies that are remembered to notice one that is sent twice. */
const MAX_REMEMBERED = 65_536;
const MAX_REQUEST_BYTES = 4096;

export class ServerGuard {
  /** Requests with a cookie that had been sent before. A client sends each cookie once. */
  repeatedCookies = 0;
  /** Requests that could not be opened. */
  refused = 0;
  readonly #aead: Aead;
  readonly #random: (length: number) => Uint8Array;
  readonly #seen = new Set<string>();
  #masterKey: Uint8Array;

  /** @param random returns bytes that nobody can predict */
  constructor(aead: Aead, random: (length: number) => Uint8Array) {
    this.#aead = aead;
    this.#random = random;
    this.#masterKey = random(KEY_BYTES);
  }

  /** Makes every cookie so far useless. */
  rotateKeys(): void {
    this.#masterKey = this.#random(KEY_BYTES);
  }

  /** A new cookie for a session with these keys. */
  mint({ toServer, toClient }: SessionKeys): Uint8Array {
    const nonce = this.#random(NONCE_BYTES);
    const keys = concat(toServer, toClient);
    return concat(nonce, this.#aead.seal(this.#masterKey, [nonce], keys));
  }

  /** How to seal the reply to `request`; `undefined` when it has no NTS fields, so no answer. */
  open(request: Uint8Array): SealReply | undefined {
    if (request.length > MAX_REQUEST_BYTES) return undefined;
    const packet = parsePacket(request);
    if (typeof packet === 'string') return undefined;
    const at = packet.extensions.findIndex(({ type }) => type === FieldType.authenticator);
    const authenticator = packet.extensions[at];
    const fields = packet.extensions.slice(0, Math.max(at, 0));
    const uniqueId = fields.find(({ type }) => type === FieldType.uniqueId);
    const cookie = fields.find(({ type }) => type === FieldType.cookie);
    if (uniqueId === undefined || cookie === undefined || authenticator === undefined) {
      return undefined;
    }
    const returned = encodeField(FieldType.uniqueId, uniqueId.body);
    const keys = this.#keysIn(cookie.body);
    if (
      keys === undefined ||
      openPacket(this.#aead, keys.toServer, request, authenticator) === undefined
    ) {
      this.refused++;
      return (reply) => concat(nakFrom(reply), returned);
    }
    this.#remember(cookie.body);
    const asking = fields.filter((field) => asksForCookie(field, cookie));
    const wanted = Math.min(asking.length, MAX_COOKIES);
    return (reply) => {
      const cookies = Array.from({ length: wanted }, () =>
        encodeField(FieldType.cookie, this.mint(keys)),
      );
      const nonce = this.#random(NONCE_BYTES);
      const packet = concat(reply, returned);
      return sealPacket(this.#aead, keys.toClient, packet, nonce, concat(...cookies));
    };
  }

  #keysIn(cookie: Uint8Array): SessionKeys | undefined {
    const nonce = cookie.subarray(0, NONCE_BYTES);
    const keys = this.#aead.open(this.#masterKey, [nonce], cookie.subarray(NONCE_BYTES));
    if (keys?.length !== 2 * KEY_BYTES) return undefined;
    return { toServer: keys.subarray(0, KEY_BYTES), toClient: keys.subarray(KEY_BYTES) };
  }

  #remember(cookie: Uint8Array): void {
    const nonce = cookie.subarray(0, NONCE_BYTES).join();
    if (this.#seen.has(nonce)) this.repeatedCookies++;
    if (this.#seen.size >= MAX_REMEMBERED) this.#seen.clear();
    this.#seen.add(nonce);
  }
}

/** The cookie itself is replaced by a new one, and so is each placeholder of its length. */
function asksForCookie({ type, body }: NtpExtension, cookie: NtpExtension): boolean {
  const counts = type === FieldType.cookie || type === FieldType.placeholder;
  return counts && body.length >= cookie.body.length;
}

/** The header of a NAK: a kiss-o'-death with the code NTSN, and the stamps of `reply`. */
function nakFrom(reply: Uint8Array): Uint8Array {
  const header = reply.slice(0, HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint8(0, view.getUint8(0) | 0xc0);
  view.setUint8(1, 0);
  view.setUint32(12, referenceIdOf('NTSN'));
  return header;
}
