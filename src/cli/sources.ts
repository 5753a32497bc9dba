/**
 * Sources as people write them on a command line: a host of NTP, or a URL.
 *
 *     10.0.0.7, time.example.net:1123, [2001:db8::7], ntp://time.example.net
 *     nts://time.example.net, nts://time.example.net:4460
 *     roughtime://roughtime.example.net:2002?key=<the public key, base64>
 *     chrony:, chrony://127.0.0.1:323
 *     clockbound:, clockbound:///var/run/clockbound/shm0
 */
import { isIP } from 'node:net';
import type { TimeSource } from '../bounded-clock/time-source.ts';
import { chrony } from '../sources/chrony/chrony.ts';
import { clockBound } from '../sources/clock-bound/clock-bound.ts';
import { ntp } from '../sources/ntp/ntp.ts';
import { nts } from '../sources/nts/nts.ts';
import { roughtime } from '../sources/roughtime/roughtime.ts';
import { type HostSpec, parseHost } from './hosts.ts';

export type SourceSpec =
  | ({ readonly kind: 'ntp' | 'nts' | 'chrony' } & HostSpec)
  | ({ readonly kind: 'roughtime'; readonly publicKey: string } & HostSpec)
  | { readonly kind: 'clockbound'; readonly path: string | undefined };

const CHRONY_HOST: HostSpec = { host: '127.0.0.1', port: 323 };
const NTS_PORT = 4460;
const ROUGHTIME_PORT = 2002;

/** The source that `text` names; `undefined` when it cannot be one. */
export function parseSource(text: string): SourceSpec | undefined {
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
    default:
      return spec.host;
  }
}

/** @throws what the sources throw for options out of range */
export function makeSource(spec: SourceSpec, pollIntervalMs: number | undefined): TimeSource {
  switch (spec.kind) {
    case 'ntp':
      return ntp(spec.host, { port: spec.port, pollIntervalMs });
    case 'nts':
      return nts(spec.host, { port: spec.port, pollIntervalMs });
    case 'chrony':
      return chrony({ host: spec.host, port: spec.port, pollIntervalMs });
    case 'clockbound':
      return clockBound({ path: spec.path, pollIntervalMs });
    case 'roughtime':
      return roughtime(spec.host, { port: spec.port, publicKey: spec.publicKey });
  }
}
