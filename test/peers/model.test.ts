/**
 * The Promela models (docs/model), checked exhaustively by Spin: sound as they stand, and with a
 * counterexample for each way to get it wrong that their README.md lists.
 */
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const DOCS = new URL('../../docs/model/', import.meta.url).pathname;
const readme = readFileSync(join(DOCS, 'README.md'), 'utf8');

interface Model {
  readonly file: string;
  /** The heading of its section in README.md. */
  readonly section: string;
  /** The defines that are numbers. */
  readonly settings: readonly string[];
  /** For the counterexamples, which are found in small worlds too. */
  readonly small: readonly string[];
  /**
   * How these are looked for. Breadth first, the first one is a shortest one. In a large world that
   * takes a minute, and depth first a second.
   */
  readonly search: readonly string[];
  /** The assertion of each property, as the verifier `pan` prints it. */
  readonly assertions: Readonly<Record<string, string>>;
  /** How many processes `pan` tells of the statements that they never reach: none of any. */
  readonly processes: number;
}

const MODELS: readonly Model[] = [
  {
    file: 'commit-wait.pml',
    section: 'Commit wait',
    settings: ['WIDTH', 'LAST_BEGIN'],
    small: ['-DWIDTH=1'],
    search: ['-DBFS'],
    assertions: {
      'external consistency': 'timestamp[x]>known_before',
      snapshots: '(snapshot[0]==expected)&&(snapshot[1]==expected)',
    },
    processes: 3,
  },
  {
    file: 'lease.pml',
    section: 'Leases',
    settings: ['WIDTH', 'END'],
    small: [],
    search: [],
    assertions: { 'one holder': 'grant==grants', 'the fence': 'grant>=written' },
    processes: 2,
  },
];

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'model-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function run(cwd: string, program: string, ...args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, { cwd })).stdout;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw missing ? new Error(`no ${program}: apt-get install -y spin gcc libc6-dev`) : error;
  }
}

describe.each(MODELS)('$file', (world) => {
  const { file, section, settings, small, search, assertions, processes } = world;
  const model = readFileSync(join(DOCS, file), 'utf8');
  const page = new RegExp(`\\n## ${section}\\n([^]*?)(?=\\n## )`).exec(readme)?.[1] ?? '';
  /** The rows of the table in its section: a define, and the property that it breaks. */
  const faults = [...page.matchAll(/^\| `([A-Z_]+)` \|.*\| (.+) \|$/gm)].map(
    ([, define = '', property = '']) => ({ define, property }),
  );

  /** A folder of its own for one check, with the model in it. */
  function folder(): string {
    const cwd = mkdtempSync(join(directory, 'check-'));
    copyFileSync(join(DOCS, file), join(cwd, file));
    return cwd;
  }

  /** Runs the verifier on the model with these defines, and returns its output. */
  async function check(
    cwd: string,
    defines: readonly string[],
    ...flags: string[]
  ): Promise<string> {
    await run(cwd, 'spin', '-a', ...defines, file);
    await run(cwd, 'gcc', '-DSAFETY', ...flags, '-o', 'pan', 'pan.c');
    return run(cwd, join(cwd, 'pan'), '-m100000');
  }

  test('no interleaving and no interval violates a property', async () => {
    const said = await check(folder(), [], '-O2');
    expect(said).toContain('errors: 0');
    // Neither the depth nor the memory was too small, and no statement of the model was idle.
    expect(said).not.toMatch(/error: |truncated|out of memory/);
    expect(said.match(/\(\d+ of \d+ states\)/g)).toHaveLength(processes);
    expect(said.match(/\(0 of \d+ states\)/g)).toHaveLength(processes);
    const states = Number(/(\d+) states, stored/.exec(said)?.[1]);
    const claimed = /<!-- states -->([\d,]+) states/.exec(page)?.[1];
    expect(claimed).toBe(states.toLocaleString('en-US'));
  });

  test('a counterexample is demanded for every fault in the model', () => {
    const used = new Set(
      model.match(/(?<=#\s*(?:if|ifdef|ifndef|elif)\b.*)\b[A-Z]+(?:_[A-Z]+)*\b/g),
    );
    for (const setting of settings) used.delete(setting);
    expect(faults.map(({ define }) => define).sort()).toEqual([...used].sort());
  });

  test.concurrent.each(faults)('a counterexample with $define', async ({ define, property }) => {
    const cwd = folder();
    const said = await check(cwd, [`-D${define}`, ...small], '-O1', ...search);
    expect(said).toContain('errors: 1');
    expect(said).toContain(`assertion violated (${assertions[property]})`);
    expect(existsSync(join(cwd, `${file}.trail`))).toBe(true);
    expect(await run(cwd, 'spin', '-t', `-D${define}`, ...small, file)).toContain(
      'Error: assertion violated',
    );
  });
});
