import { readFileSync } from 'node:fs';
import {
  compareStamps,
  formatStamp,
  formatTimestamp,
  parseStamp,
  parseTimestamp,
  type Stamp,
} from 'epsilon-clock';
import {
  bytesFromTimestamp,
  formatUuidv7,
  hlcTimestamp,
  longFromTimestamp,
  parseTimestampInto,
  parseUuidv7,
  randomNodeBits,
  readTimestamp,
  timestampFromBytes,
  timestampFromLong,
  uuidv7Bytes,
  writeTimestamp,
} from 'epsilon-clock/timestamps';
import fc from 'fast-check';
import Long from 'long';
import { describe, expect, test } from 'vitest';
import { timestampFromStamp } from '../../src/logical/timestamp-text.ts';

interface Vector {
  readonly note: string;
  readonly timestamp: string;
  readonly text: string;
  readonly bytes: string;
  readonly low: number;
  readonly high: number;
  readonly nodeBits: string;
  readonly uuid: string;
}

const vectors = JSON.parse(
  readFileSync(new URL('../vectors/hlc-timestamps.json', import.meta.url), 'utf8'),
) as { rows: Vector[] };

const MAX = 2n ** 63n - 1n;
const runs = { seed: 40_117, numRuns: 2000 };

/** Timestamps of all magnitudes, and those next to values where an encoding could break. */
const timestamps = fc.oneof(
  fc.bigInt(0n, MAX),
  fc.bigInt(0n, 10n ** 10n),
  fc.bigInt(1_700_000_000_000_000_000n, 1_900_000_000_000_000_000n),
  fc
    .tuple(
      fc.constantFrom(0n, 10n ** 6n, 10n ** 9n, 10n ** 12n, 2n ** 31n, 2n ** 32n, 2n ** 53n, MAX),
      fc.bigInt(-3n, 3n),
    )
    .map(([edge, step]) => (edge + step < 0n ? 0n : edge + step > MAX ? MAX : edge + step)),
);
const nodeIds = fc.stringMatching(/^[0-9A-Za-z._:-]{1,64}$/);
const nodeBits = fc.bigInt(0n, 2n ** 54n - 1n);

function codeOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return (error as { code?: unknown }).code ?? error;
  }
}

/** Checks that the encodings compare as the values do, in both directions. */
function sameOrder<T>(a: T, b: T, x: string, y: string, compare: (a: T, b: T) => number): void {
  expect(Math.sign(Number(x > y) - Number(x < y))).toBe(Math.sign(compare(a, b)));
}

const byValue = (a: bigint, b: bigint) => Number(a > b) - Number(a < b);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('fixed vectors', () => {
  test.each(vectors.rows)('$note', (row) => {
    const t = BigInt(row.timestamp);
    expect(formatTimestamp(t)).toBe(row.text);
    expect(parseTimestamp(row.text)).toBe(t);
    const bytes = Buffer.from(row.bytes, 'hex');
    expect(hex(bytesFromTimestamp(t))).toBe(row.bytes);
    expect(timestampFromBytes(bytes)).toBe(t);
    const view = new DataView(new ArrayBuffer(8));
    writeTimestamp(t, view, 0);
    expect(hex(new Uint8Array(view.buffer))).toBe(row.bytes);
    expect(readTimestamp(view, 0)).toBe(t);
    expect(longFromTimestamp(t)).toEqual({ low: row.low, high: row.high, unsigned: false });
    expect(timestampFromLong(row)).toBe(t);
    expect(formatUuidv7(t, BigInt(row.nodeBits))).toBe(row.uuid);
    expect(parseUuidv7(row.uuid)).toEqual({ timestamp: t, nodeBits: BigInt(row.nodeBits) });
  });
});

