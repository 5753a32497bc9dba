import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { encodeRequest } from '../../../src/sources/ntp/exchange.ts';
import { parsePacket, referenceIdOf } from '../../../src/sources/ntp/packet.ts';
import { answerRequest } from '../../../src/sources/ntp/server.ts';
import {
  type Aead,
  concat,
  decodeFields,
  encodeField,
  FieldType,
  KEY_BYTES,
  loadAead,
  openReply,
  sealPacket,
  sealRequest,
} from '../../../src/sources/nts/protection.ts';
import { ServerGuard } from '../../../src/sources/nts/server-guard.ts';
import { unixNs } from '../../../src/time/instant.ts';
import { oracle } from '../../kit/aes-siv.ts';
import { held } from '../../kit/heap.ts';

/** What is sealed, and what is opened: packets as bytes, without a network. */

const NONCE = 0x9e37_79b9_7f4a_7c15n;
const NOW = unixNs(1_795_000_000_000_000_000n);
const MUTATED = 100_000;
/** The bytes of live heap that nine tenths of them may add after the first tenth. */
const FLAT = 256 * 1024;

/** Bytes that are the same in every run. */
function bytesFrom(seed: number): (length: number) => Uint8Array {
  const random = generator(seed);
  return (length) => Uint8Array.from({ length }, () => random(256));
}

