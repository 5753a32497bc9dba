/**
 * How far a long merge has come, on one line of a terminal. It is written over itself once a
 * second, and is gone at the end.
 */
import type { Writable } from 'node:stream';
import { formatIso } from '../../time/iso.ts';
import type { LogRecord } from './log-record.ts';

const INTERVAL_MS = 1000;
const CLEAR_LINE = '\r\x1b[K';

export class Progress {
  readonly #stream: Writable | undefined;
  readonly #nowMs: () => number;
  #shownAt: number;
  #lines = 0;
  #isShown = false;

  /** @param stream a terminal; `undefined`: nothing is shown */
  constructor(stream: Writable | undefined, nowMs: () => number) {
    this.#stream = stream;
    this.#nowMs = nowMs;
    this.#shownAt = nowMs();
  }

  /** Counts lines; the last of them is `record`. */
  advance(lines: number, record: LogRecord): void {
    this.#lines += lines;
    if (this.#stream === undefined || this.#nowMs() - this.#shownAt < INTERVAL_MS) return;
    this.#shownAt = this.#nowMs();
    this.#isShown = true;
    const at = formatIso(record.timestamp).slice(0, 19);
    this.#stream.write(`${CLEAR_LINE}${this.#lines} lines, up to ${at}`);
  }

  end(): void {
    if (this.#isShown) this.#stream?.write(CLEAR_LINE);
  }
}
