/**
 * `epsilon-clock`: what a service author meets on the first day. It loads without Node, in browsers
 * too. What is for specialists has an entry of its own: `./time`, `./interval`, `./timestamps`,
 * `./lamport`, `./threads`, `./ntp`, `./sim`; what needs Node is in `./node`.
 *
 * @module
 */
export type { Assumption, Disruption, NoBoundReason } from './bound/bound.ts';
export type { ClockSample, LeapWarning } from './bound/clock-sample.ts';
export type { LeapSecond } from './bound/leap-seconds.ts';
export type { Timescale } from './bound/timescale.ts';
export { BoundedClock } from './bounded-clock/bounded-clock.ts';
export type { BoundedReader } from './bounded-clock/bounded-reader.ts';
export type { ClockEvent } from './bounded-clock/change-events.ts';
export type {
  Evidence,
  MalfeasanceReport,
  SignedExchange,
  SignedStatement,
} from './bounded-clock/evidence.ts';
export type {
  Explanation,
  RateExplanation,
  SourceExplanation,
  SourceVerdict,
  UncertaintyParts,
  WitnessExplanation,
  WitnessVerdict,
} from './bounded-clock/explain.ts';
export type { ProfileExplanation, SteeringExplanation } from './bounded-clock/host-profile.ts';
export type {
  BoundedClockOptions,
  CrystalOptions,
  HostClockOption,
} from './bounded-clock/options.ts';
export type { PollNowOptions } from './bounded-clock/poll-now.ts';
export {
  type ClockReading,
  type ClockStatus,
  ClockUnsynchronizedError,
} from './bounded-clock/reading.ts';
export type { BoundedClockHandle } from './bounded-clock/sharing.ts';
export type {
  MissDetails,
  MissReason,
  RunningSource,
  SourceSink,
  TimeSource,
} from './bounded-clock/time-source.ts';
export type { WaitSyncedOptions } from './bounded-clock/wait-synced.ts';
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
export type { ClockInterval, TimeInterval } from './interval/time-interval.ts';
export {
  MalformedTimestampError,
  TimestampAheadError,
  TimestampExhaustedError,
} from './logical/errors.ts';
export { HybridClock, type HybridClockOptions } from './logical/hybrid-clock.ts';
export type {
  BeforeSync,
  PhysicalClock,
  SynchronizedClock,
  WallClock,
} from './logical/physical-clock.ts';
export type { HlcTimestamp } from './logical/timestamp.ts';
export type { Bytes } from './logical/timestamp-bytes.ts';
export {
  compareStamps,
  formatStamp,
  formatTimestamp,
  parseStamp,
  parseTimestamp,
  type Stamp,
  type StampParts,
} from './logical/timestamp-text.ts';
export type { Cancel, Clock, TimerOptions } from './time/clock.ts';
export { EpsilonClockError } from './time/errors.ts';
export type { MonotonicNs, UnixNs, UnixNsInput } from './time/instant.ts';
export type { Steering, SteeringFacts } from './time/steering.ts';
export { systemClock } from './time/system-clock.ts';
