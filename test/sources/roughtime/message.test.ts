import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  encodeMessage,
  encodePacket,
  encodeU32,
  parseMessage,
  parsePacket,
  Tag,
} from '../../../src/sources/roughtime/message.ts';

const bytes = (...words: number[]): Uint8Array => encodeU32(...words);

test('tags are their letters, read as little endian', () => {
  for (const [letters, tag] of Object.entries(Tag)) {
    expect(Buffer.from(encodeU32(tag)).toString('latin1')).toBe(letters.padEnd(4, '\0'));
  }
});

test('what is encoded is read back: any ascending tags, any values of whole words', () => {
  const field = fc.tuple(
    fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.uniqueArray(field, { selector: ([tag]) => tag, maxLength: 12 }), (drawn) => {
      const fields = drawn
        .sort(([a], [b]) => a - b)
        .map(([tag, words]) => [tag, encodeU32(...words)] as const);
      const read =
        fields.length === 0 ? parseMessage(bytes(0)) : parseMessage(encodeMessage(fields));
      expect([...read!].map(([tag, value]) => [tag, [...value]])).toEqual(
        fields.map(([tag, value]) => [tag, [...value]]),
      );
      if (fields.length > 0) expect(parsePacket(encodePacket(encodeMessage(fields)))).toEqual(read);
    }),
  );
});

describe('not a message', () => {
  it.each([
    ['nothing', new Uint8Array(0)],
    ['three bytes', new Uint8Array(3)],
    ['no tags, but more bytes', bytes(0, 0)],
    ['a length that is not a multiple of four', new Uint8Array([1, 0, 0, 0, 1, 0, 0, 0, 9])],
    ['more tags than bytes', bytes(1000, 0, 0)],
    ['four thousand million tags', bytes(0xffffffff, 0, 0)],
    ['65 tags', new Uint8Array(8 * 65).fill(0).map((_, i) => (i === 0 ? 65 : 0))],
    ['tags that descend', bytes(2, 0, 7, 6)],
    ['a tag twice', bytes(2, 0, 7, 7)],
    ['an offset behind the end', bytes(2, 8, 6, 7, 1)],
    ['an offset that is not a multiple of four', bytes(2, 2, 6, 7, 1)],
    ['offsets that go back, so that values overlap', bytes(3, 8, 4, 5, 6, 7, 1, 2)],
    ['an offset without end', bytes(2, 0xfffffffc, 6, 7, 1)],
  ])('%s', (_, wrong) => {
    expect(parseMessage(wrong)).toBeUndefined();
  });

  it('two words more or less', () => {
    expect(parseMessage(bytes(2, 4, 6, 7, 1, 2))?.get(7)).toEqual(bytes(2));
    expect(parseMessage(bytes(2, 4, 6, 7))).toBeUndefined();
  });
});

describe('not a packet', () => {
  const packet = encodePacket(encodeMessage([[7, bytes(1, 2)]]));
  const changed = (change: (copy: Uint8Array) => void): Uint8Array => {
    const copy = packet.slice();
    change(copy);
    return copy;
  };

  it.each([
    ['an empty datagram', new Uint8Array(0)],
    ['the header alone, cut', packet.subarray(0, 11)],
    ['another magic', changed((copy) => copy.fill(0x52, 0, 8))],
    ['a length that is too small', changed((copy) => (copy[8]! -= 4))],
    ['trailing bytes', Buffer.concat([packet, bytes(0)])],
    ['a packet that was cut', packet.subarray(0, packet.length - 4)],
  ])('%s', (_, wrong) => {
    expect(parsePacket(packet)).toBeDefined();
    expect(parsePacket(wrong)).toBeUndefined();
  });
});

test('a hundred thousand random messages: none is read in two ways, nothing is thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 64 }), fc.nat(4), (drawn, count) => {
      const hostile = drawn.slice(0, drawn.length & ~3);
      hostile.set([count, 0, 0, 0]);
      const read = parseMessage(hostile);
      // What is read and written again is the same, byte for byte.
      if (read !== undefined && count > 0) expect(encodeMessage([...read])).toEqual(hostile);
    }),
    { numRuns: 100_000 },
  );
});
