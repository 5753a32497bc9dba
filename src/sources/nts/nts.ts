/**
 * Network Time Security (RFC 8915) on Node: servers that prove who they are, so that nobody on the
 * path can forge an answer.
 */
import type { TimeSource } from '../../bounded-clock/time-source.ts';
import { ArgumentTypeError, checkObject } from '../../time/errors.ts';
import { checkOptionNames } from '../../time/options.ts';
import { systemResolver, systemZone } from '../ntp/ntp.ts';
import { type NtpOptions, type NtpResolver, serverSource } from '../ntp/ntp-source.ts';
import type { NtpTransport } from '../ntp/transport.ts';
import { udpTransport } from '../ntp/udp-transport.ts';
import {
  type Certificates,
  type ExchangeKeys,
  exchangeKeys,
  KEY_EXCHANGE_TIMEOUT_MS,
} from './key-exchange.ts';
import { NtsTransport } from './nts-transport.ts';
import { type Aead, loadAead } from './protection.ts';

/** Options of `nts`. Each absent option has its default. */
export interface NtsOptions extends Omit<NtpOptions, 'port' | 'pool' | 'maxServers'> {
  /** The TCP port of the key exchange. Default 4460. The server tells which UDP port to ask. */
  readonly port?: number | undefined;
  /**
   * Root certificates in PEM that are trusted, instead of those that Node trusts: for servers with
   * a private root.
   */
  readonly ca?: Certificates | undefined;
  /** Resolves names to addresses. Default: the operating system's resolver. */
  readonly resolve?: NtpResolver | undefined;
}

/** What touches the network, for tests inside the library. */
export interface NtsNetwork {
  readonly transport: NtpTransport;
  readonly exchangeKeys: ExchangeKeys;
  readonly loadAead: () => Promise<Aead>;
}

/** Time to resolve the name of the NTP server, where the key exchange gives one. */
const RESOLUTION_MS = 5000;
const NAMES: Readonly<Record<keyof NtsOptions, true>> = {
  port: true,
  ca: true,
  pollIntervalMs: true,
  force: true,
  timeoutMs: true,
  maxRootDistanceMs: true,
  timescale: true,
  resolve: true,
};

/**
 * The NTS server `host` (a name or an IP address) as a source of time for a bounded clock: NTP
 * whose answers are authenticated (RFC 8915).
 *
 * The server must prove that it is `host`, with a certificate that leads to a trusted root. There
 * is no way to switch this off. The keys come from a TLS 1.3 connection to TCP port 4460, and
 * requests go to the UDP port that the server then names. Polling is as for `ntp`, with the
 * same promise to the server's operator. A key exchange happens at the start, and again when the
 * server has forgotten its keys or eight requests in a row were not answered.
 *
 * Authentication keeps others from forging or changing answers. It does not keep them from delaying
 * or dropping them. A delay makes the interval wider, never wrong.
 *
 * An address votes, as for `ntp`: `nts://address:port` of the key exchange. A server that is listed
 * both with `ntp` and with `nts` has two votes, so list it once.
 *
 * `@noble/ciphers` is loaded when the source starts. Where it cannot be loaded, each poll is a miss
 * (`local-error`).
 *
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `host` or an option has the wrong type
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when `host` is not a name or an IP address, or an
 *   option is outside its range
 * @example
 * const clock = BoundedClock.start({ sources: [nts('time.example.net'), nts('nts.example.org')] });
 * clock.stop();
 */
export function nts(host: string, options: NtsOptions = {}): TimeSource {
  return ntsSource(host, options, { transport: udpTransport(), exchangeKeys, loadAead });
}

/** As {@link nts}, on any network. */
export function ntsSource(host: string, options: NtsOptions, network: NtsNetwork): TimeSource {
  checkOptionNames(checkObject('options', options), NAMES);
  const { ca, resolve = systemResolver } = options;
  checkCertificates(ca);
  return serverSource(
    {
      scheme: 'nts',
      defaultPort: 4460,
      preparationMs: KEY_EXCHANGE_TIMEOUT_MS + RESOLUTION_MS,
      open: (sink) => {
        const { transport, exchangeKeys } = network;
        const aead = network.loadAead();
        // Each exchange reports the failure. Without an exchange nobody needs to know.
        aead.catch(() => {});
        return (endpoint) =>
          new NtsTransport({ sink, endpoint, host, ca, exchangeKeys, aead, resolve, transport });
      },
    },
    host,
    { ...options, resolve, zoneSpelling: systemZone },
  );
}

function checkCertificates(ca: unknown): void {
  const isPem = (each: unknown): boolean => typeof each === 'string' || each instanceof Uint8Array;
  if (ca === undefined || isPem(ca) || (Array.isArray(ca) && ca.every(isPem))) return;
  throw new ArgumentTypeError('ca', 'certificates in PEM: text, bytes or a list of them', ca);
}
