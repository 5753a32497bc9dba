/** An event of a log, as all of this folder takes it, and the checks of its fields. */
import { checkNodeId } from '../logical/node-id.ts';
import { checkTimestamp } from '../logical/timestamp.ts';
import { parseStamp, type Stamp, type StampParts } from '../logical/timestamp-text.ts';
import { ArgumentRangeError, ArgumentTypeError, checkObject } from '../time/errors.ts';
import { checkUnixNs, INT64_MAX, INT64_MIN, type UnixNsInput } from '../time/instant.ts';

/**
 * An event that was stamped by a hybrid clock: a line of a log, a row, a span. Only `timestamp` and
 * `nodeId` are needed. Everything else can prove more. Other fields are allowed.
 */
export interface StampedEvent {
  /** The hybrid timestamp, Unix ns: 0 to 2^63 - 1. */
  readonly timestamp: UnixNsInput;
  /** The node whose hybrid clock gave the timestamp. */
  readonly nodeId: string;
  /** The event certainly did not happen before this, Unix ns. */
  readonly earliest?: UnixNsInput | undefined;
  /** The event certainly happened by this, Unix ns; not before `earliest`. */
  readonly latest?: UnixNsInput | undefined;
  /**
   * The stamp of the message whose receipt this event is, or of several messages. The event then
   * comes after each message was sent, and after all that its sender did before.
   */
  readonly from?: Stamp | readonly Stamp[] | undefined;
  /** What the log itself says, Unix ns: the reading of a wall clock. Proves nothing. */
  readonly time?: UnixNsInput | undefined;
  /**
   * `false`: the timestamp is not of a clock that orders the events of `nodeId`, so it proves no
   * order among them. For events that were only sorted by a wall clock, or of which it is not known
   * whether one node stamped them. Default `true`.
   */
  readonly ordered?: boolean | undefined;
}

/** The `earliest` of an event about whose beginning nothing is known. */
export const NO_EARLIEST: bigint = INT64_MIN;
/** The `latest` of an event about whose end nothing is known. */
export const NO_LATEST: bigint = INT64_MAX;

/**
 * Throws unless `event` is an event. Errors call it `name`.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the field
 */
export function checkEvent(name: string, event: StampedEvent): void {
  checkFields(name, event);
  checkNodeId(`${name}.nodeId`, event.nodeId);
}

/** The part of {@link checkEvent} that has to be done for every event, even of a known node. */
export function checkFields(name: string, event: StampedEvent): void {
  const { timestamp, earliest, latest, time, ordered } = checkObject(name, event);
  // The names of the fields are made only for an error: making text for each event would be slow.
  if (typeof timestamp !== 'bigint' || BigInt.asUintN(63, timestamp) !== timestamp) {
    checkTimestamp(`${name}.timestamp`, timestamp);
  }
  if (earliest !== undefined && !isInt64(earliest)) checkUnixNs(`${name}.earliest`, earliest);
  if (latest !== undefined && !isInt64(latest)) checkUnixNs(`${name}.latest`, latest);
  if (time !== undefined && !isInt64(time)) checkUnixNs(`${name}.time`, time);
  if (earliest !== undefined && latest !== undefined && earliest > latest) {
    throw new ArgumentRangeError(`${name}.earliest`, `at most latest (${latest}n)`, earliest);
  }
  if (ordered !== undefined && typeof ordered !== 'boolean') {
    throw new ArgumentTypeError(`${name}.ordered`, 'a boolean', ordered);
  }
}

function isInt64(value: unknown): boolean {
  return typeof value === 'bigint' && BigInt.asIntN(64, value) === value;
}

/** Whether the timestamp orders the event among those of its node. */
export function isOrdered({ ordered }: StampedEvent): boolean {
  return ordered !== false;
}

/**
 * The messages that `from` names.
 *
 * @throws ArgumentTypeError when it is neither a text nor an array of texts
 * @throws MalformedTimestampError when a text is not a stamp
 */
export function messagesOf(name: string, { from }: StampedEvent): StampParts[] {
  if (from === undefined) return [];
  const stamps: readonly unknown[] = Array.isArray(from) ? from : [from];
  return stamps.map((stamp) => {
    if (typeof stamp === 'string') return parseStamp(stamp);
    throw new ArgumentTypeError(`${name}.from`, 'a stamp, or an array of stamps', stamp);
  });
}

/**
 * The order of lines on a page: by timestamp, then by node. It is the order of stamps as text, and
 * it never breaks happened-before.
 */
export function compareEvents(a: StampedEvent, b: StampedEvent): number {
  if (a.timestamp !== b.timestamp) return a.timestamp < b.timestamp ? -1 : 1;
  return a.nodeId === b.nodeId ? 0 : a.nodeId < b.nodeId ? -1 : 1;
}
