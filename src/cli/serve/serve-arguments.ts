/** What the command line of `epsilon-clock serve` asks for. */
import type { ParseArgsConfig } from 'node:util';
import { UsageError } from '../exit.ts';
import { durationMs, hostClockOf, maxDriftPpmOf, parseOptions, quote, source } from '../options.ts';
import type { SourceSpec } from '../sources.ts';
import { isAddress, parseAddress, withOptionalValues } from '../web-address.ts';
import type { Address, Choices } from './settings.ts';

export interface ServeArguments {
  /** The configuration file. */
  readonly config: string | undefined;
  readonly choices: Choices;
}

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  config: { type: 'string' },
  page: { type: 'string' },
  ntp: { type: 'string' },
  http: { type: 'string' },
  clockbound: { type: 'string' },
  poll: { type: 'string' },
  'host-clock': { type: 'string' },
  'max-drift-ppm': { type: 'string' },
} as const satisfies ParseArgsConfig['options'];

/** A path as people write one; a bare word is a source. */
const isPath = (word: string): boolean => /^\.{0,2}\//.test(word);

/**
 * The arguments behind `serve`; `undefined` for `--help`.
 *
 * @throws UsageError when a value is not understood
 */
export function serveArguments(args: readonly string[]): ServeArguments | undefined {
  const optional = { '--page': isPath, '--ntp': isAddress, '--http': isAddress };
  const { values, positionals } = parseOptions(withOptionalValues(args, optional), OPTIONS);
  if (values.help) return undefined;
  if (values.config === '') throw new UsageError('--config needs a path');
  if (values.clockbound === '') throw new UsageError('--clockbound needs a path');
  const http = values.http === undefined ? undefined : address('--http', values.http);
  return {
    config: values.config,
    choices: {
      sources:
        positionals.length === 0
          ? undefined
          : positionals.map((text) => ({ spec: serveSource(text), options: {} })),
      pollIntervalMs: values.poll === undefined ? undefined : durationMs('--poll', values.poll),
      hostClock: hostClockOf(values['host-clock']),
      maxDriftPpm: maxDriftPpmOf(values['max-drift-ppm']),
      page: values.page === '' ? true : values.page,
      ntp: values.ntp === undefined ? undefined : address('--ntp', values.ntp),
      http: typeof http === 'object' ? { address: http } : http,
      clockbound: values.clockbound,
    },
  };
}

/** @throws UsageError when `text` is not a source; says so of a path, which may belong to --page */
function serveSource(text: string): SourceSpec {
  if (/^[^:]*\//.test(text)) {
    throw new UsageError(`a path begins with / or ./; got ${quote(text)}`);
  }
  return source(text);
}

/** The address that follows `option`; `true` when nothing does: the default one. */
function address(option: string, text: string): Address | true {
  if (text === '') return true;
  const found = parseAddress(text);
  if (found !== undefined) return found;
  throw new UsageError(`${option} takes a port, host:port or [v6]:port; got ${quote(text)}`);
}
