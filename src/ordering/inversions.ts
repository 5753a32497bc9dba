/**
 * Finds lines whose recorded order is wrong, with the proof.
 *
 * Three kinds, and a pair may be of several:
 *
 * - *time*: the log's own time field puts an event after one that certainly came later. A wall
 *   clock was wrong or was set.
 * - *lead*: the hybrid timestamps do, although the intervals are certain. A clock was ahead, which
 *   between nodes is legal up to its `maxRemoteAheadMs`.
 * - *broken*: what must not happen. A receipt is not above its message in the order of timestamps.
 *   Or an event that must be later by its node or its message was certainly earlier by its
 *   interval. There is a bug, or a bound was false.
 *
 * One event that is wrong by a second contradicts thousands of others, so not every pair is
 * reported. For each event and each kind it is the worst pair only. That still finds every event:
 *
 * - time, lead: of all events that are certainly before `later`, `earlier` has the greatest time or
 *   timestamp. So an event is reported if and only if any certain predecessor contradicts it.
 * - broken: of all events that must be before `earlier`, `later` is the one that begins last. So an
 *   event is reported if and only if any of them contradicts it.
 *
 * Only as much is kept as narrowing.ts needs. Under its assumption that misses no event which is
 * certainly before another by intervals, and no message except those that are older than the
 * look-ahead.
 */
import { withJson } from '../time/json.ts';
import { messagesOf, NO_EARLIEST, NO_LATEST, type StampedEvent } from './event.ts';
import { GreatestBelow } from './greatest-below.ts';
import type { Log } from './log-reader.ts';
import { type LogOptions, type Results, resultsOf, type Stage } from './merging.ts';
import { type Block, causesOf, type Entry } from './narrowing.ts';
import type { Proof } from './relation.ts';

/** Two events whose recorded order is wrong. */
export interface Inversion<E> {
  /** Which record is wrong: see the kinds of {@link inversions}. */
  readonly kind: 'time' | 'lead' | 'broken';
  /**
   * The event that came first, as `because` says. `undefined` for a message whose sender has no
   * event in reach.
   */
  readonly earlier: E | undefined;
  /** The event that came after it. */
  readonly later: E;
  /** What proves that order. */
  readonly because: Proof;
  /**
   * By how much the record is wrong, ns. How far `earlier` stands after `later`: by `time`, or by
   * timestamp. For a broken order that an interval proves, it is the gap between the intervals.
   */
  readonly sizeNs: bigint;
}

/**
 * What is known of an event and of all that is before it on its node. It refers to events and not
 * to their entries: an entry leads to its past, so a chain of them would keep all events in memory.
 */
interface Past<E> {
  /** The event with the greatest time; `undefined` when none has one. */
  readonly latestTime: E | undefined;
  /** The event that begins last by its own interval. */
  readonly lastToBegin: E;
  /** The event with the greatest time among those that node or message put before the event. */
  readonly latestTimeBefore: Before<E> | undefined;
}

interface Before<E> {
  readonly event: E;
  readonly because: Proof;
}

class Inspection<E extends StampedEvent> implements Stage<E, Inversion<E>> {
  readonly #pasts = new WeakMap<Entry<E>, Past<E>>();
  /** The greatest time by `latest`. */
  readonly #times = new GreatestBelow<E>();
  #found: Inversion<E>[] = [];

  arrive(entry: Entry<E>): void {
    this.#checkMessages(entry);
    const { event, node } = entry;
    let latestTime = event.time === undefined ? undefined : event;
    let lastToBegin = event;
    let latestTimeBefore: Before<E> | undefined;
    for (const cause of causesOf(entry)) {
      const past = this.#pasts.get(cause)!;
      const because = cause.node === node ? 'same-node' : 'message';
      this.#checkInterval(past.lastToBegin, event);
      const before = past.latestTime;
      if (before !== undefined && isLater(before, latestTimeBefore?.event)) {
        latestTimeBefore = { event: before, because };
      }
      if (cause.node !== node) continue;
      if (before !== undefined && isLater(before, latestTime)) latestTime = before;
      if (beginOf(past.lastToBegin) > beginOf(lastToBegin)) lastToBegin = past.lastToBegin;
    }
    this.#pasts.set(entry, { latestTime, lastToBegin, latestTimeBefore });
  }

