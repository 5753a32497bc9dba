/** One planted fault and the test that must notice it: the proof that the test can fail. */
export interface Mutant {
  readonly id: string;
  /** Path in the repo. */
  readonly file: string;
  /** Text that occurs exactly once in `file`, and what to put in its place. */
  readonly find: string;
  readonly replace: string;
  /** The test file that must fail. It must import `file`: the build in `dist` has no faults. */
  readonly test: string;
  /** Narrows the run to tests whose full name matches (`vitest -t`). */
  readonly name?: string;
}
