import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { dashboardConstants } from './dashboard.config.ts';

const alias = {
  'epsilon-clock/time': new URL('./src/time.ts', import.meta.url).pathname,
  'epsilon-clock/interval': new URL('./src/interval.ts', import.meta.url).pathname,
  'epsilon-clock/timestamps': new URL('./src/timestamps.ts', import.meta.url).pathname,
  'epsilon-clock/lamport': new URL('./src/lamport.ts', import.meta.url).pathname,
  'epsilon-clock/threads': new URL('./src/threads.ts', import.meta.url).pathname,
  'epsilon-clock/ordering': new URL('./src/ordering.ts', import.meta.url).pathname,
  'epsilon-clock/failure-detection': new URL('./src/failure-detection.ts', import.meta.url)
    .pathname,
  'epsilon-clock/lease': new URL('./src/lease.ts', import.meta.url).pathname,
  'epsilon-clock/metrics': new URL('./src/metrics.ts', import.meta.url).pathname,
  'epsilon-clock/sources': new URL('./src/sources.ts', import.meta.url).pathname,
  'epsilon-clock/http': new URL('./src/http.ts', import.meta.url).pathname,
  'epsilon-clock/browser': new URL('./src/browser.ts', import.meta.url).pathname,
  'epsilon-clock/dashboard': new URL('./src/dashboard.ts', import.meta.url).pathname,
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
  setupFiles: 'test/leaves-no-trace.ts',
  testTimeout: 300_000,
  maxWorkers: 2,
  // The files that a worker runs share its process and the modules that it has loaded. A process
  // and the modules anew for each file take 0.8 s of a processor, and there are 210 files. So a
  // file must leave globals as they were, and a module of the kit must not end with a file.
  isolate: false,
};

/** The longest simulations, and a million hostile packets: not for everyday. */
const LONG = [
  'test/sim/scenarios.test.ts',
  'test/sim/hours.test.ts',
  'test/sim/assumptions.test.ts',
  'test/sim/collusion.test.ts',
  'test/sim/witness.test.ts',
  'test/sim/profile-rule.test.ts',
  'test/sim/leap-worlds.test.ts',
  'test/sim/smear-worlds.test.ts',
  'test/bound/worlds.test.ts',
  'test/bound/learned/rate-worlds.test.ts',
  'test/commit-wait/simulated.test.ts',
  'test/host-page/worlds.test.ts',
  'test/host-page/interleavings.test.ts',
  'test/lease/simulated.test.ts',
  'test/ordering/simulated.test.ts',
  'test/sources/ntp/fuzz.test.ts',
  'test/sources/ntp/late-network.test.ts',
  'test/sources/ntp/politeness.test.ts',
];

/** Not simulations, but they take seven seconds and more. */
const SLOW = [
  'test/cli/program.test.ts',
  'test/cli/order/order.test.ts',
  'test/cli/serve/program.test.ts',
  'test/dashboard/dashboard.test.ts',
  'test/lease/take-over.test.ts',
  'test/sources/ntp/memory.test.ts',
  'test/sources/ntp/served-memory.test.ts',
];

/**
 * Arithmetic, drawn worlds, and checks of the repository itself: what they show does not depend on
 * the version of Node.
 */
const SAME_EVERYWHERE = [
  ...LONG,
  'test/bench/**',
  'test/bound/**',
  'test/docs/**',
  'test/exports/surface.test.ts',
  'test/failure-detection/quality.test.ts',
  'test/interval/**',
  'test/lease/duration-simulated.test.ts',
  'test/research/**',
  'test/sim/**',
  'test/tools/**',
];

/**
 * The longest files first, so that no worker waits at the end while another one has just begun such
 * a file. Vitest knows how long they took, but `npm ci` deletes what it knows.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      [...LONG, ...SLOW].some((file) => moduleId.endsWith(`/${file}`));
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => Number(isLong(b)) - Number(isLong(a)));
  }
}

const config: ViteUserConfig = defineConfig({
  resolve: { alias },
  define: dashboardConstants(),
  test: {
    sequence: { sequencer: LongestFirst },
    // `npm run coverage`; the command line runs as a program of its own, which is not measured.
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/cli/**'],
      reporter: ['text-summary'],
    },
    projects: [
      { extends: true, test: { ...unit, name: 'unit' } },
      { extends: true, test: { ...unit, name: 'everyday', exclude: [...unit.exclude, ...LONG] } },
      {
        extends: true,
        test: { ...unit, name: 'versions', exclude: [...unit.exclude, ...SAME_EVERYWHERE] },
      },
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
            'test/peers/lease-hand-overs.test.ts',
            'test/peers/sql-order.test.ts',
          ],
          env: {
            LIVES: '200',
            TRANSACTIONS: '10000',
            DRIFT_MINUTES: '10',
            DASHBOARD_MINUTES: '10',
            HAND_OVERS: '10000',
            EVENTS: '1000000',
          },
          globalSetup: 'test/build.ts',
          testTimeout: 3_600_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});

export default config;
