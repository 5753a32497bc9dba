import type { Mutant } from '../../tools/mutants/mutant.ts';

const JSON_READER = {
  file: 'src/cli/serve/positioned-json.ts',
  test: 'test/cli/serve/positioned-json.test.ts',
};
const CONFIG = { file: 'src/cli/serve/config.ts', test: 'test/cli/serve/config.test.ts' };
const RULES = { file: 'src/cli/serve/rules.ts', test: 'test/cli/serve/config.test.ts' };
const SETTINGS = { file: 'src/cli/serve/settings.ts', test: 'test/cli/serve/settings.test.ts' };
const CHANGE = {
  file: 'src/cli/serve/source-change.ts',
  test: 'test/cli/serve/source-change.test.ts',
};
const REPLACE = { test: 'test/bounded-clock/replace-sources.test.ts' };
const PLACE = { file: 'src/cli/serve/page-place.ts', test: 'test/cli/serve/page-place.test.ts' };
const LOG = { file: 'src/cli/serve/log.ts', test: 'test/cli/serve/log.test.ts' };
const DAEMON = { test: 'test/cli/serve/serve.test.ts' };

export const mutants: Mutant[] = [
  {
    id: 'serve-last-of-two-keys-wins',
    ...JSON_READER,
    find: 'if (earlier !== undefined) {',
    replace: 'if (earlier?.key === undefined && earlier !== undefined) {',
  },
  {
    id: 'serve-column-from-zero',
    ...JSON_READER,
    find: 'column: this.#at - this.#lineStart + 1',
    replace: 'column: this.#at - this.#lineStart',
  },
  {
    id: 'serve-json-as-deep-as-it-likes',
    ...JSON_READER,
    find: 'if (depth === MAX_DEPTH)',
    replace: 'if (depth === Infinity)',
    name: 'brackets without end',
  },
  {
    id: 'serve-unknown-keys-ignored',
    ...RULES,
    find: 'if (names.includes(key)) return',
    replace:
      "if (!names.includes(key)) return ['', undefined];\n        if (names.includes(key)) return",
  },
  {
    id: 'serve-config-without-end',
    ...CONFIG,
    find: 'if (length > MAX_BYTES)',
    replace: 'if (length > 2 * MAX_BYTES)',
    name: 'larger than it may be',
  },
  {
    id: 'serve-config-that-waits-for-a-writer',
    ...CONFIG,
    find: 'if (!(await file.stat()).isFile())',
    replace: 'if ((await file.stat()).isDirectory())',
    name: 'a pipe',
  },
  {
    id: 'serve-file-beats-the-command-line',
    ...SETTINGS,
    find: 'args[key] ?? file[key];',
    replace: 'file[key] ?? args[key];',
    name: 'what the command line says wins',
  },
  {
    id: 'serve-page-beside-what-was-named',
    ...SETTINGS,
    find: 'page: (page ?? nothingElse) || undefined',
    replace: 'page: (page ?? true) || undefined',
    name: 'only what is said',
  },
  {
    id: 'serve-old-sources-go-at-once',
    ...CHANGE,
    find: 'if (voters === 0) return wanted;',
    replace: 'if (voters >= 0) return wanted;',
    name: 'bounded all the time',
  },
  {
    id: 'serve-too-many-join',
    ...CHANGE,
    find: 'if (bounded && isCovered(count)) return',
    replace: 'if (isCovered(count)) return',
    name: 'no more join',
  },
  {
    id: 'serve-more-may-lie-than-is-covered',
    ...CHANGE,
    find: 'if (bounded && isCovered(count)) return',
    replace: 'if (bounded) return',
    name: 'never wrong',
  },
  {
    id: 'serve-old-sources-for-ever',
    ...CHANGE,
    find: '() => this.#step(change, stepsLeft - 1)',
    replace: '() => this.#step(change, stepsLeft)',
    name: 'that never answer',
  },
  {
    id: 'serve-a-witness-alone',
    ...CHANGE,
    find: 'checkSources(wanted, this.#maxFaulty);',
    replace: '',
    name: 'cannot stand alone',
  },
  {
    id: 'replace-sources-inherit-facts',
    ...REPLACE,
    file: 'src/bounded-clock/source-set.ts',
    find: '    dropped();\n',
    replace: '',
    name: 'with another timescale',
  },
  {
    id: 'replace-sources-facts-of-another-timescale',
    ...REPLACE,
    file: 'src/bounded-clock/source-set.ts',
    find: 'next.timescale === before.timescale;',
    replace: 'next.timescale !== undefined || before.timescale !== null;',
    name: 'with another timescale',
  },
  {
    id: 'replace-sources-all-started-again',
    ...REPLACE,
    file: 'src/bounded-clock/source-set.ts',
    find: 'const kept = before.filter(({ source }) => sources.includes(source));',
    replace: 'const kept: Configured[] = [];',
    name: 'is not disturbed',
  },
  {
    id: 'replace-sources-half-started',
    ...REPLACE,
    file: 'src/bounded-clock/source-set.ts',
    find: 'for (const { running } of added) running?.stop();',
    replace: '',
    name: 'cannot start changes nothing',
  },
  {
    id: 'serve-page-where-all-may-write',
    ...PLACE,
    find: 'const WRITABLE_BY_OTHERS = 0o022;',
    replace: 'const WRITABLE_BY_OTHERS = 0o020;',
    name: 'others could lie',
  },
  {
    id: 'serve-page-behind-a-link',
    ...PLACE,
    find: 'await lstat(directory)',
    replace: "await (await import('node:fs/promises')).stat(directory)",
    name: 'symbolic link',
  },
  {
    id: 'serve-log-ends-with-an-old-state',
    ...LOG,
    find: 'if (left > 0) this.write',
    replace: 'if (left < 0) this.write',
  },
  {
    id: 'serve-outputs-all-started-again',
    ...DAEMON,
    file: 'src/cli/serve/outputs.ts',
    find: 'if (before?.settings === key) {',
    replace: 'if (before?.settings === key && kind === "ntp") {',
    name: 'are not started again',
  },
  {
    id: 'serve-reload-starts-sources-anew',
    ...DAEMON,
    file: 'src/cli/serve/serve.ts',
    find: 'known.get(each.key) ?? each) };',
    replace: 'each) };',
    name: 'stay the same objects',
  },
  {
    id: 'serve-page-fails-without-a-reason',
    ...DAEMON,
    file: 'src/cli/serve/outputs.ts',
    find: '{ output, message: reasonOf(error) }',
    replace: '{ output, message: error.name }',
    name: 'a page that cannot be written is said',
  },
  {
    id: 'serve-failed-reload-keeps-its-outputs',
    ...DAEMON,
    file: 'src/cli/serve/outputs.ts',
    find: '      await stopAll(started);\n      throw error;',
    replace: '      throw error;',
    name: 'closes what it had opened',
  },
  {
    id: 'serve-other-assumptions-on-an-old-bound',
    ...DAEMON,
    file: 'src/cli/serve/serve.ts',
    find: 'if (before[name] === after[name]) continue;',
    replace: 'if (before[name] !== undefined) continue;',
    name: 'need a restart',
  },
];