describe('19 digits', () => {
  test('round trip, and text order is timestamp order', () => {
    fc.assert(
      fc.property(timestamps, timestamps, (a, b) => {
        const text = formatTimestamp(a);
        expect(text).toBe(a.toString().padStart(19, '0'));
        expect(parseTimestamp(text)).toBe(a);
        sameOrder(a, b, text, formatTimestamp(b), byValue);
      }),
      runs,
    );
  });

  test('every text of 19 digits is refused, or is the text of the timestamp it gives', () => {
    const digits = fc.stringMatching(/^[0-9]{19}$/);
    fc.assert(
      fc.property(digits, (text) => {
        const expected = BigInt(text) <= MAX ? text : 'ERR_TIMESTAMP_MALFORMED';
        expect(codeOf(() => formatTimestamp(parseTimestamp(text)))).toBe(expected);
      }),
      runs,
    );
  });

  test('one foreign character anywhere is refused', () => {
    const place = fc.nat(18);
    const character = fc.oneof(
      fc.constantFrom('/', ':', ' ', '-', '+', '٣', '\u{1d7d8}'[0]!, '\0', 'a', 'e', '\uff11'),
      fc.string({ minLength: 1, maxLength: 1 }).filter((c) => !/[0-9]/.test(c) && c.length === 1),
    );
    fc.assert(
      fc.property(timestamps, place, character, (t, at, c) => {
        const text = formatTimestamp(t);
        const forged = text.slice(0, at) + c + text.slice(at + 1);
        expect(codeOf(() => parseTimestamp(forged))).toBe('ERR_TIMESTAMP_MALFORMED');
      }),
      runs,
    );
  });

  test.each([
    ['nothing', ''],
    ['18 digits', '179522778753441800'],
    ['20 digits', '01795227787534418003'],
    ['one above int64', '9223372036854775808'],
    ['all nines', '9999999999999999999'],
    ['a sign', '-795227787534418003'],
    ['a line end', '1795227787534418003\n'],
    ['spaces', ' 79522778753441800 '],
  ])('refused: %s', (_, text) => {
    const target = BigInt64Array.of(7n);
    expect(codeOf(() => parseTimestamp(text))).toBe('ERR_TIMESTAMP_MALFORMED');
    expect(codeOf(() => parseTimestampInto(text, target, 0))).toBe('ERR_TIMESTAMP_MALFORMED');
    expect(target[0]).toBe(7n);
  });

  test('into a slot', () => {
    const target = new BigInt64Array(3);
    parseTimestampInto('1795227787534418003', target, 1);
    expect(target).toEqual(BigInt64Array.of(0n, 1_795_227_787_534_418_003n, 0n));
    for (const index of [3, -1, 0.5, Number.NaN, 2 ** 32, '0' as never]) {
      expect(codeOf(() => parseTimestampInto('0'.repeat(19), target, index))).toBe(
        'ERR_OUT_OF_RANGE',
      );
    }
    expect(codeOf(() => parseTimestampInto('0'.repeat(19), [] as never, 0))).toBe(
      'ERR_INVALID_ARG_TYPE',
    );
  });
});

