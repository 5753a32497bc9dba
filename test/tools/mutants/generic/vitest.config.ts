/** Of the vitest that the generic tester starts for one file of `src`: only the tests of that file. */
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import repo from '../../../../vitest.config.ts';

const config: ViteUserConfig = defineConfig({
  resolve: repo.resolve ?? {},
  define: { ...repo.define },
  test: { include: process.env.GENERIC_TESTS!.split(' '), testTimeout: 60_000 },
});

export default config;
