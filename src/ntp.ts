/**
 * `epsilon-clock/ntp`: the protocol kit below `ntp()`, for programs that speak NTP themselves.
 * Needs Node.
 *
 * @module
 */
export { systemResolver } from './sources/ntp/ntp.ts';
export type { NtpResolver } from './sources/ntp/ntp-source.ts';
export {
  decodePacket,
  type LeapIndicator,
  type NtpExtension,
  type NtpHeader,
  type NtpPacket,
  NtpPacketError,
  type NtpPacketReason,
} from './sources/ntp/packet.ts';
export type {
  FailureDetails,
  NtpEndpoint,
  NtpExchange,
  NtpTransport,
  TransportFailure,
} from './sources/ntp/transport.ts';
export { type UdpTransportOptions, udpTransport } from './sources/ntp/udp-transport.ts';
