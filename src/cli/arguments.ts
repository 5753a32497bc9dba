/**
 * The command line, parsed and checked before anything is opened.
 *
 * Numbers whose range the library itself states (`--poll`, `--max-drift-ppm`) are only parsed here.
 * The library checks them when the clock is made, and the user sees its message.
 */
import type { ParseArgsConfig } from 'node:util';
import type { HostClockOption } from '../bounded-clock/options.ts';
import { UsageError } from './exit.ts';
import type { HostSpec } from './hosts.ts';
import { durationMs, hostClockOf, maxDriftPpmOf, parseOptions, quote, source } from './options.ts';
import { type OrderArguments, orderArguments } from './order/order-arguments.ts';
import { type ServeArguments, serveArguments } from './serve/serve-arguments.ts';
import type { SourceSpec } from './sources.ts';
import { isAddress, parseWebAddress, type WebAddress, withOptionalValues } from './web-address.ts';

export interface ClockArguments {
  /** The sources to ask. Empty: the embedded servers. */
  readonly sources: readonly SourceSpec[];
  readonly timeoutMs: number;
  readonly pollMs: number | undefined;
  readonly hostClock: HostClockOption;
  readonly maxDriftPpm: number | undefined;
  readonly json: boolean;
}

export interface WatchArguments extends ClockArguments {
  /** How long to watch, ms; `undefined`: until Ctrl-C. */
  readonly forMs: number | undefined;
  /** Where to serve the live page; port 0 is any free one. `undefined`: nowhere. */
  readonly web: WebAddress | undefined;
}

export interface QueryArguments {
  readonly host: HostSpec;
  readonly timeoutMs: number;
  readonly json: boolean;
}

export const COMMANDS = ['watch', 'query', 'now', 'serve', 'order'] as const;
export type CommandName = (typeof COMMANDS)[number];

export type Command =
  | { readonly name: 'watch'; readonly arguments: WatchArguments }
  | { readonly name: 'query'; readonly arguments: QueryArguments }
  | { readonly name: 'now'; readonly arguments: ClockArguments }
  | { readonly name: 'serve'; readonly arguments: ServeArguments }
  | { readonly name: 'order'; readonly arguments: OrderArguments }
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

const WATCH = {
  ...CLOCK,
  for: { type: 'string' },
  web: { type: 'string' },
} as const satisfies ParseArgsConfig['options'];

/**
 * The command that `args` (without program and script) describe.
 *
 * @throws UsageError when `args` do not describe a command
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
    case 'serve':
      return serveCommand(rest);
    case 'order':
      return orderCommand(rest);
    default:
      throw new UsageError(
        `unknown command ${quote(first)}; the commands are ${COMMANDS.join(', ')}`,
      );
  }
}

function watchCommand(args: string[]): Command {
  const { values, positionals } = parseOptions(
    withOptionalValues(args, { '--web': isAddress }),
    WATCH,
  );
  if (values.help) return { name: 'help', topic: 'watch' };
  const forMs = values.for === undefined ? undefined : durationMs('--for', values.for);
  const web = values.web === undefined ? undefined : webAddress(values.web);
  return { name: 'watch', arguments: { ...clockArguments(values, positionals), forMs, web } };
}

function nowCommand(args: string[]): Command {
  const { values, positionals } = parseOptions(args, CLOCK);
  if (values.help) return { name: 'help', topic: 'now' };
  return { name: 'now', arguments: clockArguments(values, positionals) };
}

function queryCommand(args: string[]): Command {
  const { values, positionals } = parseOptions(args, COMMON);
  if (values.help) return { name: 'help', topic: 'query' };
  const [text, second] = positionals;
  if (text === undefined) throw new UsageError('query needs a host');
  if (second !== undefined) throw new UsageError(`query takes one host; ${quote(second)} is extra`);
  const timeoutMs =
    values.timeout === undefined ? REPLY_TIMEOUT_MS : durationMs('--timeout', values.timeout);
  const spec = source(text);
  if (spec.kind !== 'ntp') {
    throw new UsageError(
      `query asks an NTP server; got ${quote(text)}, which now and watch can ask`,
    );
  }
  const { host, port } = spec;
  const json = values.json ?? false;
  return { name: 'query', arguments: { host: { host, port }, timeoutMs, json } };
}

function serveCommand(args: string[]): Command {
  const parsed = serveArguments(args);
  return parsed === undefined
    ? { name: 'help', topic: 'serve' }
    : { name: 'serve', arguments: parsed };
}

function orderCommand(args: string[]): Command {
  const parsed = orderArguments(args);
  return parsed === undefined
    ? { name: 'help', topic: 'order' }
    : { name: 'order', arguments: parsed };
}

interface ClockValues {
  readonly json?: boolean | undefined;
  readonly timeout?: string | undefined;
  readonly poll?: string | undefined;
  readonly 'host-clock'?: string | undefined;
  readonly 'max-drift-ppm'?: string | undefined;
}

function clockArguments(values: ClockValues, positionals: readonly string[]): ClockArguments {
  return {
    sources: positionals.map(source),
    timeoutMs:
      values.timeout === undefined ? SYNC_TIMEOUT_MS : durationMs('--timeout', values.timeout),
    pollMs: values.poll === undefined ? undefined : durationMs('--poll', values.poll),
    hostClock: hostClockOf(values['host-clock']) ?? 'disciplined',
    maxDriftPpm: maxDriftPpmOf(values['max-drift-ppm']),
    json: values.json ?? false,
  };
}

function webAddress(text: string): WebAddress {
  const address = parseWebAddress(text);
  if (address === undefined) {
    throw new UsageError(`--web takes a port, host:port or [v6]:port; got ${quote(text)}`);
  }
  return address;
}
