/**
 * The Promela model of commit wait (docs/model), checked exhaustively by Spin: sound as it stands,
 * and with a counterexample for each way to get it wrong that its README.md lists.
 */
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const NAME = 'commit-wait.pml';
const DOCS = new URL('../../docs/model/', import.meta.url).pathname;
const readme = readFileSync(join(DOCS, 'README.md'), 'utf8');
const model = readFileSync(join(DOCS, NAME), 'utf8');

/** The rows of the table in README.md: a define, and the property that it breaks. */
const faults = [...readme.matchAll(/^\| `([A-Z_]+)` \|.*\| (.+) \|$/gm)].map(
  ([, define = '', property = '']) => ({ define, property }),
);
/** The assertion of each property, as the verifier `pan` prints it. */
const ASSERTIONS: Readonly<Record<string, string>> = {
  'external consistency': 'timestamp[x]>known_before',
  snapshots: '(snapshot[0]==expected)&&(snapshot[1]==expected)',
};

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'model-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function run(program: string, ...args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, { cwd: directory })).stdout;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw missing ? new Error(`no ${program}: apt-get install -y spin gcc libc6-dev`) : error;
  }
}

/** Runs the verifier on the model with these defines, and returns its output. */
async function check(defines: readonly string[], ...compilerFlags: string[]): Promise<string> {
  copyFileSync(join(DOCS, NAME), join(directory, NAME));
  rmSync(join(directory, `${NAME}.trail`), { force: true });
  await run('spin', '-a', ...defines, NAME);
  await run('gcc', '-DSAFETY', ...compilerFlags, '-o', 'pan', 'pan.c');
  return run(join(directory, 'pan'), '-m100000');
}

test('no interleaving and no interval violates external consistency or a snapshot', async () => {
  const said = await check([], '-O2');
  expect(said).toContain('errors: 0');
  // Neither the depth nor the memory was too small, and no statement of the model was idle.
  expect(said).not.toMatch(/error: |truncated|out of memory/);
  expect(said.match(/\(\d+ of \d+ states\)/g)).toHaveLength(3);
  expect(said.match(/\(0 of \d+ states\)/g)).toHaveLength(3);
  const states = Number(/(\d+) states, stored/.exec(said)?.[1]);
  const claimed = /<!-- states -->([\d,]+) states/.exec(readme)?.[1];
  expect(claimed).toBe(states.toLocaleString('en-US'));
});

describe('a counterexample', () => {
  test('is demanded for every fault in the model', () => {
    const used = new Set(
      model.match(/(?<=#\s*(?:if|ifdef|ifndef|elif)\b.*)\b[A-Z]+(?:_[A-Z]+)*\b/g),
    );
    for (const setting of ['WIDTH', 'LAST_BEGIN']) used.delete(setting);
    expect(faults.map(({ define }) => define).sort()).toEqual([...used].sort());
  });

  test.each(faults)('with $define', async ({ define, property }) => {
    // Breadth first: the first counterexample is a shortest one.
    const said = await check([`-D${define}`, '-DWIDTH=1'], '-O1', '-DBFS');
    expect(said).toContain('errors: 1');
    expect(said).toContain(`assertion violated (${ASSERTIONS[property]})`);
    expect(existsSync(join(directory, `${NAME}.trail`))).toBe(true);
    expect(await run('spin', '-t', `-D${define}`, '-DWIDTH=1', NAME)).toContain(
      'Error: assertion violated',
    );
  });
});
