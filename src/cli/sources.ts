/**
 * Sources as people write them on a command line: a host of NTP, or a URL.
 *
 *     10.0.0.7, time.example.net:1123, [2001:db8::7], ntp://time.example.net
 *     chrony:, chrony://127.0.0.1:323
 *     clockbound:, clockbound:///var/run/clockbound/shm0
 */
import { isIP } from 'node:net';
import type { TimeSource } from '../bounded-clock/time-source.ts';
import { chrony } from '../sources/chrony/chrony.ts';
import { clockBound } from '../sources/clock-bound/clock-bound.ts';
import { ntp } from '../sources/ntp/ntp.ts';
import { type HostSpec, parseHost } from './hosts.ts';

export type SourceSpec =
  | ({ readonly kind: 'ntp' } & HostSpec)
  | ({ readonly kind: 'chrony' } & HostSpec)
  | { readonly kind: 'clockbound'; readonly path: string | undefined };

const CHRONY_HOST: HostSpec = { host: '127.0.0.1', port: 323 };

/** The source that `text` names; `undefined` when it cannot be one. */
export function parseSource(text: string): SourceSpec | undefined {
  const url = /^(ntp|chrony|clockbound):(?:\/\/(.+))?$/.exec(text);
  if (url === null) return ofKind('ntp', parseHost(text));
  const [, scheme, rest = ''] = url;
  if (scheme === 'ntp') return ofKind('ntp', parseHost(rest));
  if (scheme === 'chrony') {
    const spec = rest === '' ? CHRONY_HOST : parseHost(rest, CHRONY_HOST.port);
    return spec !== undefined && isIP(spec.host) > 0 ? ofKind('chrony', spec) : undefined;
  }
  if (rest === '') return { kind: 'clockbound', path: undefined };
  return /^\/[\x20-\x7e]{1,200}$/.test(rest) ? { kind: 'clockbound', path: rest } : undefined;
}

function ofKind(kind: 'ntp' | 'chrony', spec: HostSpec | undefined): SourceSpec | undefined {
  return spec && { kind, ...spec };
}

/** How the headline calls it. */
export function sourceName(spec: SourceSpec): string {
  if (spec.kind === 'ntp') return spec.host;
  return spec.kind === 'chrony' ? `chronyd on ${spec.host}` : 'ClockBound';
}

/** @throws what the sources throw for options out of range */
export function makeSource(spec: SourceSpec, pollIntervalMs: number | undefined): TimeSource {
  if (spec.kind === 'ntp') return ntp(spec.host, { port: spec.port, pollIntervalMs });
  if (spec.kind === 'chrony') return chrony({ host: spec.host, port: spec.port, pollIntervalMs });
  return clockBound({ path: spec.path, pollIntervalMs });
}
