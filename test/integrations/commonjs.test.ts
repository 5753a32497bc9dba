import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('a program in CommonJS stamps its lines', async () => {
  const child = new URL('commonjs.child.cjs', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', child]);
  // The two loggers write on their own: which line comes out first is theirs, the stamps tell.
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .sort((a, b) => (a.hlc < b.hlc ? -1 : 1));
  const stamp = { hlc: expect.stringMatching(/^\d{19}$/), node: 'orders-3' };
  expect(lines).toEqual([
    expect.objectContaining({ ...stamp, msg: 'from pino' }),
    expect.objectContaining({ ...stamp, message: 'from winston' }),
  ]);
  expect(lines[0].hlc).not.toBe(lines[1].hlc);
});
