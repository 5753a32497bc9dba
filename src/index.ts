export type { Assumption } from './bound/bound.ts';
export type { ClockSample, LeapWarning } from './bound/clock-sample.ts';
export type { NoBoundReason } from './bound/page.ts';
export {
  BoundedClock,
  type SharedBoundedClock,
  type WaitSyncedOptions,
} from './bounded-clock/bounded-clock.ts';
export type { BoundedReader } from './bounded-clock/bounded-reader.ts';
export type { ClockEvent } from './bounded-clock/change-events.ts';
export type {
  EpsilonParts,
  Explanation,
  SourceExplanation,
  SourceVerdict,
} from './bounded-clock/explain.ts';
export type { BoundedClockOptions } from './bounded-clock/options.ts';
export {
  ClockInterval,
  type ClockReading,
  type ClockStatus,
  ClockUnsynchronizedError,
  type Disruption,
} from './bounded-clock/reading.ts';
export type {
  MissReason,
  RunningSource,
  SourceSink,
  TimeSource,
} from './bounded-clock/time-source.ts';
export {
  beginCommit,
  type Commit,
  type CommitClocks,
  type CommitSteps,
  type Committed,
  runCommit,
} from './commit-wait/commit.ts';
export {
  CommitWaitInterruptedError,
  CommitWaitTimeoutError,
  CommitWaitTooLongError,
  UncertaintyTooWideError,
} from './commit-wait/errors.ts';
export type { Waited, WaitMode, WaitOptions } from './commit-wait/wait-options.ts';
export { waitUntilAfter } from './commit-wait/wait-until-after.ts';
export { waitUntilAfterSync } from './commit-wait/wait-until-after-sync.ts';
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
export {
  MalformedTimestampError,
  TimestampAheadError,
  TimestampExhaustedError,
} from './logical/errors.ts';
export { HybridClock, type HybridClockOptions } from './logical/hybrid-clock.ts';
export {
  compareLamportStamps,
  LamportClock,
  type LamportClockOptions,
  type LamportStamp,
} from './logical/lamport-clock.ts';
export type {
  BeforeSync,
  PhysicalClock,
  SynchronizedClock,
  WallClock,
} from './logical/physical-clock.ts';
export {
  type AttachOptions,
  SharedHybridClock,
  type SharedHybridClockHandle,
} from './logical/shared-hybrid-clock.ts';
export {
  compareStamps,
  formatStamp,
  formatTimestamp,
  type HlcTimestamp,
  hlcTimestamp,
  parseStamp,
  parseTimestamp,
  parseTimestampInto,
  readTimestamp,
  type Stamp,
  timestampFromBytes,
  timestampToBytes,
  writeTimestamp,
} from './logical/timestamp.ts';
export { fromUuidV7, randomNodeBits, toUuidV7, type UuidV7Parts } from './logical/uuid-v7.ts';
export type { Cancel, Clock, TimerOptions } from './time/clock.ts';
export {
  dateFromUnixNs,
  type InstantLike,
  instantFromUnixNs,
  msFromUnixNs,
  unixNsFromDate,
  unixNsFromInstant,
  unixNsFromMs,
} from './time/convert.ts';
export { ArgumentRangeError, ArgumentTypeError, EpsilonClockError } from './time/errors.ts';
export { type MonotonicNs, monotonicNs, type UnixNs, unixNs } from './time/instant.ts';
export { formatIso, IsoTimeError, type IsoTimeProblem, parseIso } from './time/iso.ts';
export {
  type Jump,
  JumpDetector,
  type JumpDetectorOptions,
  type Pause,
  type Step,
  type StepOrSuspend,
  type Suspend,
} from './time/jump-detector.ts';
export { MonotonicClock } from './time/monotonic-clock.ts';
export { msFromNsDown, msFromNsUp, nsFromMsDown, nsFromMsUp } from './time/rounding.ts';
export { type SleepOptions, sleep } from './time/sleep.ts';
export { systemClock } from './time/system-clock.ts';