/** xorshift32. */
function generator(seed: number): (below: number) => number {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

let aead: Aead;
beforeAll(async () => {
  aead = await loadAead();
});

/** One exchange: the request of a client, and the true reply of a server. */
function exchange({ placeholders = 0, random = bytesFrom(1) } = {}) {
  const guard = new ServerGuard(aead, random);
  const keys = { toServer: random(KEY_BYTES), toClient: random(KEY_BYTES) };
  const uniqueId = random(32);
  const cookie = guard.mint(keys);
  const request = sealRequest(aead, {
    header: encodeRequest(NONCE),
    uniqueId,
    cookie,
    placeholders,
    key: keys.toServer,
    nonce: random(16),
  });
  const plain = answerRequest(request, NOW, NOW, {
    leap: 0,
    stratum: 1,
    precision: -20,
    rootDelay: 0,
    rootDispersion: 0,
    referenceId: 0,
    referenceNs: NOW,
  })!;
  const reply = guard.open(request)!(plain);
  const own = { uniqueId, key: keys.toClient };
  return { guard, keys, uniqueId, cookie, request, plain, reply, own };
}

const reasonOf = (opened: ReturnType<typeof openReply>): string =>
  typeof opened === 'string' ? opened : 'opened';

describe('AES-SIV', () => {
  // RFC 5297, appendix A.
  const vectors = [
    {
      key: 'fffefdfc fbfaf9f8 f7f6f5f4 f3f2f1f0 f0f1f2f3 f4f5f6f7 f8f9fafb fcfdfeff',
      associated: ['10111213 14151617 18191a1b 1c1d1e1f 20212223 24252627'],
      plaintext: '11223344 55667788 99aabbcc ddee',
      ciphertext: '85632d07 c6e8f37f 950acd32 0a2ecc93 40c02b96 90c4dc04 daef7f6a fe5c',
    },
    {
      key: '7f7e7d7c 7b7a7978 77767574 73727170 40414243 44454647 48494a4b 4c4d4e4f',
      associated: [
        `00112233 44556677 8899aabb ccddeeff deaddada deaddada ffeeddcc bbaa9988
         77665544 33221100`.replaceAll('\n', ''),
        '10203040 50607080 90a0',
        '09f91102 9d74e35b d84156c5 635688c0',
      ],
      plaintext: `74686973 20697320 736f6d65 20706c61 696e7465 78742074 6f20656e 63727970
        74207573 696e6720 5349562d 414553`.replaceAll('\n', ''),
      ciphertext: `7bdb6e3b 432667eb 06f4d14b ff2fbd0f cb900f2f ddbe4043 26601965 c889bf17
        dba77ceb 094fa663 b7a3f748 ba8af829 ea64ad54 4a272e9c 485b62a3 fd5c0d`.replaceAll('\n', ''),
    },
  ];

  test.each(vectors)('vector of the RFC: $plaintext', (vector) => {
    const key = hex(vector.key);
    const associated = vector.associated.map(hex);
    const ciphertext = hex(vector.ciphertext);
    for (const each of [oracle, aead]) {
      expect(Uint8Array.from(each.seal(key, associated, hex(vector.plaintext)))).toEqual(
        ciphertext,
      );
      expect(Uint8Array.from(each.open(key, associated, ciphertext)!)).toEqual(
        hex(vector.plaintext),
      );
    }
  });

  test('seals as the oracle over node:crypto does', () => {
    const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
    const key = fc.uint8Array({ minLength: KEY_BYTES, maxLength: KEY_BYTES });
    fc.assert(
      fc.property(key, bytes(200), bytes(40), bytes(200), (each, packet, nonce, plaintext) => {
        const sealed = aead.seal(each, [packet, nonce], plaintext);
        expect(Buffer.from(sealed).equals(oracle.seal(each, [packet, nonce], plaintext))).toBe(
          true,
        );
        const opened = aead.open(each, [packet, nonce], sealed)!;
        expect(Buffer.from(opened).equals(plaintext)).toBe(true);
      }),
      { numRuns: 1000, seed: 5297 },
    );
  });
});

describe('a request', () => {
  test('has the fields of the RFC in order, and opens under the oracle', () => {
    const { request, uniqueId, cookie, keys } = exchange({ placeholders: 2 });
    const packet = parsePacket(request);
    if (typeof packet === 'string') throw new Error(packet);
    expect(packet.extensions.map(({ type, body }) => [type, body.length])).toEqual([
      [FieldType.uniqueId, 32],
      [FieldType.cookie, cookie.length],
      [FieldType.placeholder, cookie.length],
      [FieldType.placeholder, cookie.length],
      [FieldType.authenticator, 4 + 16 + 16],
    ]);
    expect(packet.extensions[0]?.body).toEqual(uniqueId);
    expect(packet.extensions[2]?.body.every((byte) => byte === 0)).toBe(true);
    const { body } = packet.extensions[4]!;
    const associated = [request.subarray(0, request.length - 40), body.subarray(4, 20)];
    expect(oracle.open(keys.toServer, associated, body.subarray(20))).toHaveLength(0);
  });

  test('with one flipped bit anywhere is answered with a NAK or not at all', () => {
    const { request, guard } = exchange({ placeholders: 1 });
    for (let bit = 0; bit < request.length * 8; bit++) {
      const flipped = request.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const seal = guard.open(flipped);
      if (seal === undefined) continue;
      const answer = parsePacket(seal(new Uint8Array(48).fill(0x24, 0, 1)));
      expect(answer, `bit ${bit}`).toMatchObject({
        referenceId: referenceIdOf('NTSN'),
        stratum: 0,
      });
    }
  });

  test('is never shorter than its answer', () => {
    for (let placeholders = 0; placeholders < 8; placeholders++) {
      const { request, reply } = exchange({ placeholders });
      expect(reply.length).toBeLessThanOrEqual(request.length);
    }
  });

  test('for very many cookies gets eight', () => {
    const { reply, own } = exchange({ placeholders: 30 });
    const opened = openReply(aead, reply, own);
    expect(opened).toMatchObject({ cookies: { length: 8 } });
  });
});

describe('a reply', () => {
  test('that is honest opens, and brings the cookies that were asked for', () => {
    const { reply, plain, own, guard } = exchange({ placeholders: 3 });
    const opened = openReply(aead, reply, own);
    if (typeof opened === 'string') throw new Error(opened);
    expect(opened.header).toEqual(plain);
    expect(opened.cookies).toHaveLength(4);
    expect(new Set(opened.cookies.map(String)).size).toBe(4);
    expect(guard.repeatedCookies).toBe(0);
  });

  test('with one flipped bit anywhere does not open', () => {
    const { reply, own } = exchange();
    const reasons = new Set<string>();
    for (let bit = 0; bit < reply.length * 8; bit++) {
      const flipped = reply.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const reason = reasonOf(openReply(aead, flipped, own));
      expect(reason, `bit ${bit}`).not.toBe('opened');
      reasons.add(reason);
    }
    expect([...reasons].sort()).toEqual([
      'authenticator',
      'malformed',
      'mode',
      'unauthenticated',
      'unique-id',
    ]);
  });

  test('of any length but its own does not open', () => {
    const { reply, own } = exchange();
    for (let length = 0; length < reply.length; length++) {
      expect(reasonOf(openReply(aead, reply.subarray(0, length), own))).not.toBe('opened');
    }
  });

  test('to another request does not open: a replay', () => {
    const random = bytesFrom(1);
    const first = exchange({ random });
    const second = exchange({ random });
    expect(openReply(aead, first.reply, second.own)).toBe('unique-id');
    // The same identifier, as if it had been guessed, but the keys of another session.
    const own = { ...second.own, uniqueId: first.own.uniqueId };
    expect(openReply(aead, first.reply, own)).toBe('authenticator');
  });

  test('whose identifier is cut or absent does not open', () => {
    const { plain, keys, uniqueId, own } = exchange();
    const withFields = (...fields: Uint8Array[]): Uint8Array =>
      sealPacket(aead, keys.toClient, concat(plain, ...fields), new Uint8Array(16));
    const idOf = (bytes: Uint8Array): Uint8Array => encodeField(FieldType.uniqueId, bytes);
    expect(reasonOf(openReply(aead, withFields(idOf(uniqueId)), own))).toBe('opened');
    expect(openReply(aead, withFields(), own)).toBe('unique-id');
    expect(openReply(aead, withFields(idOf(uniqueId.subarray(0, 28))), own)).toBe('unique-id');
    // Behind the authenticator anybody may have added it.
    expect(openReply(aead, concat(withFields(), idOf(uniqueId)), own)).toBe('unique-id');
  });

  test('without an authenticator is refused, and so is the client’s own request', () => {
    const { plain, uniqueId, own, request } = exchange();
    const id = encodeField(FieldType.uniqueId, uniqueId);
    expect(openReply(aead, plain, own)).toBe('unique-id');
    expect(openReply(aead, concat(plain, id), own)).toBe('unauthenticated');
    expect(openReply(aead, request, own)).toBe('mode');
    const reflected = request.slice();
    reflected[0] = (reflected[0]! & ~7) | 4;
    expect(openReply(aead, reflected, own)).toBe('authenticator');
  });

  test('with NTSN is a NAK only when it returns our identifier', () => {
    const { guard, request, plain, own } = exchange();
    guard.rotateKeys();
    const nak = guard.open(request)!(plain);
    expect(openReply(aead, nak, own)).toBe('nts-nak');
    expect(openReply(aead, nak.subarray(0, 48), own)).toBe('unique-id');
    expect(openReply(aead, nak, { ...own, uniqueId: new Uint8Array(32) })).toBe('unique-id');
  });

  test('with a cookie in clear is refused, even when the server sealed it', () => {
    const { plain, keys, uniqueId, cookie, own } = exchange();
    const packet = concat(
      plain,
      encodeField(FieldType.uniqueId, uniqueId),
      encodeField(FieldType.cookie, cookie),
    );
    const sealed = sealPacket(aead, keys.toClient, packet, new Uint8Array(16));
    expect(openReply(aead, sealed, own)).toBe('cookie-in-clear');
  });

  test('with fields behind the authenticator opens, and they are not read', () => {
    const { reply, cookie, own } = exchange();
    const added = concat(reply, encodeField(FieldType.cookie, cookie));
    expect(openReply(aead, added, own)).toEqual(openReply(aead, reply, own));
  });

  test('with cookies that are empty or too long yields none of them', () => {
    const { plain, keys, uniqueId, own } = exchange();
    const packet = concat(plain, encodeField(FieldType.uniqueId, uniqueId));
    const cookies = [0, 256, 260].map((n) => encodeField(FieldType.cookie, new Uint8Array(n)));
    const nonce = new Uint8Array(16);
    const sealed = sealPacket(aead, keys.toClient, packet, nonce, concat(...cookies));
    expect(openReply(aead, sealed, own)).toMatchObject({ cookies: [{ length: 256 }] });
  });

  test('of more than 4096 bytes is not even parsed', () => {
    const { own } = exchange();
    expect(openReply(aead, new Uint8Array(4097), own)).toBe('reply-length');
  });

  test('whose padding is not zero is refused: nobody authenticates it', () => {
    const { plain, keys, uniqueId, own } = exchange();
    const packet = concat(plain, encodeField(FieldType.uniqueId, uniqueId));
    const odd = sealPacket(aead, keys.toClient, packet, new Uint8Array(17).fill(1), hex('0102'));
    expect(reasonOf(openReply(aead, odd, own))).toBe('opened');
    for (const at of [packet.length + 4 + 4 + 17, odd.length - 1]) {
      const changed = odd.slice();
      expect(changed[at]).toBe(0);
      changed[at] = 1;
      expect(openReply(aead, changed, own)).toBe('authenticator');
    }
  });
});

test('fields of any bytes are decoded as far as they go', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const fields = decodeFields(bytes);
      const length = fields.reduce((sum, { body }) => sum + 4 + body.length, 0);
      expect(length).toBeLessThanOrEqual(bytes.length);
    }),
    { numRuns: 5000, seed: 7822 },
  );
});

