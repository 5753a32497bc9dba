import { decodePacket, NtpPacketError } from 'epsilon-clock/ntp';
import { describe, expect, test } from 'vitest';
import { type ExchangeRecord, judgeReply } from '../../../src/sources/ntp/exchange.ts';
import { encodePacket, parsePacket } from '../../../src/sources/ntp/packet.ts';
import { answerRequest } from '../../../src/sources/ntp/server.ts';
import { timestampFromUnixNs } from '../../../src/sources/ntp/timestamp.ts';
import { monotonicNs, unixNs } from '../../../src/time/instant.ts';

/**
 * A million hostile datagrams through the decoder, the client's rules and the server. A third are
 * random bytes, a third an honest reply with bits and bytes changed, and a third the same with
 * extension fields and cut or padded at random. Each one is checked. The seed is fixed; a failure's
 * message has the number of the datagram, to replay it.
 */

const SEED = 0x5905_8915;
const PACKETS = 1_000_000;
const CHUNKS = 20;
const NONCE = 0x9e37_79b9_7f4a_7c15n;
const THETA_NS = 1_795_000_000_000_000_000n;
const record: ExchangeRecord = {
  sourceId: 'ntp://127.0.0.1:123',
  nonce: NONCE,
  sentAt: monotonicNs(1_000_000_000n),
  receivedAt: monotonicNs(1_031_000_000n),
  monotonicGridNs: 280n,
  timeoutNs: 1_000_000_000n,
  pivot: unixNs(THETA_NS),
};
const REPLY = encodePacket({
  leap: 0,
  version: 4,
  mode: 4,
  stratum: 2,
  poll: 6,
  precision: -20,
  rootDelay: 100,
  rootDispersion: 100,
  referenceId: 0x7f000001,
  referenceTime: timestampFromUnixNs(unixNs(THETA_NS), 'down'),
  originTime: NONCE,
  receiveTime: timestampFromUnixNs(unixNs(THETA_NS + 1_010_000_000n), 'down'),
  transmitTime: timestampFromUnixNs(unixNs(THETA_NS + 1_011_000_000n), 'down'),
});

/** xorshift32: fast, and the same on every engine. */
function generator(seed: number): (below: number) => number {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function hostile(kind: number, random: (below: number) => number, buffer: Uint8Array): Uint8Array {
  if (kind === 0) {
    const length = random(4) === 0 ? random(buffer.length) : 40 + random(40);
    for (let i = 0; i < length; i++) buffer[i] = random(256);
    // Half of them get the right first byte, so that they pass more checks.
    if (random(2) === 0) buffer[0] = 0x24;
    return buffer.subarray(0, length);
  }
  buffer.set(REPLY);
  let length = REPLY.length;
  if (kind === 2) {
    const fields = random(4);
    for (let i = 0; i < fields; i++) {
      const size = 16 + 4 * random(12);
      buffer[length + 2] = 0;
      buffer[length + 3] = random(5) === 0 ? random(256) : size;
      length += size;
    }
    if (random(2) === 0) length += [4, 20, 24, random(70)][random(4)]!;
    if (random(8) === 0) length = random(length);
  }
  for (let changes = random(4); changes > 0; changes--) {
    const i = random(48);
    buffer[i] = random(2) === 0 ? random(256) : buffer[i]! ^ (1 << random(8));
  }
  return buffer.subarray(0, length);
}

describe('a million hostile datagrams', () => {
  const seen = new Map<string, number>();
  const shapes = new Set<string>();

  test.each(Array.from({ length: CHUNKS }, (_, i) => i))('chunk %i', (chunk) => {
    const random = generator(SEED + chunk);
    const buffer = new Uint8Array(400);
    for (let i = 0; i < PACKETS / CHUNKS; i++) {
      const datagram = hostile(i % 3, random, buffer);
      const packet = parsePacket(datagram);
      let name = typeof packet === 'string' ? 'malformed' : 'packet';
      if (typeof packet !== 'string') {
        const numbers = [packet.stratum, packet.poll, packet.precision, packet.rootDelay];
        if (!numbers.every(Number.isInteger) || !Number.isInteger(packet.rootDispersion))
          name = 'NaN';
      } else if (i % 64 === 0) {
        // Throwing is slow, so only some of them go through the function that throws.
        expect(() => decodePacket(datagram)).toThrow(NtpPacketError);
      }
      const verdict = judgeReply(datagram, record);
      let outcome: string = verdict.kind;
      if (verdict.kind !== 'ignored') {
        // Only a server's packet with all 64 bits of the nonce is taken for an answer.
        const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
        const forged = view.getBigUint64(24) !== NONCE || (view.getUint8(0) & 7) !== 4;
        if (forged) outcome = 'forgery accepted';
      }
      if (verdict.kind === 'sample') {
        const { upperNs, lowerNs, serverErrorNs, pathDelayNs } = verdict.sample;
        const sound =
          upperNs >= lowerNs &&
          serverErrorNs > 0n &&
          // At most 1.5 s, 1 s of precision and the units added for truncation. The path took 31
          // ms, and T3 may precede T2 by the precision.
          serverErrorNs < 2_501_000_000n &&
          pathDelayNs >= 0n &&
          pathDelayNs < 1_032_000_000n &&
          BigInt.asIntN(64, upperNs) === upperNs;
        if (!sound) outcome = 'absurd sample';
      }
      const reply = answerRequest(datagram, record.pivot, record.pivot, {
        leap: 0,
        stratum: 1,
        precision: -20,
        rootDelay: 0,
        rootDispersion: 0,
        referenceId: 0,
        referenceNs: record.pivot,
      });
      if (reply !== undefined) {
        if (reply.length > datagram.length || (datagram[0]! & 7) !== 3) outcome = 'reflection';
      }
      for (const key of [name, outcome]) seen.set(key, (seen.get(key) ?? 0) + 1);
      const known = /^(malformed|packet|ignored|refused|kiss|sample)$/;
      if (!known.test(name) || !known.test(outcome)) {
        expect.fail(
          `chunk ${chunk}, packet ${i}: ${name}, ${outcome}: ${Buffer.from(datagram).toString('hex')}`,
        );
      }
      if (verdict.kind === 'refused' || verdict.kind === 'ignored') shapes.add(verdict.reason);
    }
  });

  test('reached every kind of end, so the million was not wasted', () => {
    for (const outcome of ['malformed', 'packet', 'ignored', 'refused', 'sample']) {
      expect(seen.get(outcome), outcome).toBeGreaterThan(10_000);
    }
    expect([...shapes].sort()).toEqual([
      'hold-time',
      'malformed',
      'mode',
      'origin',
      'precision',
      'root-distance',
      'server-order',
      'stratum',
      'unsynchronized',
      'version',
    ]);
  });
});
