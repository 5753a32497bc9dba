import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Cookies } from '../../../src/sources/nts/cookies.ts';
import {
  acceptsRequest,
  encodeRecords,
  encodeRequest,
  encodeResponse,
  judgeResponse,
  type KeRecord,
  MAX_MESSAGE_BYTES,
  RecordReader,
  RecordType,
  uint16,
} from '../../../src/sources/nts/records.ts';

/** The messages of a key exchange, and the cookies that come of it. */

const record = (type: number, body: Uint8Array, critical = true): KeRecord => ({
  type,
  critical,
  body,
});
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const cookie = (length = 100, fill = 7): KeRecord =>
  record(RecordType.cookie, new Uint8Array(length).fill(fill), false);
const NTPV4 = record(RecordType.nextProtocol, uint16(0));
const AEAD_15 = record(RecordType.aead, uint16(15));
const END = record(RecordType.end, new Uint8Array(0));
const honest = [NTPV4, AEAD_15, ...Array.from({ length: 8 }, () => cookie()), END];

test('the request is the one of the RFC: NTPv4, AEAD 15, end, all critical', () => {
  const hex = Buffer.from(encodeRequest()).toString('hex');
  expect(hex).toBe('80010002000080040002000f80000000');
});

test('what our server sends is what our client accepts, and the other way round', () => {
  const cookies = Array.from({ length: 8 }, (_, i) => new Uint8Array(96).fill(i));
  const records = new RecordReader().push(encodeResponse(11_123, cookies));
  const agreement = judgeResponse(records as KeRecord[]);
  expect(agreement).toEqual({ cookies, server: undefined, port: 11_123 });
  expect(acceptsRequest(new RecordReader().push(encodeRequest()) as KeRecord[])).toBe(true);
});

describe('a response with', () => {
  test.each<[string, readonly KeRecord[], string]>([
    ['an error', [record(RecordType.error, uint16(1)), END], 'server-error'],
    ['a warning', [...honest, record(RecordType.warning, uint16(1))], 'server-error'],
    ['no next protocol', [AEAD_15, cookie(), END], 'next-protocol'],
    [
      'another protocol',
      [record(RecordType.nextProtocol, uint16(1)), AEAD_15, cookie()],
      'next-protocol',
    ],
    [
      'no common protocol',
      [record(RecordType.nextProtocol, new Uint8Array(0)), AEAD_15, cookie()],
      'next-protocol',
    ],
    [
      'a protocol that is not critical',
      [record(RecordType.nextProtocol, uint16(0), false), AEAD_15, cookie()],
      'next-protocol',
    ],
    ['the protocol twice', [NTPV4, NTPV4, AEAD_15, cookie()], 'record-repeated'],
    ['no AEAD', [NTPV4, cookie(), END], 'aead'],
    ['AEAD 30, which was not offered', [NTPV4, record(4, uint16(30)), cookie()], 'aead'],
    ['AEAD 17, which was not offered', [NTPV4, record(4, uint16(17)), cookie()], 'aead'],
    ['two AEADs', [NTPV4, AEAD_15, AEAD_15, cookie()], 'record-repeated'],
    ['a list of AEADs', [NTPV4, record(4, Uint8Array.of(0, 15, 0, 30)), cookie()], 'aead'],
    ['no cookie', [NTPV4, AEAD_15, END], 'no-cookie'],
    ['nine cookies', [...honest, cookie()], 'too-many-cookies'],
    ['an empty cookie', [NTPV4, AEAD_15, cookie(0)], 'cookie-length'],
    ['a cookie of 101 bytes', [NTPV4, AEAD_15, cookie(101)], 'cookie-length'],
    ['an unknown critical record', [...honest, record(99, uint16(0))], 'record-critical'],
    ['a name with a blank', [...honest, record(RecordType.server, text('a b'))], 'server-address'],
    ['an empty name', [...honest, record(RecordType.server, text(''))], 'server-address'],
    ['a name in UTF-8', [...honest, record(RecordType.server, text('zeit.ü'))], 'server-address'],
    ['port 0', [...honest, record(RecordType.port, uint16(0))], 'server-address'],
    [
      'a port of one byte',
      [...honest, record(RecordType.port, Uint8Array.of(1))],
      'server-address',
    ],
    [
      'two ports',
      [...honest, record(RecordType.port, uint16(1)), record(RecordType.port, uint16(1))],
      'record-repeated',
    ],
  ])('%s is refused', (_, records, reason) => {
    expect(judgeResponse(records)).toBe(reason);
  });

  test('unknown records that are not critical is accepted', () => {
    const records = [...honest, record(1024, new Uint8Array(0), false)];
    expect(judgeResponse(records)).toMatchObject({ port: 123, server: undefined });
  });

  test('a name and a port says where to ask', () => {
    const records = [
      ...honest,
      record(RecordType.server, text('ntp.example.net')),
      record(RecordType.port, uint16(4123)),
    ];
    expect(judgeResponse(records)).toMatchObject({ port: 4123, server: 'ntp.example.net' });
  });
});

