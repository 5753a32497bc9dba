/**
 * Builds what is measured. The library itself as users get it, and the benchmarks, which import it by its
 * name; only what is not public (the bound engine) comes from source, bundled with the same settings.
 */
import { build } from 'tsup';
import library from '../tsup.config.ts';

const MODULES: readonly string[] = [
  'subject',
  'rows',
  'scaling',
  'memory',
  'publisher.worker',
  'reader.worker',
  'rival.worker',
];

/** Writes `dist` and `bench/dist`. */
export async function buildAll(more: readonly string[] = []): Promise<void> {
  await build({ config: 'tsup.config.ts' });
  await build({
    config: false,
    entry: [...MODULES, ...more].map((name) => `bench/${name}.ts`),
    outDir: 'bench/dist',
    format: 'esm',
    target: 'node20',
    platform: 'node',
    external: ['epsilon-clock', 'epsilon-clock/node', 'benchmark'],
    silent: true,
    clean: true,
    esbuildOptions: library.esbuildOptions ?? (() => {}),
  });
}
