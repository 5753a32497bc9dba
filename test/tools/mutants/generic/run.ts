/**
 * `npm run mutants:generic`: a tester that knows nothing of clocks changes the core files in every
 * small way it can (`<` to `<=`, `+` to `-`, a condition to `true`, a block to nothing), one at a
 * time, and runs the tests of that file. `-- src/bound/vote.ts` takes the files whose path contains
 * the text. Which files and which tests: core.ts.
 *
 * A mutant that no test notices is either listed in accounted.ts with a reason, or printed. So is
 * an entry of that list that fits no survivor any more. Either of them makes the exit status 1.
 *
 * The tester is Stryker (https://stryker-mutator.io). It works on copies in `.stryker-tmp`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import { ROOT } from '../lane.ts';
import { ACCOUNTED } from './accounted.ts';
import { CORE } from './core.ts';

const CONFIG = 'test/tools/mutants/generic/stryker.json';

type MutantResult = Awaited<ReturnType<Stryker['runMutationTest']>>[number];

/**
 * The line of source that a mutant begins on, and what it becomes. So neither depends on where in
 * the file the line is.
 */
function changeOf({ location, replacement }: MutantResult, source: readonly string[]): string {
  const { start, end } = location;
  const first = source[start.line - 1]!;
  const rest = source[end.line - 1]!.slice(end.column - 1);
  const becomes = first.slice(0, start.column - 1) + replacement + rest;
  return shown(first.trim(), becomes.replace(/\s+/g, ' ').trim());
}

const shown = (line: string, becomes: string): string => `    ${line}\n    ${becomes}`;

async function mutantsOf(file: string, tests: readonly string[]): Promise<MutantResult[]> {
  process.env.GENERIC_TESTS = tests.join(' ');
  const mutants = await new Stryker({ configFile: CONFIG, mutate: [file] }).runMutationTest();
  return mutants.filter(({ status }) => status !== 'Ignored');
}

interface Verdict {
  readonly mutants: number;
  readonly survivors: number;
  /** Survivors that are not listed, and entries of the list that fit no survivor. */
  readonly open: readonly string[];
}

async function judge(file: string, tests: readonly string[]): Promise<Verdict> {
  const mutants = await mutantsOf(file, tests);
  const source = readFileSync(join(ROOT, file), 'utf8').split('\n');
  const survivors = mutants.filter(
    ({ status }) => status === 'Survived' || status === 'NoCoverage',
  );
  const listed = Object.values(ACCOUNTED[file] ?? {}).flat();
  const unused = new Set(listed.map(([line, becomes]) => shown(line, becomes)));
  const accounted = new Set(unused);
  const open: string[] = [];
  for (const survivor of survivors) {
    const change = changeOf(survivor, source);
    unused.delete(change);
    if (!accounted.has(change)) open.push(`line ${survivor.location.start.line}\n${change}`);
  }
  for (const change of unused) open.push(`listed in accounted.ts, but noticed or gone\n${change}`);
  return { mutants: mutants.length, survivors: survivors.length, open };
}

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;

async function main(): Promise<number> {
  const { positionals } = parseArgs({ allowPositionals: true });
  const files = Object.entries(CORE).filter(
    ([file]) => positionals.length === 0 || positionals.some((text) => file.includes(text)),
  );
  if (files.length === 0) throw new Error(`no core file matches ${positionals.join(', ')}`);
  const sum = { mutants: 0, survivors: 0 };
  const open: string[] = [];
  for (const [file, tests] of files) {
    const verdict = await judge(file, tests);
    sum.mutants += verdict.mutants;
    sum.survivors += verdict.survivors;
    open.push(...verdict.open);
    console.log(line(file, verdict, verdict.open.length));
    for (const each of verdict.open) console.log(`  ${each}`);
  }
  console.log(line(`${files.length} files`, sum, open.length));
  return open.length === 0 ? 0 : 1;
}

/** One line of the table. */
function line(name: string, { mutants, survivors }: Omit<Verdict, 'open'>, open: number): string {
  const noticed = mutants - survivors;
  return `${name}: ${noticed} of ${mutants} noticed, ${percent(noticed, mutants)}; ${open} open`;
}

process.exit(await main());
