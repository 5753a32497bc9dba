/**
 * `npm run check`: everything that can be wrong with the package besides its behaviour. Types, lint,
 * format and layering of the tree; then the tarball that users would install: its export map, its
 * types, that it loads by `import` and by `require`, and that each example in README.md and docs/
 * compiles against it and runs. Needs no network.
 *
 * An example is a block fenced as `ts`; those fenced as `ts no-run` are compiled only. The programs under
 * docs/examples are compiled where they stand, so that their pages may import them; tests run them.
 */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { builtinsReachedFrom } from './layering.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** A project of a user: where the tarball is installed, and the examples live. */
const USER = mkdtempSync(join(tmpdir(), 'epsilon-clock-check-'));
const INSTALLED = join(USER, 'node_modules', manifest.name);
const TARBALL = join(USER, `${manifest.name}-${manifest.version}.tgz`);

/** Import names of the entries that hold code: `epsilon-clock`, `epsilon-clock/node`, … */
const ENTRIES: readonly string[] = Object.keys(manifest.exports)
  .filter((key) => !key.endsWith('.json'))
  .map((key) => manifest.name + key.slice(1));
/** Those that promise to load where there is no Node, by the file in the package. */
const PORTABLE = Object.entries<{ default?: string }>(manifest.exports)
  .filter(([key]) => ['.', './sim', './long'].includes(key))
  .map(([, entry]) => join('.', entry.default ?? ''));

/** What the programs under docs/examples import besides. */
const EXAMPLES_NEED = ['pg', '@types/pg'];

async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  const [file, all] = command === 'node' ? [process.execPath, args] : [command, args];
  const path = `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}`;
  const env = { ...process.env, PATH: path, NO_COLOR: '1' };
  const options = { cwd, env, timeout: 900_000, maxBuffer: 2 ** 26 };
  try {
    return (await promisify(execFile)(file, all, options)).stdout;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & Record<string, string>;
    throw new Error(`${stdout}${stderr}` || message);
  }
}

const write = (name: string, text: string): void => {
  mkdirSync(dirname(join(USER, name)), { recursive: true });
  writeFileSync(join(USER, name), text);
};

