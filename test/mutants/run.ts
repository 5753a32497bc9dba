/**
 * `npm run mutants`: plants each listed fault in a copy of the tree, one at a time, and runs the test
 * that must notice. `npm run mutants -- --only <text>` takes the lists and ids that contain the text.
 *
 * A mutant is *killed* only by a test that failed, and that passes on the sound tree: a fault that
 * does not load, a filter that matches no test and a run that hangs all count as survivors. Two
 * copies work side by side; the checkout itself is never touched.
 */
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Mutant } from './mutant.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LISTS = fileURLToPath(new URL('.', import.meta.url));
const LANES = 2;
/** A test that has not noticed by now has not noticed. */
const CAP_MS = 300_000;
/** On the sound tree all the witnesses run, one after another. */
const BASELINE_CAP_MS = 900_000;

/** What one test file said: full names of the tests that passed and failed, or why there are none. */
interface Outcome {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  readonly trouble: string;
}

/** By test file, as a path in the repo. */
type Outcomes = (test: string) => Outcome;

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly testResults: readonly {
    /** Absolute path of the test file. */
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

async function listed(only: string): Promise<Mutant[]> {
  const found: Mutant[] = [];
  for (const file of readdirSync(LISTS).sort()) {
    if (!file.endsWith('.ts') || file === 'mutant.ts' || file === 'run.ts') continue;
    const { mutants } = (await import(`./${file}`)) as { mutants: readonly Mutant[] };
    found.push(...mutants.filter(({ id }) => file.includes(only) || id.includes(only)));
  }
  const ids = found.map(({ id }) => id);
  const twice = ids.filter((id, i) => ids.indexOf(id) !== i);
  if (twice.length > 0) throw new Error(`listed twice: ${twice.join(', ')}`);
  return found;
}

/** A copy of the working tree, uncommitted work included, sharing its node_modules. */
function copyTree(to: string): string {
  const left = ['.git', 'node_modules', 'dist', 'coverage'].map((name) => join(ROOT, name));
  cpSync(ROOT, to, { recursive: true, filter: (from) => !left.includes(from) });
  symlinkSync(join(ROOT, 'node_modules'), join(to, 'node_modules'));
  return to;
}

const children = new Set<number>();
process.on('SIGINT', () => {
  for (const pid of children) process.kill(-pid, 'SIGKILL');
  process.exit(130);
});

/** Runs test files of one project in `tree`. Never rejects: trouble is an outcome. */
function runTests(
  tree: string,
  project: string,
  args: readonly string[],
  capMs: number,
  mutant: string,
): Promise<Outcomes> {
  const report = join(tree, 'report.json');
  rmSync(report, { force: true });
  const vitest = join(tree, 'node_modules/vitest/vitest.mjs');
  const flags = ['run', '--project', project, '--reporter=json', `--outputFile=${report}`];
  // A process group of its own, so that a worker caught in an endless loop dies with its parent.
  const child = spawn(process.execPath, [vitest, ...flags, ...args], {
    cwd: tree,
    env: { ...process.env, MUTANT: mutant, NO_COLOR: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const pid = child.pid as number;
  children.add(pid);
  let output = '';
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  let hung = false;
  const cap = setTimeout(() => {
    hung = true;
    process.kill(-pid, 'SIGKILL');
  }, capMs);
  return new Promise((resolve) => {
    child.on('close', () => {
      clearTimeout(cap);
      children.delete(pid);
      resolve(
        hung ? nothing(`still running after ${capMs / 1000} s`) : outcomes(tree, report, output),
      );
    });
  });
}

function outcomes(tree: string, report: string, output: string): Outcomes {
  if (!existsSync(report)) return nothing(output);
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  return (test) => {
    const ran = testResults.find(({ name }) => relative(tree, name) === test);
    const names = (status: string): string[] =>
      (ran?.assertionResults ?? [])
        .filter((result) => result.status === status)
        .map(({ fullName }) => fullName);
    const trouble = brief(ran?.message || output);
    return { passed: names('passed'), failed: names('failed'), trouble };
  };
}

function nothing(trouble: string): Outcomes {
  return () => ({ passed: [], failed: [], trouble: brief(trouble) });
}

const brief = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, 200);

const projectOf = ({ test }: Mutant): string => (test.startsWith('test/peers/') ? 'peers' : 'unit');

/** Spares the copies the build of `dist` for the many tests that never look at it. */
function setBuild(tree: string, build: boolean): void {
  const setup = join(build ? ROOT : tree, 'test/build.ts');
  const text = build ? readFileSync(setup, 'utf8') : 'export default function setup(): void {}\n';
  writeFileSync(join(tree, 'test/build.ts'), text);
}

/** The mutants whose tests are no witnesses, since they fail, or don't exist, without the fault. */
async function unsound(tree: string, mutants: readonly Mutant[]): Promise<Map<Mutant, string>> {
  const why = new Map<Mutant, string>();
  // Those that need no build go first: one that needs it after all is then found out.
  for (const built of [false, true]) {
    for (const project of ['unit', 'peers']) {
      const group = mutants.filter((m) => (m.dist ?? false) === built && projectOf(m) === project);
      setBuild(tree, built);
      const named = group.filter(({ name }) => name !== undefined);
      const names = [...new Set(named.map(({ name }) => `(${name})`))].join('|');
      for (const some of [named, group.filter(({ name }) => name === undefined)]) {
        if (some.length === 0) continue;
        const tests = [...new Set(some.map(({ test }) => test))];
        const args = some === named ? [...tests, '-t', names] : tests;
        const sound = await runTests(tree, project, args, BASELINE_CAP_MS, '');
        for (const mutant of some) {
          const witness = (test: string): boolean => new RegExp(mutant.name ?? '').test(test);
          const { passed, failed, trouble } = sound(mutant.test);
          const broken = failed.find(witness);
          if (broken !== undefined) why.set(mutant, `without the fault, "${broken}" fails too`);
          else if (!passed.some(witness)) why.set(mutant, `no such test. ${trouble}`);
        }
      }
    }
  }
  return why;
}

/** Plants one fault, runs its test, mends the tree. The killer's name, or why it survived. */
async function tryMutant(tree: string, mutant: Mutant): Promise<{ killer?: string; why: string }> {
  const { id, find, replace, test, name, dist } = mutant;
  const path = join(tree, mutant.file);
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const occurrences = text.split(find).length - 1;
  if (occurrences !== 1) return { why: `"find" occurs ${occurrences} times in ${mutant.file}` };
  setBuild(tree, dist === true);
  writeFileSync(
    path,
    text.replace(find, () => replace),
  );
  const filter = name === undefined ? [] : ['-t', name];
  const args = [test, ...filter, '--bail', '1'];
  const run = (await runTests(tree, projectOf(mutant), args, CAP_MS, id))(test);
  writeFileSync(path, text);
  const [killer] = run.failed;
  if (killer !== undefined) return { killer, why: '' };
  return { why: run.passed.length > 0 ? 'its tests pass' : `no test ran. ${run.trouble}` };
}

async function main(): Promise<number> {
  const { only } = parseArgs({ options: { only: { type: 'string', default: '' } } }).values;
  const mutants = await listed(only);
  if (mutants.length === 0) throw new Error(`no mutant matches "${only}"`);
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'mutants-')));
  const width = Math.max(...mutants.map(({ id }) => id.length));
  const survivors: string[] = [];
  const started = performance.now();
  const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;
  try {
    const [first = '', ...others] = Array.from({ length: LANES }, (_, lane) =>
      copyTree(join(home, `${lane}`)),
    );
    const excluded = await unsound(first, mutants);
    console.log(`the sound tree passes  ${seconds(started)}`);

    const queue = mutants.values();
    const work = async (tree: string): Promise<void> => {
      for (const mutant of queue) {
        const since = performance.now();
        const why = excluded.get(mutant);
        const verdict = why === undefined ? await tryMutant(tree, mutant) : { why };
        const killed = 'killer' in verdict;
        if (!killed) survivors.push(mutant.id);
        const said = killed ? `by "${verdict.killer}"` : verdict.why;
        const state = killed ? 'killed  ' : 'SURVIVED';
        console.log(`${mutant.id.padEnd(width)}  ${state}  ${seconds(since)}  ${said}`);
      }
    };
    await Promise.all([first, ...others].map(work));
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  const killed = mutants.length - survivors.length;
  console.log(`${killed} of ${mutants.length} mutants killed in ${seconds(started)}`);
  if (survivors.length > 0) console.log(`survived: ${survivors.join(', ')}`);
  return survivors.length === 0 ? 0 : 1;
}

process.exitCode = await main();
