/**
 * What a server says of its time, on the wire. Both ends of it are here.
 *
 * As the body of a reply of `timeHandler`:
 *
 *     { "v": 1, "nonce": "6f…", "timescale": "utc", "receivedNs": "1795227787534418003",
 *       "sentNs": "1795227787534440003", "errorNs": "112000", "leap": "none", "basis": "bound" }
 *     { "v": 1, "nonce": "6f…", "timescale": "utc", "unsynchronized": "starting" }
 *
 * As a `Server-Timing` header of any reply, in the same order and without a nonce:
 *
 *     epsilon;desc="1 1795227787534418003 1795227787534440003 112000 none bound"
 *     epsilon;desc="1 unsynchronized starting"
 *
 * Nanoseconds are decimal text: they do not fit into a JSON number. What comes from the network is
 * hostile, so every field is checked, and nothing of it is repeated unless it is a known word.
 */
import { LEAP_WARNINGS, type LeapWarning } from '../../bound/clock-sample.ts';
import { asUnixNs, type UnixNs } from '../../time/instant.ts';
import { AskMiss } from '../ask-miss.ts';
import type { ServerFacts } from '../sample-from.ts';

/** What vouches for a server's time: its own bounded clock, or the word of its operator. */
export type Basis = 'bound' | 'operator';

/** What a server says of one exchange. */
export interface Statement {
  readonly receivedNs: UnixNs;
  readonly sentNs: UnixNs;
  /** True time was within this of both. */
  readonly errorNs: bigint;
  readonly leap: LeapWarning;
  readonly basis: Basis;
}

/** A server whose clock has no bound, and why. */
export interface Unsynchronized {
  readonly unsynchronized: string;
}

/** The name of the metric in the `Server-Timing` header. */
export const METRIC = 'epsilon';
/** A larger error is refused, as NTP does it. */
export const MAX_ERROR_MS = 1500;
const MAX_ERROR_NS = BigInt(MAX_ERROR_MS) * 1_000_000n;
const VERSION = 1;
/** The year 2116. Sums of such instants stay within int64. */
const MAX_UNIX_NS = 2n ** 62n;
const BASES: readonly unknown[] = ['bound', 'operator'] satisfies Basis[];
const WORD = /^[a-z]+(-[a-z]+)*$/;
const MAX_WORD_LENGTH = 40;

/** The body of a reply. */
export function bodyOf(said: Statement | Unsynchronized, nonce: string | undefined): string {
  const head = { v: VERSION, nonce, timescale: 'utc' };
  if ('unsynchronized' in said) return `${JSON.stringify({ ...head, ...said })}\n`;
  const { receivedNs, sentNs, errorNs, leap, basis } = said;
  const ns = { receivedNs: `${receivedNs}`, sentNs: `${sentNs}`, errorNs: `${errorNs}` };
  return `${JSON.stringify({ ...head, ...ns, leap, basis })}\n`;
}

/** The description of the `Server-Timing` metric. */
export function descriptionOf(said: Statement | Unsynchronized): string {
  if ('unsynchronized' in said) return `${VERSION} unsynchronized ${said.unsynchronized}`;
  const { receivedNs, sentNs, errorNs, leap, basis } = said;
  return `${VERSION} ${receivedNs} ${sentNs} ${errorNs} ${leap} ${basis}`;
}

/** The value of the `Server-Timing` header. */
export const headerOf = (said: Statement | Unsynchronized): string =>
  `${METRIC};desc="${descriptionOf(said)}"`;

/**
 * What the body of a reply says.
 *
 * @throws AskMiss `malformed`, `version`, `nonce` (it answers another request), `timescale`,
 *   `unsynchronized`, `root-distance`
 */
export function readBody(text: string, nonce: string): Statement {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new AskMiss('malformed', 'not JSON');
  }
  if (typeof body !== 'object' || body === null) throw new AskMiss('malformed', 'not an object');
  const said = body as Readonly<Record<string, unknown>>;
  if (said.v !== VERSION) throw new AskMiss('version');
  if (said.nonce !== nonce) throw new AskMiss('nonce', 'the reply to another request');
  if (said.timescale !== 'utc') throw new AskMiss('timescale');
  if (said.unsynchronized !== undefined) throw unsynchronized(said.unsynchronized);
  return statementOf(said);
}

/** As {@link readBody}, for the description of the `Server-Timing` metric. */
export function readDescription(description: string): Statement {
  const [version, receivedNs, sentNs, errorNs, leap, basis, ...rest] = description.split(' ');
  if (version !== `${VERSION}`) throw new AskMiss('version');
  if (receivedNs === 'unsynchronized') throw unsynchronized(sentNs);
  if (rest.length > 0) throw new AskMiss('malformed', 'too many words');
  return statementOf({ receivedNs, sentNs, errorNs, leap, basis });
}

/** What the server vouches for, as facts of a question. */
export function factsOf({ receivedNs, sentNs, errorNs, leap }: Statement): ServerFacts {
  return { serverReceivedAt: receivedNs, serverSentAt: sentNs, serverErrorNs: errorNs, leap };
}

/** For `explain()`: whose claim the last statement of `server` was. */
export function restsOnClaimOf(server: string, basis: Basis | undefined): string {
  switch (basis) {
    case 'bound':
      return `the bound that ${server} claims for its own clock, which rests on the sources of that clock`;
    case 'operator':
      return `the word of the operator of ${server} on how wrong its clock is`;
    default:
      return `the claim of ${server} about its own clock`;
  }
}

function statementOf(said: Readonly<Record<string, unknown>>): Statement {
  const { leap, basis } = said;
  const receivedNs = instant('receivedNs', said.receivedNs);
  const sentNs = instant('sentNs', said.sentNs);
  const errorNs = decimal('errorNs', said.errorNs);
  if (errorNs > MAX_ERROR_NS) throw new AskMiss('root-distance');
  if (!LEAP_WARNINGS.includes(leap as LeapWarning)) throw new AskMiss('malformed', 'leap');
  if (!BASES.includes(basis)) throw new AskMiss('malformed', 'basis');
  return { receivedNs, sentNs, errorNs, leap: leap as LeapWarning, basis: basis as Basis };
}

function instant(name: string, text: unknown): UnixNs {
  const value = decimal(name, text);
  if (value > MAX_UNIX_NS) throw new AskMiss('malformed', name);
  return asUnixNs(value);
}

/** A decimal of at most 19 digits: longer text is not even converted. */
function decimal(name: string, text: unknown): bigint {
  if (typeof text === 'string' && /^(0|[1-9]\d{0,18})$/.test(text)) return BigInt(text);
  throw new AskMiss('malformed', name);
}

function unsynchronized(reason: unknown): AskMiss {
  const known = typeof reason === 'string' && reason.length <= MAX_WORD_LENGTH && WORD.test(reason);
  return new AskMiss('unsynchronized', known ? `its clock: ${reason}` : undefined);
}
