import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../../src/cli/exit.ts';
import { assembler, lineOf, readLog } from './reading.ts';

const at = (ms: number): string => `{"time":${1_795_227_787_000 + ms}}`;

/** Somebody said how wrong the wall clocks are. */
const KNOWN = { uncertaintyNs: new Map([['', 5_000_000n]]) };

describe('lines that are no records', () => {
  test('stay with the record before them, blank ones too', () => {
    const log = `${at(1)}\nError: no\n\n    at main (a.js:1)\n${at(2)}\n${at(3)}\n  at the end`;
    const { records, remarks } = readLog(log);
    expect(records.map(({ line, after }) => [line, after.map(String)])).toEqual([
      [1, ['Error: no', '', '    at main (a.js:1)']],
      [5, []],
      [6, ['  at the end']],
    ]);
    expect(remarks).toEqual([
      'logs/api.ndjson: 3 lines without a stamp or a time (the first is line 2)',
      expect.stringMatching(/^logs\/api\.ndjson: 3 lines with a wall time only: .* --uncertainty$/),
    ]);
  });

  test('at the top stay with the first record', () => {
    const { records } = readLog(`-- Logs begin --\n{"no":"time"}\n${at(1)}\n${at(2)}\nlast\n`);
    expect(records.map(({ before, after }) => [before.map(String), after.map(String)])).toEqual([
      [['-- Logs begin --', '{"no":"time"}'], []],
      [[], ['last']],
    ]);
  });

  test('a log without a record says so', () => {
    expect(readLog('').remarks).toEqual(['logs/api.ndjson: no line has a stamp or a time']);
    expect(readLog('a\nb\n')).toEqual({
      records: [],
      remarks: [
        'logs/api.ndjson: no line has a stamp or a time, so none is printed; see --hlc and --time',
      ],
    });
    expect(readLog(at(1), KNOWN).remarks).toEqual([]);
    expect(readLog('{"hlc":"1795227787534418003","node":"a"}').remarks).toEqual([]);
  });
});

describe('bytes', () => {
  test('are the same however the log is cut into chunks', () => {
    const text = Buffer.from(`\ufeff${at(1)}\r\nstray é\n${at(2)}\n\n${at(3)}\nstray\n${at(4)}`);
    const whole = readLog(text).records.map((record) => [
      record.line,
      lineOf(record),
      record.after.map(String),
    ]);
    expect(whole.map(([line]) => line)).toEqual([1, 3, 5, 7]);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
        const ends = [...new Set(cuts), text.length].sort((a, b) => a - b);
        const { records } = assembler();
        const found = ends.flatMap((end, i) => records.push(text.subarray(ends[i - 1] ?? 0, end)));
        found.push(...records.end());
        expect(
          found.map((record) => [record.line, lineOf(record), record.after.map(String)]),
        ).toEqual(whole);
      }),
      { seed: 17, numRuns: 500 },
    );
  });

  test('are kept as they are: NUL, broken UTF-8, a carriage return', () => {
    const line = Buffer.concat([
      Buffer.from('{"msg":"\0'),
      Buffer.from([0xff, 0xc3, 0x28]),
      Buffer.from('","time":1795227787534}\r'),
    ]);
    const { records } = readLog(Buffer.concat([line, Buffer.from('\n')]));
    const { bytes, start, end } = records[0]!;
    expect(bytes.subarray(start, end).equals(line)).toBe(true);
  });
});

describe('memory', () => {
  /** Pushes `chunk` until it is refused; the number of bytes that were taken, at most `cap`. */
  function taken(chunk: Buffer, cap = 2 ** 25): number {
    const { records } = assembler();
    for (let bytes = 0; bytes < cap; bytes += chunk.length) {
      try {
        records.push(chunk);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        expect((error as Error).message).toMatch(/^logs\/api\.ndjson:\d+: /);
        return bytes;
      }
    }
    return cap;
  }

  test('a line may have 16 MiB, not more', () => {
    expect(taken(Buffer.alloc(2 ** 20, 'x'))).toBe(2 ** 24);
    expect(() => readLog(Buffer.alloc(2 ** 24 + 1, 'x'))).toThrow(
      'logs/api.ndjson:1: the line is longer than 16 MiB',
    );
    expect(readLog(`${at(1)}${' '.repeat(2 ** 24 - 30)}\n`).records).toHaveLength(1);
  });

  test('so may all lines that stay with one record, and blank lines count too', () => {
    expect(taken(Buffer.from(`${'x'.repeat(999)}\n`.repeat(1000)))).toBeLessThan(2 ** 24);
    expect(taken(Buffer.alloc(1000, '\n'), 500_000)).toBe(262_000);
    const log = Buffer.from('a stack\n'.repeat(100_000));
    const { records } = assembler();
    for (let i = 0; i < 10; i++) {
      records.push(Buffer.from(`${at(i)}\n`));
      records.push(log); // each record has lines of its own
    }
    expect(records.end()[0]!.after).toHaveLength(100_000);
  });
});
