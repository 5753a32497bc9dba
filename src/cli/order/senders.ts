/**
 * Finds the event that stands for the sending of a message: the last one of its node that is not
 * above the message's timestamp. All events are kept, so this is for logs that a person looks at.
 */
import { parseStamp, type Stamp } from '../../logical/timestamp-text.ts';

interface Sent<T> {
  readonly timestamp: bigint;
  readonly event: T;
}

export class Senders<T> {
  readonly #ofNode = new Map<string, Sent<T>[]>();

  /** Adds an event of the node, in the order of its timestamps. */
  add(nodeId: string, timestamp: bigint, event: T): void {
    const sent = this.#ofNode.get(nodeId);
    if (sent === undefined) this.#ofNode.set(nodeId, [{ timestamp, event }]);
    else sent.push({ timestamp, event });
  }

  /** The senders of the messages, except those whose node logged nothing before. */
  find(messages: readonly Stamp[] = []): T[] {
    return messages.flatMap((message) => {
      const { nodeId, timestamp } = parseStamp(message);
      const sent = this.#ofNode.get(nodeId) ?? [];
      const later = firstAbove(sent, timestamp);
      return later === 0 ? [] : [sent[later - 1]!.event];
    });
  }
}

/** The index of the first event above `timestamp`; the number of events when there is none. */
function firstAbove(sent: readonly Sent<unknown>[], timestamp: bigint): number {
  let first = 0;
  let end = sent.length;
  while (first < end) {
    const middle = (first + end) >> 1;
    if (sent[middle]!.timestamp <= timestamp) first = middle + 1;
    else end = middle;
  }
  return first;
}
