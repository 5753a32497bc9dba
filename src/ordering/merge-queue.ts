/**
 * Merges logs by timestamp, then by node: the one order that never breaks happened-before, is the
 * same wherever it is made, and is `ORDER BY timestamp, node` in any database.
 *
 * The logs stand in a binary heap by their next event.
 */
import type { StampedEvent } from './event.ts';
import type { LogReader } from './log-reader.ts';

export class MergeQueue<E extends StampedEvent> {
  readonly #logs: readonly LogReader<E>[];
  /** The logs that have not ended, as a heap; `undefined` until each has been read once. */
  #heap: LogReader<E>[] | undefined;
  /** Whether the event of the first log was taken, so that its place in the heap is not known. */
  #taken = false;

  constructor(logs: readonly LogReader<E>[]) {
    this.#logs = logs;
  }

  /** The width of the widest interval read so far, ns. */
  get widestNs(): bigint {
    return this.#logs.reduce((widest, log) => (log.widestNs > widest ? log.widestNs : widest), 0n);
  }

  /**
   * Reads until the next event is known.
   *
   * @returns a promise when that has to be awaited; then call again
   */
  fill(): Promise<unknown> | undefined {
    if (this.#heap !== undefined) return this.#heap[0]?.fill();
    const waits = this.#logs.map((log) => log.fill()).filter((wait) => wait !== undefined);
    if (waits.length > 0) return Promise.all(waits);
    // A sorted array is a heap.
    const open = this.#logs.filter(({ head }) => head !== undefined);
    this.#heap = open.sort((a, b) => (a.isBefore(b) ? -1 : 1));
    return undefined;
  }

  /** Takes the next event; `undefined` when all logs have ended. Only after {@link fill}. */
  next(): E | undefined {
    const heap = this.#heap!;
    if (this.#taken) {
      if (heap[0]!.head === undefined) {
        const last = heap.pop()!;
        if (heap.length > 0) heap[0] = last;
      }
      sink(heap);
    }
    const first = heap[0];
    this.#taken = first !== undefined;
    const event = first?.head;
    first?.shift();
    return event;
  }

  /** Closes every log. The promise never rejects. */
  close(): Promise<unknown> {
    return Promise.allSettled(this.#logs.map((log) => log.close()));
  }
}

/** Moves the first log of the heap down to its place. */
function sink<E extends StampedEvent>(heap: LogReader<E>[]): void {
  const moving = heap[0];
  if (moving === undefined) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]!.isBefore(heap[child]!)) child++;
    if (!heap[child]!.isBefore(moving)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = moving;
}
