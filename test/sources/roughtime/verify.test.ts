import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import {
  encodeMessage,
  encodePacket,
  encodeU32,
  parseMessage,
  parsePacket,
  Tag,
} from '../../../src/sources/roughtime/message.ts';
import {
  MAX_BATCH,
  RoughtimeKeys,
  readRequest,
  type ServerRequest,
} from '../../../src/sources/roughtime/roughtime-server.ts';
import {
  encodeRequest,
  publicKeyOf,
  type SignedTime,
  verifyReply,
} from '../../../src/sources/roughtime/verify.ts';
import { Forger, type Forgery } from './network.ts';

const TIME = { midpointS: 1_795_000_000n, radiusS: 3 };

/** Requests that differ, for the server with these keys. */
function requestsFor(keys: RoughtimeKeys, count: number): ServerRequest[] {
  return Array.from({ length: count }, (_, i) => {
    const nonce = new Uint8Array(32).fill(i);
    return readRequest(encodeRequest(nonce, keys.publicKey), keys.publicKey)!;
  });
}

describe('a request', () => {
  const keys = new RoughtimeKeys();
  const packet = encodeRequest(new Uint8Array(32).fill(7), keys.publicKey);

  it('has 1,024 bytes behind the header, and offers both versions in ascending order', () => {
    expect(packet.length).toBe(1036);
    const message = parsePacket(packet)!;
    expect([...message.keys()]).toEqual([Tag.VER, Tag.SRV, Tag.NONC, Tag.TYPE, Tag.ZZZZ]);
    expect(message.get(Tag.VER)).toEqual(encodeU32(1, 0x8000000c));
    expect(message.get(Tag.SRV)?.length).toBe(32);
  });

  it('is answered only if it is whole, and meant for this server', () => {
    const other = new RoughtimeKeys();
    expect(readRequest(packet, keys.publicKey)?.version).toBe(1);
    expect(readRequest(packet, other.publicKey)).toBeUndefined();
    expect(readRequest(packet.subarray(0, 1000), keys.publicKey)).toBeUndefined();
    const reply = keys.answer(requestsFor(keys, 1), TIME)[0]!;
    expect(readRequest(reply, keys.publicKey)).toBeUndefined();
  });
});

test('a client that speaks only the drafts is answered in their version', () => {
  const keys = new RoughtimeKeys();
  const message = new Map(parsePacket(encodeRequest(new Uint8Array(32), keys.publicKey)));
  message.set(Tag.VER, encodeU32(0x8000000b, 0x8000000c)).set(Tag.ZZZZ, new Uint8Array(908));
  const packet = encodePacket(encodeMessage([...message]));
  const request = readRequest(packet, keys.publicKey)!;
  const reply = keys.answer([request], TIME)[0]!;
  expect(request.version).toBe(0x8000000c);
  const signed = parseMessage(parsePacket(reply)!.get(Tag.SREP)!)!;
  expect(signed.get(Tag.VER)).toEqual(encodeU32(0x8000000c));
  expect(verifyReply(reply, packet, publicKeyOf(keys.publicKey))).toMatchObject({ radiusS: 3n });
  const unknown = new Map(message).set(Tag.VER, encodeU32(2));
  const other = encodePacket(encodeMessage([...unknown.set(Tag.ZZZZ, new Uint8Array(912))]));
  expect(readRequest(other, keys.publicKey)).toBeUndefined();
});

test('batches of 1 to 64 requests: each reply proves its own request, by a path of 0 to 6', () => {
  const keys = new RoughtimeKeys();
  const key = publicKeyOf(keys.publicKey);
  for (let count = 1; count <= MAX_BATCH; count++) {
    const requests = requestsFor(keys, count);
    const replies = keys.answer(requests, TIME);
    const depth = Math.ceil(Math.log2(count));
    // All of the small batches, and the ends of the large ones.
    const checked = count <= 8 ? replies.keys() : [0, count >> 1, count - 1];
    for (const i of checked) {
      const path = parsePacket(replies[i]!)!.get(Tag.PATH)!;
      expect(path.length).toBe(32 * depth);
      const { packet } = requests[i]!;
      expect(verifyReply(replies[i]!, packet, key)).toEqual({ ...TIME, radiusS: 3n });
      const { packet: another } = requests[(i + 1) % count]!;
      if (count > 1) expect(verifyReply(replies[i]!, another, key)).toBe('wrong-nonce');
    }
  }
});

test('a tree of 5: the reply of one index does not serve another request with the same nonce', () => {
  const keys = new RoughtimeKeys();
  const requests = requestsFor(keys, 5);
  const reply = keys.answer(requests, TIME)[3]!;
  const changed = requests[3]!.packet.slice();
  changed[changed.length - 1] = 1; // in the padding: the leaf is the whole request
  expect(verifyReply(reply, changed, publicKeyOf(keys.publicKey))).toBe('wrong-path');
});

test.each([
  ['alone', 1, 0],
  ['fourth of five', 5, 3],
])('every single bit of a reply counts: %s', (_, count, index) => {
  const keys = new RoughtimeKeys();
  const key = publicKeyOf(keys.publicKey);
  const requests = requestsFor(keys, count);
  const { packet } = requests[index]!;
  const reply = keys.answer(requests, TIME)[index]!;
  expect(verifyReply(reply, packet, key)).toMatchObject({ midpointS: TIME.midpointS });
  const accepted: number[] = [];
  for (let bit = 0; bit < 8 * reply.length; bit++) {
    reply[bit >> 3]! ^= 1 << (bit & 7);
    if (typeof verifyReply(reply, packet, key) !== 'string') accepted.push(bit);
    reply[bit >> 3]! ^= 1 << (bit & 7);
  }
  expect(accepted).toEqual([]);
  expect(8 * reply.length).toBeGreaterThan(3000);
});

