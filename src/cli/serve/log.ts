/**
 * The log of the daemon: JSON lines, one per change.
 *
 * Each line has `ts`, `level` and `event`; docs/guides/one-clock-per-host.md lists the events.
 * Fields are added, never removed.
 *
 * A source that flaps would fill a disk with lines that say nothing new. So the lines about the
 * clock are limited per minute. Those that are left out are counted, and a line at the end of the
 * minute says how many there were and what the state is now: the log never ends with an old state.
 */
import type { Cancel, Clock } from '../../time/clock.ts';
import { formatIso } from '../../time/iso.ts';
import { json } from '../report.ts';

export type Level = 'info' | 'warn' | 'error';
export type Fields = Readonly<Record<string, unknown>>;

const WINDOW_MS = 60_000;
/** Lines about the clock per minute. A start with a dozen sources needs fewer. */
export const MAX_LINES_PER_WINDOW = 60;

export class Log {
  readonly #print: (line: string) => void;
  readonly #clock: Clock;
  readonly #state: () => Fields;
  #lines = 0;
  #left = 0;
  #cancelWindow: Cancel | undefined;

  /** @param state what the state is now, for the line behind a flood */
  constructor(print: (line: string) => void, clock: Clock, state: () => Fields) {
    this.#print = print;
    this.#clock = clock;
    this.#state = state;
  }

  write(level: Level, event: string, fields: Fields = {}): void {
    const ts = formatIso(this.#clock.wallNs());
    this.#print(json({ ts, level, event, ...fields }));
  }

  /** As `write`, but at most {@link MAX_LINES_PER_WINDOW} a minute. */
  writeLimited(level: Level, event: string, fields: Fields): void {
    this.#cancelWindow ??= this.#clock.setTimer(WINDOW_MS, () => this.#endWindow(), {
      background: true,
    });
    if (this.#lines === MAX_LINES_PER_WINDOW) {
      this.#left++;
      return;
    }
    this.#lines++;
    this.write(level, event, fields);
  }

  /** Ends the timer. */
  close(): void {
    this.#cancelWindow?.();
    this.#endWindow();
  }

  #endWindow(): void {
    const left = this.#left;
    this.#cancelWindow = undefined;
    [this.#lines, this.#left] = [0, 0];
    if (left > 0) this.write('warn', 'suppressed', { lines: left, ...this.#state() });
  }
}
