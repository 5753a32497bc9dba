/** What the bundler of a web page keeps of the package. */
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

/** The size of a bundle of `code`, minified and packed by gzip. */
async function sizeOf(code: string): Promise<number> {
  const resolveDir = new URL('../..', import.meta.url).pathname;
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    alias: { 'epsilon-clock': './dist/index.js' },
  });
  return gzipSync(outputFiles[0]!.contents).length;
}

test('a hybrid clock is at most 6 kB', async () => {
  const size = await sizeOf(
    "import { HybridClock } from 'epsilon-clock'; console.log(HybridClock);",
  );
  console.log(`a bundle of { HybridClock }: ${size} bytes by gzip`);
  expect(size).toBeLessThanOrEqual(6 * 1024);
});

// The control: a bundle that has everything is counted as larger.
test('the whole entry is more', async () => {
  const size = await sizeOf("import * as all from 'epsilon-clock'; console.log(all);");
  expect(size).toBeGreaterThan(10 * 1024);
});
