/**
 * `epsilon-clock/failure-detection`: is a peer dead, is it slow, or was it me? A meter of our own
 * pauses, and what judges the silence of others with them left out. Loads without Node.
 *
 * @module
 */
export {
  AdaptiveTimeout,
  type AdaptiveTimeoutOptions,
  type RaceOptions,
} from './failure-detection/adaptive-timeout.ts';
export { AdaptiveTimeoutError } from './failure-detection/errors.ts';
export type { MemberStatus } from './failure-detection/member.ts';
export { Membership } from './failure-detection/membership.ts';
export type {
  MembershipEvent,
  MembershipOptions,
  MembershipStats,
} from './failure-detection/membership-options.ts';
export type { PauseDistribution } from './failure-detection/pause-histogram.ts';
export {
  type PauseEvent,
  type PauseKind,
  PauseMeter,
  type PauseMeterOptions,
} from './failure-detection/pause-meter.ts';
export { PhiAccrualDetector } from './failure-detection/phi-accrual-detector.ts';
export type {
  PhiAccrualDetectorOptions,
  PhiModel,
} from './failure-detection/phi-settings.ts';
