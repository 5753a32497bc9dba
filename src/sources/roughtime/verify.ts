/**
 * What a Roughtime server signed, and whether it did (RFC 10049 section 5.4): requests are made and
 * replies are verified here. Nothing here reads a clock or opens a socket.
 *
 * A server signs many requests at once. The requests are the leaves of a Merkle tree, and the
 * signature covers its root. A reply proves by its PATH that our request is one of the leaves. So
 * the chain of trust is: long-term key (known to us) -> CERT, which delegates to a short-lived key
 * -> SREP, which has the time and the root -> our request, which has our nonce.
 *
 * A reply is a miss unless all of it is right. Servers send bad replies on purpose now and then
 * ("grease"), so a bad reply says nothing about the server.
 */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import {
  encodeMessage,
  encodePacket,
  encodeU32,
  type Message,
  parseMessage,
  parsePacket,
  Tag,
  u32,
  u64,
} from './message.ts';

/** The versions that we speak, in ascending order: RFC 10049, and its drafts 12 to 19. */
export const VERSIONS: readonly number[] = [1, 0x8000000c];
/** The size of a request's message. A server does not answer less, so it cannot amplify. */
export const REQUEST_BYTES = 1024;
export const HASH_BYTES = 32;
export const NONCE_BYTES = 32;
export const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** The longest Merkle path: a tree of 2^32 requests. */
const MAX_PATH_HASHES = 32;
const REQUEST_TYPE = 0;
const REPLY_TYPE = 1;
/** Seconds beyond which Unix ns leave int64. */
const MAX_SECONDS = (2n ** 63n - 1n) / 1_000_000_000n;

export const DELEGATION_CONTEXT: Uint8Array = Buffer.from('RoughTime v1 delegation signature\0');
export const RESPONSE_CONTEXT: Uint8Array = Buffer.from('RoughTime v1 response signature\0');
/** The encoding of an Ed25519 public key (RFC 8410) is this and its 32 bytes. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** The time that a server signed: true time was within `radiusS` of `midpointS`. */
export interface SignedTime {
  /** Unix seconds. */
  readonly midpointS: bigint;
  readonly radiusS: bigint;
}

/** The rule that a reply breaks. */
export type ReplyFault =
  | 'too-long'
  | 'malformed'
  | 'wrong-type'
  | 'wrong-version'
  | 'wrong-nonce'
  | 'wrong-path'
  | 'wrong-certificate'
  | 'wrong-signature'
  | 'wrong-dates'
  | 'impossible';

/** SHA-512, cut to 32 bytes. */
export function hash(...parts: readonly Uint8Array[]): Uint8Array {
  const sha = createHash('sha512');
  for (const part of parts) sha.update(part);
  return sha.digest().subarray(0, HASH_BYTES);
}

/** An Ed25519 key from its 32 bytes. */
export function publicKeyOf(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' });
}

/** The leaf of a request. */
export const leafOf = (request: Uint8Array): Uint8Array => hash(Uint8Array.of(0), request);
/** The parent of two nodes. */
export const nodeOf = (left: Uint8Array, right: Uint8Array): Uint8Array =>
  hash(Uint8Array.of(1), left, right);
/** SRV: which long-term key the client expects, for hosts that serve several. */
export const serverIdOf = (key: Uint8Array): Uint8Array => hash(Uint8Array.of(0xff), key);

/** The request with this nonce for the server with this long-term key. */
export function encodeRequest(nonce: Uint8Array, key: Uint8Array): Uint8Array {
  const fields = (padding: number): (readonly [number, Uint8Array])[] => [
    [Tag.VER, encodeU32(...VERSIONS)],
    [Tag.SRV, serverIdOf(key)],
    [Tag.NONC, nonce],
    [Tag.TYPE, encodeU32(REQUEST_TYPE)],
    [Tag.ZZZZ, new Uint8Array(padding)],
  ];
  const bare = encodeMessage(fields(0)).length;
  return encodePacket(encodeMessage(fields(REQUEST_BYTES - bare)));
}

/**
 * What the server signed in `reply` to `request`, or the first rule that the reply breaks.
 *
 * @param key the server's long-term key
 */