describe('stamps', () => {
  test('round trip, and text order is the total order', () => {
    fc.assert(
      fc.property(timestamps, nodeIds, timestamps, nodeIds, fc.boolean(), (t, n, u, m, tie) => {
        const a = { timestamp: hlcTimestamp(t), nodeId: n };
        const b = { timestamp: tie ? a.timestamp : hlcTimestamp(u), nodeId: m };
        const text = formatStamp(a.timestamp, a.nodeId);
        expect(text).toBe(`${t.toString().padStart(19, '0')}@${n}`);
        expect(parseStamp(text)).toEqual(a);
        sameOrder(a, b, text, formatStamp(b.timestamp, b.nodeId), compareStamps);
        expect(compareStamps(a, a)).toBe(0);
      }),
      runs,
    );
  });

  test('equal timestamps are ordered by the node', () => {
    const timestamp = hlcTimestamp(5n);
    expect(compareStamps({ timestamp, nodeId: 'a' }, { timestamp, nodeId: 'b' })).toBe(-1);
    expect(compareStamps({ timestamp, nodeId: 'b' }, { timestamp, nodeId: 'a' })).toBe(1);
    // A prefix comes first, and capitals before small letters: byte order.
    expect(compareStamps({ timestamp, nodeId: 'a' }, { timestamp, nodeId: 'a1' })).toBe(-1);
    expect(compareStamps({ timestamp, nodeId: 'Z' }, { timestamp, nodeId: 'a' })).toBe(-1);
  });

  test('texts, parts and a mix of both sort in one order, which is text order', () => {
    const texts = [
      formatStamp(5n, 'b'),
      formatStamp(12n, 'a'),
      formatStamp(5n, 'a1'),
      formatStamp(5n, 'a'),
    ];
    const sorted = [texts[3]!, texts[2]!, texts[0]!, texts[1]!];
    expect([...texts].sort(compareStamps)).toEqual(sorted);
    expect([...texts].sort()).toEqual(sorted);
    expect(texts.map(parseStamp).sort(compareStamps)).toEqual(sorted.map(parseStamp));
    const mixed = texts.map((text, i) => (i % 2 === 0 ? text : parseStamp(text)));
    expect(
      mixed
        .sort(compareStamps)
        .map((each) =>
          typeof each === 'string' ? each : formatStamp(each.timestamp, each.nodeId),
        ),
    ).toEqual(sorted);
  });

  test('anything but a stamp is refused', () => {
    const good = formatStamp(5n, 'a');
    const bad = [undefined, null, 5n, 5, {}, [], { time: 1, nodeId: 'a' }, { timestamp: 5n }];
    for (const each of bad as never[]) {
      expect(codeOf(() => compareStamps(each, good))).toBe('ERR_INVALID_ARG_TYPE');
      expect(codeOf(() => compareStamps(good, each))).toBe('ERR_INVALID_ARG_TYPE');
    }
    const text = '1795227787534418003' as never;
    expect(codeOf(() => compareStamps(good, text))).toBe('ERR_TIMESTAMP_MALFORMED');
  });

  const malformed = [
    ['no node', '1795227787534418003'],
    ['an empty node', '1795227787534418003@'],
    ['a second @', '1795227787534418003@a@b'],
    ['a space', '1795227787534418003@a b'],
    ['65 characters', `1795227787534418003@${'a'.repeat(65)}`],
    ['18 digits', '179522778753441800@a'],
    ['20 digits', '01795227787534418003@a'],
    ['a digit', '1@a'],
    ['letters', 'aaaaaaaaaaaaaaaaaaa@a'],
    ['16 letters', 'aaaaaaaaaaaaaaaa@a'],
    ['another separator', '1795227787534418003#a'],
    ['nothing', ''],
  ] as const;

  test.each(malformed)('refused: %s', (_, text) => {
    expect(codeOf(() => parseStamp(text))).toBe('ERR_TIMESTAMP_MALFORMED');
    expect(codeOf(() => timestampFromStamp(text))).toBe('ERR_TIMESTAMP_MALFORMED');
    const good = formatStamp(5n, 'a');
    expect(codeOf(() => compareStamps(text as Stamp, good))).toBe('ERR_TIMESTAMP_MALFORMED');
    expect(codeOf(() => compareStamps(good, text as Stamp))).toBe('ERR_TIMESTAMP_MALFORMED');
    expect(codeOf(() => compareStamps(text as Stamp, text as Stamp))).toBe(
      'ERR_TIMESTAMP_MALFORMED',
    );
  });

  test('of Lamport clocks have an order among themselves', () => {
    const [a, b, c] = ['0000000000000007@b', '0000000000000007@c', '0000000000000012@a'] as const;
    expect([c, b, a].sort(compareStamps)).toEqual([a, b, c]);
    expect([compareStamps(a, b), compareStamps(b, a), compareStamps(a, a)]).toEqual([-1, 1, 0]);
    const other = formatStamp(7n, 'b');
    for (const act of [() => compareStamps(a, other), () => compareStamps(other, a)]) {
      expect(codeOf(act)).toBe('ERR_TIMESTAMP_MALFORMED');
    }
  });

  test('the timestamp alone, and the parts in JSON', () => {
    const text = formatStamp(1_795_227_787_534_418_003n, 'orders-3');
    expect(timestampFromStamp(text)).toBe(1_795_227_787_534_418_003n);
    expect(JSON.stringify(parseStamp(text))).toBe(
      '{"timestamp":"1795227787534418003","nodeId":"orders-3"}',
    );
  });
});

