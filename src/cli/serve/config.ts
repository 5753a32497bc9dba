/**
 * The configuration file of `epsilon-clock serve`: JSON, small, and strict.
 *
 * Unknown keys are refused, because a misspelt one would be ignored and its default used. The
 * errors are for people who edit the file: `serve.json:4:7: …`.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { UsageError } from '../exit.ts';
import { makeSource, parseSource, type SourceOptions } from '../sources.ts';
import { parseAddress } from '../web-address.ts';
import { type Node, PositionedError, parseJson } from './positioned-json.ts';
import { described, either, flag, list, number, type Rule, record, text, word } from './rules.ts';
import type { Address, Choices, ChosenSource, HttpChoice } from './settings.ts';

/** More than anybody writes. A larger file is a mistake, and is not read to its end. */
const MAX_BYTES = 65_536;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const SOURCE_FORM = 'a source, such as "10.0.0.7", "nts://time.example.net" or "chrony:"';
const ADDRESS_FORM = 'an address, such as "127.0.0.1:1230" or "[::]:1230"';

const specRule = text(parseSource, { expected: SOURCE_FORM, maxLength: 300 });
const addressRule = text(parseAddress, { expected: ADDRESS_FORM, maxLength: 300 });
const pathRule = text((path) => (/^\/[^\0]+$/.test(path) ? path : undefined), {
  expected: 'an absolute path',
  maxLength: 4096,
});
const offRule: Rule<false> = {
  kinds: ['boolean'],
  schema: { const: false },
  read(node, path) {
    if (node.value === false) return false;
    throw new PositionedError(`${path} must be an absolute path, or false`, node.at);
  },
};

const sourceRecord = record(
  {
    source: described('The source, as on the command line.', specRule),
    pollIntervalMs: described(
      'The interval between polls. Below 16 s only on private and loopback addresses.',
      number({ minimum: 1, maximum: HOUR_MS }),
    ),
    timeoutMs: described('How long to wait for a reply.', number({ minimum: 1, maximum: 60_000 })),
    timescale: described(
      'What the server does at a leap second.',
      word('utc', 'smear-24h', 'unknown'),
    ),
    pool: described('NTP: the name stands for servers of different operators.', flag),
    maxServers: described(
      'NTP: the most servers that a pool yields.',
      number({ minimum: 1, maximum: 16, integer: true }),
    ),
    maxRootDistanceMs: described(
      'NTP and NTS: a server that claims a larger error is refused.',
      number({ minimum: 1, maximum: 60_000 }),
    ),
  },
  { required: ['source'] },
);

/** A source as a string, or with options. */
const sourceRule: Rule<ChosenSource> = {
  kinds: ['string', 'object'],
  schema: { anyOf: [specRule.schema, sourceRecord.schema] },
  read(node, path) {
    if (node.kind !== 'object') return { spec: specRule.read(node, path), options: {} };
    const { source: spec, ...options } = sourceRecord.read(node, path);
    return checked({ spec: spec!, options }, node, path);
  },
};

/** Which options a kind of source takes, that kind says. */
function checked(chosen: ChosenSource, node: Node, path: string): ChosenSource {
  try {
    makeSource(chosen.spec, chosen.options satisfies SourceOptions);
    return chosen;
  } catch (error) {
    throw new PositionedError(`${path}: ${(error as Error).message}`, node.at);
  }
}

const httpRecord = record({
  address: described('Where to listen. Default 127.0.0.1:1230.', addressRule),
  hosts: described(
    'The host names under which browsers and scrapers may ask for the dashboard and the metrics.',
    list(
      text((name) => (/^[0-9a-z_-]{1,63}(\.[0-9a-z_-]{1,63})*$/i.test(name) ? name : undefined), {
        expected: 'a host name in full, without a port',
        maxLength: 253,
      }),
      32,
    ),
  ),
  allowOrigin: described(
    'Pages of this web origin may ask for the time; "*" for all.',
    text(originOf, { expected: 'an origin, such as "https://shop.example"', maxLength: 300 }),
  ),
});

/** Each key of the file with what it may be. */
export const CONFIG: Rule<Choices> = record({
  $schema: described(
    'Where editors find this schema. It is not read.',
    text((uri) => uri, { expected: 'an address', maxLength: 1000 }),
  ),
  sources: described(
    'Where time comes from. Four or five of different operators tolerate one or two that lie.',
    list(sourceRule, 64),
  ),
  pollIntervalMs: described(
    'The interval between polls, for sources that have none of their own.',
    number({ minimum: 1, maximum: HOUR_MS }),
  ),
  hostClock: described(
    "Who adjusts this machine's clock: a daemon may (disciplined, the default), nobody does, or look in /proc.",
    word('disciplined', 'free-running', 'detect'),
  ),
  maxDriftPpm: described(
    "The largest rate error of this machine's clock. Default 200, and 500 unless disciplined.",
    number({ minimum: 0.001, maximum: 100_000 }),
  ),
  maxFaulty: described(
    'How many sources may be wrong. Default: floor((n - 1) / 2).',
    number({ minimum: 0, maximum: 1000, integer: true }),
  ),
  maxUncertaintyMs: described(
    'The health check fails above this uncertainty. Default 100.',
    number({ minimum: 0.001, maximum: DAY_MS }),
  ),
  page: described(
    'The page for the other processes of this host: its path, or true for the default place.',
    either<string | boolean>(flag, pathRule),
  ),
  ntp: described(
    'Serves the bound as NTP. Default 127.0.0.1:11123.',
    either<Address | boolean>(flag, addressRule),
  ),
  http: described(
    'Serves /, /metrics, /health and /time. Default 127.0.0.1:1230.',
    either<HttpChoice | boolean>(
      flag,
      { ...addressRule, read: (node, path) => ({ address: addressRule.read(node, path) }) },
      httpRecord,
    ),
  ),
  clockbound: described(
    "The path of a page that ClockBound's clients read.",
    either<string | false>(offRule, pathRule),
  ),
});

/**
 * The choices in the file at `path`.
 *
 * @throws UsageError naming the file, the line, the column and the key
 */
export async function readConfig(path: string): Promise<Choices> {
  const text = await readLimited(path);
  try {
    return CONFIG.read(parseJson(text), '');
  } catch (error) {
    if (!(error instanceof PositionedError)) throw error;
    const { line, column } = error.at;
    throw new UsageError(`${basename(path)}:${line}:${column}: ${error.message}`);
  }
}

async function readLimited(path: string): Promise<string> {
  try {
    // A pipe without a writer would hold the daemon here, deaf to SIGTERM.
    await using file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    if (!(await file.stat()).isFile()) throw new UsageError(`${path}: not a file`);
    const bytes = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      ({ bytesRead: read } = await file.read(bytes, length));
    }
    if (length > MAX_BYTES) throw new UsageError(`${path}: more than ${MAX_BYTES} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') throw new UsageError(`${path}: not UTF-8`);
    throw new UsageError(`cannot read ${path}: ${code ?? message}`);
  }
}

/** Browsers compare an origin letter by letter with what they call it. */
function originOf(text: string): string | undefined {
  if (text === '*') return text;
  const isOrigin = /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
  return isOrigin ? text : undefined;
}
