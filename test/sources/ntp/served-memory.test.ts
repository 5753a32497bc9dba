import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** The bytes that a million requests may add after the first hundred thousand. */
const FLAT = 512 * 1024;
const REQUESTS = 1_000_000;

interface Seen {
  readonly memory: readonly number[];
  readonly received: number;
  readonly answered: number;
  readonly dropped: number;
  readonly sentBytes: number;
}

async function run(...mode: string[]): Promise<Seen & { readonly grown: number }> {
  const child = new URL('served-memory.child.mjs', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', child, ...mode]);
  const seen = JSON.parse(stdout) as Seen;
  return { ...seen, grown: seen.memory.at(-1)! - seen.memory[0]! };
}

test('a million requests from 750,000 addresses leave no memory behind, and get no more than came', async () => {
  const { grown, received, answered, dropped, sentBytes } = await run();
  expect(received).toBe(REQUESTS);
  expect(answered + dropped).toBe(REQUESTS);
  // Each quarter of a million from a few addresses is beyond their limit.
  expect(dropped).toBeGreaterThan(200_000);
  expect(answered).toBeGreaterThan(700_000);
  expect(sentBytes).toBeLessThanOrEqual(48 * REQUESTS);
  expect(grown).toBeLessThan(FLAT);
});

test('the method sees a server that keeps a note of each client', async () => {
  expect((await run('leak')).grown).toBeGreaterThan(FLAT);
});
