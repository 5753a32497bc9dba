/**
 * NTP on Node: the source of `ntp-source.ts` on UDP sockets and the operating system's resolver.
 */
import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import type { TimeSource } from '../../bounded-clock/time-source.ts';
import { ArgumentTypeError, checkObject } from '../../time/errors.ts';
import { type NtpEnvironment, type NtpOptions, type NtpResolver, ntpSource } from './ntp-source.ts';
import { udpTransport } from './udp-transport.ts';

/**
 * The NTP server `host` (a name or an IP address) as a source of time for a bounded clock.
 *
 * Polling starts with the clock: a burst of 4 polls a second apart, then every 16 s on private and
 * loopback addresses and every 64 s on public ones. While the clock has no bound, a server that
 * fails is tried again every 10 s, and a name that does not resolve every 8 s. In all cases, a
 * public address is sent at most 16 requests plus one per interval, a private one at most 16 plus
 * one per 8 s.
 *
 * Nothing that it holds keeps the process alive, except a name resolution under way (at most some
 * seconds).
 *
 * Transport, resolver and randomness can be replaced. A replacement that throws, rejects or returns
 * nonsense causes a miss, with the cause in `explain().sources[].lastCause`. One that never answers
 * is reported as overdue.
 *
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `host` or an option has the wrong type
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when `host` is not a name or an IP address, or an
 *   option is outside its range
 * @example
 * const clock = BoundedClock.start({ sources: [ntp('time.example.net'), ntp('10.0.0.7')] });
 * clock.stop();
 */
export function ntp(host: string, options: NtpOptions & Partial<NtpEnvironment> = {}): TimeSource {
  checkObject('options', options);
  return ntpSource(host, {
    ...options,
    transport: options.transport ?? udpTransport(),
    resolve: options.resolve ?? systemResolver,
    zoneSpelling: options.zoneSpelling ?? systemZone,
  });
}

/**
 * The one spelling of the interface `zone`: its name on POSIX systems and its index on Windows,
 * because Node resolves zones that way. A zone that is neither the name nor the index of an
 * interface with a link-local address stays unchanged.
 */
export function systemZone(zone: string): string {
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const { scopeid } of (addresses ?? []) as readonly { scopeid?: number | undefined }[]) {
      if (!scopeid || (zone !== name && zone !== String(scopeid))) continue;
      return process.platform === 'win32' ? String(scopeid) : name;
    }
  }
  return zone;
}

/**
 * The addresses that the operating system's resolver has for `host`, in its order of preference.
 *
 * Rejects with an ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `host` is not a string or is
 * empty, or with the system's error (`ENOTFOUND`) when the name does not resolve.
 */
export const systemResolver: NtpResolver = async (host) => {
  if (typeof host !== 'string' || host === '') throw new ArgumentTypeError('host', 'a name', host);
  const found = await lookup(host, { all: true, verbatim: true });
  return found.map(({ address }) => address);
};
