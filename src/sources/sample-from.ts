/**
 * From what a server said and what our clock read to a sample: the rounding, the grid and the two
 * one-sided facts, in one place for all sources.
 *
 *     true - monotonic <= serverReceivedAt - sentAt + E              at sentAt
 *     true - monotonic >= serverSentAt - receivedAt - grid - E       at receivedAt
 *
 * The request left after `sentAt` was read, and the server had it by its own stamp, give or take
 * its error E. The answer left no earlier than the server's stamp, and arrived before `receivedAt`
 * was read. `grid`, because that reading was floored to the grid of our clock; `sentAt` was too, on
 * the safe side.
 */
import type { ClockSample, LeapWarning } from '../bound/clock-sample.ts';
import { ArgumentRangeError, ArgumentTypeError, checkObject } from '../time/errors.ts';
import { checkUnixNs, type MonotonicNs, type UnixNsInput } from '../time/instant.ts';
import { withJson } from '../time/json.ts';

/** What a server says of an exchange. */
export interface ServerFacts {
  /** When the request arrived, by the server's clock, Unix ns. Round up. */
  readonly serverReceivedAt: UnixNsInput;
  /** When the answer left, by the server's clock, Unix ns. Round down. */
  readonly serverSentAt: UnixNsInput;
  /** True time was within this of both, ns, 0 or more. Round up. */
  readonly serverErrorNs: bigint;
  /** What the server announces for the end of the month. Default `'none'`. */
  readonly leap?: LeapWarning | undefined;
  /**
   * For people: more about the server, which `explain()` repeats until there is something newer. At
   * most 32 lines of 256 characters are kept. Default: nothing new.
   */
  readonly details?: readonly string[] | undefined;
}

/** All that is known of an exchange. */
export interface ExchangeFacts extends ServerFacts {
  /** The endpoint that vouches. Samples with one `sourceId` are one vote. */
  readonly sourceId: string;
  /** The monotonic clock, read immediately before the request was sent. */
  readonly sentAt: MonotonicNs;
  /** The monotonic clock, read immediately after the answer arrived. */
  readonly receivedAt: MonotonicNs;
  /** `monotonicGridNs` of that clock. */
  readonly localGridNs: bigint;
}

/**
 * The sample that an exchange proves, for the sink of a source. Delays, pauses and a large
 * `serverErrorNs` only make it wider.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the field that has the wrong type or is
 *   impossible: a negative error or grid, an answer before its request
 * @example
 * const second = 1_000_000_000n;
 * const { upperNs, lowerNs } = sampleFrom({
 *   sourceId: 'gps',
 *   sentAt: monotonicNs(5n * second),
 *   receivedAt: monotonicNs(6n * second),
 *   serverReceivedAt: 1_795_227_787n * second,
 *   serverSentAt: 1_795_227_787n * second,
 *   serverErrorNs: 40n,
 *   localGridNs: 0n,
 * });
 * upperNs - lowerNs // 1_000_000_080n
 */
export function sampleFrom(facts: ExchangeFacts): ClockSample {
  const { sourceId, sentAt, receivedAt, leap = 'none' } = checkObject('facts', facts);
  const { serverReceivedAt, serverSentAt, serverErrorNs, localGridNs } = facts;
  if (typeof sourceId !== 'string') throw new ArgumentTypeError('sourceId', 'a string', sourceId);
  checkReading('sentAt', sentAt);
  checkReading('receivedAt', receivedAt);
  checkUnixNs('serverReceivedAt', serverReceivedAt);
  checkUnixNs('serverSentAt', serverSentAt);
  checkAmount('serverErrorNs', serverErrorNs);
  checkAmount('localGridNs', localGridNs);
  if (receivedAt < sentAt) {
    throw new ArgumentRangeError('receivedAt', `at least sentAt (${sentAt}n)`, receivedAt);
  }
  if (leap !== 'none' && leap !== 'insert' && leap !== 'delete') {
    throw new ArgumentTypeError('leap', "'none', 'insert' or 'delete'", leap);
  }
  return withJson(sampleOf({ ...facts, leap }));
}

/** As {@link sampleFrom}, for facts that are known to be possible. */
export function sampleOf(facts: ExchangeFacts): ClockSample {
  const { sourceId, sentAt, receivedAt, leap = 'none' } = facts;
  const { serverReceivedAt, serverSentAt, serverErrorNs, localGridNs } = facts;
  const pathDelayNs = receivedAt - sentAt - (serverSentAt - serverReceivedAt);
  return {
    sourceId,
    sentAt,
    receivedAt,
    upperNs: serverReceivedAt - sentAt + serverErrorNs,
    lowerNs: serverSentAt - receivedAt - localGridNs - serverErrorNs,
    pathDelayNs: pathDelayNs > 0n ? pathDelayNs : 0n,
    serverErrorNs,
    leap,
  };
}

function checkReading(name: string, value: bigint): void {
  if (typeof value !== 'bigint') throw new ArgumentTypeError(name, 'a bigint (MonotonicNs)', value);
}

function checkAmount(name: string, value: bigint): void {
  if (typeof value !== 'bigint') throw new ArgumentTypeError(name, 'a bigint, ns', value);
  if (value < 0n) throw new ArgumentRangeError(name, '0 or more', value);
}
