/** One event of a log: its line, and what is known of its place in time. */
import type { HlcTimestamp } from '../../logical/timestamp.ts';
import type { Stamp } from '../../logical/timestamp-text.ts';
import type { UnixNs } from '../../time/instant.ts';

/** A file or standard input, as the user named it. */
export interface LogSource {
  /** The path on the command line; `-` is standard input. */
  readonly path: string;
  /** The name of the node when a line names none. Unique among the sources of one command. */
  readonly label: string;
}

/** Its fields from `timestamp` to `time` are its place in time, as `mergeLogs` takes it. */
export interface LogRecord {
  readonly timestamp: HlcTimestamp;
  readonly nodeId: string;
  readonly earliest: UnixNs | undefined;
  readonly latest: UnixNs | undefined;
  /** The stamps of the messages whose receipt the line logs. */
  readonly from: readonly Stamp[] | undefined;
  /** `false`: its place says nothing of its order among the lines of its node. */
  readonly ordered: false | undefined;
  /** The time by the host's own clock; `undefined` also for a stamped line if nobody asked. */
  readonly time: UnixNs | undefined;
  readonly source: LogSource;
  /** The number of the line in its source, from 1. */
  readonly line: number;
  /** The line is `bytes` from `start` to `end`, without its line end. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Lines at the top of the source that come before its first record. */
  readonly before: readonly Buffer[];
  /** The lines after it that are no records, such as those of a stack trace. */
  readonly after: readonly Buffer[];
}

/** `before` and `after` of most records. */
export const NO_LINES: readonly Buffer[] = [];

/** `file:line`, as the user may name the record. */
export function whereIs(record: LogRecord): string {
  return `${record.source.path}:${record.line}`;
}
