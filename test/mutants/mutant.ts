/** A planted fault and the test that must notice it. */
export interface Mutant {
  /** Short and unique: names the fault. */
  id: string;
  /** Path in the repository. */
  file: string;
  /** Text that occurs exactly once in the file. */
  find: string;
  /** Its faulty replacement. */
  replace: string;
  /** The test file that must fail. */
  test: string;
  /** The name filter that keeps the run fast. */
  name?: string;
}
