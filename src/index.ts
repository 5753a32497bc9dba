export type { ClockSample, LeapWarning } from './bound/clock-sample.ts';
export type {
  MissReason,
  RunningSource,
  SourceSink,
  TimeSource,
} from './bounded-clock/time-source.ts';
export { type Agreement, agreement } from './interval/agreement.ts';
export {
  contains,
  hull,
  intersect,
  isAfter,
  isBefore,
  overlaps,
  type TimeInterval,
  timeInterval,
  widen,
  width,
} from './interval/time-interval.ts';
export type { Cancel, Clock, TimerOptions } from './time/clock.ts';
export { ArgumentRangeError, ArgumentTypeError, EpsilonClockError } from './time/errors.ts';
export { type MonotonicNs, monotonicNs, type UnixNs, unixNs } from './time/instant.ts';
export { MonotonicClock } from './time/monotonic-clock.ts';
export { systemClock } from './time/system-clock.ts';
