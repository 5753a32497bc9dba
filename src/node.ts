/**
 * `epsilon-clock/node`: what needs Node: NTP over UDP, plain and authenticated, chronyd,
 * ClockBound, the clouds' time, Roughtime, servers, one clock for all processes of a host, a clock
 * that survives crashes.
 *
 * @module
 */

export { ClockBoundPageError, type ClockBoundPageReason } from './host-page/clock-bound-file.ts';
export {
  ClockBoundPublisher,
  type ClockBoundPublisherOptions,
} from './host-page/clock-bound-publisher.ts';
export { type HostClockRefusal, HostClockRefusedError } from './host-page/errors.ts';
export {
  HostClock,
  type HostClockExplanation,
  type HostClockOptions,
} from './host-page/host-clock.ts';
export {
  HostClockPublisher,
  type HostClockPublisherOptions,
  type HostClockPublisherStats,
} from './host-page/host-clock-publisher.ts';
export { fileLeases } from './lease/stores/file.ts';
export {
  type CeilingFileReason,
  type Disk,
  type DiskCall,
  DurableClockFileError,
  DurableClockStorageError,
} from './logical/durable-file.ts';
export {
  DurableClockClosedError,
  type DurableClockStats,
  DurableHybridClock,
  type DurableHybridClockOptions,
  type Timers,
} from './logical/durable-hybrid-clock.ts';
export {
  DurableClockInUseError,
  DurableClockLockError,
  type FileLock,
} from './logical/durable-lock.ts';
export { hostNodeId } from './logical/host-node-id.ts';
export { type ChronyOptions, chrony } from './sources/chrony/chrony.ts';
export { type ClockBoundOptions, clockBound } from './sources/clock-bound/clock-bound.ts';
export { awsTime, azureTime, type CloudTimeOptions, googleTime } from './sources/clouds.ts';
export type { NtpServerBehaviour } from './sources/ntp/behaviour.ts';
export type { KissCode } from './sources/ntp/exchange.ts';
export { ntp } from './sources/ntp/ntp.ts';
export type { NtpEnvironment, NtpOptions, NtpResolver } from './sources/ntp/ntp-source.ts';
export type { NtpRateLimit } from './sources/ntp/rate-limit.ts';
export { NtpServer, type NtpServerOptions } from './sources/ntp/udp-server.ts';
export type { Certificates } from './sources/nts/key-exchange.ts';
export { type NtsOptions, nts } from './sources/nts/nts.ts';
export { NtsServer, type NtsServerOptions } from './sources/nts/nts-server.ts';
export { type RoughtimeOptions, roughtime } from './sources/roughtime/roughtime.ts';
export {
  RoughtimeServer,
  type RoughtimeServerBehaviour,
  type RoughtimeServerOptions,
} from './sources/roughtime/roughtime-server.ts';
