/** The lists of planted faults: `*.mutants.ts`, each beside the tests that kill them. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './lane.ts';
import type { Mutant } from './mutant.ts';

export interface List {
  /** Path in the repo. */
  readonly file: string;
  readonly mutants: readonly Mutant[];
}

export async function mutantLists(): Promise<readonly List[]> {
  const lists: List[] = [];
  for (const file of readdirSync(join(ROOT, 'test'), {
    recursive: true,
    encoding: 'utf8',
  }).sort()) {
    if (!file.endsWith('.mutants.ts')) continue;
    const { mutants } = (await import(join(ROOT, 'test', file))) as { mutants: readonly Mutant[] };
    lists.push({ file: `test/${file}`, mutants });
  }
  return lists;
}