describe('a reply that is signed, with one thing wrong', () => {
  const forger = new Forger();
  const key = publicKeyOf(forger.publicKey);
  const short = encodeRequest(new Uint8Array(32).fill(9), forger.publicKey);
  // Longer than ours, so that a path that is too long still fits into the reply.
  const longer = new Map(parsePacket(short)).set(Tag.ZZZZ, new Uint8Array(3000));
  const request = encodePacket(encodeMessage([...longer]));
  const judge = (forgery: Forgery): SignedTime | string =>
    verifyReply(forger.reply(request, forgery), request, key);

  it.each<[string, Forgery, string]>([
    ['another nonce', { nonce: new Uint8Array(32) }, 'wrong-nonce'],
    ['a short nonce', { nonce: new Uint8Array(28).fill(9) }, 'wrong-nonce'],
    ['the type of a request', { type: 0 }, 'wrong-type'],
    ['a version that was not offered', { version: 2 }, 'wrong-version'],
    ['a draft that was not offered', { version: 0x8000000b }, 'wrong-version'],
    ['a path of 33 hashes, to the right root', { hashes: 33 }, 'wrong-path'],
    ['an index with a bit beyond the path', { indexFlip: 8 }, 'wrong-path'],
    ['an index with the highest bit', { indexFlip: 0x80000000 }, 'wrong-path'],
    ['an index of another leaf', { indexFlip: 1 }, 'wrong-path'],
    ['an index where there is no path', { hashes: 0, indexFlip: 1 }, 'wrong-path'],
    ['a key that the long-term key did not sign', { otherDelegate: true }, 'wrong-certificate'],
    ['a time that the delegated key did not sign', { otherSigner: true }, 'wrong-signature'],
    ['a time before MINT', { minS: 1001n }, 'wrong-dates'],
    ['a time after MAXT', { maxS: 999n }, 'wrong-dates'],
    ['a radius of 0', { radiusS: 0 }, 'impossible'],
    ['a time after the year 2262', { midpointS: 2n ** 34n }, 'impossible'],
    ['no signature', { without: Tag.SIG }, 'malformed'],
    ['no path', { without: Tag.PATH }, 'malformed'],
    ['no certificate', { without: Tag.CERT }, 'malformed'],
    ['no index', { without: Tag.INDX }, 'malformed'],
    ['no nonce', { without: Tag.NONC }, 'wrong-nonce'],
    ['a reply longer than the request', { extra: [Tag.ZZZZ, new Uint8Array(4000)] }, 'too-long'],
  ])('%s', (_, forgery, fault) => {
    expect(judge(forgery)).toBe(fault);
  });

  it.each<[string, Forgery]>([
    ['nothing', {}],
    ['a path of 32 hashes', { hashes: 32 }],
    ['no path', { hashes: 0 }],
    ['MINT and MAXT are themselves valid', { minS: 1000n, maxS: 1000n }],
    ['a tag that nobody knows', { extra: [0x58585858, encodeU32(5)] }],
    ['the version of the drafts', { version: 0x8000000c }],
  ])('is right: %s', (_, forgery) => {
    expect(judge(forgery)).toEqual({ midpointS: 1000n, radiusS: 1n });
  });

  it('the key of another server', () => {
    const other = publicKeyOf(new Forger().publicKey);
    expect(verifyReply(forger.reply(request), request, other)).toBe('wrong-certificate');
  });

  it('random bytes in the place of a reply', () => {
    for (let length = 0; length < 600; length += 7) {
      const noise = new Uint8Array(length).map((_, i) => (i * 31 + length) & 255);
      expect(verifyReply(noise, request, key)).toBe('malformed');
    }
  });
});

const VECTORS = process.env.ROUGHTIME_VECTORS ?? '';

describe.skipIf(!existsSync(VECTORS))(
  'exchanges of another implementation (ROUGHTIME_VECTORS)',
  () => {
    const read = (file: string): Uint8Array => readFileSync(join(VECTORS, file));
    const key = publicKeyOf(Buffer.from('AW5uAoTSTDfG5NfY1bTh08GUnOqlRb+HVhbJ3ODJvsE=', 'base64'));

    it('its reply verifies, and with no single bit changed', () => {
      const request = read('rfc-request.071039e5');
      const reply = Uint8Array.from(read('rfc-response.071039e5'));
      expect(verifyReply(reply, request, key)).toEqual({ midpointS: 1_747_944_450n, radiusS: 5n });
      for (let bit = 0; bit < 8 * reply.length; bit++) {
        reply[bit >> 3]! ^= 1 << (bit & 7);
        expect(verifyReply(reply, request, key)).toBeTypeOf('string');
        reply[bit >> 3]! ^= 1 << (bit & 7);
      }
    });

    it('its requests are read, with and without SRV', () => {
      // A packet of 1,024 bytes, which is a little less than we answer.
      const { VER, SRV, NONC, TYPE, ZZZZ } = Tag;
      const read1 = parsePacket(read('rfc-request.071039e5'))!;
      expect([...read1.keys()]).toEqual([VER, NONC, TYPE, ZZZZ]);
      const read2 = parsePacket(read('rfc-request.SRV.417aa962'))!;
      expect([...read2.keys()]).toEqual([VER, SRV, NONC, TYPE, ZZZZ]);
    });

    it.each(['golden-response.phase8', 'rfc-response.path8.index2.4c16c619'])(
      'its message %s is read, with all tags in order',
      (file) => {
        const { SIG, NONC, TYPE, PATH, SREP, CERT, INDX } = Tag;
        const message = parsePacket(read(file))!;
        expect([...message.keys()]).toEqual([SIG, NONC, TYPE, PATH, SREP, CERT, INDX]);
      },
    );
  },
);