test('of 100,000 mutated replies none is accepted, each for a reason, and memory stays flat', () => {
  const { reply, own } = exchange({ placeholders: 1 });
  const random = generator(0x8915_5297);
  const buffer = new Uint8Array(reply.length + 64);
  const reasons = new Map<string, number>();
  let heldBefore = 0;
  for (let i = 0; i < MUTATED; i++) {
    if (i === MUTATED / 10) heldBefore = held();
    buffer.set(reply);
    let length = reply.length;
    let at = random(reply.length);
    switch (random(4)) {
      case 0: // Some bits.
        for (let bits = 1 + random(3); bits > 0; bits--) {
          buffer[at]! ^= 1 << random(8);
          at = (at + 1 + random(40)) % reply.length;
        }
        break;
      case 1: // One byte, most often where lengths and types are.
        at = random(2) === 0 ? at : [48, 49, 50, 51, 84, 85, 86, 87, 88, 89, 90, 91][random(12)]!;
        buffer[at] = (buffer[at]! + 1 + random(255)) & 255;
        break;
      case 2: // Cut.
        length = random(reply.length);
        break;
      default: // A piece moved over another: never the same bytes.
        buffer.copyWithin(at, random(reply.length), random(reply.length));
        buffer[at] = (reply[at]! + 1 + random(255)) & 255;
    }
    const reason = reasonOf(openReply(aead, buffer.subarray(0, length), own));
    if (reason === 'opened') {
      const datagram = buffer.subarray(0, length);
      if (!Buffer.from(datagram).equals(reply)) {
        expect.fail(`mutation ${i}: ${Buffer.from(datagram).toString('hex')}`);
      }
    }
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  expect(held() - heldBefore).toBeLessThan(FLAT);
  for (const reason of ['authenticator', 'malformed', 'mode', 'unauthenticated', 'unique-id']) {
    expect(reasons.get(reason), reason).toBeGreaterThan(10);
  }
});
