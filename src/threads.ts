/**
 * `epsilon-clock/threads`: what makes sense among worker threads only. Loads without Node.
 *
 * @module
 */
export { waitUntilAfterSync } from './commit-wait/wait-until-after-sync.ts';
export {
  type AttachOptions,
  type HybridClockHandle,
  SharedHybridClock,
} from './logical/shared-hybrid-clock.ts';
