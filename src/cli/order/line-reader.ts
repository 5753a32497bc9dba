/**
 * Reads the records of one line, whatever logger wrote it. Each line tells by itself:
 *
 * - A JSON object with a stamp or a time at its top level: pino, bunyan, winston and many others.
 * - A journal entry (`journalctl -o json`). If its MESSAGE is a JSON object, the program under
 *   systemd logged that object, and it is read instead. The journal's own time stands in when it
 *   has none.
 * - A batch of OpenTelemetry logs or spans: many records (otlp.ts).
 */
import { FieldScanner, isString } from './field-scanner.ts';
import type { LogRecord, LogSource } from './log-record.ts';
import { otlpRecords } from './otlp.ts';
import { type PlaceOptions, PlaceReader, StampFault } from './place-reader.ts';

const JOURNAL_TIME = 0;
const MESSAGE = 1;
const HOSTNAME = 2;
const RESOURCE_LOGS = 3;
const RESOURCE_SPANS = 4;
const OUTER_NAMES = [
  '__REALTIME_TIMESTAMP',
  'MESSAGE',
  '_HOSTNAME',
  'resourceLogs',
  'resourceSpans',
];

export class LineReader {
  readonly #places: PlaceReader;
  readonly #outer = new FieldScanner(OUTER_NAMES);

  constructor(source: LogSource, options: PlaceOptions) {
    this.#places = new PlaceReader(source, options);
  }

  /**
   * Adds the records in `bytes` from `start` to `end` to `into`.
   *
   * @param line the number of the line
   * @returns `true` when there are any, `false` when the line is no record, or why its stamp cannot
   *   be used
   * @throws WallTimeBackError when its wall time goes back by more than the window
   */
  read(
    bytes: Buffer,
    start: number,
    end: number,
    line: number,
    into: LogRecord[],
  ): boolean | StampFault {
    const record = this.#places.read(bytes, start, end, line);
    if (record instanceof StampFault) return record;
    if (record !== undefined) {
      into.push(record);
      return true;
    }
    if (!this.#outer.scan(bytes, start, end)) return false;
    const { starts } = this.#outer;
    if (starts[JOURNAL_TIME] !== -1) return this.#journal(bytes, start, end, line, into);
    if (starts[RESOURCE_LOGS] === -1 && starts[RESOURCE_SPANS] === -1) return false;
    try {
      return this.#otlp(bytes, start, end, line, into);
    } catch (error) {
      if (error instanceof RangeError) return false; // nested too deeply for JSON.stringify
      throw error;
    }
  }

  #journal(
    bytes: Buffer,
    start: number,
    end: number,
    line: number,
    into: LogRecord[],
  ): boolean | StampFault {
    const name = this.#outerText(HOSTNAME, bytes) || undefined;
    const origin = { name, oneClock: true, inOrder: true };
    const message = Buffer.from(this.#outerText(MESSAGE, bytes) ?? '');
    const time = Buffer.from(JSON.stringify({ time: this.#outerText(JOURNAL_TIME, bytes) }));
    const record =
      this.#places.read(message, 0, message.length, line, origin) ??
      this.#places.read(time, 0, time.length, line, origin);
    if (record instanceof StampFault) return record;
    if (record === undefined) return false;
    into.push({ ...record, bytes, start, end });
    return true;
  }

  #otlp(
    bytes: Buffer,
    start: number,
    end: number,
    line: number,
    into: LogRecord[],
  ): boolean | StampFault {
    const batch = otlpRecords(bytes.toString('utf8', start, end));
    if (batch === undefined) return false;
    const found: LogRecord[] = [];
    for (const { text, flat, origin } of batch) {
      const fields = Buffer.from(JSON.stringify(flat));
      const record = this.#places.read(fields, 0, fields.length, line, origin);
      // A batch is taken as a whole or not at all, so that no part of the line is lost or doubled.
      if (record instanceof StampFault) return record;
      if (record === undefined) return false;
      const alone = batch.length === 1 ? bytes.subarray(start, end) : Buffer.from(text);
      found.push({ ...record, bytes: alone, start: 0, end: alone.length });
    }
    // Not spread into one call: a batch may have more records than a call may have arguments.
    for (const record of found) into.push(record);
    return found.length > 0;
  }

  /** The text of a string field of the outer object; `undefined` for anything else. */
  #outerText(index: number, bytes: Buffer): string | undefined {
    const start = this.#outer.starts[index]!;
    if (start === -1 || !isString(bytes, start)) return undefined;
    try {
      return JSON.parse(bytes.toString('utf8', start, this.#outer.ends[index]!)) as string;
    } catch {
      return undefined; // a control character, which JSON does not allow in a string
    }
  }
}