export function verifyReply(
  reply: Uint8Array,
  request: Uint8Array,
  key: KeyObject,
): SignedTime | ReplyFault {
  if (reply.length > request.length) return 'too-long';
  const message = parsePacket(reply);
  const nonce = parsePacket(request)?.get(Tag.NONC);
  const type = fixed(message, Tag.TYPE, 4);
  const signature = fixed(message, Tag.SIG, SIGNATURE_BYTES);
  const path = message?.get(Tag.PATH);
  const index = fixed(message, Tag.INDX, 4);
  const signedBytes = message?.get(Tag.SREP);
  const signed = signedBytes && parseMessage(signedBytes);
  const certificate = nested(message, Tag.CERT);
  const delegationBytes = certificate?.get(Tag.DELE);
  if (!type || !signature || !path || !index || !signed || !delegationBytes) return 'malformed';
  if (u32(type, 0) !== REPLY_TYPE) return 'wrong-type';
  const echoed = fixed(message, Tag.NONC, NONCE_BYTES);
  if (!echoed || !nonce || !equal(echoed, nonce)) return 'wrong-nonce';

  const version = fixed(signed, Tag.VER, 4);
  const radius = fixed(signed, Tag.RADI, 4);
  const midpoint = fixed(signed, Tag.MIDP, 8);
  const root = fixed(signed, Tag.ROOT, HASH_BYTES);
  if (!version || !radius || !midpoint || !root) return 'malformed';
  if (!VERSIONS.includes(u32(version, 0))) return 'wrong-version';
  if (!provesLeaf(leafOf(request), path, u32(index, 0), root)) return 'wrong-path';

  const delegation = parseMessage(delegationBytes);
  const delegated = fixed(delegation, Tag.PUBK, KEY_BYTES);
  const first = fixed(delegation, Tag.MINT, 8);
  const last = fixed(delegation, Tag.MAXT, 8);
  const delegationSignature = fixed(certificate, Tag.SIG, SIGNATURE_BYTES);
  if (!delegated || !first || !last || !delegationSignature) return 'malformed';
  if (!isSigned(DELEGATION_CONTEXT, delegationBytes, delegationSignature, key)) {
    return 'wrong-certificate';
  }
  if (!isSigned(RESPONSE_CONTEXT, signedBytes, signature, publicKeyOf(delegated))) {
    return 'wrong-signature';
  }
  const midpointS = u64(midpoint, 0);
  const radiusS = BigInt(u32(radius, 0));
  if (midpointS < u64(first, 0) || midpointS > u64(last, 0)) return 'wrong-dates';
  // A server whose time is exact to less than a second does not exist in this protocol.
  if (radiusS < 1n || midpointS + radiusS > MAX_SECONDS) return 'impossible';
  return { midpointS, radiusS };
}

/** Whether `path` leads from the leaf with this index to `root`. */
function provesLeaf(leaf: Uint8Array, path: Uint8Array, index: number, root: Uint8Array): boolean {
  const hashes = path.length / HASH_BYTES;
  if (!Number.isInteger(hashes) || hashes > MAX_PATH_HASHES) return false;
  let node = leaf;
  // Bits of the index beyond the path would let one reply be read as several.
  let rest = index;
  for (let i = 0; i < hashes; i++) {
    const other = path.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);
    node = rest % 2 === 0 ? nodeOf(node, other) : nodeOf(other, node);
    rest = Math.floor(rest / 2);
  }
  return rest === 0 && equal(node, root);
}

function isSigned(
  context: Uint8Array,
  bytes: Uint8Array,
  signature: Uint8Array,
  key: KeyObject,
): boolean {
  try {
    return verify(null, Buffer.concat([context, bytes]), key, signature);
  } catch {
    return false; // a key that is not a point of the curve
  }
}

/** The value of `tag`, if it is there and has exactly this many bytes. */
function fixed(message: Message | undefined, tag: number, bytes: number): Uint8Array | undefined {
  const value = message?.get(tag);
  return value?.length === bytes ? value : undefined;
}

/** The message that is the value of `tag`. */
function nested(message: Message | undefined, tag: number): Message | undefined {
  const value = message?.get(tag);
  return value && parseMessage(value);
}

/** Not in constant time, because none of this is secret. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
