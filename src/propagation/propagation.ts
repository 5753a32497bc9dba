/**
 * Timestamps that travel with requests, replies and messages.
 *
 * Problem. Cause comes before effect in timestamps only if every message carries the sender's, and
 * every receiver takes it before it stamps anything else. A service that forgets one header, or
 * that fails a request because a header is broken, is worse than one without.
 *
 * Idea. Two acts over anything that carries headers. `inject` is a send event: it takes a new
 * timestamp and writes the stamp. `extract` is a receipt: it reads the stamp and advances the clock
 * above it. The integrations call the same two for each request and for each reply.
 *
 * Guarantee. When `extract` answers `received`, all that the sender did before the send has smaller
 * timestamps than all that we do from now on. Whatever else the carrier holds, `extract` neither
 * throws nor waits, and the clock is as it was before.
 *
 * Assumption. Who is trusted does not forge stamps. A trusted sender can push the clock ahead of
 * physical time by `maxRemoteAheadMs`, and through it every node that trusts us. So nobody is
 * trusted unless the caller says so.
 */
import { MalformedTimestampError, TimestampAheadError } from '../logical/errors.ts';
import type { HybridClock } from '../logical/hybrid-clock.ts';
import type { HlcTimestamp } from '../logical/timestamp.ts';
import { type Stamp, timestampFromStamp } from '../logical/timestamp-text.ts';
import { ArgumentTypeError, EpsilonClockError } from '../time/errors.ts';
import { type Carrier, checkCarrier, readHeader, textOf, writeHeader } from './carrier.ts';
import { type PropagationOptions, type Settings, settingsFor } from './options.ts';

/** What came of the receipt of a message. `from` is meant to be logged: it names the cause. */
export type Extracted =
  | {
      /** The clock has advanced. */
      readonly status: 'received';
      /** The timestamp of the receipt, which is greater than the one that was received. */
      readonly timestamp: HlcTimestamp;
      /** The stamp of the send. */
      readonly from: Stamp;
      readonly error?: undefined;
    }
  | {
      /**
       * - `'absent'`: the carrier has no such header.
       * - `'untrusted'`: it has one, which was not looked at.
       */
      readonly status: 'absent' | 'untrusted';
      readonly timestamp?: undefined;
      readonly from?: undefined;
      readonly error?: undefined;
    }
  | {
      /** The clock is as it was before. */
      readonly status: 'refused';
      /**
       * Why. By `code`: `ERR_TIMESTAMP_MALFORMED`, `ERR_TIMESTAMP_AHEAD`, an error of our own clock
       * such as `ERR_CLOCK_UNSYNCHRONIZED`, or whatever the carrier threw.
       */
      readonly error: Error;
      readonly timestamp?: undefined;
      readonly from?: undefined;
    };

/** One class for all results, because many are made, and each must have a JSON form. */
class Outcome {
  readonly status: Extracted['status'];
  readonly timestamp: HlcTimestamp | undefined;
  readonly from: Stamp | undefined;
  readonly error: Error | undefined;

  constructor(
    status: Extracted['status'],
    timestamp: HlcTimestamp | undefined,
    from: Stamp | undefined,
    error: Error | undefined,
  ) {
    this.status = status;
    this.timestamp = timestamp;
    this.from = from;
    this.error = error;
  }

  toJSON(): Record<string, unknown> {
    const { status, timestamp, from, error } = this;
    if (status === 'received') return { status, timestamp: String(timestamp), from };
    return error === undefined ? { status } : { status, error: jsonOf(error) };
  }
}

function jsonOf(error: Error): unknown {
  if (error instanceof EpsilonClockError) return error.toJSON();
  return { name: String(error.name), message: String(error.message) };
}

const ABSENT = new Outcome('absent', undefined, undefined, undefined) as Extracted;
const UNTRUSTED = new Outcome('untrusted', undefined, undefined, undefined) as Extracted;
const NO_OPTIONS = {};

/**
 * A send event: takes a timestamp, and writes its stamp into `carrier` as the header `epsilon-hlc`,
 * in place of one that is there. Returns the stamp. Call it as late as possible, because it covers
 * what was stamped before it.
 *
 * `header` gives the header another name, `counts` counts the send.
 *
 * @throws what `hlc.now()` throws, such as `ERR_CLOCK_UNSYNCHRONIZED`: then nothing is written
 * @throws ArgumentTypeError, ArgumentRangeError naming the argument at fault
 * @example
 * const headers = new Headers();
 * inject(hlc, headers); // such as '1795227787534418003@orders-3'
 */
