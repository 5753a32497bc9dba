/**
 * Sorts the records of a source that is larger than memory.
 *
 * The usual way: as many records as fit in memory are sorted and written to a temporary file, a
 * *run*, and then all runs are read at once, always the least record first. A source of one run
 * needs no file.
 *
 * Records of one timestamp keep their order. Within a run the sort is stable, and of equal records
 * the one of the earlier run comes first.
 *
 * A line without a stamp is sorted by its wall time, and proves nothing within its node then.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { LineReader } from './line-reader.ts';
import type { LogRecord } from './log-record.ts';
import type { PlaceOptions } from './place-reader.ts';
import { PlainLog, type RecordLog } from './record-log.ts';

const RUN_BYTES = 32 * 1024 * 1024;
/** What a record costs besides the bytes of its line. */
const BYTES_PER_RECORD = 256;
const READ_BYTES = 256 * 1024;
const PARTS_PER_WRITE = 2048;
const LENGTH_BYTES = 4;

/** What a run keeps of a record. */
type RunRecord = Pick<
  LogRecord,
  'timestamp' | 'line' | 'bytes' | 'start' | 'end' | 'before' | 'after'
>;

/**
 * The records of `log`, sorted by timestamp.
 *
 * @param options those with which `log` was read: `unordered`
 * @param runBytes how many bytes are sorted in memory
 */
export async function sortLog(
  log: RecordLog,
  options: PlaceOptions,
  runBytes: number = RUN_BYTES,
): Promise<PlainLog> {
  const runs = new Runs();
  let records: LogRecord[] = [];
  let bytes = 0;
  try {
    for await (const record of log) {
      records.push(record);
      bytes += sizeOf(record);
      if (bytes < runBytes) continue;
      runs.write(sorted(records));
      records = [];
      bytes = 0;
    }
  } catch (error) {
    runs.remove();
    throw error;
  }
  return new PlainLog(log.source, reread(log, options, runs, sorted(records)));
}

function* reread(
  log: RecordLog,
  options: PlaceOptions,
  runs: Runs,
  last: readonly LogRecord[],
): Generator<readonly LogRecord[], void, undefined> {
  const reader = new LineReader(log.source, options);
  try {
    for (const { bytes, start, end, line, before, after } of runs.merge(last)) {
      const read: LogRecord[] = [];
      reader.read(bytes, start, end, line, read);
      yield read.map((record) => ({ ...record, before, after }));
    }
  } finally {
    runs.remove();
  }
}

function sorted(records: LogRecord[]): readonly LogRecord[] {
  return records.sort(({ timestamp: a }, { timestamp: b }) => (a < b ? -1 : a > b ? 1 : 0));
}

function sizeOf({ start, end, before, after }: LogRecord): number {
  let size = end - start + BYTES_PER_RECORD;
  for (const { length } of before) size += length + BYTES_PER_RECORD;
  for (const { length } of after) size += length + BYTES_PER_RECORD;
  return size;
}

/** Sorted runs in a temporary directory, which is made for the first one. */
class Runs {
  #directory: string | undefined;
  readonly #files: number[] = [];

  write(records: readonly RunRecord[]): void {
    this.#directory ??= mkdtempSync(join(tmpdir(), 'epsilon-clock-'));
    const file = openSync(join(this.#directory, `${this.#files.length}`), 'wx+');
    this.#files.push(file);
    let parts: Buffer[] = [];
    for (const record of records) {
      parts.push(...encode(record));
      if (parts.length < PARTS_PER_WRITE) continue;
      writeAll(file, Buffer.concat(parts));
      parts = [];
    }
    writeAll(file, Buffer.concat(parts));
  }

  /** The records of all runs and of `last`, in order. */
  *merge(last: readonly RunRecord[]): Generator<RunRecord, void, undefined> {
    const sources = [...this.#files.map((file) => decodeAll(file)), last.values()];
    const heads = sources.map((source) => source.next());
    for (;;) {
      let least = -1;
      // The runs are few. Of equal heads the first is taken, which came first.
      for (const [i, { done, value }] of heads.entries()) {
        if (done) continue;
        if (least === -1 || value.timestamp < heads[least]!.value!.timestamp) least = i;
      }
      if (least === -1) return;
      yield heads[least]!.value!;
      heads[least] = sources[least]!.next();
    }
  }

  remove(): void {
    for (const file of this.#files.splice(0)) closeSync(file);
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true });
    this.#directory = undefined;
  }
}

/** The length of the rest, and the rest. */
function encode({ timestamp, line, bytes, start, end, before, after }: RunRecord): Buffer[] {
  const body = serialize({ timestamp, line, text: bytes.subarray(start, end), before, after });
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(body.length);
  return [length, body];
}

function decode(body: Buffer): RunRecord {
  const { text, ...rest } = deserialize(body);
  return { ...rest, bytes: text, start: 0, end: text.length };
}

function* decodeAll(file: number): Generator<RunRecord, undefined, undefined> {
  let bytes: Buffer = Buffer.alloc(0);
  for (let position = 0; ; ) {
    const chunk = Buffer.alloc(READ_BYTES);
    const length = readSync(file, chunk, 0, READ_BYTES, position);
    if (length === 0) return undefined;
    position += length;
    bytes = Buffer.concat([bytes, chunk.subarray(0, length)]);
    let at = 0;
    while (bytes.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + bytes.readUInt32LE(at);
      if (end > bytes.length) break;
      yield decode(bytes.subarray(at + LENGTH_BYTES, end));
      at = end;
    }
    bytes = bytes.subarray(at);
  }
}

function writeAll(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}