/** Installs the tarball as npm would; what it depends on comes from our own node_modules. */
async function install(): Promise<void> {
  mkdirSync(INSTALLED, { recursive: true });
  await run(USER, 'tar', '-xzf', TARBALL, '--strip-components=1', '-C', INSTALLED);
  const needed = { ...manifest.dependencies, ...manifest.peerDependencies };
  for (const name of [...Object.keys(needed), '@types/node', ...EXAMPLES_NEED]) {
    mkdirSync(dirname(join(USER, 'node_modules', name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(USER, 'node_modules', name));
  }
  write('package.json', '{ "type": "module" }\n');
}

/** Loads each entry both ways and demands the same, non-empty exports. */
async function load(): Promise<void> {
  write(
    'load.mjs',
    `import assert from 'node:assert/strict';
     import { createRequire } from 'node:module';
     for (const entry of ${JSON.stringify(ENTRIES)}) {
       const imported = await import(entry);
       assert.ok(Object.keys(imported).length > 0, entry + ' exports nothing');
       assert.equal(createRequire(import.meta.url)(entry), imported, entry);
     }`,
  );
  await run(USER, 'node', '--no-warnings', 'load.mjs');
  const read = (file: string): string => readFileSync(join(INSTALLED, file), 'utf8');
  const reached = PORTABLE.flatMap((entry) => builtinsReachedFrom(entry, read));
  if (reached.length > 0) throw new Error(reached.join('\n'));
}

/** Compiles users of each kind against the published declarations. */
async function compileUsers(): Promise<void> {
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2022', 'dom', 'esnext.disposable'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipDefaultLibCheck: true,
    types: ['node'],
  };
  const imports = (entries: readonly string[]): string =>
    entries.map((entry, i) => `export * as e${i} from '${entry}';\n`).join('');
  write('users/esm.ts', imports(ENTRIES));
  write(
    'users/commonjs.cts',
    ENTRIES.map((e, i) => `import e${i} = require('${e}'); e${i};\n`).join(''),
  );
  write('users/tsconfig.json', JSON.stringify({ compilerOptions }));
  // A browser's user has no Node types; the core's declarations must not need them.
  write('browser/esm.ts', imports([manifest.name]));
  const portable = { ...compilerOptions, module: 'esnext', moduleResolution: 'bundler', types: [] };
  write('browser/tsconfig.json', JSON.stringify({ compilerOptions: portable }));
  await Promise.all(['users', 'browser'].map((project) => run(USER, 'tsc', '-p', project)));
}

interface Example {
  /** The module's name, from where it stands: `docs/guarantees.md.L40`. */
  readonly name: string;
  readonly code: string;
  readonly runs: boolean;
}

function examplesIn(file: string): Example[] {
  const found: Example[] = [];
  const text = readFileSync(join(ROOT, file), 'utf8');
  for (const match of text.matchAll(/^```ts\b([^\n]*)\n(.*?)^```/gms)) {
    const [, info = '', code = ''] = match;
    const line = text.slice(0, match.index).split('\n').length;
    // As many blank lines before it as in the document: a compiler's line numbers are the document's.
    const padded = `${'\n'.repeat(line)}${code}\nexport {};\n`;
    found.push({
      name: `${file}.L${line}`,
      code: padded,
      runs: !/\bno-run\b/.test(info),
    });
  }
  return found;
}

async function runExamples(): Promise<string> {
  const docs = existsSync(join(ROOT, 'docs'))
    ? readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    : [];
  const files = ['README.md', ...docs.filter((f) => f.endsWith('.md')).map((f) => `docs/${f}`)];
  const examples = files.sort().flatMap(examplesIn);
  if (examples.length === 0) throw new Error('no example found');
  for (const { name, code } of examples) write(`examples/${name}.ts`, code);
  for (const file of docs.filter((f) => f.startsWith('examples/') && f.endsWith('.ts'))) {
    cpSync(join(ROOT, 'docs', file), join(USER, 'examples/docs', file));
  }
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2022', 'esnext.disposable'],
    strict: true,
    types: ['node'],
    skipLibCheck: true,
    rootDir: '.',
    outDir: '../examples-js',
  };
  write('examples/tsconfig.json', JSON.stringify({ compilerOptions }));
  await run(USER, 'tsc', '-p', 'examples');
  const runnable = examples.filter(({ runs }) => runs);
  for (const { name } of runnable) {
    await run(USER, 'node', '--no-warnings', `examples-js/${name}.js`).catch((error: Error) => {
      throw new Error(`${name}\n${error.message}`);
    });
  }
  return `${examples.length} examples compiled, ${runnable.length} run`;
}

/** No look-up of @types: the check works offline. */
const ATTW = ['--profile', 'esm-only', '--no-definitely-typed'];
const pack = (): Promise<string> => run(ROOT, 'npm', 'pack', '--pack-destination', USER);
const steps: [string, () => Promise<unknown>][] = [
  ['types', () => run(ROOT, 'tsc', '-p', '.')],
  ['lint and format', () => run(ROOT, 'biome', 'ci', '--error-on-warnings')],
  ['layering', () => run(ROOT, 'vitest', 'run', '--project', 'unit', 'test/layering.test.ts')],
  ['build', () => run(ROOT, 'npm', 'run', 'build')],
  ['pack', pack],
  ['export map (publint)', () => run(ROOT, 'publint', 'run', TARBALL, '--strict')],
  ['published types (attw)', () => run(ROOT, 'attw', TARBALL, ...ATTW)],
  ['install', install],
  ['import and require', load],
  ['users compile', compileUsers],
  ['examples', runExamples],
];

async function main(): Promise<number> {
  const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;
  try {
    for (const [name, step] of steps) {
      const since = performance.now();
      try {
        const note = await step();
        const told = step === runExamples ? `  ${note}` : '';
        console.log(`ok      ${seconds(since).padStart(6)}  ${name}${told}`);
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
