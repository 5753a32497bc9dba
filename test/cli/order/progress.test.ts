import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { Progress } from '../../../src/cli/order/progress.ts';
import { line, useFolder } from './command.ts';
import { readLine } from './reading.ts';

useFolder();

test('says once a second how far the merge has come, and is gone at the end', () => {
  const written: string[] = [];
  const stream = new Writable({
    write(text, _encoding, done) {
      written.push(String(text));
      done();
    },
  });
  let now = 0;
  const progress = new Progress(stream, () => now);
  const record = readLine(line(0, 'a', 1));
  progress.end();
  for (now of [500, 1000, 1999, 2000]) progress.advance(100, record);
  progress.end();
  expect(written).toEqual([
    '\r\x1b[K200 lines, up to 2026-11-21T02:23:07',
    '\r\x1b[K400 lines, up to 2026-11-21T02:23:07',
    '\r\x1b[K',
  ]);
});
