/**
 * A file that another program writes to. What is there can be read as a log, and later, again and
 * again, what has come since.
 *
 * When the file is replaced by another one of its name (a log was rotated), the rest of the old one
 * is read and then the new one. When it becomes shorter, it is read from its beginning.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { LineReader } from './line-reader.ts';
import type { LogRecord, LogSource } from './log-record.ts';
import { CHUNK_BYTES, inputErrors } from './log-sources.ts';
import type { PlaceOptions } from './place-reader.ts';
import { RecordAssembler } from './record-assembler.ts';
import type { Tally } from './tally.ts';

export class GrowingFile {
  readonly source: LogSource;
  readonly #assembler: RecordAssembler;
  #fd: number;
  #position = 0;

  constructor(source: LogSource, options: PlaceOptions, tally: Tally) {
    this.source = source;
    this.#assembler = new RecordAssembler(source, new LineReader(source, options), tally);
    this.#fd = inputErrors(source, () => openSync(source.path, 'r'));
  }

  /** The records that are there now. The last one may not be complete: {@link release} gives it. */
  *read(): Generator<readonly LogRecord[], void, undefined> {
    for (;;) {
      yield* this.#readOpenFile();
      if (!this.#isReplaced()) return;
      closeSync(this.#fd);
      this.#fd = inputErrors(this.source, () => openSync(this.source.path, 'r'));
      this.#position = 0;
    }
  }

  /** The record that may not be complete. Lines that still come for it go to the next record. */
  release(): readonly LogRecord[] {
    return this.#assembler.release();
  }

  close(): void {
    closeSync(this.#fd);
  }

  *#readOpenFile(): Generator<readonly LogRecord[], void, undefined> {
    if (fstatSync(this.#fd).size < this.#position) this.#position = 0;
    for (;;) {
      // A new buffer each time, because the records refer to it.
      const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      const length = inputErrors(this.source, () =>
        readSync(this.#fd, chunk, 0, CHUNK_BYTES, this.#position),
      );
      if (length === 0) return;
      this.#position += length;
      yield this.#assembler.push(chunk.subarray(0, length));
    }
  }

  #isReplaced(): boolean {
    const now = statSync(this.source.path, { throwIfNoEntry: false });
    return now !== undefined && now.ino !== fstatSync(this.#fd).ino;
  }
}
