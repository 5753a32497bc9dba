/** Options of the command line as the commands share them: parsing, durations, messages. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { HostClockOption } from '../bounded-clock/options.ts';
import { nearest } from '../time/options.ts';
import { parseDuration } from './durations.ts';
import { UsageError } from './exit.ts';
import { parseSource, type SourceSpec } from './sources.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/**
 * The options and positional arguments in `args`, and the tokens they came from.
 *
 * @throws UsageError for an unknown option, or one whose value is missing
 */
export function parseOptions<const T extends Options>(
  args: readonly string[],
  options: T,
): ReturnType<
  typeof parseArgs<{
    args: string[];
    options: T;
    allowPositionals: true;
    strict: true;
    tokens: true;
  }>
> {
  try {
    return parseArgs({
      args: [...args],
      options,
      allowPositionals: true,
      strict: true,
      tokens: true,
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Node's message continues with advice on `--`; its first sentence says what is wrong.
    const message = error.message.split(/\. /)[0]!.replace(/\.$/, '');
    const unknown = /^Unknown option '--?([^']+)'$/.exec(message)?.[1];
    const near = unknown === undefined ? undefined : nearest(unknown, Object.keys(options));
    throw new UsageError(near === undefined ? message : `${message}; did you mean --${near}?`);
  }
}

/**
 * The milliseconds in `text`, the value of `option`.
 *
 * @throws UsageError when it is not a duration
 */
export function durationMs(option: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) {
    throw new UsageError(
      `${option} must be a duration like 500ms, 5s, 2m or 1h; got ${quote(text)}`,
    );
  }
  return ms;
}

/** @throws UsageError when the value of `--host-clock` is another word than its three */
export function hostClockOf(text: string | undefined): HostClockOption | undefined {
  switch (text) {
    case undefined:
    case 'disciplined':
    case 'free-running':
    case 'detect':
      return text;
    default:
      throw new UsageError(
        `--host-clock must be disciplined, free-running or detect; got ${quote(text)}`,
      );
  }
}

/** @throws UsageError when the value of `--max-drift-ppm` is not a number */
export function maxDriftPpmOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new UsageError(`--max-drift-ppm must be a number; got ${quote(text)}`);
}

/**
 * The source that an argument names.
 *
 * @throws UsageError when it cannot be one
 */
export function source(text: string): SourceSpec {
  const spec = parseSource(text);
  if (spec !== undefined) return spec;
  const forms = /^roughtime:/.test(text)
    ? 'a witness is roughtime://host?key=<base64>, or roughtime://host:port?key=<base64>'
    : 'a source is host, host:port, [v6]:port, v6, or a URL (--help says which)';
  throw new UsageError(
    `${forms}; got ${quote(text)}${text.includes(',') ? '; put spaces between sources' : ''}`,
  );
}

/** `text` for a message, in quotes. */
export const quote = (text: string): string => JSON.stringify(text);
