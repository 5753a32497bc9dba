import type { Mutant } from '../tools/mutants/mutant.ts';

const SHORTFALL = 'src/bounded-clock/shortfall.ts';
const shortfallTest = { file: SHORTFALL, test: 'test/bounded-clock/shortfall.test.ts' };

export const mutants: Mutant[] = [
  {
    id: 'shortfall-needs-as-many-as-may-be-wrong',
    ...shortfallTest,
    find: 'return engine.maxFaulty + 1;',
    replace: 'return engine.maxFaulty;',
  },
  {
    id: 'shortfall-ahead-for-behind',
    ...shortfallTest,
    find: 'if (claim.lo > from.hi) return apart(claim.lo - from.hi,',
    replace: 'if (claim.lo > from.hi) return apart(claim.hi - from.lo,',
    name: 'which differ by how much',
  },
  {
    id: 'shortfall-against-the-liar',
    ...shortfallTest,
    find: 'sort((a, b) => friends(b) - friends(a))',
    replace: 'sort((a, b) => friends(a) - friends(b))',
    name: 'that most agree with',
  },
  {
    id: 'bounded-clock-max-faulty-of-all',
    file: 'src/bounded-clock/options.ts',
    find: 'if (maxFaulty < endpoints) return;',
    replace: 'if (maxFaulty <= endpoints) return;',
    test: 'test/bounded-clock/shortfall.test.ts',
    name: 'could ever come',
  },
  {
    id: 'bounded-clock-attached-reader-waits-in-vain',
    file: 'src/bounded-clock/wait-synced.ts',
    find: 'if (!publishListeners) check();',
    replace: '',
    test: 'test/bounded-clock/bounded-clock.test.ts',
    name: 'within 5 ms of the bound',
  },
  {
    id: 'bounded-clock-listener-outlives-its-signal',
    file: 'src/time/listeners.ts',
    find: "signal?.addEventListener('abort', end, { once: true });",
    replace: '',
    test: 'test/bounded-clock/bounded-clock.test.ts',
    name: 'until its signal',
  },
  {
    id: 'bounded-clock-try-now-throws',
    file: 'src/bounded-clock/bounded-reader.ts',
    find: 'return this.#evaluate() ? this.#interval() : undefined;',
    replace: 'return this.now();',
    test: 'test/bounded-clock/bounded-clock.test.ts',
    name: 'tryNow and tryReadInto',
  },
  {
    id: 'unknown-options-ignored',
    file: 'src/time/options.ts',
    find: 'if (known.includes(name) || value === undefined) continue;',
    replace: 'continue;',
    test: 'test/time/options.test.ts',
  },
  {
    id: 'unknown-options-farthest-name',
    file: 'src/time/options.ts',
    find: 'if (distance < least) {',
    replace: 'if (distance > least) {',
    test: 'test/time/options.test.ts',
    name: 'the nearest',
  },
  {
    id: 'bounded-clock-sample-types-unchecked',
    file: 'src/bounded-clock/bounded-clock.ts',
    find: '    checkSample(sample);\n',
    replace: '',
    test: 'test/bounded-clock/bounded-clock.test.ts',
    name: 'is told so, and it counts for nothing',
  },
  {
    id: 'bounded-clock-sample-of-nobody',
    file: 'src/bounded-clock/bounded-clock.ts',
    find: 'if (endpoint === undefined) {',
    replace: 'if (this.#stopped) {',
    test: 'test/bounded-clock/bounded-clock.test.ts',
    name: 'an id not listed',
  },
  {
    id: 'unknown-options-guessed-from-too-few-letters',
    file: 'src/time/options.ts',
    find: 'Math.min(MAX_EDITS, Math.ceil(name.length / 2)) + 1',
    replace: 'MAX_EDITS + 1',
    test: 'test/cli/arguments.test.ts',
    name: 'gets no suggestion',
  },
];