describe('8 bytes', () => {
  test('round trip, and byte order is timestamp order', () => {
    fc.assert(
      fc.property(timestamps, timestamps, fc.nat(9), (a, b, offset) => {
        const bytes = bytesFromTimestamp(a);
        expect(timestampFromBytes(bytes)).toBe(a);
        expect(Math.sign(Buffer.compare(bytes, bytesFromTimestamp(b)))).toBe(byValue(a, b));
        const view = new DataView(new ArrayBuffer(17));
        writeTimestamp(a, view, offset);
        expect(view.getBigInt64(offset)).toBe(a);
        expect(readTimestamp(view, offset)).toBe(a);
      }),
      runs,
    );
  });

  test('the same in a view and in bytes, which may be a part of larger ones', () => {
    fc.assert(
      fc.property(timestamps, fc.nat(9), (t, offset) => {
        const bytes = new Uint8Array(30).fill(0xaa);
        const part = bytes.subarray(4, 21);
        writeTimestamp(t, part, offset);
        const expected = new Uint8Array(30).fill(0xaa);
        expected.set(bytesFromTimestamp(t), 4 + offset);
        expect(bytes).toEqual(expected);
        // No call uses what an earlier one left.
        bytesFromTimestamp(7n);
        expect(readTimestamp(part, offset)).toBe(t);
        expect(readTimestamp(Buffer.from(part), offset)).toBe(t);
      }),
      runs,
    );
    const first = new Uint8Array(8);
    writeTimestamp(258n, first);
    expect([...first]).toEqual([0, 0, 0, 0, 0, 0, 1, 2]);
    expect(readTimestamp(first)).toBe(258n);
  });

  test.each([undefined, null, {}, [0, 0, 0, 0, 0, 0, 0, 0], new Uint16Array(8)])(
    'neither a view nor bytes: %o',
    (target) => {
      expect(codeOf(() => writeTimestamp(5n, target as never))).toBe('ERR_INVALID_ARG_TYPE');
      expect(codeOf(() => readTimestamp(target as never))).toBe('ERR_INVALID_ARG_TYPE');
    },
  );

  test('a first bit that is set is refused in a view and in bytes', () => {
    const view = new DataView(new ArrayBuffer(8));
    for (const first of [0x80, 0xff]) {
      view.setUint8(0, first);
      expect(codeOf(() => readTimestamp(view, 0))).toBe('ERR_TIMESTAMP_MALFORMED');
      expect(codeOf(() => readTimestamp(new Uint8Array(view.buffer)))).toBe(
        'ERR_TIMESTAMP_MALFORMED',
      );
    }
  });

  test('any 8 bytes are refused, or are the bytes of the timestamp they give', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (bytes) => {
        const expected = bytes[0]! < 0x80 ? hex(bytes) : 'ERR_TIMESTAMP_MALFORMED';
        expect(codeOf(() => hex(bytesFromTimestamp(timestampFromBytes(bytes))))).toBe(expected);
      }),
      runs,
    );
  });

  test('a part of a larger buffer is read at its offset', () => {
    const bytes = new Uint8Array(24);
    bytes[15] = 9;
    expect(timestampFromBytes(bytes.subarray(8, 16))).toBe(9n);
  });

  test.each([7, 9, 0])('refused: %i bytes', (length) => {
    expect(codeOf(() => timestampFromBytes(new Uint8Array(length)))).toBe(
      'ERR_TIMESTAMP_MALFORMED',
    );
  });
});

describe('UUIDv7 as 16 bytes', () => {
  test('the bytes of the text, and back', () => {
    const bytes = uuidv7Bytes(1_795_227_787_534_418_003n, 3n);
    expect(Buffer.from(bytes).toString('hex')).toBe('01a1fbea210e7660b4c0000000000003');
    expect(parseUuidv7(bytes)).toEqual({ timestamp: 1_795_227_787_534_418_003n, nodeBits: 3n });
    const longer = Uint8Array.of(...bytes, 0);
    for (const bad of [bytes.subarray(1), longer, new Uint8Array(16), new Uint8Array(0)]) {
      expect(() => parseUuidv7(bad)).toThrow(
        expect.objectContaining({ code: 'ERR_TIMESTAMP_MALFORMED' }),
      );
    }
  });
});

