import type { Mutant } from '../tools/mutants/mutant.ts';

const clock = { file: 'src/testing/test-clock.ts', test: 'test/testing/test-clock.test.ts' };

export const mutants: Mutant[] = [
  {
    id: 'testing-fake-date-followed-late',
    file: 'src/time/system-clock.ts',
    find: ' || Date.now !== this.#ownNow) {',
    replace: ' || this.#ownNow === undefined) {',
    test: 'test/bounded-clock/fake-timers.test.ts',
    name: 'the wall time of a clock made before follows at once',
  },
  {
    id: 'testing-fake-date-for-ever',
    file: 'src/time/system-clock.ts',
    find: '      slots[NEXT_OBSERVATION] = AT_ONCE;\n      return;',
    replace: '      slots[NEXT_OBSERVATION] = slots[NOW]! + 10_000_000_000n;\n      return;',
    test: 'test/bounded-clock/fake-timers.test.ts',
    name: 'goes back to the real one',
  },
  {
    id: 'testing-fake-date-with-a-fraction-throws',
    file: 'src/time/system-clock.ts',
    find: 'BigInt(Math.floor(now()))',
    replace: 'BigInt(now())',
    test: 'test/bounded-clock/fake-timers.test.ts',
    name: 'a fraction of a millisecond',
  },
  {
    id: 'testing-new-bound-in-the-old-era',
    ...clock,
    find: 'this.#slots[ERA] = this.#slots[ERA]! + 1n;',
    replace: '',
    name: 'a new bound is not held to the old one',
  },
  {
    id: 'testing-step-moves-true-time',
    ...clock,
    find: 'const theta = this.#scheduler.trueNs() - now;',
    replace: 'const theta = this.#clock.wallNs() - now;',
    name: 'a step moves the wall clock and not true time',
  },
  {
    id: 'testing-wall-offset-not-noted',
    ...clock,
    find: 'slots[WALL_OFFSET] = this.#clock.wallNs() - now;',
    replace: '',
    name: 'is true time give or take the uncertainty',
  },
  {
    id: 'testing-waits-not-told',
    ...clock,
    find: 'for (const listener of [...this.publishListeners]) listener();',
    replace: '',
    name: 'a wait is interrupted when the bound is lost',
  },
  {
    id: 'testing-suspend-of-a-running-clock',
    ...clock,
    find: 'this.#process.suspend(forMs);',
    replace: '',
    name: 'a suspend moves true time, and no timer fires meanwhile',
  },
  {
    id: 'testing-callbacks-run-in-a-suspend',
    ...clock,
    find: 'this.#process.suspend(forMs);',
    replace: 'this.#clock.suspend(forMs);',
    name: 'during a suspend nothing runs',
  },
  {
    id: 'testing-bound-of-before-after-a-suspend',
    ...clock,
    find: "    this.#publishNoBound('suspend');\n    this.#process.suspend(forMs);\n    this.#scheduler.run(until);",
    replace:
      "    this.#process.suspend(forMs);\n    this.#scheduler.run(until);\n    this.#publishNoBound('suspend');",
    name: 'during a suspend nothing runs',
  },
  {
    id: 'testing-advances-overlap',
    ...clock,
    find: 'this.#advanced.then(() => this.#scheduler.runAsync',
    replace: 'Promise.resolve().then(() => this.#scheduler.runAsync',
    name: 'one after another',
  },
  {
    id: 'testing-advance-over-after-a-failure',
    ...clock,
    find: 'advanced.catch(() => {});',
    replace: 'advanced;',
    name: 'one after another',
  },
  {
    id: 'testing-uncertainty-on-one-side',
    ...clock,
    find: 'slots[FIRST_SEGMENT + LO] = theta - this.#uncertaintyNs;',
    replace: 'slots[FIRST_SEGMENT + LO] = theta;',
    name: 'is true time give or take the uncertainty',
  },
  {
    id: 'testing-disruption-not-said',
    ...clock,
    find: 'DISRUPTIONS.includes(reason) ? DISRUPTED : NO_BOUND',
    replace: 'NO_BOUND',
    name: 'a step moves the wall clock and not true time',
  },
];
