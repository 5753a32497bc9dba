/**
 * `npm run mutants`: plants each listed fault, one at a time, and runs the test that must notice.
 * `npm run mutants -- --only <text>` takes the lists and ids that contain the text.
 *
 * A mutant is *killed* only by a test that passes on the sound tree and fails with the fault. A
 * fault that does not load or names what does not exist, a filter that matches no test and a run
 * that hangs all count as survivors. A witness must import the source: what runs from `dist` stays
 * sound.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { TestCase } from 'vitest/node';
import { type Lane, openLane, ROOT, type Selection } from './lane.ts';
import { mutantLists } from './lists.ts';
import type { Mutant } from './mutant.ts';
import { plant } from './plant.ts';

/**
 * Processes at a time, each with a lane. Lanes of one process would wait for its main thread, which
 * hands the modules out.
 */
const PROCESSES = 3;
/** A test that runs for longer than this counts as one that did not notice. */
const TEST_CAP_MS = 120_000;
/** The limit of a run, ms, for an endless loop that no test timeout interrupts. */
const RUN_CAP_MS = 2 * TEST_CAP_MS;

/** The mutants whose list or id contains `only`. */
async function listed(only: string): Promise<Mutant[]> {
  const lists = await mutantLists();
  return lists.flatMap(({ file, mutants }) =>
    mutants.filter(({ id }) => file.includes(only) || id.includes(only)),
  );
}

const witnessOf = ({ test, name = '' }: Mutant): Selection => ({ test, name: new RegExp(name) });

/** Its suites and its own name, joined as the pattern of a selection sees them. */
const nameOf = (test: TestCase): string => test.fullName.replaceAll(' > ', ' ');

const failed = (test: TestCase): boolean => test.result().state === 'failed';

/** The mutants whose tests prove nothing: without the fault they fail or don't exist. */
async function unsound(lane: Lane, mutants: readonly Mutant[]): Promise<Map<Mutant, string>> {
  const names = new Map<string, string[]>();
  for (const { test, name = '' } of mutants) {
    names.set(test, [...(names.get(test) ?? []), `(?:${name})`]);
  }
  const all = [...names].map(([test, each]) => ({ test, name: new RegExp(each.join('|')) }));
  const { ended, trouble } = await lane.run(all);
  const why = new Map<Mutant, string>();
  for (const mutant of mutants) {
    const { test, name } = witnessOf(mutant);
    const own = ended.filter(
      (each) => each.module.moduleId === join(ROOT, test) && name.test(nameOf(each)),
    );
    const broken = own.find(failed);
    if (broken !== undefined) why.set(mutant, `without the fault, "${nameOf(broken)}" fails too`);
    else if (own.length === 0) why.set(mutant, `no such test. ${trouble}`);
  }
  return why;
}

interface Verdict {
  /** The test that noticed. */
  readonly killer?: string;
  /** Why the mutant survived. */
  readonly why?: string;
}

/** Plants one fault and runs its witness. */
async function tryMutant(lane: Lane, mutant: Mutant): Promise<Verdict> {
  const { file, find, replace } = mutant;
  const planted = plant(readFileSync(join(ROOT, file), 'utf8'), find, replace);
  if ('problem' in planted) return { why: `in ${file} ${planted.problem}` };
  const fault = { file, text: planted.text };
  const { ended, trouble } = await lane.run([witnessOf(mutant)], fault);
  const killer = ended.find(failed);
  if (killer === undefined) {
    return { why: ended.length > 0 ? 'its tests pass' : `no test ran. ${trouble}` };
  }
  const [error] = killer.result().errors ?? [];
  const { name = '', message = '' } = error ?? {};
  const cheap = /^(Reference|Syntax)Error$/.test(name) || message.startsWith('Test timed out');
  return cheap ? { why: `no finding, but ${name}: ${message}` } : { killer: nameOf(killer) };
}

/** As {@link tryMutant}, but for at most `RUN_CAP_MS`. */
async function tryInTime(lane: Lane, mutant: Mutant): Promise<Verdict | 'hangs'> {
  let timer: NodeJS.Timeout | undefined;
  const cap = new Promise<'hangs'>((resolve) => {
    timer = setTimeout(resolve, RUN_CAP_MS, 'hangs');
  });
  return Promise.race([tryMutant(lane, mutant), cap]).finally(() => clearTimeout(timer));
}

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** What a share of the mutants came to. */
interface Result {
  readonly tried: number;
  readonly survivors: readonly string[];
}

/** Tries these mutants one after the other, and says a line about each. */
async function tryAll(mutants: readonly Mutant[]): Promise<Result> {
  const width = Math.max(...mutants.map(({ id }) => id.length));
  const survivors: string[] = [];
  let lane = await openLane(TEST_CAP_MS);
  const excluded = await unsound(lane, mutants);
  for (const mutant of mutants) {
    const since = performance.now();
    const why = excluded.get(mutant);
    let verdict = why === undefined ? await tryInTime(lane, mutant) : { why };
    if (verdict === 'hangs') {
      lane = await openLane(TEST_CAP_MS); // the old one is lost to the loop
      verdict = { why: `still running after ${RUN_CAP_MS / 1000} s` };
    }
    const { killer } = verdict;
    if (killer === undefined) survivors.push(mutant.id);
    const said = killer === undefined ? `SURVIVED  ${verdict.why}` : `killed by "${killer}"`;
    console.log(`${mutant.id.padEnd(width)}  ${seconds(since).padStart(6)}  ${said}`);
  }
  await lane.close();
  return { tried: mutants.length, survivors };
}

/** Every n-th mutant, in a process of its own. */
async function share(index: number, only: string): Promise<Result> {
  const program = fileURLToPath(import.meta.url);
  const child = fork(program, ['--only', only, '--share', String(index)]);
  const message = new Promise<Result>((resolve) => child.once('message', resolve));
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`a process ended with ${code}`);
  return message;
}

async function main(): Promise<number> {
  const { only, share: index } = parseArgs({
    options: { only: { type: 'string', default: '' }, share: { type: 'string' } },
  }).values;
  const mutants = await listed(only);
  if (mutants.length === 0) throw new Error(`no mutant matches "${only}"`);
  const processes = Math.min(PROCESSES, mutants.length);
  if (index !== undefined) {
    const own = mutants.filter((_, i) => i % processes === Number(index));
    process.send?.(await tryAll(own));
    return 0;
  }
  const started = performance.now();
  const results = await Promise.all(Array.from({ length: processes }, (_, i) => share(i, only)));
  const survivors = results.flatMap((result) => result.survivors);
  const tried = results.reduce((sum, result) => sum + result.tried, 0);
  console.log(`${tried - survivors.length} of ${tried} mutants killed in ${seconds(started)}`);
  if (survivors.length > 0) console.log(`survived: ${survivors.join(', ')}`);
  return survivors.length === 0 && tried === mutants.length ? 0 : 1;
}

process.exit(await main());
