/** Reads the text of a log as the command reads a file. */
import { LineReader } from '../../../src/cli/order/line-reader.ts';
import type { LogRecord, LogSource } from '../../../src/cli/order/log-record.ts';
import type { PlaceOptions } from '../../../src/cli/order/place-reader.ts';
import { RecordAssembler } from '../../../src/cli/order/record-assembler.ts';
import { Tally } from '../../../src/cli/order/tally.ts';

export const SOURCE: LogSource = { path: 'logs/api.ndjson', label: 'api' };

export const OPTIONS: PlaceOptions = {
  fields: {},
  uncertaintyNs: new Map(),
  uncertaintyUsed: new Set(),
  keepTime: true,
  windowNs: 5_000_000_000n,
  unordered: false,
};

/** An assembler for {@link SOURCE}, and the tally of what it reads. */
export function assembler(options: Partial<PlaceOptions> = {}): {
  records: RecordAssembler;
  tally: Tally;
} {
  const tally = new Tally(SOURCE);
  const reader = new LineReader(SOURCE, { ...OPTIONS, ...options });
  return { records: new RecordAssembler(SOURCE, reader, tally), tally };
}

/** All records of a log with this text. */
export function readLog(
  text: string | Buffer,
  options: Partial<PlaceOptions> = {},
): { records: LogRecord[]; remarks: string[] } {
  const { records, tally } = assembler(options);
  return {
    records: [...records.push(Buffer.from(text)), ...records.end()],
    remarks: tally.remarks(),
  };
}

/** The one record of a log of one line. */
export function readLine(line: object | string, options: Partial<PlaceOptions> = {}): LogRecord {
  const { records } = readLog(typeof line === 'string' ? line : JSON.stringify(line), options);
  if (records.length !== 1) throw new Error(`${records.length} records`);
  return records[0]!;
}

export const lineOf = ({ bytes, start, end }: LogRecord): string =>
  bytes.toString('utf8', start, end);
