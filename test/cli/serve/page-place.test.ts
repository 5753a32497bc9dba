import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { makeDirectoryOf, pageDirectories, pageIn } from '../../../src/cli/serve/page-place.ts';

const folder = mkdtempSync(join(tmpdir(), 'epsilon-place-'));
afterAll(() => rmSync(folder, { recursive: true }));
const uid = process.getuid!();
const fresh = (name: string): string => join(folder, name);
const modeOf = (path: string): number => statSync(path).mode & 0o777;

test('the places, in their order', () => {
  expect(pageDirectories(7, { XDG_RUNTIME_DIR: '/run/user/7' })).toEqual([
    '/run/epsilon-clock',
    '/run/user/7/epsilon-clock',
    '/dev/shm/epsilon-clock-7',
    join(tmpdir(), 'epsilon-clock-7'),
  ]);
  expect(pageDirectories(7, { XDG_RUNTIME_DIR: 'relative' })).toHaveLength(3);
});

describe('pageIn', () => {
  test('makes the directory, which all may read, whatever the umask', async () => {
    const before = process.umask(0o077);
    try {
      expect(await pageIn([fresh('new')], uid)).toBe(join(folder, 'new', 'clock'));
    } finally {
      process.umask(before);
    }
    expect(modeOf(fresh('new'))).toBe(0o755);
    expect(await pageIn([fresh('new')], uid)).toBe(join(folder, 'new', 'clock'));
  });

  test('passes over what cannot be made', async () => {
    const path = await pageIn(['/proc/none/x', join(folder, 'no', 'parent'), fresh('b')], uid);
    expect(path).toBe(join(folder, 'b', 'clock'));
    expect(await pageIn(['/proc/none/x'], uid)).toBeUndefined();
  });

  test.each([0o775, 0o757, 0o777])('passes over one of mode %o: others could lie', async (mode) => {
    mkdirSync(fresh(`mode-${mode}`));
    chmodSync(fresh(`mode-${mode}`), mode);
    expect(await pageIn([fresh(`mode-${mode}`)], uid)).toBeUndefined();
  });

  test('passes over one of another user, and over a symbolic link', async () => {
    mkdirSync(fresh('theirs'));
    expect(await pageIn([fresh('theirs')], uid + 1)).toBeUndefined();
    symlinkSync(fresh('theirs'), fresh('link'));
    expect(await pageIn([fresh('link')], uid)).toBeUndefined();
  });
});

test('makeDirectoryOf makes one directory, and leaves one that is there as it is', async () => {
  mkdirSync(fresh('given'), { mode: 0o700 });
  await makeDirectoryOf(join(folder, 'given', 'clock'));
  expect(modeOf(fresh('given'))).toBe(0o700);
  await makeDirectoryOf(join(folder, 'made', 'clock'));
  expect(modeOf(fresh('made'))).toBe(0o755);
  await expect(makeDirectoryOf(join(folder, 'no', 'parent', 'clock'))).rejects.toThrow('ENOENT');
  await expect(makeDirectoryOf('/proc/none/clock')).rejects.toThrow('ENOENT');
});