  settle({ entries, settled, restEarliest }: Block<E>): Inversion<E>[] {
    // An event with a greater timestamp than a settled one stands below it, in this block.
    const timestamps = new GreatestBelow<E>();
    for (const { latest, timestamp, event } of entries) {
      timestamps.add({ key: latest, value: timestamp, item: event });
      // Perhaps it was added before, but it may have been narrowed since.
      const { time } = event;
      if (time !== undefined) this.#times.add({ key: latest, value: time, item: event });
    }
    for (const entry of entries.slice(0, settled)) {
      this.#checkTime(entry);
      this.#checkLead(timestamps.find(entry.earliest)?.item, entry.event);
    }
    this.#times.forgetBelow(restEarliest);
    const found = this.#found;
    this.#found = [];
    return found;
  }

  /** A receipt is above its messages in the order of timestamps. */
  #checkMessages({ event, timestamp, senders }: Entry<E>): void {
    for (const message of messagesOf('event', event)) {
      const sizeNs = message.timestamp - timestamp;
      if (sizeNs < 0n) continue;
      const sender = senders.find((each) => each.event.nodeId === message.nodeId);
      this.#report({
        kind: 'broken',
        earlier: sender?.event,
        later: event,
        because: 'message',
        sizeNs,
      });
    }
  }

  /** No event is certainly earlier than what its node or its message puts before it. */
  #checkInterval(before: E, event: E): void {
    const sizeNs = beginOf(before) - (event.latest ?? NO_LATEST);
    if (sizeNs <= 0n) return;
    this.#report({ kind: 'broken', earlier: event, later: before, because: 'interval', sizeNs });
  }

  #checkTime(entry: Entry<E>): void {
    const { event: later } = entry;
    if (later.time === undefined) return;
    let before = this.#pasts.get(entry)?.latestTimeBefore;
    const certain = this.#times.find(entry.earliest)?.item;
    if (certain !== undefined && isLater(certain, before?.event)) {
      before = { event: certain, because: 'interval' };
    }
    if (before === undefined || !isLater(before.event, later)) return;
    const { event: earlier, because } = before;
    this.#report({ kind: 'time', earlier, later, because, sizeNs: earlier.time! - later.time });
  }

  #checkLead(earlier: E | undefined, later: E): void {
    if (earlier === undefined) return;
    const sizeNs = earlier.timestamp - later.timestamp;
    if (sizeNs <= 0n) return;
    this.#report({ kind: 'lead', earlier, later, because: 'interval', sizeNs });
  }

  #report(inversion: Inversion<E>): void {
    this.#found.push(withJson(inversion));
  }
}

function beginOf({ earliest }: StampedEvent): bigint {
  return earliest ?? NO_EARLIEST;
}

/** Whether `event`, which has a time, has a greater one than `other`. */
function isLater(event: StampedEvent, other: StampedEvent | undefined): boolean {
  return other?.time === undefined || event.time! > other.time;
}

/**
 * The events whose recorded order is wrong, each with the event that proves it and by how much: the
 * kinds `time`, `lead` and `broken`. Of each event and kind only the worst pair is given.
 * Events must be sorted by timestamp, give or take `windowMs`, such as those of `mergeLogs`.
 *
 * Memory does not grow with the number of events. Errors, closing and the plain `for` are those of
 * `mergeLogs`.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `events` or an option is wrong
 * @example
 * const events = [
 *   { timestamp: 10n, nodeId: 'a', earliest: 9n, latest: 11n, time: 900n }, // a wrong wall clock
 *   { timestamp: 20n, nodeId: 'b', earliest: 19n, latest: 21n, time: 20n },
 * ];
 * const [inversion] = [...inversions(events)];
 * inversion.kind // 'time'
 * inversion.sizeNs // 880n
 */
export function inversions<E extends StampedEvent>(
  events: Iterable<E>,
  options?: LogOptions,
): Results<Inversion<E>>;
export function inversions<E extends StampedEvent>(
  events: Log<E>,
  options?: LogOptions,
): AsyncIterable<Inversion<E>>;
export function inversions<E extends StampedEvent>(
  events: Log<E>,
  options: LogOptions = {},
): Results<Inversion<E>> {
  return resultsOf([{ name: 'events', log: events }], options, () => new Inspection<E>());
}
