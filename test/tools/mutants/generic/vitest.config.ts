/** The vitest that the generic tester starts: it runs only the tests of the file in question. */
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import repo from '../../../../vitest.config.ts';

/**
 * A test file that does not even load, because of the change, has noticed it. The tester looks only
 * at tests, of which such a file has none, and at errors outside of tests.
 */
class LoadErrors implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestModuleEnd(module: TestModule): void {
    for (const error of module.errors()) this.#vitest?.state.catchError(error, 'Load Error');
  }
}

const config: ViteUserConfig = defineConfig({
  resolve: repo.resolve ?? {},
  define: { ...repo.define },
  test: {
    include: process.env.GENERIC_TESTS!.split(' '),
    testTimeout: 60_000,
    reporters: [new LoadErrors()],
  },
});

export default config;
