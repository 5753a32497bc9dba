export type { ClockSample, LeapWarning } from './bound/clock-sample.ts';
export type {
  MissReason,
  RunningSource,
  SourceSink,
  TimeSource,
} from './bounded-clock/time-source.ts';
export type { Cancel, Clock, TimerOptions } from './time/clock.ts';
export { ArgumentRangeError, ArgumentTypeError, EpsilonClockError } from './time/errors.ts';
export { type MonotonicNs, monotonicNs, type UnixNs, unixNs } from './time/instant.ts';
