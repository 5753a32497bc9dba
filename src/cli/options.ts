/** Options of the command line as the commands share them: parsing, durations, messages. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearest } from '../time/options.ts';
import { parseDuration } from './durations.ts';
import { UsageError } from './exit.ts';

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

/** `text` for a message, in quotes. */
export const quote = (text: string): string => JSON.stringify(text);
