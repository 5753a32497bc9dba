import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lineOf, readLog } from './reading.ts';

const OPTIONS = { keepTime: false };
const BASE = 1_795_227_787_534_418_003n;

/** What is read of these lines as one file: each line may be taken to be like the one before. */
function together(lines: readonly string[]): unknown {
  const { records, remarks } = readLog(lines.join('\n'), OPTIONS);
  return {
    records: records.map((record) => [
      record.timestamp,
      record.nodeId,
      record.earliest,
      record.latest,
      record.from,
      record.line,
      lineOf(record),
    ]),
    faults: remarks.length > 0,
  };
}

/** The same, when nothing is known of the line before: each is read by the scanner. */
function apart(lines: readonly string[]): unknown {
  const read = lines.map((line, i) => ({ ...readLog(line, OPTIONS), number: i + 1 }));
  return {
    records: read.flatMap(({ records, number }) =>
      records.map((record) => [
        record.timestamp,
        record.nodeId,
        record.earliest,
        record.latest,
        record.from,
        number,
        lineOf(record),
      ]),
    ),
    faults: read.some(({ remarks }) => remarks.length > 0),
  };
}

const stamped = (at: bigint, node: string, level: number, tail: string): string =>
  `{"level":${level},"time":1795227787534,"hlc":"${BASE + at}","node":"${node}","earliest":"${BASE + at - 500n}","latest":"${BASE + at + 500n}"${tail}}`;

const line = fc
  .tuple(
    fc.bigInt(0n, 10n ** 12n),
    fc.constantFrom('api-1', 'api-1', 'api-2', 'db'),
    fc.constantFrom(30, 40, 100),
    fc.constantFrom(
      '',
      ',"msg":"paid"',
      ',"msg":"to ann@example.org"',
      `,"from":"${BASE}@db"`,
      ',"node":"other","hlc":"1"',
      ',"msg":"{"',
    ),
  )
  .map((parts) => stamped(...parts));

/** A line with one byte replaced, or cut. */
const damaged = fc
  .tuple(line, fc.nat(), fc.constantFrom('"', ':', ';', '{', '}', ',', '7', 'x', '\\', ''))
  .map(([text, at, byte]) => {
    const cut = at % text.length;
    return byte === '' ? text.slice(0, cut) : text.slice(0, cut) + byte + text.slice(cut + 1);
  });

describe('a line that is like the one before', () => {
  test('is read as the scanner would read it', () => {
    fc.assert(
      fc.property(fc.array(line, { minLength: 2, maxLength: 12 }), (lines) => {
        expect(together(lines)).toEqual(apart(lines));
      }),
      { seed: 19, numRuns: 1000 },
    );
  });

  test.each([
    ['another node of the same length', stamped(1n, 'api-2', 30, '')],
    ['the stamp of a message behind its own', stamped(1n, 'api-1', 30, `,"from":"${BASE}@db"`)],
    ['that is cut', stamped(1n, 'api-1', 30, '').slice(0, -1)],
    ['a stamp beyond int64', stamped(8_000_000_000_000_000_000n, 'api-1', 30, '')],
    ['another name', stamped(1n, 'api-1', 30, '').replace('hlc', 'hlx')],
    ['another end of its stamp', `${stamped(1n, 'api-1', 30, '').slice(0, -2)}x"}`],
    [
      'an interval that ends before it begins',
      stamped(1n, 'api-1', 30, '').replace(/"latest":"\d+/, '"latest":"1111111111111111111'),
    ],
  ])('but for %s', (_, text) => {
    const lines = [stamped(0n, 'api-1', 30, ''), text];
    expect(together(lines)).toEqual(apart(lines));
  });

  test('but for another node, also one of digits', () => {
    const lines = ['3', '4', '4', '3'].map((node, i) => stamped(BigInt(i), node, 30, ''));
    expect(together(lines)).toEqual(apart(lines));
  });

  test('or in which a byte is wrong: all that the scanner takes, and else only stamps that are there', () => {
    fc.assert(
      fc.property(line, damaged, (first, second) => {
        const { records } = readLog(`${first}\n${second}`, OPTIONS);
        const alone = readLog(second, OPTIONS).records[0];
        const taken = records[1];
        if (alone !== undefined) {
          expect(taken).toMatchObject({ timestamp: alone.timestamp, nodeId: alone.nodeId });
          expect([taken!.earliest, taken!.latest]).toEqual([alone.earliest, alone.latest]);
        } else if (taken !== undefined) {
          // Behind the stamp the line is not valid, but it ends in a brace.
          const { timestamp, nodeId, earliest, latest } = taken;
          expect(second).toContain(
            `"hlc":"${timestamp}","node":"${nodeId}","earliest":"${earliest}","latest":"${latest}"`,
          );
          expect(second.at(-1)).toBe('}');
        }
      }),
      { seed: 20, numRuns: 5000 },
    );
  });

  test('the end of the head is compared too', () => {
    const interval = `"earliest":"${BASE - 500n}","latest":"${BASE + 500n}"`;
    const good = `{"hlc":"${BASE}","node":"a",${interval},"x":1}`;
    const node = `{"hlc":"${BASE}",${interval},"node":"ab","x":1}`;
    for (const lines of [
      [good, good.replace('","x"', ',,"x"')],
      [node, node.replace('"ab"', '"ac"')],
    ]) {
      expect(together(lines)).toEqual(apart(lines));
    }
  });

  test('a number at the end of the head has no further digits', () => {
    const head = `{"hlc":"${BASE}","earliest":"${BASE - 500n}","latest":"${BASE + 500n}","node":`;
    for (const lines of [
      [`${head}5,"msg":"one"}`, `${head}51,"msg":"two"}`],
      [`${head}5}`, `${head}51}`],
      [`${head}5 ,"a":1}`, `${head}5\t}`, `${head}5e1}`],
      [BASE, `${BASE}0`, `${BASE}e9`, `${BASE}.5`].map(
        (latest) => `{"hlc":${BASE},"node":"a","earliest":${BASE - 500n},"latest":${latest}}`,
      ),
    ]) {
      expect(together(lines)).toEqual(apart(lines));
    }
  });
});
