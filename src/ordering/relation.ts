/**
 * Which of two events came first, and why that is certain.
 *
 * The problem. Timestamps order all events of all nodes. But the smaller timestamp did not
 * necessarily come first: the clock that gave the greater one may have been ahead.
 *
 * The idea. Three things prove an order, and nothing else does:
 *
 * - *same node*: the timestamps of one hybrid clock only increase (unless an event says that its
 *   timestamp is of no such clock: `ordered`)
 * - *message*: the receipt of a message comes after it was sent, and so after everything that the
 *   sender did before
 * - *interval*: two intervals that share no instant
 *
 * Without a proof the order is *undecided*. In particular the order of two timestamps of different
 * nodes proves nothing, and touching intervals prove nothing, because both events may have happened
 * at the shared instant.
 *
 * Guarantee. A decided order is true if no two clocks use one node id, if `from` names the message,
 * and if the intervals hold true time (L1, L2 and A0 to A4 of docs/guarantees). When the proofs
 * contradict each other, one of these is false, and the answer is that of the first proof in the
 * list above: it rests on less than the next.
 */
import {
  checkEvent,
  isOrdered,
  messagesOf,
  NO_EARLIEST,
  NO_LATEST,
  type StampedEvent,
} from './event.ts';

/** What proves an order. */
export type Proof = 'same-node' | 'message' | 'interval';

/** Which of two events came first, and why that is certain. */
export type Relation =
  | {
      /** Whether the first event is certainly before or certainly after the second. */
      readonly order: 'before' | 'after';
      /** What proves it. */
      readonly because: Proof;
    }
  | { readonly order: 'undecided'; readonly because?: undefined };

const UNDECIDED: Relation = Object.freeze({ order: 'undecided' });

/**
 * Whether `a` certainly came before `b`, certainly after it, or neither can be proved. Looks at
 * these two events only: a chain over further events is found by `explainOrder`, or once `narrow`
 * has put what the chain proves into the two events.
 *
 * Two events with the same timestamp and node are one event, so their order is undecided.
 *
 * @throws ArgumentTypeError, ArgumentRangeError (`ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`) naming
 *   the field that is wrong
 * @throws MalformedTimestampError (`ERR_TIMESTAMP_MALFORMED`) when `from` is not a stamp
 * @example
 * const sent = { timestamp: 20n, nodeId: 'a', earliest: 10n, latest: 30n };
 * const later = { timestamp: 25n, nodeId: 'b', earliest: 31n, latest: 40n };
 * relation(sent, later) // { order: 'before', because: 'interval' }
 */
export function relation(a: StampedEvent, b: StampedEvent): Relation {
  checkEvent('a', a);
  checkEvent('b', b);
  if (a.nodeId === b.nodeId && isOrdered(a) && isOrdered(b)) {
    if (a.timestamp === b.timestamp) return UNDECIDED;
    return decided(a.timestamp < b.timestamp, 'same-node');
  }
  const sentToB = wasSentBefore(a, 'b', b);
  const sentToA = wasSentBefore(b, 'a', a);
  // Each after a message of the other: both cannot be, so neither is believed.
  if (sentToB !== sentToA) return decided(sentToB, 'message');
  if (endsBefore(a, b)) return decided(true, 'interval');
  if (endsBefore(b, a)) return decided(false, 'interval');
  return UNDECIDED;
}

function decided(before: boolean, because: Proof): Relation {
  return { order: before ? 'before' : 'after', because };
}

/** Whether `receipt` names a message that the node of `event` sent at `event` or after it. */
function wasSentBefore(event: StampedEvent, name: string, receipt: StampedEvent): boolean {
  if (!isOrdered(event)) return false;
  return messagesOf(name, receipt).some(
    ({ timestamp, nodeId }) => nodeId === event.nodeId && timestamp >= event.timestamp,
  );
}

/** Whether every instant of `a` is before every instant of `b`. */
function endsBefore(a: StampedEvent, b: StampedEvent): boolean {
  return (a.latest ?? NO_LATEST) < (b.earliest ?? NO_EARLIEST);
}
