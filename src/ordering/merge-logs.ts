/**
 * Merges the logs of many nodes, and says where the order is certain.
 *
 * The problem. Lines sorted by wall clock look ordered, and nobody knows where that order is true.
 *
 * The idea. The lines stand in the order of their hybrid timestamps, which never puts an effect
 * above its cause. Beside each line stands what is *proved* about the lines above it, by intervals
 * that causality has narrowed (narrowing.ts). Position alone proves nothing: a hybrid clock that a
 * peer has pushed ahead puts a line below others that certainly came later.
 *
 * - *watermark*: this many lines from the top are certainly before this line.
 * - *group*: a new group begins where every line above is certainly before this line and before all
 *   below it. In a busy log groups are long, and watermarks say more.
 *
 * Guarantee. A watermark counts only what the intervals prove. The beginning of a group also makes
 * a statement about lines that were not read yet. It looks as far ahead as `maxLeadMs` plus the
 * widest interval read so far, which narrowing.ts shows to be far enough. If a line breaks that
 * assumption, its watermark ends above its group. Lines are read `windowMs` before their turn, so
 * an interval that is wider than all before is known in time.
 */
import { ArgumentTypeError } from '../time/errors.ts';
import { NO_EARLIEST, type StampedEvent } from './event.ts';
import type { Log } from './log-reader.ts';
import { type LogOptions, type Results, resultsOf, type Stage } from './merging.ts';
import { type Narrowed, NarrowedEvent } from './narrowed-event.ts';
import type { Block, Entry } from './narrowing.ts';
import { Watermarks } from './watermarks.ts';

/** A line of merged logs. */
export interface Merged<E> extends Narrowed<E> {
  /** The group, counted from 0. A line whose group is new is certainly after all lines above. */
  readonly group: number;
  /** How many lines from the top are certainly before this one. */
  readonly watermark: number;
}

class MergedLine<E extends StampedEvent> extends NarrowedEvent<E> implements Merged<E> {
  readonly group: number;
  readonly watermark: number;

  constructor(entry: Entry<E>, group: number, watermark: number) {
    super(entry, entry.event.from);
    this.group = group;
    this.watermark = watermark;
  }
}

class Grouping<E extends StampedEvent> implements Stage<E, Merged<E>> {
  readonly #watermarks = new Watermarks();
  #group = 0;

  arrive(): void {}

  settle({ entries, settled, restEarliest }: Block<E>): Merged<E>[] {
    const lines: Merged<E>[] = [];
    for (let i = 0; i < settled; i++) {
      const entry = entries[i]!;
      const { latest } = this.#watermarks;
      if (latest < entry.earliestOn && latest !== NO_EARLIEST) this.#group++;
      lines.push(new MergedLine(entry, this.#group, this.#watermarks.countBefore(entry.earliest)));
      this.#watermarks.add(entry.node, entry.latest);
    }
    this.#watermarks.forgetBefore(restEarliest);
    return lines;
  }
}

/**
 * Merges logs by timestamp, then by node, and says of each line what is certainly before it. Every
 * log must itself be sorted by timestamp, give or take `windowMs`.
 *
 * Memory does not grow with the length of the logs, only with the number of logs and nodes. Logs
 * are read only as far as needed, and their iterators are closed however the iteration ends.
 *
 * If all logs are iterables, the result is one too: a plain `for` then makes no promises, which is
 * several times as fast. An asynchronous log is as fast if its iterator gives results at hand
 * without a promise ({@link LogIterator}).
 *
 * The iteration throws:
 *
 * - LogUnsortedError (`ERR_LOG_UNSORTED`) when a log is less sorted than `windowMs` allows
 * - ArgumentTypeError, ArgumentRangeError naming the log and the field when an event is malformed
 * - MalformedTimestampError (`ERR_TIMESTAMP_MALFORMED`) when `from` is not a stamp
 * - `signal.reason`, and what a log throws
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `logs` or an option is wrong
 * @example
 * const api = [{ timestamp: 10n, nodeId: 'api', earliest: 8n, latest: 12n }];
 * const db = [{ timestamp: 20n, nodeId: 'db', earliest: 18n, latest: 22n }];
 * for (const { event, group, watermark } of mergeLogs([api, db])) {
 *   console.log(event.nodeId, group, watermark); // 'api' 0 0, then 'db' 1 1
 * }
 */
export function mergeLogs<E extends StampedEvent>(
  logs: readonly Iterable<E>[],
  options?: LogOptions,
): Results<Merged<E>>;
export function mergeLogs<E extends StampedEvent>(
  logs: readonly Log<E>[],
  options?: LogOptions,
): AsyncIterable<Merged<E>>;
export function mergeLogs<E extends StampedEvent>(
  logs: readonly Log<E>[],
  options: LogOptions = {},
): Results<Merged<E>> {
  if (!Array.isArray(logs)) throw new ArgumentTypeError('logs', 'an array of iterables', logs);
  // `Array.from` also visits the holes of an array.
  const named = Array.from(logs, (log: Log<E>, i) => ({ name: `logs[${i}]`, log }));
  return resultsOf(named, options, () => new Grouping<E>());
}
