export {
  type CeilingFileFault,
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
export { ntp, systemResolver } from './sources/ntp/ntp.ts';
export type { NtpEnvironment, NtpOptions, NtpResolver } from './sources/ntp/ntp-source.ts';
export {
  decodePacket,
  type LeapIndicator,
  type NtpExtension,
  type NtpHeader,
  type NtpPacket,
  NtpPacketError,
  type NtpPacketFault,
} from './sources/ntp/packet.ts';
export type { NtpEndpoint, NtpExchange, NtpTransport } from './sources/ntp/transport.ts';
export {
  type NtpServer,
  type NtpServerBehaviour,
  type NtpServerOptions,
  startNtpServer,
} from './sources/ntp/udp-server.ts';
export { type UdpTransportOptions, udpTransport } from './sources/ntp/udp-transport.ts';
