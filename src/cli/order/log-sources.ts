/**
 * Opens the logs that the user named, and reads their records.
 *
 * A plain file is read synchronously, in large chunks, so that no record costs a promise. Standard
 * input and pipes may keep us waiting, and Node unpacks gzip as a stream, so these are read
 * asynchronously.
 *
 * gzip is known by its first two bytes, whatever the name of the file.
 */
import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { nodeIdFrom } from '../../logical/node-id.ts';
import { InputError } from '../exit.ts';
import { LineReader } from './line-reader.ts';
import type { LogRecord, LogSource } from './log-record.ts';
import type { PlaceOptions } from './place-reader.ts';
import { RecordAssembler } from './record-assembler.ts';
import { PlainLog, type RecordLog, StreamLog } from './record-log.ts';
import type { Tally } from './tally.ts';

/** How much of a file is read at once. */
export const CHUNK_BYTES: number = 256 * 1024;
const STDIN = '-';

/**
 * The sources for paths from the command line. The label of a file is its name up to the first
 * dot: `api-1` for `logs/api-1.ndjson.gz`. Files of one name in several folders get their path, and
 * a file that is named twice gets a number. A colon becomes `-`.
 */
export function logSources(paths: readonly string[]): LogSource[] {
  const names = paths.map((path) =>
    path === STDIN ? 'stdin' : basename(path).replace(/(?<=.)\..*/, ''),
  );
  const taken = new Set<string>();
  return paths.map((path, i) => {
    const unique = names.indexOf(names[i]!) === names.lastIndexOf(names[i]!);
    const label = nodeIdFrom(unique ? names[i]! : path).replaceAll(':', '-');
    let free = label;
    for (let n = 2; taken.has(free); n++) free = nodeIdFrom(label, n);
    taken.add(free);
    return { path, label: free };
  });
}

/** Opens a source. {@link RecordLog} says how it is read. */
export function openLog(source: LogSource, options: PlaceOptions, tally: Tally): RecordLog {
  const assembler = new RecordAssembler(source, new LineReader(source, options), tally);
  if (source.path === STDIN) return streamLog(process.stdin, source, assembler);
  const fd = inputErrors(source, () => openSync(source.path, 'r'));
  const stat = inputErrors(source, () => fstatSync(fd));
  if (stat.isDirectory()) throw new InputError(`${source.path} is a directory; name its files`);
  if (!stat.isFile()) {
    return streamLog(createReadStream('', { fd }), source, assembler);
  }
  const start = Buffer.alloc(2);
  inputErrors(source, () => readSync(fd, start, 0, start.length, 0));
  if (isGzip(start)) return streamLog(createReadStream('', { fd, start: 0 }), source, assembler);
  return new PlainLog(source, batchesOfFile(fd, source, assembler));
}

function* batchesOfFile(
  fd: number,
  source: LogSource,
  assembler: RecordAssembler,
): Generator<readonly LogRecord[], void, undefined> {
  try {
    for (;;) {
      // A new buffer each time, because the records refer to it.
      const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      const length = inputErrors(source, () => readSync(fd, chunk, 0, CHUNK_BYTES, null));
      if (length === 0) break;
      yield assembler.push(chunk.subarray(0, length));
    }
    yield assembler.end();
  } finally {
    closeSync(fd);
  }
}

function streamLog(stream: Readable, source: LogSource, assembler: RecordAssembler): RecordLog {
  return new StreamLog(source, batchesOfStream(stream, source, assembler));
}

async function* batchesOfStream(
  stream: Readable,
  source: LogSource,
  assembler: RecordAssembler,
): AsyncGenerator<readonly LogRecord[], void, undefined> {
  let failure: unknown;
  try {
    for await (const chunk of unpacked(stream)) yield assembler.push(chunk);
  } catch (error) {
    if (error instanceof InputError) throw error;
    // What came before the failure goes out first, so that no line is lost.
    failure = asInputError(source, error);
  }
  yield assembler.end();
  if (failure !== undefined) throw failure;
}

/** The bytes of `stream`, unpacked if they are gzip. */
async function* unpacked(stream: Readable): AsyncGenerator<Buffer, void, undefined> {
  const chunks: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done) return;
  const all = async function* (): AsyncGenerator<Buffer, void, undefined> {
    yield first.value;
    for await (const chunk of { [Symbol.asyncIterator]: () => chunks }) yield chunk;
  };
  // The callback is required. The error is thrown to the loop over the chunks.
  if (isGzip(first.value)) yield* pipeline(all, createGunzip(), () => {});
  else yield* all();
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Runs `read`, and names the source in the system's message. */
export function inputErrors<T>(source: LogSource, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw asInputError(source, error);
  }
}

function asInputError(source: LogSource, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  return new InputError(`${source.path}: ${error.message}`);
}
