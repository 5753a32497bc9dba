/**
 * Causality narrows intervals.
 *
 * The idea. Let a be before b, because b came later on the same node, or because b is the receipt
 * of a message that was sent at a or later. Write t(a) and t(b) for the true instants of the two.
 * Then t(a) <= t(b), and the intervals say earliest(a) <= t(a) and t(b) <= latest(b). So
 *
 *     earliest(a) <= t(a) <= t(b)      b did not happen before earliest(a)
 *     t(a) <= t(b) <= latest(b)        a happened by latest(b)
 *
 * Guarantee. A narrowed interval holds the true instant of its event, if every interval did. One
 * passage forwards carries `earliest` along all chains of causes, because a cause stands above its
 * effect: its timestamp is smaller. One passage backwards carries `latest` along the same chains.
 * The two do not disturb each other, since one moves only earliest ends and the other only latest
 * ends.
 *
 * An event without an interval is one whose interval is all of int64, so it needs no rule of its
 * own. If an interval ended before it begins, two of the facts would contradict each other, and
 * nobody can tell which is false. The event then keeps its own interval, and what it contradicts is
 * not carried further. `inversions` reports such events.
 *
 * A stream has no end from which to go backwards. So events are kept until the stream is a
 * look-ahead further, and whenever it has grown by another look-ahead one passage goes backwards
 * over all that are kept. So every event is passed about twice, and every fact within a look-ahead
 * after an event narrows it.
 *
 * The look-ahead. Let every timestamp be at most `maxLeadNs` above the middle of its event's
 * interval (which is what `maxRemoteAheadMs` of a hybrid clock sees to), and let no interval be
 * wider than the widest read so far. When the stream stands at timestamp T, an event that is still
 * to come has a timestamp of T or more, so
 *
 *     earliest  >=  T - maxLeadNs - widest / 2
 *
 * An event that is stamped s, and not below the middle of its interval, happened by
 * s + widest / 2. So once T > s + maxLeadNs + widest, everything still to come is certainly later
 * than it. `maxLeadNs + widest` is the look-ahead.
 *
 * A message that was under way for longer than that narrows nothing, because the intervals alone
 * put its sender before its receipt. So a node keeps no events for messages beyond the look-ahead.
 */
import { checkNodeId } from '../logical/node-id.ts';
import { countWhile } from './count-while.ts';
import { isOrdered, messagesOf, NO_EARLIEST, NO_LATEST, type StampedEvent } from './event.ts';

/** An event, and what is known about it so far. */
export interface Entry<E> {
  readonly event: E;
  readonly timestamp: bigint;
  /** `undefined` for an event that its timestamp does not order among those of its node. */
  readonly node: Node<E> | undefined;
  /** The narrowed interval. */
  earliest: bigint;
  latest: bigint;
  /** No event from this one on has an `earliest` below this. Known after a passage. */
  earliestOn: bigint;
  /** The last event of the same node before this one. */
  previous: Entry<E> | undefined;
  /** The last event of each sender before the messages that this event received. */
  senders: readonly Entry<E>[];
}

/** A node, and its events that are not settled: those that can still narrow or be narrowed. */
class Node<E> {
  readonly id: string;
  /** The last event, settled or not. */
  last: Entry<E> | undefined;
  /** Those from `#settled` on are not settled. */
  readonly #entries: Entry<E>[] = [];
  #settled = 0;

  constructor(id: string) {
    this.id = id;
  }

  add(entry: Entry<E>): void {
    this.last = entry;
    this.#entries.push(entry);
  }

