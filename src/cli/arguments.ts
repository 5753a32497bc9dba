/**
 * The command line, parsed and checked before anything is opened.
 *
 * Numbers whose range the library itself states (`--poll`, `--max-drift-ppm`) are only parsed here: the
 * library checks them when the clock is made, and its message is the user's.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { parseDuration } from './durations.ts';
import { UsageError } from './exit.ts';
import { type HostSpec, parseHost } from './hosts.ts';

export interface ClockArguments {
  /** None: the embedded servers. */
  readonly hosts: readonly HostSpec[];
  readonly timeoutMs: number;
  readonly pollMs: number | undefined;
  readonly hostClock: 'disciplined' | 'free-running';
  readonly maxDriftPpm: number | undefined;
  readonly json: boolean;
}

export interface WatchArguments extends ClockArguments {
  /** How long to watch; for ever when absent. */
  readonly forMs: number | undefined;
}

export interface QueryArguments {
  readonly host: HostSpec;
  readonly timeoutMs: number;
  readonly json: boolean;
}

export const COMMANDS = ['watch', 'query', 'now'] as const;
export type CommandName = (typeof COMMANDS)[number];

export type Command =
  | { readonly name: 'watch'; readonly arguments: WatchArguments }
  | { readonly name: 'query'; readonly arguments: QueryArguments }
  | { readonly name: 'now'; readonly arguments: ClockArguments }
  | { readonly name: 'help'; readonly topic: CommandName | undefined }
  | { readonly name: 'version' };

const SYNC_TIMEOUT_MS = 10_000;
const REPLY_TIMEOUT_MS = 2000;

const COMMON = {
  help: { type: 'boolean', short: 'h' },
  json: { type: 'boolean' },
  timeout: { type: 'string' },
} as const satisfies ParseArgsConfig['options'];

const CLOCK = {
  ...COMMON,
  poll: { type: 'string' },
  'host-clock': { type: 'string' },
  'max-drift-ppm': { type: 'string' },
} as const satisfies ParseArgsConfig['options'];

const WATCH = { ...CLOCK, for: { type: 'string' } } as const satisfies ParseArgsConfig['options'];

/**
 * What `args` (without program and script) ask for.
 *
 * @throws UsageError
 */
export function parseCommand(args: readonly string[]): Command {
  const [first, ...rest] = args;
  if (first === undefined || first === '--help' || first === '-h') {
    return { name: 'help', topic: undefined };
  }
  if (first === '--version' || first === '-V') return { name: 'version' };
  switch (first) {
    case 'help':
      return { name: 'help', topic: COMMANDS.find((name) => name === rest[0]) };
    case 'watch':
      return watchCommand(rest);
    case 'query':
      return queryCommand(rest);
    case 'now':
      return nowCommand(rest);
    default:
      throw new UsageError(`there is no command ${quote(first)}; there are ${COMMANDS.join(', ')}`);
  }
}

function watchCommand(args: string[]): Command {
  const { values, positionals } = parse(args, WATCH);
  if (values.help) return { name: 'help', topic: 'watch' };
  const forMs = values.for === undefined ? undefined : duration('--for', values.for);
  return { name: 'watch', arguments: { ...clockArguments(values, positionals), forMs } };
}

function nowCommand(args: string[]): Command {
  const { values, positionals } = parse(args, CLOCK);
  if (values.help) return { name: 'help', topic: 'now' };
  return { name: 'now', arguments: clockArguments(values, positionals) };
}

function queryCommand(args: string[]): Command {
  const { values, positionals } = parse(args, COMMON);
  if (values.help) return { name: 'help', topic: 'query' };
  const [text, second] = positionals;
  if (text === undefined) throw new UsageError('query needs a host');
  if (second !== undefined) throw new UsageError(`query takes one host; ${quote(second)} is extra`);
  const timeoutMs =
    values.timeout === undefined ? REPLY_TIMEOUT_MS : duration('--timeout', values.timeout);
  return { name: 'query', arguments: { host: host(text), timeoutMs, json: values.json ?? false } };
}

interface ClockValues {
  readonly json?: boolean | undefined;
  readonly timeout?: string | undefined;
  readonly poll?: string | undefined;
  readonly 'host-clock'?: string | undefined;
  readonly 'max-drift-ppm'?: string | undefined;
}

function clockArguments(values: ClockValues, positionals: readonly string[]): ClockArguments {
  const hostClock = values['host-clock'] ?? 'disciplined';
  if (hostClock !== 'disciplined' && hostClock !== 'free-running') {
    throw new UsageError(
      `--host-clock must be disciplined or free-running; got ${quote(hostClock)}`,
    );
  }
  const ppm = values['max-drift-ppm'];
  if (ppm !== undefined && !/^\d+(\.\d+)?$/.test(ppm)) {
    throw new UsageError(`--max-drift-ppm must be a number; got ${quote(ppm)}`);
  }
  return {
    hosts: positionals.map(host),
    timeoutMs:
      values.timeout === undefined ? SYNC_TIMEOUT_MS : duration('--timeout', values.timeout),
    pollMs: values.poll === undefined ? undefined : duration('--poll', values.poll),
    hostClock,
    maxDriftPpm: ppm === undefined ? undefined : Number(ppm),
    json: values.json ?? false,
  };
}

function parse<T extends NonNullable<ParseArgsConfig['options']>>(args: string[], options: T) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Node's message goes on with advice on `--`; its first sentence says what is wrong.
    throw new UsageError(error.message.split(/\. /)[0]!.replace(/\.$/, ''));
  }
}

function duration(option: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) {
    throw new UsageError(
      `${option} must be a duration like 500ms, 5s, 2m or 1h; got ${quote(text)}`,
    );
  }
  return ms;
}

function host(text: string): HostSpec {
  const spec = parseHost(text);
  if (spec === undefined) {
    throw new UsageError(`a host is host, host:port, [v6]:port or v6; got ${quote(text)}`);
  }
  return spec;
}

const quote = (text: string): string => JSON.stringify(text);
