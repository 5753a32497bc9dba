import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** Bytes per sample. To remember that there was one takes more. */
const NOISE = 1;

test('an engine holds no more after many samples than after few', async () => {
  const child = new URL('memory.child.ts', import.meta.url).pathname;
  const flags = ['--expose-gc', '--import', 'tsx'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, child]);
  const { samples, early, late, learned, grown } = JSON.parse(stdout);
  expect(early).toBeGreaterThan(19_990); // until all five were heard there is no bound
  expect(late).toBe(samples);
  expect(learned).toBe(true);
  expect(grown / samples).toBeLessThan(NOISE);
});
