import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** The bytes of live heap that a million datagrams may add after the first hundred thousand. */
const FLAT = 256 * 1024;

async function run(...mode: string[]): Promise<{ grown: number; packets: number; faults: number }> {
  const child = new URL('memory.child.mjs', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', child, ...mode]);
  const { heap, seen } = JSON.parse(stdout) as {
    heap: number[];
    seen: { packets: number; faults: number };
  };
  return { grown: heap.at(-1)! - heap[0]!, ...seen };
}

test('a million hostile datagrams leave no memory behind', async () => {
  const { grown, packets, faults } = await run();
  expect(packets + faults).toBe(1_000_000);
  expect(Math.min(packets, faults)).toBeGreaterThan(50_000);
  expect(grown).toBeLessThan(FLAT);
});

test('the method sees a leak of one packet in 16', async () => {
  expect((await run('leak')).grown).toBeGreaterThan(FLAT);
});
