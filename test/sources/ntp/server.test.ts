import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeRequest, judgeReply } from '../../../src/sources/ntp/exchange.ts';
import { decodePacket, referenceIdOf } from '../../../src/sources/ntp/packet.ts';
import { answerRequest, type NtpServerState } from '../../../src/sources/ntp/server.ts';
import { timestampFromUnixNs } from '../../../src/sources/ntp/timestamp.ts';
import { monotonicNs, unixNs } from '../../../src/time/instant.ts';

const now = unixNs(1_795_000_000_123_456_789n);
const later = unixNs(now + 1_000_001n);
const NONCE = 0xfedc_ba98_7654_3210n;
const state: NtpServerState = {
  leap: 1,
  stratum: 2,
  precision: -23,
  rootDelay: 11,
  rootDispersion: 22,
  referenceId: referenceIdOf('GPS'),
  referenceNs: now,
};
const request = (first: number, length = 48): Uint8Array => {
  const bytes = new Uint8Array(length);
  bytes.set(encodeRequest(NONCE));
  bytes[0] = first;
  return bytes;
};

describe('an answer', () => {
  test('has every field as the state says, and the nonce of the request', () => {
    const asked = request(0x23);
    asked[2] = 6;
    const reply = answerRequest(asked, now, later, state);
    expect(reply?.length).toBe(48);
    expect(decodePacket(reply ?? new Uint8Array())).toEqual({
      leap: 1,
      version: 4,
      mode: 4,
      stratum: 2,
      poll: 6,
      precision: -23,
      rootDelay: 11,
      rootDispersion: 22,
      referenceId: 0x47505300,
      referenceTime: timestampFromUnixNs(now, 'down'),
      originTime: NONCE,
      receiveTime: timestampFromUnixNs(now, 'up'),
      transmitTime: timestampFromUnixNs(later, 'down'),
      extensions: [],
      mac: undefined,
    });
  });

  test('is a kiss-o-death that holds no time', () => {
    const reply = answerRequest(request(0x23), now, later, { ...state, kiss: 'RSTR' });
    expect(decodePacket(reply ?? new Uint8Array())).toMatchObject({
      leap: 3,
      stratum: 0,
      referenceId: referenceIdOf('RSTR'),
      originTime: NONCE,
      receiveTime: NONCE,
      transmitTime: NONCE,
    });
  });

  test('is accepted by the client, at every instant, with the truth inside', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 62n }), fc.nat(1000), (t, hold) => {
        const received = unixNs(t);
        const reply = answerRequest(encodeRequest(NONCE), received, unixNs(t + BigInt(hold)), {
          ...state,
          precision: -32,
        });
        const verdict = judgeReply(reply ?? new Uint8Array(), {
          sourceId: 'x',
          nonce: NONCE,
          sentAt: monotonicNs(0n),
          receivedAt: monotonicNs(BigInt(hold)),
          monotonicGridNs: 1n,
          timeoutNs: 10n ** 9n,
          pivot: received,
        });
        if (verdict.kind !== 'sample') expect.fail(verdict.kind);
        expect(verdict.sample.upperNs).toBeGreaterThanOrEqual(t);
        expect(verdict.sample.lowerNs).toBeLessThanOrEqual(t);
      }),
      { seed: 7, numRuns: 2000 },
    );
  });
});

describe('no answer', () => {
  test('to anything but a client request of version 3 or 4: all first bytes', () => {
    const answered: number[] = [];
    for (let first = 0; first < 256; first++) {
      if (answerRequest(request(first), now, later, state) !== undefined) answered.push(first);
    }
    // Mode 3, version 3 or 4, whatever the leap indicator.
    expect(answered).toEqual([0x1b, 0x23, 0x5b, 0x63, 0x9b, 0xa3, 0xdb, 0xe3]);
  });

  test('to its own answers, so two servers cannot be set on each other', () => {
    const reply = answerRequest(request(0x23), now, later, state) ?? new Uint8Array();
    expect(answerRequest(reply, now, later, state)).toBeUndefined();
  });

  test('that is longer than what came, whatever came', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, client) => {
        if (client && bytes.length > 0) bytes[0] = 0x23;
        const reply = answerRequest(bytes, now, later, state);
        expect(reply?.length ?? 0).toBeLessThanOrEqual(bytes.length);
      }),
      { seed: 8, numRuns: 5000 },
    );
    expect(answerRequest(request(0x23, 48), now, later, state)?.length).toBe(48);
    expect(answerRequest(request(0x23, 48 + 28 - 8), now, later, state)?.length).toBe(48);
  });
});
