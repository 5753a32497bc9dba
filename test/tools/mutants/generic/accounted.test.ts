/** The lists follow the source. This takes milliseconds; to try the mutants takes long. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../lane.ts';
import { ACCOUNTED } from './accounted.ts';
import { CORE } from './core.ts';

test.each(Object.entries(CORE))('%s and its tests are there', (file, tests) => {
  for (const path of [file, ...tests]) expect(existsSync(join(ROOT, path)), path).toBe(true);
});

test.each(Object.entries(ACCOUNTED))('each line of %s that is listed is there', (file, reasons) => {
  expect(Object.keys(CORE)).toContain(file);
  const lines = readFileSync(join(ROOT, file), 'utf8')
    .split('\n')
    .map((line) => line.trim());
  const listed = Object.values(reasons).flat();
  expect(listed.filter(([line]) => !lines.includes(line))).toEqual([]);
  expect(listed.filter(([line, becomes]) => line === becomes)).toEqual([]);
});
