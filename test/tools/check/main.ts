/**
 * `npm run check`: everything that can be wrong with the package besides its behaviour. Types,
 * lint, format and layering of the tree; then the tarball that users would install: its files, its
 * export map, its types, that it loads by `import` and by `require`, and that each example in
 * README.md, docs/ and the docstrings compiles against it and runs. Needs no network.
 */
import { rmSync } from 'node:fs';
import { checkApi } from './api.ts';
import { runExamples } from './examples.ts';
import { checkProse } from './prose.ts';
import { compileUsers, load, packTwice } from './tarball.ts';
import { install, ROOT, run, TARBALL, USER } from './user.ts';

/** No look-up of @types: the check works offline. */
const ATTW = ['--profile', 'esm-only', '--no-definitely-typed'];

/** The steps in order. A step may return a remark, which is printed on its line. */
const steps: readonly [string, () => Promise<unknown>][] = [
  ['types', () => silently(run(ROOT, 'tsc', '-p', '.'))],
  ['types of the page', () => silently(run(ROOT, 'tsc', '-p', 'src/dashboard/page'))],
  ['lint and format', () => silently(run(ROOT, 'biome', 'ci', '--error-on-warnings'))],
  [
    'layering',
    () => silently(run(ROOT, 'vitest', 'run', '--project', 'unit', 'test/tools/layering.test.ts')),
  ],
  ['prose', checkProse],
  ['api reference', checkApi],
  ['pack', packTwice],
  ['export map (publint)', () => silently(run(ROOT, 'publint', 'run', TARBALL, '--strict'))],
  ['published types (attw)', () => silently(run(ROOT, 'attw', TARBALL, ...ATTW))],
  ['install', install],
  ['import and require', load],
  ['users compile', compileUsers],
  ['examples', runExamples],
];

async function silently(output: Promise<string>): Promise<void> {
  await output;
}

async function main(): Promise<number> {
  const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;
  try {
    for (const [name, step] of steps) {
      const since = performance.now();
      try {
        const remark = (await step()) ?? '';
        console.log(`ok      ${seconds(since).padStart(6)}  ${name}  ${remark}`.trimEnd());
      } catch (error) {
        console.log(`FAILED  ${seconds(since).padStart(6)}  ${name}\n`);
        console.log((error as Error).message);
        return 1;
      }
    }
    return 0;
  } finally {
    rmSync(USER, { recursive: true, force: true });
  }
}

process.exitCode = await main();
