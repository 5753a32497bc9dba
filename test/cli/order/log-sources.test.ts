import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { InputError } from '../../../src/cli/exit.ts';
import { logSources, openLog } from '../../../src/cli/order/log-sources.ts';
import { Tally } from '../../../src/cli/order/tally.ts';
import { lineOf, OPTIONS } from './reading.ts';

const folder = mkdtempSync(join(tmpdir(), 'epsilon-order-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What is read of a file with these bytes, and the error that ended it. */
async function readFile(
  name: string,
  bytes: string | Buffer,
): Promise<{ lines: string[]; error: unknown }> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  const [source] = logSources([path]);
  const lines: string[] = [];
  try {
    const log = openLog(source!, OPTIONS, new Tally(source!));
    for await (const record of log) lines.push(lineOf(record));
  } catch (error) {
    return { lines, error };
  }
  return { lines, error: undefined };
}

const LINES: string[] = Array.from({ length: 20_000 }, (_, i) =>
  JSON.stringify({ time: 1_795_227_787_000 + i, msg: 'x'.repeat(i % 50) }),
);
const LOG: string = LINES.map((line) => `${line}\n`).join('');

describe('reads', () => {
  test('a file of many chunks', async () => {
    expect(LOG.length).toBeGreaterThan(4 * 256 * 1024);
    expect(await readFile('plain', LOG)).toEqual({ lines: LINES, error: undefined });
  });

  test('an empty file', async () => {
    expect(await readFile('empty', '')).toEqual({ lines: [], error: undefined });
  });

  test('gzip, whatever its name, also of several parts', async () => {
    const parts = Buffer.concat([gzipSync(`${LINES[0]}\n`), gzipSync(`${LINES[1]}\n`)]);
    expect((await readFile('log.txt', gzipSync(LOG))).lines).toEqual(LINES);
    expect((await readFile('parts.gz', parts)).lines).toEqual(LINES.slice(0, 2));
  });

  test('a gzip file that ends early up to there, and then says so', async () => {
    const cut = gzipSync(LOG).subarray(0, 30_000);
    const there = gunzipSync(cut, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
    const { lines, error } = await readFile('cut.gz', cut);
    expect(lines.length).toBeGreaterThan(1000);
    expect(lines).toEqual(there.split('\n').slice(0, -1));
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(/cut\.gz: unexpected end of file$/);
  });

  test('damaged gzip', async () => {
    const { error } = await readFile('bad.gz', Buffer.from([0x1f, 0x8b, 9, 9, 9, 9]));
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(/bad\.gz: unknown compression method$/);
  });
});

test('what cannot be opened or read is one message that names it', async () => {
  const [missing] = logSources([join(folder, 'missing')]);
  expect(() => openLog(missing!, OPTIONS, new Tally(missing!))).toThrow(InputError);
  expect(() => openLog(missing!, OPTIONS, new Tally(missing!))).toThrow(/missing: ENOENT/);
  const [directory] = logSources([folder]);
  const read = async () => {
    for await (const _ of openLog(directory!, OPTIONS, new Tally(directory!)));
  };
  await expect(read()).rejects.toThrow(InputError);
  await expect(read()).rejects.toThrow(/is a directory; name its files$/);
});

test('labels are unique, and the shortest that are', () => {
  const labels = (...paths: string[]) => logSources(paths).map(({ label }) => label);
  expect(labels('logs/api-1.ndjson.gz', 'b.log', '-', '.hidden')).toEqual([
    'api-1',
    'b',
    'stdin',
    '.hidden',
  ]);
  expect(labels('a/app.log', 'b/app.log', 'c.log')).toEqual(['a-app.log', 'b-app.log', 'c']);
  expect(labels('a.log', 'a.log', 'a.log')).toEqual(['a.log', 'a.log.2', 'a.log.3']);
});
