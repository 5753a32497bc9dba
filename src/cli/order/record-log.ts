/**
 * The records of one source as `mergeLogs` takes them, one by one. They come in batches, one for
 * each chunk of the source, so that a record of a stream costs no promise either.
 */
import type { LogRecord, LogSource } from './log-record.ts';

export type RecordLog = PlainLog | StreamLog;

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The records of one batch, in their order. */
class Batch {
  readonly source: LogSource;
  #records: readonly LogRecord[] = [];
  #next = 0;

  constructor(source: LogSource) {
    this.source = source;
  }

  /** The record that was taken last; `undefined` before the first. */
  get last(): LogRecord | undefined {
    return this.#records[this.#next - 1];
  }

  protected take(): IteratorYieldResult<LogRecord> | undefined {
    if (this.#next === this.#records.length) return undefined;
    return { done: false, value: this.#records[this.#next++]! };
  }

  protected fill(records: readonly LogRecord[]): void {
    if (records.length === 0) return;
    this.#records = records;
    this.#next = 0;
  }
}

/** A log that is read synchronously. It can be iterated once. */
export class PlainLog extends Batch implements IterableIterator<LogRecord> {
  readonly #batches: Iterator<readonly LogRecord[]>;

  constructor(source: LogSource, batches: Iterator<readonly LogRecord[]>) {
    super(source);
    this.#batches = batches;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<LogRecord, undefined> {
    for (;;) {
      const taken = this.take();
      if (taken !== undefined) return taken;
      const batch = this.#batches.next();
      if (batch.done) return DONE;
      this.fill(batch.value);
    }
  }

  return(): IteratorResult<LogRecord, undefined> {
    this.#batches.return?.();
    return DONE;
  }
}

/** A log that may have to be waited for. It can be iterated once. */
export class StreamLog extends Batch {
  readonly #batches: AsyncIterator<readonly LogRecord[]>;

  constructor(source: LogSource, batches: AsyncIterator<readonly LogRecord[]>) {
    super(source);
    this.#batches = batches;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Returns a record that is at hand itself, and a promise only where there is none. */
  next(): IteratorResult<LogRecord, undefined> | Promise<IteratorResult<LogRecord, undefined>> {
    return this.take() ?? this.#awaitNext();
  }

  async #awaitNext(): Promise<IteratorResult<LogRecord, undefined>> {
    for (;;) {
      const batch = await this.#batches.next();
      if (batch.done) return DONE;
      this.fill(batch.value);
      const taken = this.take();
      if (taken !== undefined) return taken;
    }
  }

  async return(): Promise<IteratorResult<LogRecord, undefined>> {
    await this.#batches.return?.();
    return DONE;
  }
}
