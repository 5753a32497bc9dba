import { existsSync, mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { sortLog } from '../../../src/cli/order/external-sort.ts';
import type { LogRecord } from '../../../src/cli/order/log-record.ts';
import { PlainLog } from '../../../src/cli/order/record-log.ts';
import { lineOf, OPTIONS, readLog, SOURCE } from './reading.ts';

const BASE = 1_795_227_787_000;
const temporary = mkdtempSync(join(tmpdir(), 'epsilon-sort-test-'));
beforeAll(() => void vi.stubEnv('TMPDIR', temporary));
afterAll(() => {
  vi.unstubAllEnvs();
  rmdirSync(temporary);
});
afterEach(() => expect(readdirSync(temporary)).toEqual([]));

/** The records of a log with this text, sorted in runs of `runBytes`. */
async function sorted(text: string, runBytes: number): Promise<PlainLog> {
  const { records } = readLog(text, { unordered: true });
  return sortLog(
    new PlainLog(SOURCE, [records].values()),
    { ...OPTIONS, unordered: true },
    runBytes,
  );
}

const shown = ({ line, before, after, ...record }: LogRecord): unknown => [
  line,
  lineOf({ line, before, after, ...record }),
  before.map(String),
  after.map(String),
];

test('sorts as a stable sort in memory does, with any number of runs', async () => {
  const times = fc.array(fc.nat(20), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(times, fc.integer({ min: 1, max: 5000 }), async (ms, runBytes) => {
      const text = `top\n${ms.map((each, i) => `{"time":${BASE + each}}\n${i % 3 === 0 ? 'stray\n' : ''}`).join('')}`;
      const expected = readLog(text, { unordered: true }).records.sort((a, b) =>
        Number(a.timestamp - b.timestamp),
      );
      expect([...(await sorted(text, runBytes))].map(shown)).toEqual(expected.map(shown));
    }),
    { seed: 18, numRuns: 200 },
  );
});

test('lines without stamps have their wall times, which order nothing within the file', async () => {
  const times = [30, 10, 10, 20].map((ms) => `{"time":${BASE + ms}}`).join('\n');
  const records = [...(await sorted(times, 1))];
  const base = BigInt(BASE) * 1_000_000n;
  expect(records.map(({ timestamp, ordered }) => [timestamp - base, ordered])).toEqual([
    [10_000_000n, false],
    [10_000_000n, false],
    [20_000_000n, false],
    [30_000_000n, false],
  ]);
});

test('stamped lines are as they were', async () => {
  const stamps = [3, 1, 2].map((i) => `{"hlc":"179522778753441800${i}","node":"a"}`).join('\n');
  const records = [...(await sorted(stamps, 1))];
  expect(records.map(({ line, ordered }) => [line, ordered])).toEqual([
    [2, undefined],
    [3, undefined],
    [1, undefined],
  ]);
});

test('a record that is larger than what is read at once', async () => {
  const long = `{"time":${BASE},"msg":"${'x'.repeat(1_000_000)}"}`;
  const records = [...(await sorted(`{"time":${BASE + 1}}\n${long}\n`, 1))];
  expect(lineOf(records[0]!)).toBe(long);
});

test('the files are there while they are read, and not longer', async () => {
  const text = `{"time":${BASE + 2}}\n{"time":${BASE + 1}}\n{"time":${BASE}}\n`;
  const log = await sorted(text, 1);
  const [folder] = readdirSync(temporary);
  expect(readdirSync(join(temporary, folder!))).toHaveLength(3);
  log.next();
  log.return();
  expect(existsSync(join(temporary, folder!))).toBe(false);
});

test('a log that fails leaves no files', async () => {
  const { records } = readLog(`{"time":${BASE}}\n`, { unordered: true });
  function* failing(): Generator<LogRecord[]> {
    yield records;
    throw new Error('no more');
  }
  await expect(sortLog(new PlainLog(SOURCE, failing()), OPTIONS, 1)).rejects.toThrow('no more');
});
