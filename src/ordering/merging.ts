/**
 * What the functions over logs have in common: read the logs, merge them, narrow the intervals, and
 * hand each block of settled events to a stage that makes the results.
 *
 * Logs are read only as far as the next result needs. With logs that are not asynchronous there is
 * no promise anywhere.
 */
import { ArgumentTypeError, checkMethods, checkNumber } from '../time/errors.ts';
import { checkOptionNames } from '../time/options.ts';
import { nsFromMsDown } from '../time/rounding.ts';
import type { StampedEvent } from './event.ts';
import { type Log, LogReader } from './log-reader.ts';
import { MergeQueue } from './merge-queue.ts';
import { type Block, type Entry, Narrowing } from './narrowing.ts';

/** Options of the functions that read logs. */
export interface LogOptions {
  /**
   * A log may be unsorted by up to this much, ms; it is then sorted. 0 to 86,400,000, default 5000.
   * 0 is for logs that are sorted. Longer windows keep more events in memory, up to 4096 a log.
   */
  readonly windowMs?: number | undefined;
  /**
   * How far a timestamp may be ahead of the middle of its event's interval, ms: the largest
   * `maxRemoteAheadMs` of the hybrid clocks. 0 to 86,400,000, default 500.
   */
  readonly maxLeadMs?: number | undefined;
  /** Ends the reading: the next result is then an error, the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Makes results of events that are in order and narrowed. */
export interface Stage<E, R> {
  /** Called with each event in order, when nothing after it is known. */
  arrive(entry: Entry<E>): void;
  /** The results of the settled events. */
  settle(block: Block<E>): readonly R[];
}

const NAMES: Readonly<Record<keyof LogOptions, true>> = {
  windowMs: true,
  maxLeadMs: true,
  signal: true,
};
const DEFAULT_WINDOW_MS = 5000;
/** The default `maxRemoteAheadMs` of a hybrid clock. */
const DEFAULT_MAX_LEAD_MS = 500;
const DAY_MS = 86_400_000;

/** Results that can be iterated with `for` and with `for await`. */
export interface Results<R> extends Iterable<R>, AsyncIterable<R> {}

/** Logs, and what errors call each of them. */
export interface NamedLog<E> {
  readonly name: string;
  readonly log: Log<E>;
}

/**
 * Every iteration begins anew, with a stage of its own.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when a log or an option is wrong
 */
export function resultsOf<E extends StampedEvent, R>(
  logs: readonly NamedLog<E>[],
  options: LogOptions,
  newStage: () => Stage<E, R>,
): Results<R> {
  for (const { name, log } of logs) {
    if (isIterable(log, Symbol.iterator) || isIterable(log, Symbol.asyncIterator)) continue;
    throw new ArgumentTypeError(name, 'an iterable or async iterable of events', log);
  }
  checkOptionNames(options, NAMES);
  const { windowMs = DEFAULT_WINDOW_MS, maxLeadMs = DEFAULT_MAX_LEAD_MS, signal } = options;
  const windowNs = nsFromMsDown(checkNumber('windowMs', windowMs, 0, DAY_MS));
  const maxLeadNs = nsFromMsDown(checkNumber('maxLeadMs', maxLeadMs, 0, DAY_MS));
  if (signal !== undefined) checkMethods('signal', 'an AbortSignal', signal, ['throwIfAborted']);
  const run = (): Run<E, R> => {
    const readers = logs.map(({ name, log }, i) => new LogReader(log, name, i, windowNs));
    return new Run(new MergeQueue(readers), new Narrowing(maxLeadNs), newStage());
  };
  return {
    [Symbol.iterator]: () => {
      for (const { name, log } of logs) {
        if (isIterable(log, Symbol.iterator)) continue;
        throw new ArgumentTypeError(name, 'an iterable, or iterated by `for await`', log);
      }
      return results(run(), signal);
    },
    [Symbol.asyncIterator]: () => asyncResults(run(), signal),
  };
}

function isIterable(log: unknown, method: symbol): boolean {
  return (
    typeof log === 'object' &&
    typeof (log as Record<symbol, unknown> | null)?.[method] === 'function'
  );
}

/** One iteration. */
class Run<E extends StampedEvent, R> {
  readonly #queue: MergeQueue<E>;
  readonly #narrowing: Narrowing<E>;
  readonly #stage: Stage<E, R>;
  /** What the last `advance` came to. */
  results: readonly R[] = [];
  ended = false;

  constructor(queue: MergeQueue<E>, narrowing: Narrowing<E>, stage: Stage<E, R>) {
    this.#queue = queue;
    this.#narrowing = narrowing;
    this.#stage = stage;
  }

  /**
   * Goes on until there are results, or until all logs have ended.
   *
   * @returns a promise when that has to be awaited; then call again
   */
  advance(): Promise<unknown> | undefined {
    this.results = [];
    while (this.results.length === 0 && !this.ended) {
      const wait = this.#queue.fill();
      if (wait !== undefined) return wait;
      this.#take(this.#queue.next());
    }
    return undefined;
  }

  close(): Promise<unknown> {
    return this.#queue.close();
  }

  #take(event: E | undefined): void {
    if (event === undefined) {
      this.ended = true;
      this.results = this.#stage.settle(this.#narrowing.end());
      return;
    }
    const entry = this.#narrowing.add(event);
    this.#stage.arrive(entry);
    if (!this.#narrowing.isDue(entry)) return;
    this.results = this.#stage.settle(this.#narrowing.pass(this.#queue.widestNs));
  }
}

function* results<E extends StampedEvent, R>(
  run: Run<E, R>,
  signal: AbortSignal | undefined,
): Generator<R, void, undefined> {
  try {
    while (!run.ended) {
      run.advance();
      for (const result of run.results) {
        signal?.throwIfAborted();
        yield result;
      }
    }
  } finally {
    run.close();
  }
}

async function* asyncResults<E extends StampedEvent, R>(
  run: Run<E, R>,
  signal: AbortSignal | undefined,
): AsyncGenerator<R, void, undefined> {
  try {
    while (!run.ended) {
      signal?.throwIfAborted();
      for (let wait = run.advance(); wait; wait = run.advance()) await untilAborted(wait, signal);
      for (const result of run.results) {
        signal?.throwIfAborted();
        yield result;
      }
    }
  } finally {
    await run.close();
  }
}

/** Settles as `promise` does, or rejects with the signal's reason if the signal aborts first. */
function untilAborted(
  promise: Promise<unknown>,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.finally(() => signal.removeEventListener('abort', onAbort)).then(resolve, reject);
  });
}
