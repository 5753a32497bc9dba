/**
 * docs/model/bound.v, checked by Coq. Each planted fault takes away what a theorem rests on, and
 * must leave it unproven.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';

const TEXT = readFileSync(new URL('../../docs/model/bound.v', import.meta.url), 'utf8');
const directory = mkdtempSync(join(tmpdir(), 'theorems-'));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What coqc says of a text: all that it prints. Rejects when something is not proven. */
async function check(name: string, text: string): Promise<string> {
  const file = join(directory, `${name}.v`);
  writeFileSync(file, text);
  const { stdout } = await promisify(execFile)('coqc', [file], { cwd: directory });
  return stdout;
}

test('every theorem is proven, and nothing is taken for granted', async () => {
  const said = await check('bound', TEXT);
  // Of axioms there are those of Coq's real numbers.
  expect(said.match(/^[\w.]+$/gm)).toEqual([
    'ClassicalDedekindReals.sig_forall_dec',
    'FunctionalExtensionality.functional_extensionality_dep',
  ]);
  expect(TEXT).not.toMatch(/\b(Axiom|Parameter|Hypothesis|Admitted|admit)\b/);
});

test.each([
  [
    'one liar more',
    '(wrong sources truth <= f)%nat ->\n  hull',
    '(wrong sources truth <= S f)%nat ->\n  hull',
  ],
  ['a memory that does not age', '{| lo := lo i - rate * age; hi := hi i + rate * age |}', 'i'],
  ['a drift without a bound', 'drifts theta rate -> s <= t -> holds i', 's <= t -> holds i'],
  [
    'a lease that is taken at its end by latest',
    'until < lo (second taken) ->',
    'until < hi (second taken) ->',
  ],
  ['a commit that waits for latest', 'stamp < lo (here seen) ->', 'stamp < hi (here seen) ->'],
])('%s: not proven any more', async (name, find, replace) => {
  expect(TEXT.split(find).length).toBe(2);
  const faulty = check(`without_${name.replaceAll(/\W/g, '_')}`, TEXT.replace(find, replace));
  await expect(faulty).rejects.toThrow(/Error/);
});
