import { decodePacket, NtpPacketError } from 'epsilon-clock/ntp';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodePacket,
  type LeapIndicator,
  type NtpHeader,
  referenceIdOf,
} from '../../../src/sources/ntp/packet.ts';

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const headers: fc.Arbitrary<NtpHeader> = fc.record({
  leap: fc.constantFrom<LeapIndicator>(0, 1, 2, 3),
  version: fc.integer({ min: 0, max: 7 }),
  mode: fc.integer({ min: 0, max: 7 }),
  stratum: fc.integer({ min: 0, max: 255 }),
  poll: fc.integer({ min: -128, max: 127 }),
  precision: fc.integer({ min: -128, max: 127 }),
  rootDelay: uint32,
  rootDispersion: uint32,
  referenceId: uint32,
  referenceTime: uint64,
  originTime: uint64,
  receiveTime: uint64,
  transmitTime: uint64,
});

/** A reply written by hand from the figure in RFC 5905 section 7.3, with every field different. */
const REPLY = hex(`
  64 02 06 e9  00 00 01 23  00 00 04 56  0a 4d 00 02
  e9 70 aa 01 11 11 11 11   e9 70 aa 02 22 22 22 22
  e9 70 aa 03 33 33 33 33   e9 70 aa 04 44 44 44 44`);

function concat(...parts: readonly (Uint8Array | number)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((p) => (typeof p === 'number' ? Array(p).fill(0) : [...p])));
}

/** An extension field of `length` bytes. */
function field(type: number, length: number, claimed: number = length): Uint8Array {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, (type << 16) | claimed);
  return bytes;
}

describe('the header', () => {
  test('is read field by field', () => {
    expect(decodePacket(REPLY)).toEqual({
      leap: 1,
      version: 4,
      mode: 4,
      stratum: 2,
      poll: 6,
      precision: -23,
      rootDelay: 0x123,
      rootDispersion: 0x456,
      referenceId: 0x0a4d0002,
      referenceTime: 0xe970aa0111111111n,
      originTime: 0xe970aa0222222222n,
      receiveTime: 0xe970aa0333333333n,
      transmitTime: 0xe970aa0444444444n,
      extensions: [],
      mac: undefined,
    });
  });

  test('survives both round trips', () => {
    fc.assert(
      fc.property(headers, (header) => {
        expect(decodePacket(encodePacket(header))).toEqual({
          ...header,
          extensions: [],
          mac: undefined,
        });
      }),
      { seed: 1, numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 48, maxLength: 48 }), (bytes) => {
        expect(encodePacket(decodePacket(bytes))).toEqual(bytes);
      }),
      { seed: 2, numRuns: 2000 },
    );
  });

  test('is found in the middle of a larger buffer', () => {
    const buffer = concat(7, REPLY, 9);
    expect(decodePacket(buffer.subarray(7, 55))).toEqual(decodePacket(REPLY));
  });

  test.each([0, 1, 4, 47])('cut to %i bytes is an error', (length) => {
    const cut = (): unknown => decodePacket(REPLY.subarray(0, length));
    expect(cut).toThrow(NtpPacketError);
    expect(cut).toThrow(
      expect.objectContaining({ code: 'ERR_NTP_PACKET', reason: 'short', length }),
    );
  });
});

describe('what follows the header', () => {
  test.each([
    // Nothing, a crypto-NAK, MD5, SHA-1: no extension fields.
    [concat(REPLY), [], undefined],
    [concat(REPLY, 4), [], 4],
    [concat(REPLY, 20), [], 20],
    [concat(REPLY, 24), [], 24],
    // Without a code, the last field has at least 28 bytes.
    [concat(REPLY, field(0x104, 28)), [0x104], undefined],
    [concat(REPLY, field(0x104, 36), field(0x204, 40)), [0x104, 0x204], undefined],
    // With a code, 16 bytes are enough.
    [concat(REPLY, field(0x104, 16), 20), [0x104], 20],
    [concat(REPLY, field(0x104, 16), field(0x404, 16), 24), [0x104, 0x404], 24],
    [concat(REPLY, field(0x104, 400), 4), [0x104], 4],
  ])('is told apart by length (row %#)', (bytes, types, macLength) => {
    const packet = decodePacket(bytes);
    expect(packet.extensions.map(({ type }) => type)).toEqual(types);
    expect(packet.mac?.length).toBe(macLength);
    expect(packet.transmitTime).toBe(0xe970aa0444444444n);
  });

  test('keeps the body of a field', () => {
    const bytes = concat(REPLY, hex('0104 001c'), hex('aabb'), 20, hex('ccdd'));
    expect(decodePacket(bytes).extensions[0]?.body).toEqual(concat(hex('aabb'), 20, hex('ccdd')));
  });

  test.each([
    // These bytes are neither field nor code.
    [concat(REPLY, 1), 'trailing-bytes'],
    [concat(REPLY, 8), 'trailing-bytes'],
    [concat(REPLY, 16), 'trailing-bytes'],
    [concat(REPLY, 27), 'trailing-bytes'],
    [concat(REPLY, field(1, 28), 12), 'trailing-bytes'],
    // A field of length 0 would be read for ever.
    [concat(REPLY, field(1, 28, 0)), 'extension-length'],
    [concat(REPLY, field(1, 28, 12)), 'extension-length'],
    // A field whose length is not a multiple of 4 would shift the rest.
    [concat(REPLY, field(1, 32, 30)), 'extension-length'],
    // A field that is too long would be read beyond the end.
    [concat(REPLY, field(1, 28, 32)), 'extension-length'],
    [concat(REPLY, field(1, 28, 0xfffc)), 'extension-length'],
  ])('is refused when it is neither field nor code (row %#)', (bytes, reason) => {
    expect(() => decodePacket(bytes)).toThrow(
      expect.objectContaining({ code: 'ERR_NTP_PACKET', reason, length: bytes.length }),
    );
  });

  test('is all code before version 4, which had no fields', () => {
    const v3 = Uint8Array.from(REPLY);
    v3[0] = 0x5c;
    expect(decodePacket(concat(v3, 68)).mac?.length).toBe(68);
    expect(decodePacket(concat(v3, 20)).mac?.length).toBe(20);
    expect(() => decodePacket(concat(v3, 72))).toThrow(NtpPacketError);
    expect(() => decodePacket(concat(v3, 21))).toThrow(NtpPacketError);
  });

  test('ends, at the largest datagram UDP can carry', () => {
    const fields = Array.from({ length: 4092 }, (_, i) => field(i & 0xffff, 16));
    expect(decodePacket(concat(REPLY, ...fields.slice(0, 4090), 20)).extensions.length).toBe(4090);
  });
});

test.each([
  undefined,
  null,
  'a text of more than 48 characters, whatever it says',
  new ArrayBuffer(48),
])('a value that is not a Uint8Array is misuse (%s)', (bytes) => {
  expect(() => decodePacket(bytes as never)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
  );
});

test('reference ids are big endian letters', () => {
  expect(referenceIdOf('RATE')).toBe(0x52415445);
  expect(referenceIdOf('GPS')).toBe(0x47505300);
});
