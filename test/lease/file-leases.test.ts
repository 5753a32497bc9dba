import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileLeases } from 'epsilon-clock/node';
import { checkLeaseStore } from 'epsilon-clock/testing';
import { afterAll, expect, test } from 'vitest';
import { asUnixNs } from '../../src/time/instant.ts';

const folder = mkdtempSync(join(tmpdir(), 'epsilon-leases-'));
afterAll(() => rmSync(folder, { recursive: true }));

const call = { signal: new AbortController().signal };
const claim = {
  name: '../../etc/passwd',
  holder: 'a',
  claim: 'c',
  expiresAt: asUnixNs(2n * 10n ** 18n),
  endedBefore: asUnixNs(10n ** 18n),
};

test('keeps every rule of a store, two of them on one directory too', async () => {
  const path = join(folder, 'made', 'when', 'missing');
  const [one, two] = [fileLeases(path), fileLeases(path)];
  let turn = 0;
  const either = () => (turn++ % 2 === 0 ? one : two);
  await checkLeaseStore({
    name: 'either',
    take: (...args) => either().take(...args),
    extend: (...args) => either().extend(...args),
    end: (...args) => either().end(...args),
  });
  expect(readdirSync(path).filter((name) => !/^([0-9a-f]{64}\.json|lock)$/.test(name))).toEqual([]);
});

test('a name cannot lead out of the directory', async () => {
  const path = join(folder, 'names');
  await fileLeases(path).take(claim, call);
  expect(readdirSync(path)).toHaveLength(2);
  expect(readdirSync(folder).sort()).toEqual(['made', 'names']);
});

test('a file of nonsense is not a record: nothing is taken', async () => {
  const path = join(folder, 'nonsense');
  const store = fileLeases(path);
  await store.take(claim, call);
  const [file] = readdirSync(path).filter((name) => name.endsWith('.json'));
  for (const text of ['', '{', '{"token":"-1"}', '[]', '{"holder":"a","claim":"c","token":"1"}']) {
    writeFileSync(join(path, file!), text);
    await expect(store.take({ ...claim, claim: 'd' }, call)).rejects.toMatchObject({
      code: 'ERR_LEASE_STORE',
      reason: 'malformed',
    });
  }
  expect(() => fileLeases(5 as never)).toThrow('path must be a string');
});
