/** What the bundler of a web page keeps of the package. */
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { dashboardConstants } from '../../dashboard.config.ts';

/** The size of a bundle of `code`, minified and packed by gzip. */
async function sizeOf(code: string): Promise<number> {
  const resolveDir = new URL('../..', import.meta.url).pathname;
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    alias: {
      'epsilon-clock/http': './dist/http.js',
      'epsilon-clock/browser': './dist/browser.js',
      'epsilon-clock': './dist/index.js',
    },
    logLevel: 'error',
  });
  return gzipSync(outputFiles[0]!.contents).length;
}

/** Names in capitals that `clause` imports or exports under their own names. */
const constantsIn = (clause: string): string[] =>
  clause.match(/(?<=[{,]\s*)[A-Z][A-Z\d_]+(?=\s*[,}])/g) ?? [];

test('no chunk uses a constant that it imports or exports: it has copies', () => {
  const dist = new URL('../../dist/', import.meta.url);
  const chunks = readdirSync(dist).filter((file) => /^chunk-.*\.js$/.test(file));
  const shared = chunks.flatMap((file) => {
    const clauses = readFileSync(new URL(file, dist), 'utf8').match(/^(im|ex)port \{[^}]*\}/gm);
    return (clauses ?? []).flatMap(constantsIn);
  });
  expect(chunks.length).toBeGreaterThan(10);
  expect(constantsIn('export { A$ as AB, CD, e };')).toEqual(['CD']);
  expect(shared).toEqual([]);
});

test('a hybrid clock is at most 6 kB', async () => {
  const size = await sizeOf(
    "import { HybridClock } from 'epsilon-clock'; console.log(HybridClock);",
  );
  console.log(`a bundle of { HybridClock }: ${size} bytes by gzip`);
  expect(size).toBeLessThanOrEqual(6 * 1024);
});

/** What a page loads that shows a countdown in the server's time. */
const COUNTDOWN = `
import { BoundedClock } from 'epsilon-clock';
import { httpTime } from 'epsilon-clock/http';
console.log(BoundedClock.start({ sources: [httpTime('/time')] }));
`;

test('all of the entries for a page are at most 20 kB: sources, handlers, clocks of pages', async () => {
  const size = await sizeOf(
    "import * as http from 'epsilon-clock/http'; import * as own from 'epsilon-clock/browser'; console.log(http, own);",
  );
  console.log(`a bundle of epsilon-clock/http and /browser: ${size} bytes by gzip`);
  expect(size).toBeLessThanOrEqual(20 * 1024);
});

test('a page with a bounded clock and httpTime is at most 36 kB, of which httpTime is at most 6', async () => {
  const size = await sizeOf(COUNTDOWN);
  const without = await sizeOf(
    "import { BoundedClock } from 'epsilon-clock'; console.log(BoundedClock);",
  );
  console.log(
    `a bundle of { BoundedClock, httpTime }: ${size} bytes by gzip, ${without} without httpTime`,
  );
  expect(size).toBeLessThanOrEqual(36 * 1024);
  expect(size - without).toBeLessThanOrEqual(6 * 1024);
});

// The control: a bundle that has everything is counted as larger.
test('the whole entry is more', async () => {
  const size = await sizeOf("import * as all from 'epsilon-clock'; console.log(all);");
  expect(size).toBeGreaterThan(10 * 1024);
});

test('the page of the dashboard is at most 40 kB by gzip', async () => {
  const { DASHBOARD_HTML } = dashboardConstants();
  const size = gzipSync(JSON.parse(DASHBOARD_HTML)).length;
  console.log(`the page of the dashboard: ${size} bytes by gzip`);
  expect(size).toBeLessThanOrEqual(40 * 1024);
});