describe('UUIDv7', () => {
  test('round trip, and text order is the order of timestamp and node bits', () => {
    fc.assert(
      fc.property(timestamps, nodeBits, timestamps, nodeBits, fc.boolean(), (t, n, u, m, tie) => {
        const a = { timestamp: t, nodeBits: n };
        const b = { timestamp: tie ? t : u, nodeBits: m };
        const text = formatUuidv7(t, n);
        expect(text).toMatch(
          /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
        );
        expect(parseUuidv7(text)).toEqual(a);
        // RFC 9562: the first 48 bits are the milliseconds.
        expect(BigInt(`0x${text.slice(0, 8)}${text.slice(9, 13)}`)).toBe(t / 1_000_000n);
        sameOrder(
          a,
          b,
          text,
          formatUuidv7(b.timestamp, b.nodeBits),
          (x, y) => byValue(x.timestamp, y.timestamp) || byValue(x.nodeBits, y.nodeBits),
        );
      }),
      runs,
    );
  });

  test('any UUID of this form is refused, or is the UUID of the parts it gives', () => {
    const word = (digits: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`));
    const variant = fc.constantFrom(...'89ab');
    fc.assert(
      fc.property(
        fc.tuple(word(8), word(4), word(3), variant, word(3), word(12)),
        ([a, b, c, v, d, e]) => {
          const uuid = `${a}-${b}-7${c}-${v}${d}-${e}`;
          const ns = (parseInt(c, 16) << 8) | ((parseInt(v + d, 16) >> 6) & 0xff);
          const ms = BigInt(`0x${a}${b}`);
          const fits = ns < 1_000_000 && ms * 1_000_000n + BigInt(ns) <= MAX;
          const again = codeOf(() => {
            const parts = parseUuidv7(uuid);
            return formatUuidv7(parts.timestamp, parts.nodeBits);
          });
          expect(again).toBe(fits ? uuid : 'ERR_TIMESTAMP_MALFORMED');
        },
      ),
      runs,
    );
  });

  test.each([
    ['version 4', '017f22e2-79b0-4cc3-98c4-dc0c0c07398f'],
    ['variant 11', '017f22e2-79b0-7cc3-d8c4-dc0c0c07398f'],
    ['a nanosecond field of 1,000,000', '017f22e2-79b0-7f42-9000-000000000000'],
    ['a millisecond beyond int64', '08637bd05af7-7000-8000-000000000000'],
    ['a year above 2262', '0863-7bd05af7-7000-8000-000000000000'],
    ['no hyphens', '017f22e279b07cc398c4dc0c0c07398f'],
    ['a character in front', '0017f22e2-79b0-7cc3-98c4-dc0c0c07398f'],
    ['braces', '{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}'],
    ['a line end', '017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n'],
  ])('refused: %s', (_, uuid) => {
    expect(codeOf(() => parseUuidv7(uuid))).toBe('ERR_TIMESTAMP_MALFORMED');
  });

  test('is read in upper and mixed case too, and written in lower case', () => {
    const parts = { timestamp: 1_795_227_787_534_418_003n, nodeBits: 3n };
    expect(parseUuidv7('01A1FBEA-210E-7660-B4C0-000000000003')).toEqual(parts);
    expect(parseUuidv7('01a1fbea-210E-7660-b4C0-000000000003')).toEqual(parts);
    expect(formatUuidv7(parts.timestamp, parts.nodeBits)).toBe(
      '01a1fbea-210e-7660-b4c0-000000000003',
    );
  });

  test('there are 54 node bits, random when left out', () => {
    expect(codeOf(() => formatUuidv7(0n, 2n ** 54n))).toBe('ERR_OUT_OF_RANGE');
    expect(codeOf(() => formatUuidv7(0n, -1n))).toBe('ERR_OUT_OF_RANGE');
    expect(codeOf(() => formatUuidv7(0n, 3 as never))).toBe('ERR_INVALID_ARG_TYPE');
    const drawn = Array.from({ length: 2000 }, () => randomNodeBits());
    expect(new Set(drawn).size).toBe(2000);
    // In 2000 draws every bit is set at least once and clear at least once, none above the 54th.
    expect(drawn.reduce((a, b) => a | b)).toBe(2n ** 54n - 1n);
    expect(drawn.reduce((a, b) => a & b)).toBe(0n);
    expect(formatUuidv7(5n)).not.toBe(formatUuidv7(5n));
    expect(parseUuidv7(formatUuidv7(5n)).timestamp).toBe(5n);
  });
});

describe('Long', () => {
  test('round trip through the long package, signed and unsigned', () => {
    fc.assert(
      fc.property(timestamps, (t) => {
        const long = Long.fromValue(longFromTimestamp(t));
        expect(long.toString()).toBe(t.toString());
        expect(timestampFromLong(long)).toBe(t);
        expect(timestampFromLong(long.toUnsigned())).toBe(t);
        // Unsigned halves, as in protobufjs' plain objects.
        expect(timestampFromLong({ low: long.low >>> 0, high: long.high >>> 0 })).toBe(t);
      }),
      runs,
    );
  });

  test.each([
    ['a negative', Long.fromNumber(-1), 'ERR_OUT_OF_RANGE'],
    ['2^63, unsigned', Long.fromString('9223372036854775808', true), 'ERR_OUT_OF_RANGE'],
    ['a fraction', { low: 0.5, high: 0 }, 'ERR_OUT_OF_RANGE'],
    ['a lower half too large', { low: 2 ** 32, high: 0 }, 'ERR_OUT_OF_RANGE'],
    ['a lower half too small', { low: -(2 ** 31) - 1, high: 0 }, 'ERR_OUT_OF_RANGE'],
    ['an upper half too large', { low: 0, high: 2 ** 31 }, 'ERR_OUT_OF_RANGE'],
    ['NaN', { low: Number.NaN, high: 0 }, 'ERR_OUT_OF_RANGE'],
    ['a missing half', { low: 0 }, 'ERR_INVALID_ARG_TYPE'],
    ['a number', 5, 'ERR_INVALID_ARG_TYPE'],
    ['null', null, 'ERR_INVALID_ARG_TYPE'],
    ['nothing', undefined, 'ERR_INVALID_ARG_TYPE'],
  ])('refused: %s', (_, bits, code) => {
    expect(codeOf(() => timestampFromLong(bits as Long))).toBe(code);
  });
});

test.each([
  ['a number', 5, 'ERR_INVALID_ARG_TYPE'],
  ['text', '5', 'ERR_INVALID_ARG_TYPE'],
  ['nothing', undefined, 'ERR_INVALID_ARG_TYPE'],
  ['a negative', -1n, 'ERR_OUT_OF_RANGE'],
  ['2^63', 2n ** 63n, 'ERR_OUT_OF_RANGE'],
  ['2^64', 2n ** 64n, 'ERR_OUT_OF_RANGE'],
])('no encoder takes %s', (_, value, code) => {
  const t = value as bigint;
  expect(codeOf(() => hlcTimestamp(t))).toBe(code);
  expect(codeOf(() => formatTimestamp(t))).toBe(code);
  expect(codeOf(() => formatStamp(t, 'a'))).toBe(code);
  expect(codeOf(() => bytesFromTimestamp(t))).toBe(code);
  expect(codeOf(() => formatUuidv7(t, 0n))).toBe(code);
  expect(codeOf(() => longFromTimestamp(t))).toBe(code);
});

test.each([
  ['parseTimestamp', parseTimestamp],
  ['parseStamp', parseStamp],
  ['parseUuidv7', parseUuidv7],
  ['timestampFromBytes', timestampFromBytes],
])('%s takes only its type', (_, decode) => {
  for (const value of [5, 5n, null, undefined, {}, { length: 19, charCodeAt: () => 48 }]) {
    expect(codeOf(() => decode(value as never))).toBe('ERR_INVALID_ARG_TYPE');
  }
});
