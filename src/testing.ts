/**
 * `epsilon-clock/testing`: a clock for the tests of programs that use this library. Loads without
 * Node, and without a test runner.
 *
 * @module
 */
export { TestClock, type TestClockOptions } from './testing/test-clock.ts';
