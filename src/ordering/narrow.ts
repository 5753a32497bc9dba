/**
 * Puts what causality proves into the events themselves: their intervals become narrower, and
 * `from` becomes the last stamp of every other node that certainly came before.
 *
 * So `relation` of two narrowed events knows every chain of proofs between them, over any number of
 * messages, and `before` is transitive.
 */
import type { Stamp } from '../logical/timestamp-text.ts';
import type { StampedEvent } from './event.ts';
import type { Log } from './log-reader.ts';
import { type LogOptions, type Results, resultsOf, type Stage } from './merging.ts';
import { type Narrowed, NarrowedEvent } from './narrowed-event.ts';
import { type Block, causesOf, type Entry } from './narrowing.ts';

class Narrower<E extends StampedEvent> implements Stage<E, Narrowed<E>> {
  /** The stamps of other nodes that are before each event. Events without a message share them. */
  readonly #pasts = new WeakMap<Entry<E>, readonly Stamp[] | undefined>();

  arrive(entry: Entry<E>): void {
    const { from } = entry.event;
    const pasts = causesOf(entry).map((cause) => this.#pasts.get(cause));
    const past = from === undefined ? pasts[0] : lastOfEach(entry.event.nodeId, [...pasts, from]);
    this.#pasts.set(entry, past);
  }

  settle({ entries, settled }: Block<E>): Narrowed<E>[] {
    return entries
      .slice(0, settled)
      .map((entry) => new NarrowedEvent(entry, this.#pasts.get(entry)));
  }
}

/** The greatest stamp of each node but `own`. The order of stamps is that of their texts. */
function lastOfEach(own: string, stamps: readonly StampedEvent['from'][]): readonly Stamp[] {
  const last = new Map<string, Stamp>();
  for (const stamp of stamps.flat()) {
    if (stamp === undefined) continue;
    const nodeId = stamp.slice(stamp.indexOf('@') + 1);
    if (nodeId !== own && stamp > (last.get(nodeId) ?? '')) last.set(nodeId, stamp);
  }
  return [...last.values()];
}

/**
 * Narrows the interval of each event by what is certainly before and after it, and completes its
 * `from`: the last stamp of every other node that is certainly before it. Events must be sorted by
 * timestamp, give or take `windowMs`, such as those of `mergeLogs`.
 *
 * What is after an event narrows it only within the look-ahead, `maxLeadMs` plus the widest
 * interval read so far. A message is followed to its sender as far back.
 *
 * Errors, closing and the plain `for` are those of `mergeLogs`.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `events` or an option is wrong
 * @example
 * const events = [
 *   { timestamp: 10n, nodeId: 'a', earliest: 5n, latest: 15n },
 *   { timestamp: 20n, nodeId: 'b', earliest: 0n, latest: 30n, from: '0000000000000000010@a' },
 * ] as const;
 * const [sent, received] = [...narrow(events)];
 * received.earliest // 5n
 */
export function narrow<E extends StampedEvent>(
  events: Iterable<E>,
  options?: LogOptions,
): Results<Narrowed<E>>;
export function narrow<E extends StampedEvent>(
  events: Log<E>,
  options?: LogOptions,
): AsyncIterable<Narrowed<E>>;
export function narrow<E extends StampedEvent>(
  events: Log<E>,
  options: LogOptions = {},
): Results<Narrowed<E>> {
  return resultsOf([{ name: 'events', log: events }], options, () => new Narrower<E>());
}