  /** The first event is settled. */
  settle(): void {
    this.#settled++;
    // Removing them only now and then makes this constant time on average.
    if (2 * this.#settled < this.#entries.length) return;
    this.#entries.splice(0, this.#settled);
    this.#settled = 0;
  }

  /** The last event with this timestamp or a smaller one, if it is among those that are kept. */
  lastUpTo(timestamp: bigint): Entry<E> | undefined {
    const { last } = this;
    if (last !== undefined && last.timestamp <= timestamp) return last;
    const count = countWhile(this.#entries, (entry) => entry.timestamp <= timestamp);
    return this.#entries[count - 1];
  }
}

/** Events after a passage. The first `settled` of them will not change again. */
export interface Block<E> {
  readonly entries: readonly Entry<E>[];
  readonly settled: number;
  /** No event after the settled ones has an `earliest` below this. */
  readonly restEarliest: bigint;
}

/** At most this many events are kept, whatever the look-ahead. */
const MAX_KEPT = 32_768;
/** After a passage there is room for this many more, so each event is passed a few times only. */
const ROOM = MAX_KEPT / 4;
/** An interval that is wider than this lengthens the look-ahead by this only, ns. */
const MAX_WIDTH_NS = 10_000_000_000n;

const NO_SENDERS: readonly never[] = [];

export class Narrowing<E extends StampedEvent> {
  readonly #maxLeadNs: bigint;
  readonly #nodes = new Map<string, Node<E>>();
  #entries: Entry<E>[] = [];
  /** A passage is due when the stream is beyond this timestamp. */
  #passAfter = NO_EARLIEST;

  constructor(maxLeadNs: bigint) {
    this.#maxLeadNs = maxLeadNs;
  }

  /** Adds the next event of the merged stream. Its `earliest` is now as narrow as it gets. */
  add(event: E): Entry<E> {
    const node = this.#nodeOf(event);
    const { timestamp, earliest = NO_EARLIEST, latest = NO_LATEST } = event;
    const previous = node?.last;
    const senders = event.from === undefined ? NO_SENDERS : this.#sendersOf(event);
    const entry: Entry<E> = {
      event,
      timestamp,
      node,
      earliest,
      latest,
      earliestOn: NO_EARLIEST,
      previous,
      senders,
    };
    if (previous !== undefined) raiseEarliest(entry, previous.earliest);
    for (const sender of senders) raiseEarliest(entry, sender.earliest);
    node?.add(entry);
    this.#entries.push(entry);
    return entry;
  }

  /** Whether a passage is due, after `entry` was added. */
  isDue({ timestamp }: Entry<E>): boolean {
    return timestamp > this.#passAfter || this.#entries.length >= MAX_KEPT;
  }

  /** Narrows all `latest` by what follows them. `widestNs`: of the intervals read so far. */
  pass(widestNs: bigint): Block<E> {
    const width = widestNs < MAX_WIDTH_NS ? widestNs : MAX_WIDTH_NS;
    const lookAhead = this.#maxLeadNs + width;
    const entries = this.#entries;
    const { timestamp } = entries.at(-1)!;
    this.#passAfter = timestamp + lookAhead;
    const settles = timestamp - lookAhead;
    let settled = Math.max(0, entries.length + ROOM - MAX_KEPT);
    while (entries[settled]!.timestamp < settles) settled++;
    return this.#narrow(settled, timestamp - this.#maxLeadNs - ((width + 1n) >> 1n));
  }

  /** The last passage, when nothing is to come any more. */
  end(): Block<E> {
    return this.#narrow(this.#entries.length, NO_LATEST);
  }

  /** `unseenEarliest`: no event that is still to come has an `earliest` below this. */
  #narrow(settled: number, unseenEarliest: bigint): Block<E> {
    const entries = this.#entries;
    let earliestOn = unseenEarliest;
    for (let i = entries.length - 1; i >= 0; i--) {
      const entry = entries[i]!;
      const { previous, senders } = entry;
      if (previous !== undefined) lowerLatest(previous, entry.latest);
      for (const sender of senders) lowerLatest(sender, entry.latest);
      if (entry.earliest < earliestOn) earliestOn = entry.earliest;
      entry.earliestOn = earliestOn;
      if (i < settled) {
        // It narrows nothing again, and what it points to would keep all of the past in memory.
        entry.previous = undefined;
        entry.senders = NO_SENDERS;
        entry.node?.settle();
      }
    }
    this.#entries = entries.slice(settled);
    return { entries, settled, restEarliest: entries[settled]?.earliestOn ?? unseenEarliest };
  }

  #nodeOf(event: E): Node<E> | undefined {
    const { nodeId } = event;
    if (!isOrdered(event)) {
      checkNodeId('event.nodeId', nodeId);
      return undefined;
    }
    let node = this.#nodes.get(nodeId);
    if (node === undefined) {
      node = new Node<E>(checkNodeId('event.nodeId', nodeId));
      this.#nodes.set(nodeId, node);
    }
    return node;
  }

  #sendersOf(event: E): readonly Entry<E>[] {
    return messagesOf('event', event)
      .map(({ timestamp, nodeId }) => this.#nodes.get(nodeId)?.lastUpTo(timestamp))
      .filter((sender) => sender !== undefined);
  }
}

/** The events right before `entry`: of its node, and of the senders of its messages. */
export function causesOf<E>({ previous, senders }: Entry<E>): readonly Entry<E>[] {
  return previous === undefined ? senders : [previous, ...senders];
}

function raiseEarliest(entry: Entry<unknown>, earliest: bigint): void {
  if (earliest > entry.earliest && earliest <= entry.latest) entry.earliest = earliest;
}

function lowerLatest(entry: Entry<unknown>, latest: bigint): void {
  if (latest < entry.latest && latest >= entry.earliest) entry.latest = latest;
}
