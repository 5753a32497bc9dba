/**
 * The wire form of Roughtime (RFC 10049 section 5): a message is a map from four-byte tags to
 * values, all integers little endian.
 *
 *     u32 n | n - 1 offsets (u32) | n tags (u32) | values
 *
 * Value 0 begins right after the tags, and each offset says where the next value begins. A packet
 * is a message behind the magic `ROUGHTIM` and a u32 length.
 *
 * The bytes come from anybody. There must be exactly one way to read them: tags ascend strictly,
 * offsets are multiples of four that do not go back, and nothing follows the message. Anything else
 * is not a message. No allocation depends on a number in the bytes beyond their own length.
 */

/** The tags that this library uses, as the u32 that their four ASCII letters are on the wire. */
export const Tag = {
  SIG: 0x00474953,
  VER: 0x00524556,
  SRV: 0x00565253,
  NONC: 0x434e4f4e,
  DELE: 0x454c4544,
  TYPE: 0x45505954,
  PATH: 0x48544150,
  RADI: 0x49444152,
  PUBK: 0x4b425550,
  MIDP: 0x5044494d,
  SREP: 0x50455253,
  VERS: 0x53524556,
  MINT: 0x544e494d,
  ROOT: 0x544f4f52,
  CERT: 0x54524543,
  MAXT: 0x5458414d,
  INDX: 0x58444e49,
  ZZZZ: 0x5a5a5a5a,
} as const;

/** A message: values by tag. */
export type Message = ReadonlyMap<number, Uint8Array>;

/** `ROUGHTIM` in ASCII. */
const MAGIC = Uint8Array.from('ROUGHTIM', (letter) => letter.charCodeAt(0));
/** The magic and the length. */
export const HEADER_BYTES = 12;
/** The standard has 18 tags. More are left room for, but not for a packet made of tags alone. */
const MAX_TAGS = 64;

/** The message in a packet; `undefined` when the bytes are not exactly one packet. */
export function parsePacket(bytes: Uint8Array): Message | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  for (let i = 0; i < MAGIC.length; i++) if (bytes[i] !== MAGIC[i]) return undefined;
  if (u32(bytes, MAGIC.length) !== bytes.length - HEADER_BYTES) return undefined;
  return parseMessage(bytes.subarray(HEADER_BYTES));
}

/** The values by tag, as views into `bytes`; `undefined` when the bytes are not a message. */
export function parseMessage(bytes: Uint8Array): Message | undefined {
  if (bytes.length < 4 || bytes.length % 4 !== 0) return undefined;
  const count = u32(bytes, 0);
  if (count === 0) return bytes.length === 4 ? new Map() : undefined;
  const begin = 8 * count;
  if (count > MAX_TAGS || begin > bytes.length) return undefined;
  const message = new Map<number, Uint8Array>();
  const room = bytes.length - begin;
  let from = 0;
  let previousTag = -1;
  for (let i = 0; i < count; i++) {
    const to = i === count - 1 ? room : u32(bytes, 4 + 4 * i);
    const tag = u32(bytes, 4 * count + 4 * i);
    if (to % 4 !== 0 || to < from || to > room || tag <= previousTag) return undefined;
    message.set(tag, bytes.subarray(begin + from, begin + to));
    from = to;
    previousTag = tag;
  }
  return message;
}

/** The bytes of a message. The caller gives the tags in ascending order. */
export function encodeMessage(fields: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  const begin = 8 * fields.length;
  const size = fields.reduce((sum, [, value]) => sum + value.length, begin);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, fields.length, true);
  let at = 0;
  fields.forEach(([tag, value], i) => {
    if (i > 0) view.setUint32(4 * i, at, true);
    view.setUint32(4 * fields.length + 4 * i, tag, true);
    bytes.set(value, begin + at);
    at += value.length;
  });
  return bytes;
}

/** The packet with this message. */
export function encodePacket(message: Uint8Array): Uint8Array {
  const packet = new Uint8Array(HEADER_BYTES + message.length);
  packet.set(MAGIC);
  new DataView(packet.buffer).setUint32(MAGIC.length, message.length, true);
  packet.set(message, HEADER_BYTES);
  return packet;
}

/** The u32 at `at`. The caller has checked that it is there. */
export function u32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}

/** The u64 at `at`. The caller has checked that it is there. */
export function u64(bytes: Uint8Array, at: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true);
}

/** A list of u32, one after the other. */
export function encodeU32(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setUint32(4 * i, value, true);
  });
  return bytes;
}

/** A u64. */
export function encodeU64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}
