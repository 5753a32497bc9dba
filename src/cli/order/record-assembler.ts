/**
 * Bytes to records. Lines are found in the chunks as they come, and a record refers to the bytes of
 * its chunk: nothing is copied except a line that two chunks share.
 *
 * A line that is no record stays with the record before it. So a record is complete only when the
 * next one begins, or the source ends.
 *
 * Memory is bounded: a line, and the lines that stay with one record, have at most 16 MiB.
 */
import { InputError } from '../exit.ts';
import type { LineReader } from './line-reader.ts';
import type { LogRecord, LogSource } from './log-record.ts';
import { isUnbounded, StampFault, WallTimeBackError } from './place-reader.ts';
import type { Tally } from './tally.ts';

const LINE_FEED = 0x0a;
const MAX_BYTES = 2 ** 24;
/** What a line that is kept costs besides its bytes. A million empty lines are not for free. */
const BYTES_PER_STRAY = 64;
const BYTE_ORDER_MARK: Buffer = Buffer.from('\ufeff');

export class RecordAssembler {
  readonly #source: LogSource;
  readonly #reader: LineReader;
  readonly #tally: Tally;
  /** The parts of a line whose end has not come yet. */
  #partial: Buffer[] = [];
  #partialBytes = 0;
  #line = 0;
  /** All are complete but the last. */
  #records: LogRecord[] = [];
  /** The lines since the last record, or since the top of the source. */
  #strays: Buffer[] = [];
  #strayBytes = 0;

  constructor(source: LogSource, reader: LineReader, tally: Tally) {
    this.#source = source;
    this.#reader = reader;
    this.#tally = tally;
  }

  /**
   * Takes the next bytes, which must not change afterwards. Returns the records that are complete.
   *
   * @throws InputError when a line is too long, or the wall time goes back by more than the window
   */
  push(chunk: Buffer): LogRecord[] {
    let start = 0;
    if (this.#partialBytes > 0) {
      const end = chunk.indexOf(LINE_FEED);
      this.#keep(end === -1 ? chunk : chunk.subarray(0, end));
      if (end === -1) return [];
      this.#readPartial();
      start = end + 1;
    }
    for (let end = chunk.indexOf(LINE_FEED, start); end !== -1; ) {
      this.#readLine(chunk, start, end);
      start = end + 1;
      end = chunk.indexOf(LINE_FEED, start);
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    const complete = this.#records;
    this.#records = complete.splice(-1);
    return complete;
  }

  /** The records that are left at the end of the source. Its last line may lack a line end. */
  end(): LogRecord[] {
    if (this.#partialBytes > 0) this.#readPartial();
    this.#tally.end();
    return this.release();
  }

  /** The record that waits for the lines that stay with it, as far as they have come. */
  release(): LogRecord[] {
    this.#attachStrays(this.#records.length);
    const complete = this.#records;
    this.#records = [];
    return complete;
  }

  #keep(bytes: Buffer): void {
    this.#partial.push(bytes);
    this.#partialBytes += bytes.length;
    if (this.#partialBytes <= MAX_BYTES) return;
    this.#line++;
    throw this.#error('the line is longer than 16 MiB');
  }

  #readPartial(): void {
    const whole = Buffer.concat(this.#partial);
    this.#partial = [];
    this.#partialBytes = 0;
    this.#readLine(whole, 0, whole.length);
  }

  #readLine(bytes: Buffer, start: number, end: number): void {
    this.#line++;
    const text = this.#line === 1 ? start + markLength(bytes, start) : start;
    const earlier = this.#records.length;
    const read = this.#read(bytes, text, end);
    if (read === true) {
      this.#tally.record();
      for (let i = earlier; i < this.#records.length; i++) {
        if (isUnbounded(this.#records[i]!)) this.#tally.unbounded();
      }
      this.#attachStrays(earlier);
      return;
    }
    if (read instanceof StampFault) this.#tally.fault(this.#line, read.reason);
    else if (start < end) this.#tally.stray(this.#line);
    this.#strays.push(bytes.subarray(start, end));
    this.#strayBytes += end - start + BYTES_PER_STRAY;
    if (this.#strayBytes > MAX_BYTES) throw this.#error('too many lines without a stamp or a time');
  }

  #read(bytes: Buffer, start: number, end: number): boolean | StampFault {
    try {
      return this.#reader.read(bytes, start, end, this.#line, this.#records);
    } catch (error) {
      if (error instanceof WallTimeBackError) {
        throw this.#error(`${error.message}; see --window and --sort`);
      }
      throw error;
    }
  }

  /** Gives the lines without a place to the last of the `earlier` records, or else to the first. */
  #attachStrays(earlier: number): void {
    const strays = this.#strays;
    const records = this.#records;
    if (strays.length === 0 || records.length === 0) return;
    if (earlier > 0) records[earlier - 1] = { ...records[earlier - 1]!, after: strays };
    else records[0] = { ...records[0]!, before: strays };
    this.#strays = [];
    this.#strayBytes = 0;
  }

  /** An error at the line that is read now. */
  #error(message: string): InputError {
    return new InputError(`${this.#source.path}:${this.#line}: ${message}`);
  }
}

/** The length of a byte order mark at `start`: 3 or 0. */
function markLength(bytes: Buffer, start: number): number {
  const { length } = BYTE_ORDER_MARK;
  return bytes.subarray(start, start + length).equals(BYTE_ORDER_MARK) ? length : 0;
}
