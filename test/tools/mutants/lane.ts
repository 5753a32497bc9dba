/**
 * A vitest that stays: it starts once, keeps what it has transformed, and runs a few tests at a
 * time, with one fault planted or none. No file is touched: a plugin hands out the faulty text in
 * place of the one on the disk. Each run has a worker thread of its own, which loads every module
 * anew.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { createVitest, type TestCase } from 'vitest/node';
import config from '../../../vitest.config.ts';

export const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url));

/** Tests of one file (a path in the repo) whose full names match. */
export interface Selection {
  readonly test: string;
  readonly name: RegExp;
}

/** A module (a path in the repo) and the text to load in place of its own. */
export interface Fault {
  readonly file: string;
  readonly text: string;
}

export interface Outcome {
  /** The tests that ran to an end, passed or failed. */
  readonly ended: readonly TestCase[];
  /** What went wrong outside of any test: a module that does not load, say. */
  readonly trouble: string;
}

export interface Lane {
  run(selections: readonly Selection[], fault?: Fault): Promise<Outcome>;
  close(): Promise<void>;
}

/** @param testCapMs when a test that has not come to an end fails */
export async function openLane(testCapMs: number): Promise<Lane> {
  let planted: Fault | undefined;
  let ended: TestCase[] = [];
  let trouble: { readonly message: string }[] = [];
  const vitest = await createVitest(
    'test',
    {
      config: false,
      root: ROOT,
      watch: false,
      pool: 'threads',
      maxWorkers: 2,
      testTimeout: testCapMs,
      reporters: [
        {
          onTestCaseResult: (test) => {
            if (test.result().state !== 'skipped') ended.push(test);
          },
          onTestModuleEnd: (module) => {
            trouble.push(...module.errors());
          },
        },
      ],
    },
    {
      resolve: config.resolve ?? {},
      // A copy: vitest takes out what it defines.
      define: { ...config.define },
      plugins: [
        {
          name: 'planted-fault',
          enforce: 'pre',
          transform: (_, id) =>
            planted !== undefined && id === join(ROOT, planted.file) ? planted.text : undefined,
        },
      ],
    },
  );
  const project = vitest.getRootProject();
  return {
    async run(selections, fault) {
      for (const each of [planted, fault]) {
        if (each !== undefined) vitest.invalidateFile(join(ROOT, each.file));
      }
      planted = fault;
      ended = [];
      trouble = [];
      const { unhandledErrors } = await vitest.runTestSpecifications(
        selections.map(({ test, name }) =>
          project.createSpecification(join(ROOT, test), { testNamePattern: name }),
        ),
      );
      const said = [...trouble, ...(unhandledErrors as Error[])].map(({ message }) => message);
      const plain = stripVTControlCharacters(said.join(' '));
      return { ended, trouble: plain.replace(/\s+/g, ' ').slice(0, 200) };
    },
    close: () => vitest.close(),
  };
}
