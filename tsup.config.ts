import { defineConfig, type Options } from 'tsup';

// One bundle per public entry; code they share lands in chunks. `tsup --dts` adds the types.
const config: Options = {
  entry: {
    index: 'src/index.ts',
    node: 'src/node.ts',
    long: 'src/long.ts',
    cli: 'src/cli/main.ts',
  },
  format: 'esm',
  target: 'node20',
  platform: 'neutral',
  external: [/^node:/],
  splitting: true,
  treeshake: true,
  sourcemap: true,
  clean: true,
  silent: true,
  // Puts literal constants in place of their names: slot numbers are on the hot path.
  esbuildOptions: (options) => {
    options.minifySyntax = true;
  },
};

export default defineConfig(config) as Options;