export function inject(
  hlc: HybridClock,
  carrier: Carrier,
  options: Pick<PropagationOptions, 'header' | 'counts'> = NO_OPTIONS,
): Stamp {
  const settings = settingsFor(hlc, options);
  checkCarrier(carrier);
  return write(settings, carrier);
}

/**
 * The receipt of a message: reads the header `epsilon-hlc` of `carrier`, and advances the clock
 * above its timestamp. Call it before you stamp anything that depends on the message.
 *
 * It never throws and never waits, whatever the carrier holds. A carrier that is `undefined`, such
 * as the headers of a message that has none, has no header. By default nobody is trusted, and
 * headers are not looked at: see {@link PropagationOptions}.
 *
 * @throws ArgumentTypeError, ArgumentRangeError for `hlc` and `options` only, by their name
 * @example
 * const request = new Request('http://orders/', { headers: { 'epsilon-hlc': hlc.stamp() } });
 * const { status, from } = extract(hlc, request.headers, { trust: true });
 * status // 'received'
 */
export function extract(
  hlc: HybridClock,
  carrier: Carrier | null | undefined,
  options: Omit<PropagationOptions, 'hlc'> = NO_OPTIONS,
): Extracted {
  return receive(settingsFor(hlc, options), carrier, carrier);
}

/** As {@link inject}, but never throws: then the message goes without a stamp. */
export function send(settings: Settings, carrier: Carrier): void {
  try {
    write(settings, carrier);
  } catch (error) {
    if (settings.counts !== undefined) settings.counts.unsent++;
    report(settings, asError(error));
  }
}

function write({ hlc, header, counts }: Settings, carrier: Carrier): Stamp {
  const stamp = hlc.stamp();
  writeHeader(carrier, header, stamp);
  if (counts !== undefined) counts.sent++;
  return stamp;
}

/**
 * As {@link extract}.
 *
 * @param subject what `trust` judges
 */
export function receive(settings: Settings, carrier: unknown, subject: unknown): Extracted {
  const { hlc, header, counts } = settings;
  try {
    const value = readHeader(carrier, header);
    if (value === undefined) {
      if (counts !== undefined) counts.absent++;
      return ABSENT;
    }
    if (!trusts(settings, subject)) {
      if (counts !== undefined) counts.untrusted++;
      return UNTRUSTED;
    }
    const from = textOf(value) as Stamp;
    const timestamp = hlc.receive(timestampFromStamp(from));
    if (counts !== undefined) counts.received++;
    return new Outcome('received', timestamp, from, undefined) as Extracted;
  } catch (error) {
    return refuse(settings, asError(error));
  }
}

function refuse(settings: Settings, error: Error): Extracted {
  const { counts } = settings;
  if (counts !== undefined) {
    if (error instanceof MalformedTimestampError) counts.malformed++;
    else if (error instanceof TimestampAheadError) counts.ahead++;
    else counts.failed++;
  }
  report(settings, error);
  return new Outcome('refused', undefined, undefined, error) as Extracted;
}

function trusts(settings: Settings, subject: unknown): boolean {
  const { trust } = settings;
  if (typeof trust === 'boolean') return trust;
  try {
    const answer = trust(subject);
    if (typeof answer === 'boolean') return answer;
    ignoreRejection(answer);
    throw new ArgumentTypeError('the answer of trust', 'true or false, and not later', answer);
  } catch (error) {
    report(settings, asError(error));
    return false;
  }
}

/** Tells the program. Nothing that its function does may fail the request. */
function report({ onRefused }: Settings, error: Error): void {
  try {
    ignoreRejection(onRefused?.(error));
  } catch {
    // Its own affair.
  }
}

/** A promise that nobody listens to would end the process when it is rejected. */
function ignoreRejection(answer: unknown): void {
  if (typeof answer === 'object' && answer !== null) {
    void Promise.resolve(answer).then(undefined, () => {});
  }
}

/** Anything can be thrown, also an object that throws when it is looked at. */
function asError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error) return thrown;
  } catch {
    // Not an error of anybody's.
  }
  return new Error('something that is not an error was thrown', { cause: thrown });
}