describe('a message', () => {
  test('may come in pieces of any size', () => {
    const bytes = encodeRecords(honest);
    for (const size of [1, 2, 3, 7, 100, bytes.length]) {
      const reader = new RecordReader();
      let outcome: unknown;
      for (let at = 0; at < bytes.length; at += size) {
        expect(outcome).toBeUndefined();
        outcome = reader.push(bytes.subarray(at, at + size));
      }
      expect(outcome).toEqual(honest);
    }
  });

  test('of more than 16 KiB without an end is refused, wherever it is cut', () => {
    const records = Array.from({ length: 200 }, () => cookie());
    const bytes = encodeRecords(records);
    expect(bytes.length).toBeGreaterThan(20_000);
    expect(new RecordReader().push(bytes)).toBe('message-length');
    const reader = new RecordReader();
    let outcome: unknown;
    let pushed = 0;
    while (outcome === undefined) outcome = reader.push(bytes.subarray(pushed, ++pushed));
    expect(outcome).toBe('message-length');
    expect(pushed).toBe(MAX_MESSAGE_BYTES + 1);
  });

  test('with a record of more than 256 bytes is refused at its head', () => {
    const reader = new RecordReader();
    expect(reader.push(Uint8Array.of(0, 5, 1))).toBeUndefined();
    expect(reader.push(Uint8Array.of(1))).toBe('record-length');
  });

  test('of any bytes is judged, never thrown at', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const records = new RecordReader().push(bytes);
        if (typeof records !== 'object') return;
        const agreement = judgeResponse(records);
        if (typeof agreement === 'object') expect(agreement.cookies.length).toBeLessThan(9);
        acceptsRequest(records);
      }),
      { numRuns: 20_000, seed: 8915 },
    );
  });
});

describe('cookies', () => {
  const numbered = (n: number, length = 96): Uint8Array[] =>
    Array.from({ length: n }, (_, i) => new Uint8Array(length).fill(i));

  test('are taken once each, the oldest first', () => {
    const cookies = new Cookies(numbered(8));
    const taken = Array.from({ length: 9 }, () => cookies.take()?.cookie[0]);
    expect(taken).toEqual([0, 1, 2, 3, 4, 5, 6, 7, undefined]);
  });

  test('a request asks for as many as are missing', () => {
    const cookies = new Cookies(numbered(8));
    const asked = Array.from({ length: 8 }, () => cookies.take()?.placeholders);
    expect(asked).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test.each([
    [4, 7],
    [104, 7],
    [108, 6],
    [212, 3],
    [256, 2],
  ])('of %i bytes: at most %i placeholders, so that nothing is fragmented', (length, most) => {
    const cookies = new Cookies(numbered(1, length));
    expect(cookies.take()?.placeholders).toBe(most);
  });

  test('more than eight are not kept', () => {
    const cookies = new Cookies(numbered(8));
    cookies.add(new Uint8Array(96));
    expect(cookies.count).toBe(8);
  });
});
