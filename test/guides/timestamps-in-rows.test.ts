/** The programs of docs/guides/timestamps-in-rows.md that need no server. */
import { isBuiltin } from 'node:module';
import { expect, test } from 'vitest';
import { blocksOf, saveAndRead } from '../kit/page-programs.ts';

const PAGE = 'docs/guides/timestamps-in-rows.md';
const TIMESTAMPS = [2n ** 63n - 1n, 0n, 2n ** 53n + 1n, 1_795_227_787_534_418_003n];
const READ = ['0n', '9007199254740993n', '1795227787534418003n', '9223372036854775807n'];

const programs = blocksOf(PAGE, 'js').filter(({ heading }) =>
  ['JSON', 'Binary messages'].includes(heading),
);

test('there are six programs', () => {
  expect(programs.length).toBe(6);
});

test.each(programs.map(({ code }) => [/from '([^']+)'/.exec(code)![1], code]))(
  'with %s, timestamps come back exactly and in order',
  async (_, code) => {
    expect(await saveAndRead(code!, TIMESTAMPS)).toEqual(READ);
  },
);

test('in SQLite, where Node has it', async () => {
  const [{ code } = { code: '' }] = blocksOf(PAGE, 'js').filter(
    ({ heading }) => heading === 'SQLite',
  );
  const read = saveAndRead(code, TIMESTAMPS);
  if (isBuiltin('node:sqlite')) expect(await read).toEqual(READ);
  else await expect(read).rejects.toThrow('No such built-in module: node:sqlite');
});

// The control: what the page is for.
test('without care, a timestamp is rounded in JSON', async () => {
  const careless = `export const saveAndRead = (all) => all.map((t) => BigInt(JSON.parse(String(t))));`;
  expect(await saveAndRead(careless, TIMESTAMPS.slice(2))).not.toEqual(READ.slice(1, 3));
});
