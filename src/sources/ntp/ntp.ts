/**
 * NTP on Node: the source of `ntp-source.ts`, wired to UDP sockets and the operating system's resolver.
 */
import { lookup } from 'node:dns/promises';
import type { TimeSource } from '../../bounded-clock/time-source.ts';
import { type NtpEnvironment, type NtpOptions, type NtpResolver, ntpSource } from './ntp-source.ts';
import { udpTransport } from './udp-transport.ts';

/**
 * The NTP server `host` (a name or an IP address) as a source of time for a bounded clock.
 *
 * Polling starts with the clock: a burst of 4 a second apart, then every 16 s on private and loopback
 * addresses and every 64 s on public ones. Nothing it holds keeps the process alive, except a name
 * resolution under way (at most some seconds). Transport, resolver and randomness can be replaced.
 *
 * @throws ArgumentTypeError, ArgumentRangeError on bad options (`ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`)
 * @example BoundedClock.start({ sources: [ntp('time.example.net'), ntp('10.0.0.7')] })
 */
export function ntp(host: string, options: NtpOptions & Partial<NtpEnvironment> = {}): TimeSource {
  return ntpSource(host, { transport: udpTransport(), resolve: systemResolver, ...options });
}

/** The addresses that the operating system's resolver has for `host`, in its order of preference. */
export const systemResolver: NtpResolver = async (host) => {
  const found = await lookup(host, { all: true, verbatim: true });
  return found.map(({ address }) => address);
};
