/**
 * `epsilon-clock/time`: instants, their other forms, clocks of this machine. Loads without Node.
 *
 * @module
 */
export type { Cancel, Clock, TimerOptions } from './time/clock.ts';
export {
  addMs,
  dateFromUnixNs,
  type HrTime,
  hrTimeFromUnixNs,
  type InstantLike,
  instantFromUnixNs,
  msFromUnixNs,
  unixNsFromDate,
  unixNsFromHrTime,
  unixNsFromInstant,
  unixNsFromMs,
} from './time/convert.ts';
export {
  type MonotonicNs,
  monotonicNs,
  type UnixNs,
  type UnixNsInput,
  unixNs,
} from './time/instant.ts';
export { formatIso, IsoTimeError, type IsoTimeReason, parseIso } from './time/iso.ts';
export {
  type Jump,
  JumpDetector,
  type JumpDetectorOptions,
  type Pause,
  type Step,
  type StepOrSuspend,
  type Suspend,
  type VmDisruption,
} from './time/jump-detector.ts';
export { MonotonicClock } from './time/monotonic-clock.ts';
export { msFromNsDown, msFromNsUp, nsFromMsDown, nsFromMsUp } from './time/rounding.ts';
export { type SleepOptions, sleep } from './time/sleep.ts';
export type { SteeringFacts } from './time/steering.ts';
export { systemClock } from './time/system-clock.ts';
