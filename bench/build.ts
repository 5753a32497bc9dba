/**
 * Builds the library as users get it, and the benchmarks, which import it by its name. Only code
 * that is not public (the bound engine) comes from source, bundled with the same settings.
 */
import { build } from 'tsup';
import library from '../tsup.config.ts';

const OWN: Readonly<Record<string, string>> = entriesOf('bench', [
  'subject',
  'rows',
  'scaling',
  'memory',
  'waits',
  'order',
  'services',
  'usages',
  'warm-ups',
  'publisher.worker',
  'reader.worker',
  'rival.worker',
]);
const PEERS: Readonly<Record<string, string>> = entriesOf('bench/peers', [
  'peer-rows',
  'torture',
  'torture.worker',
]);

function entriesOf(folder: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, `${folder}/${name}.ts`]));
}

/** Writes `dist` and `bench/dist`. */
export async function buildAll(): Promise<void> {
  await build({ config: 'tsup.config.ts' });
  await build({
    config: false,
    entry: { ...OWN, ...PEERS },
    outDir: 'bench/dist',
    format: 'esm',
    target: 'node20',
    platform: 'node',
    external: [/^epsilon-clock/, 'benchmark', 'pino', 'fastify', 'autocannon'],
    silent: true,
    clean: true,
    esbuildOptions: library.esbuildOptions ?? (() => {}),
  });
}
