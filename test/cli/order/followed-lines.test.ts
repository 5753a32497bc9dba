import { appendFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FollowedLines } from '../../../src/cli/order/followed-lines.ts';
import { GrowingFile } from '../../../src/cli/order/growing-file.ts';
import type { LogRecord } from '../../../src/cli/order/log-record.ts';
import { logSources } from '../../../src/cli/order/log-sources.ts';
import { Tally } from '../../../src/cli/order/tally.ts';
import { file, folder, line, useFolder } from './command.ts';
import { lineOf, OPTIONS, readLine } from './reading.ts';

useFolder();

describe('lines that come in rounds', () => {
  const record = (ms: number, node: string, eps: number): LogRecord =>
    readLine(line(ms, node, eps));
  const shown = (lines: ReturnType<FollowedLines['take']>) =>
    lines.map(({ event, watermark }) => [
      Number(event.timestamp % 10_000_000_000n) / 1e6 - 7000,
      watermark,
    ]);

  test('wait for the window, and are then in order', () => {
    const followed = new FollowedLines(1000, 500);
    followed.add([record(20, 'a', 1), record(10, 'b', 1)]);
    expect(followed.take(false)).toEqual([]);
    followed.add([record(1015, 'a', 1)]);
    expect(shown(followed.take(false))).toEqual([[10, 0]]);
    followed.add([record(1021, 'b', 1), record(15, 'a', 1)]); // late, but within the window
    expect(shown(followed.take(false))).toEqual([
      [15, 1],
      [20, 2],
    ]);
    expect(shown(followed.take(true))).toEqual([
      [1015, 3],
      [1021, 4],
    ]);
    expect(followed.take(true)).toEqual([]);
  });

  test('a line that comes too late stands below, and nothing false is said of it', () => {
    const followed = new FollowedLines(1000, 500);
    followed.printed({ latest: record(10, 'b', 5).latest });
    followed.add([record(50, 'a', 1)]);
    expect(shown(followed.take(true))).toEqual([[50, 1]]);
    followed.add([record(12, 'b', 1), record(60, 'a', 1), record(60.5, 'b', 1)]);
    expect(shown(followed.take(true))).toEqual([
      [12, 0],
      [60, 3],
      [60.5, 3],
    ]);
  });

  test('nothing is certain after a line that has no end', () => {
    const followed = new FollowedLines(1000, 500);
    followed.printed({ latest: undefined });
    followed.add([record(50, 'a', 1), record(60, 'a', 1)]);
    expect(shown(followed.take(true))).toEqual([
      [50, 0],
      [60, 0],
    ]);
  });
});

describe('a file that grows', () => {
  const open = (path: string): GrowingFile => {
    const [source] = logSources([path]);
    return new GrowingFile(source!, OPTIONS, new Tally(source!));
  };
  const at = (ms: number): string => `{"time":${1_795_227_787_000 + ms}}`;
  const read = (growing: GrowingFile): string[] => [...growing.read()].flat().map(lineOf);

  test('is read from where the last reading ended, lines that are cut too', () => {
    const path = file('grows.log', `${at(1)}\n${at(2)}\n${at(3).slice(0, 9)}`);
    const growing = open(path);
    expect(read(growing)).toEqual([at(1)]);
    expect(growing.release().map(lineOf)).toEqual([at(2)]);
    expect(growing.release()).toEqual([]);
    appendFileSync(path, `${at(3).slice(9)}\nstray\n${at(4)}\n`);
    const [record] = [...growing.read()].flat();
    expect([lineOf(record!), record!.line, String(record!.after)]).toEqual([at(3), 3, 'stray']);
    growing.close();
  });

  test('is read from its beginning after it was cut, and as a new file after it was replaced', () => {
    const path = file('rotated.log', `${at(1)}\n${at(2)}\n`);
    const growing = open(path);
    expect(read(growing)).toEqual([at(1)]);
    truncateSync(path);
    appendFileSync(path, `${at(3)}\n`);
    expect(read(growing)).toEqual([at(2)]);
    appendFileSync(path, `${at(4)}\n`);
    renameSync(path, join(folder, 'rotated.log.1'));
    writeFileSync(path, `${at(5)}\n`);
    expect(read(growing)).toEqual([at(3), at(4)]);
    expect(growing.release().map(lineOf)).toEqual([at(5)]);
    growing.close();
  });
});
