/** The tarball: the same from every tree, complete, and usable by every kind of user. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { builtinsReachedFrom } from '../layering.ts';
import { ENTRIES, INSTALLED, manifest, ROOT, run, USER, write } from './user.ts';

/** The files in the package that must load without Node. */
const PORTABLE: readonly string[] = [
  '.',
  './time',
  './interval',
  './timestamps',
  './lamport',
  './threads',
  './failure-detection',
  './lease',
  './ordering',
  './metrics',
  './sources',
  './http',
  './browser',
  './propagation',
  './dashboard',
  './sim',
  './testing',
  './pino',
  './winston',
  './fastify',
  './express',
  './hono',
  './fetch',
  './undici',
  './grpc',
  './opentelemetry',
].map((key) => {
  const entry = manifest.exports[key];
  assert.ok(typeof entry === 'object', `no entry ${key}`);
  return join('.', entry.default);
});

/** The files of a tarball that `npm pack` makes now, sorted. */
async function pack(): Promise<string[]> {
  const args = ['--json', '--pack-destination', USER];
  const [packed] = JSON.parse(await run(ROOT, 'npm', 'pack', ...args)) as {
    files: { path: string }[];
  }[];
  return (packed?.files ?? []).map(({ path }) => path).sort();
}

/**
 * Packs from a tree that was never built, and again after what `npm start` builds, which has no
 * types. Both tarballs must hold the same files, and everything that the export map names.
 */
export async function packTwice(): Promise<string> {
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  const fresh = await pack();
  await run(ROOT, 'tsup');
  assert.ok(
    !existsSync(join(ROOT, 'dist/types/index.d.ts')),
    '`npm start` is expected to build no types',
  );
  assert.deepEqual(await pack(), fresh, 'after `npm start`, `npm pack` packs other files');
  for (const entry of Object.values(manifest.exports)) {
    for (const file of typeof entry === 'string' ? [entry] : Object.values(entry)) {
      assert.ok(fresh.includes(join('.', file)), `the tarball lacks ${file}`);
    }
  }
  return `${fresh.length} files`;
}

/** Loads each entry both ways and demands the same, non-empty exports. */
export async function load(): Promise<void> {
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

/**
 * Compiles users of each kind against the published declarations, those included (no
 * `skipLibCheck`), with no optional peer installed and with the `lib` that their target implies.
 */
export async function compileUsers(): Promise<void> {
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
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
  // What the types accept and refuse.
  write('users/published.ts', readFileSync(join(ROOT, 'test/types/published.test-d.ts'), 'utf8'));
  write('users/tsconfig.json', JSON.stringify({ compilerOptions }));
  // The users that Node documents: no DOM.
  write('node-only/esm.ts', imports(ENTRIES));
  const nodeOnly = { ...compilerOptions, lib: ['es2022'] };
  write('node-only/tsconfig.json', JSON.stringify({ compilerOptions: nodeOnly }));
  // A browser's user has no Node types; the declarations of the core must not need them.
  const ofPages = ['', '/http', '/browser'].map((entry) => `${manifest.name}${entry}`);
  write('browser/esm.ts', imports(ofPages));
  const portable = { ...compilerOptions, module: 'esnext', moduleResolution: 'bundler', types: [] };
  write('browser/tsconfig.json', JSON.stringify({ compilerOptions: portable }));
  for (const project of ['users', 'node-only', 'browser']) await run(USER, 'tsc', '-p', project);
}
