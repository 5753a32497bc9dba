import { defineConfig, type ViteUserConfig } from 'vitest/config';

const alias = {
  'epsilon-clock/long': new URL('./src/long.ts', import.meta.url).pathname,
  'epsilon-clock/node': new URL('./src/node.ts', import.meta.url).pathname,
  'epsilon-clock/sim': new URL('./src/sim/index.ts', import.meta.url).pathname,
  'epsilon-clock': new URL('./src/index.ts', import.meta.url).pathname,
};

const unit = {
  include: ['test/**/*.test.ts'],
  exclude: ['test/peers/**', 'test/soak/**'],
  globalSetup: 'test/build.ts',
  testTimeout: 300_000,
  maxWorkers: 2,
};

/** What they show does not depend on the version of Node: the longest simulations, a million hostile packets. */
const LONG = [
  'test/sim/{scenarios,hours,assumptions,collusion,profile-rule}.test.ts',
  'test/sources/ntp/fuzz.test.ts',
];

const config: ViteUserConfig = defineConfig({
  resolve: { alias },
  test: {
    projects: [
      { extends: true, test: { ...unit, name: 'unit' } },
      // `unit` once more, on other versions of Node. (`--exclude` does nothing to a project.)
      { extends: true, test: { ...unit, name: 'versions', exclude: [...unit.exclude, ...LONG] } },
      {
        extends: true,
        test: {
          name: 'peers',
          include: ['test/peers/**/*.test.ts'],
          globalSetup: 'test/build.ts',
          // Peers measure time: one file at a time.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'soak',
          include: [
            'test/soak/**/*.test.ts',
            'test/peers/durable-kill.test.ts',
            'test/peers/postgres-commit-wait.test.ts',
            'test/peers/learned-rate.test.ts',
          ],
          env: { LIVES: '200', TRANSACTIONS: '10000', DRIFT_MINUTES: '10' },
          globalSetup: 'test/build.ts',
          testTimeout: 3_600_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});

export default config;
