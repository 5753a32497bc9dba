/** Who is believed. Giving files away needs root, which tests in containers mostly have. */
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkTrust } from '../../src/host-page/trust.ts';

const DAEMON = 4711;
const STRANGER = 4712;
const isRoot = process.getuid?.() === 0;

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'trust-'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Place {
  readonly mode?: number;
  readonly owner?: number;
}

/** Makes directories below `root` and a file in the last one. Says whether it is believed. */
function believed(file: Place, ...directories: Place[]): true | string {
  let path = root;
  for (const { mode = 0o755, owner } of directories) {
    path = join(path, 'd');
    mkdirSync(path);
    chmodSync(path, mode);
    if (owner !== undefined) chownSync(path, owner, owner);
  }
  path = join(path, 'clock');
  writeFileSync(path, '');
  chmodSync(path, file.mode ?? 0o644);
  if (file.owner !== undefined) chownSync(path, file.owner, file.owner);
  try {
    checkTrust(path, statSync(path));
    return true;
  } catch (error) {
    return (error as { reason: string }).reason;
  } finally {
    rmSync(join(root, 'd'), { recursive: true, force: true });
    rmSync(path, { force: true });
  }
}

describe('of one user', () => {
  it('a file that nobody else may write, in a directory that nobody else may write', () => {
    expect(believed({})).toBe(true);
    expect(believed({}, {}, {})).toBe(true);
    expect(believed({ mode: 0o600 }, { mode: 0o700 })).toBe(true);
  });

  it('not one that others may write, or replace', () => {
    expect(believed({ mode: 0o664 })).toBe('writable');
    expect(believed({ mode: 0o646 })).toBe('writable');
    expect(believed({}, { mode: 0o777 })).toBe('writable');
    expect(believed({}, { mode: 0o775 })).toBe('writable');
    expect(believed({}, { mode: 0o777 }, {})).toBe('writable');
  });

  it('one below a directory such as /tmp, where others cannot replace it', () => {
    expect(statSync(dirname(root)).mode & 0o1777).toBe(0o1777);
    expect(believed({}, { mode: 0o1777 }, {})).toBe(true);
    expect(believed({}, { mode: 0o1777 })).toBe(true);
  });

  it('no directory', () => {
    expect(() => checkTrust(root, statSync(root))).toThrow(/not a regular file/);
  });
});

describe.runIf(isRoot)('of several users', () => {
  it('a daemon to whom root gave a directory', () => {
    expect(believed({ owner: DAEMON }, { owner: DAEMON })).toBe(true);
    expect(believed({ owner: DAEMON }, { owner: DAEMON }, { owner: DAEMON })).toBe(true);
  });

  it('a file that root put into a directory of its own for the daemon', () => {
    expect(believed({ owner: DAEMON }, {})).toBe(true);
  });

  it('nobody who took a place where everybody may make one', () => {
    expect(believed({ owner: STRANGER }, { mode: 0o1777 })).toBe('owner');
    expect(believed({ owner: STRANGER }, { mode: 0o1777 }, { owner: STRANGER })).toBe('owner');
    expect(believed({}, { mode: 0o1777 }, { owner: STRANGER })).toBe('owner');
    expect(believed({ owner: STRANGER }, { mode: 0o1777 }, {})).toBe(true); // root's own gift
  });

  it('nobody behind a link that a stranger made where everybody may make one', () => {
    // Root gave the stranger that home, but did not make the link that leads there.
    const [open, home] = [join(root, 'open'), join(root, 'home')];
    chmodSync(root, 0o755);
    for (const each of [open, home]) mkdirSync(each);
    chmodSync(open, 0o1777);
    writeFileSync(join(home, 'clock'), '');
    for (const each of [home, join(home, 'clock')]) chownSync(each, STRANGER, STRANGER);
    for (const target of [home, '../home']) {
      const link = join(open, 'link');
      symlinkSync(target, link);
      const page = join(link, 'clock');
      expect(() => checkTrust(page, statSync(page))).not.toThrow(); // root's own link
      lchownSync(link, STRANGER, STRANGER);
      expect(() => checkTrust(page, statSync(page))).toThrow(/link belongs to user 4712/);
      rmSync(link);
    }
  });

  it('nobody in a directory of the daemon that others may write', () => {
    expect(believed({ owner: STRANGER }, { owner: DAEMON, mode: 0o1777 })).toBe('owner');
    expect(believed({ owner: DAEMON }, { owner: DAEMON, mode: 0o1777 })).toBe(true);
    expect(believed({ owner: DAEMON }, { owner: DAEMON, mode: 0o777 })).toBe('writable');
  });
});
