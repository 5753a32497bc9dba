import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/**
 * Fewer bytes per call than this count as no allocation, because reading the heap size allocates a
 * little itself.
 */
const NOISE_BYTES = 0.1;

/** Memory for all allocations of a window, because a collection within it would hide some. */
const FLAGS = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'];

test('the zero-allocation forms allocate nothing', async () => {
  const child = new URL('allocation.child.mjs', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, child]);
  const bytes = JSON.parse(stdout) as Record<string, number>;
  const { now, ...free } = bytes;
  expect(now).toBeGreaterThan(20); // the method sees an allocation
  expect(Object.keys(free)).toHaveLength(6);
  for (const [name, perCall] of Object.entries(free)) {
    expect(perCall, `${name}: bytes per call`).toBeLessThan(NOISE_BYTES);
  }
});
