/**
 * What `serve` is to do: the file's choices and those of the command line, made into settings.
 *
 * What the command line says wins, key by key; sources there replace those of the file. So one file
 * serves many machines, and a change can be tried without editing it. Without any output the page
 * is published, because that is what a daemon per host is for.
 */
import type { HostClockOption } from '../../bounded-clock/options.ts';
import type { TimeSource } from '../../bounded-clock/time-source.ts';
import { UsageError } from '../exit.ts';
import { makeSource, type SourceOptions, type SourceSpec, withPoll } from '../sources.ts';

/** A source as somebody chose it. */
export interface ChosenSource {
  readonly spec: SourceSpec;
  readonly options: SourceOptions;
}

export interface Address {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** What one place says, the file or the command line. What is absent is left to the other. */
export interface Choices {
  readonly sources?: readonly ChosenSource[] | undefined;
  readonly pollIntervalMs?: number | undefined;
  readonly hostClock?: HostClockOption | undefined;
  readonly maxDriftPpm?: number | undefined;
  readonly maxFaulty?: number | undefined;
  readonly maxUncertaintyMs?: number | undefined;
  /** `true`: at the default place. `false`: not at all. */
  readonly page?: string | boolean | undefined;
  readonly ntp?: Address | boolean | undefined;
  readonly http?: HttpChoice | boolean | undefined;
  readonly clockbound?: string | false | undefined;
}

export interface HttpChoice {
  readonly address?: Address | undefined;
  /** Names under which browsers may ask for the dashboard. */
  readonly hosts?: readonly string[] | undefined;
  /** The web origin whose pages may ask for the time. */
  readonly allowOrigin?: string | undefined;
}

export interface HttpSettings extends HttpChoice {
  readonly address: Address;
}

/** A source to ask. Two with one key are asked in the same way. */
export interface ServedSource {
  readonly key: string;
  readonly source: TimeSource;
}

/** The assumptions of the clock, which hold as long as it runs. */
export interface Assumptions {
  readonly hostClock: HostClockOption;
  readonly maxDriftPpm: number | undefined;
  readonly maxFaulty: number | undefined;
  /** The health check fails above it, and the log warns before it is reached. */
  readonly maxUncertaintyMs: number;
}

/** Where the bound is served. */
export interface OutputSettings {
  /** `true`: at the default place. */
  readonly page: string | true | undefined;
  readonly ntp: Address | undefined;
  readonly http: HttpSettings | undefined;
  readonly clockbound: string | undefined;
}

export interface ServeSettings {
  readonly sources: readonly ServedSource[];
  readonly assumptions: Assumptions;
  readonly outputs: OutputSettings;
}

/** Unprivileged, and not that of a daemon of the operating system. */
export const NTP_ADDRESS: Address = { host: '127.0.0.1', port: 11_123 };
export const HTTP_ADDRESS: Address = { host: '127.0.0.1', port: 1230 };
const MAX_UNCERTAINTY_MS = 100;

/**
 * The settings that the command line and the file make together.
 *
 * @throws UsageError without a source, when nothing is served, and when two pages are to be one
 *   file; ArgumentTypeError or ArgumentRangeError when a source does not take its options
 */
export function settingsFrom(args: Choices, file: Choices): ServeSettings {
  const pick = <K extends keyof Choices>(key: K): Choices[K] => args[key] ?? file[key];
  const chosen = pick('sources') ?? [];
  if (chosen.length === 0) {
    throw new UsageError('serve needs a source, such as a host of NTP or chrony:');
  }
  return {
    sources: withoutRepeats(chosen.map((each) => servedSource(each, pick('pollIntervalMs')))),
    assumptions: {
      hostClock: pick('hostClock') ?? 'disciplined',
      maxDriftPpm: pick('maxDriftPpm'),
      maxFaulty: pick('maxFaulty'),
      maxUncertaintyMs: pick('maxUncertaintyMs') ?? MAX_UNCERTAINTY_MS,
    },
    outputs: outputsFrom(
      pick('page'),
      pick('ntp'),
      httpChoice(args.http, file.http),
      pick('clockbound'),
    ),
  };
}

/** The file's other settings of HTTP hold for an address of the command line too. */
function httpChoice(args: Choices['http'], file: Choices['http']): Choices['http'] {
  if (args === undefined || typeof args === 'boolean' || typeof file !== 'object') {
    return args === true && typeof file === 'object' ? file : (args ?? file);
  }
  return { ...file, ...args };
}

function outputsFrom(
  page: Choices['page'],
  ntp: Choices['ntp'],
  http: Choices['http'],
  clockbound: Choices['clockbound'],
): OutputSettings {
  const others = {
    ntp: ntp === true ? NTP_ADDRESS : ntp || undefined,
    http: http ? httpSettings(http) : undefined,
    clockbound: clockbound || undefined,
  };
  const nothingElse = Object.values(others).every((each) => each === undefined);
  if (page === false && nothingElse) {
    throw new UsageError('nothing is served: there are page, ntp, http and clockbound');
  }
  if (page !== undefined && page === others.clockbound) {
    throw new UsageError('page and clockbound must be two files');
  }
  return { page: (page ?? nothingElse) || undefined, ...others };
}

function httpSettings(http: HttpChoice | true): HttpSettings {
  const { address = HTTP_ADDRESS, ...rest }: HttpChoice = http === true ? {} : http;
  return { address, ...rest };
}

function servedSource({ spec, options }: ChosenSource, pollMs: number | undefined): ServedSource {
  const polled = withPoll(spec, pollMs, options);
  return {
    key: JSON.stringify([spec, polled]),
    source: makeSource(spec, polled),
  };
}

/** A source that is named twice still has one vote. */
const withoutRepeats = (sources: readonly ServedSource[]): readonly ServedSource[] => [
  ...new Map(sources.map((each) => [each.key, each])).values(),
];
