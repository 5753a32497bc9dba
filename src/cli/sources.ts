/**
 * Sources as people write them on a command line: a host of NTP, or a URL.
 *
 *     10.0.0.7, time.example.net:1123, [2001:db8::7], ntp://time.example.net
 *     nts://time.example.net, nts://time.example.net:4460
 *     roughtime://roughtime.example.net:2002?key=<the public key, base64>
 *     chrony:, chrony://127.0.0.1:323
 *     clockbound:, clockbound:///var/run/clockbound/shm0
 *     https://shop.example/time: a server with `timeHandler` there
 *     aws:, google:, azure:
 */
import { isIP } from 'node:net';
import type { Timescale } from '../bound/timescale.ts';
import type { TimeSource } from '../bounded-clock/time-source.ts';
import { chrony } from '../sources/chrony/chrony.ts';
import { clockBound } from '../sources/clock-bound/clock-bound.ts';
import { awsTime, azureTime, googleTime } from '../sources/clouds.ts';
import { httpTime } from '../sources/http/http-time.ts';
import { ntpUrl } from '../sources/ntp/address.ts';
import { ntp } from '../sources/ntp/ntp.ts';
import { nts } from '../sources/nts/nts.ts';
import { roughtime } from '../sources/roughtime/roughtime.ts';
import { type HostSpec, parseHost, shortName } from './hosts.ts';

export type SourceSpec =
  | ({ readonly kind: 'ntp' | 'nts' | 'chrony' } & HostSpec)
  | ({ readonly kind: 'roughtime'; readonly publicKey: string } & HostSpec)
  | { readonly kind: 'clockbound'; readonly path: string | undefined }
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: Cloud };

type Cloud = 'aws' | 'google' | 'azure';

const CLOUD_NAMES: Readonly<Record<Cloud, string>> = {
  aws: 'Amazon Time Sync',
  google: "Google Cloud's time server",
  azure: 'chronyd on Azure',
};

const CHRONY_HOST: HostSpec = { host: '127.0.0.1', port: 323 };
const NTS_PORT = 4460;
const ROUGHTIME_PORT = 2002;

/** The source that `text` names; `undefined` when it cannot be one. */
export function parseSource(text: string): SourceSpec | undefined {
  if (/^https?:/.test(text)) return parseHttp(text);
  const cloud = /^(aws|google|azure):$/.exec(text);
  if (cloud !== null) return { kind: cloud[1] as Cloud };
  const url = /^(ntp|nts|chrony|clockbound|roughtime):(?:\/\/(.+))?$/.exec(text);
  if (url === null) return ofKind('ntp', parseHost(text));
  const [, scheme, rest = ''] = url;
  if (scheme === 'ntp') return ofKind('ntp', parseHost(rest));
  if (scheme === 'nts') return ofKind('nts', parseHost(rest, NTS_PORT));
  if (scheme === 'roughtime') {
    const [, host = '', publicKey = ''] = /^([^?]+)\?key=([0-9A-Za-z+/_=-]+)$/.exec(rest) ?? [];
    const spec = parseHost(host, ROUGHTIME_PORT);
    return spec && { kind: 'roughtime', ...spec, publicKey };
  }
  if (scheme === 'chrony') {
    const spec = rest === '' ? CHRONY_HOST : parseHost(rest, CHRONY_HOST.port);
    return spec !== undefined && isIP(spec.host) > 0 ? ofKind('chrony', spec) : undefined;
  }
  if (rest === '') return { kind: 'clockbound', path: undefined };
  return /^\/[\x20-\x7e]{1,200}$/.test(rest) ? { kind: 'clockbound', path: rest } : undefined;
}

/** An address whose characters a terminal may be shown, and without a password in it. */
function parseHttp(text: string): SourceSpec | undefined {
  if (!/^https?:\/\/[\x21-\x7e]{1,240}$/.test(text) || !URL.canParse(text)) return undefined;
  const { username, password, href } = new URL(text);
  return username + password === '' ? { kind: 'http', url: href } : undefined;
}

function ofKind(
  kind: 'ntp' | 'nts' | 'chrony',
  spec: HostSpec | undefined,
): SourceSpec | undefined {
  return spec && { kind, ...spec };
}

/** How the headline calls it. */
export function sourceName(spec: SourceSpec): string {
  switch (spec.kind) {
    case 'chrony':
      return `chronyd on ${spec.host}`;
    case 'clockbound':
      return 'ClockBound';
    case 'http':
      return new URL(spec.url).host;
    case 'aws':
    case 'google':
    case 'azure':
      return CLOUD_NAMES[spec.kind];
    case 'ntp':
      return shortName(ntpUrl(spec.host, spec.port));
    default:
      return spec.host;
  }
}

/** Options of sources that can be said in a file. Which kinds take which, the kinds say. */
export interface SourceOptions {
  readonly pollIntervalMs?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly timescale?: Timescale | undefined;
  readonly pool?: boolean | undefined;
  readonly maxServers?: number | undefined;
  readonly maxRootDistanceMs?: number | undefined;
}

/**
 * The options with `--poll`, unless they have an interval of their own. It does not hold for a
 * witness, which is asked seldom.
 */
export function withPoll(
  { kind }: SourceSpec,
  pollMs: number | undefined,
  options: SourceOptions = {},
): SourceOptions {
  if (kind === 'roughtime' || options.pollIntervalMs !== undefined) return options;
  return { ...options, pollIntervalMs: pollMs };
}

/** @throws what the sources throw for options out of range, and for those they do not take */
export function makeSource(spec: SourceSpec, options: SourceOptions): TimeSource {
  switch (spec.kind) {
    case 'ntp':
      return ntp(spec.host, { ...options, port: spec.port });
    case 'nts':
      return nts(spec.host, { ...options, port: spec.port });
    case 'chrony':
      return chrony({ ...options, host: spec.host, port: spec.port });
    case 'clockbound':
      return clockBound({ ...options, path: spec.path });
    case 'http':
      return httpTime(spec.url, options);
    case 'aws':
      return awsTime(options);
    case 'google':
      return googleTime(options);
    case 'azure':
      return azureTime(options);
    case 'roughtime':
      return roughtime(spec.host, { ...options, port: spec.port, publicKey: spec.publicKey });
  }
}
