/**
 * `epsilon-clock/testing`: a clock for the tests of programs that use this library. Loads without
 * Node, and without a test runner.
 *
 * @module
 */
export { checkLeaseStore } from './testing/check-lease-store.ts';
export { TestClock, type TestClockOptions } from './testing/test-clock.ts';
