import { defineConfig, type ViteUserConfig } from 'vitest/config';

const alias = {
  'epsilon-clock/time': new URL('./src/time.ts', import.meta.url).pathname,
  'epsilon-clock/interval': new URL('./src/interval.ts', import.meta.url).pathname,
  'epsilon-clock/timestamps': new URL('./src/timestamps.ts', import.meta.url).pathname,
  'epsilon-clock/lamport': new URL('./src/lamport.ts', import.meta.url).pathname,
  'epsilon-clock/threads': new URL('./src/threads.ts', import.meta.url).pathname,
  'epsilon-clock/ordering': new URL('./src/ordering.ts', import.meta.url).pathname,
  'epsilon-clock/metrics': new URL('./src/metrics.ts', import.meta.url).pathname,
  'epsilon-clock/sources': new URL('./src/sources.ts', import.meta.url).pathname,
  'epsilon-clock/propagation': new URL('./src/propagation.ts', import.meta.url).pathname,
  'epsilon-clock/node': new URL('./src/node.ts', import.meta.url).pathname,
  'epsilon-clock/ntp': new URL('./src/ntp.ts', import.meta.url).pathname,
  'epsilon-clock/sim': new URL('./src/sim/index.ts', import.meta.url).pathname,
  'epsilon-clock/testing': new URL('./src/testing.ts', import.meta.url).pathname,
  'epsilon-clock/pino': new URL('./src/pino.ts', import.meta.url).pathname,
  'epsilon-clock/winston': new URL('./src/winston.ts', import.meta.url).pathname,
  'epsilon-clock/fastify': new URL('./src/fastify.ts', import.meta.url).pathname,
  'epsilon-clock/express': new URL('./src/express.ts', import.meta.url).pathname,
  'epsilon-clock/hono': new URL('./src/hono.ts', import.meta.url).pathname,
  'epsilon-clock/fetch': new URL('./src/fetch.ts', import.meta.url).pathname,
  'epsilon-clock/undici': new URL('./src/undici.ts', import.meta.url).pathname,
  'epsilon-clock/grpc': new URL('./src/grpc.ts', import.meta.url).pathname,
  'epsilon-clock/opentelemetry': new URL('./src/opentelemetry.ts', import.meta.url).pathname,
  'epsilon-clock': new URL('./src/index.ts', import.meta.url).pathname,
};

const unit = {
  include: ['test/**/*.test.ts'],
  exclude: ['**/node_modules/**', 'test/peers/**', 'test/soak/**', 'test/hosts/**'],
  globalSetup: 'test/build.ts',
  testTimeout: 300_000,
  maxWorkers: 2,
};

/** The longest simulations, and a million hostile packets: they do not depend on the version of Node. */
const LONG = [
  'test/sim/{scenarios,hours,assumptions,collusion,witness,profile-rule,leap-worlds}.test.ts',
  'test/bound/{worlds,learned/rate-worlds}.test.ts',
  'test/commit-wait/simulated.test.ts',
  'test/sources/ntp/{fuzz,late-network,politeness}.test.ts',
];

const config: ViteUserConfig = defineConfig({
  resolve: { alias },
  test: {
    // `npm run coverage`; the command line runs as a program of its own, which is not measured.
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/cli/**'],
      reporter: ['text-summary'],
    },
    projects: [
      { extends: true, test: { ...unit, name: 'unit' } },
      // `unit` without the longest runs: for everyday use, and on other versions of Node.
      { extends: true, test: { ...unit, name: 'everyday', exclude: [...unit.exclude, ...LONG] } },
      // Needs Node 22.15, and packages of its own: see test/hosts/otel-3.
      {
        extends: true,
        test: { name: 'otel-3', include: ['test/hosts/otel-3/*.test.ts'] },
      },
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
