/** A line as it is printed. */
import type { UnixNs } from '../../time/instant.ts';
import type { LogRecord } from './log-record.ts';

export interface OrderedLine {
  readonly event: LogRecord;
  /** The interval that causality leaves. */
  readonly earliest: UnixNs | undefined;
  readonly latest: UnixNs | undefined;
  /** As in `Merged`; `undefined` while files are followed, because it depends on later lines. */
  readonly group: number | undefined;
  /** How many lines from the top are certainly before this one. */
  readonly watermark: number;
}

/** Prints lines in some form. */
export interface LineView {
  /** Called for every line. Only those that are `shown` are printed. */
  line(line: OrderedLine, shown: boolean): void;
  /** Called when no line follows, or none for some time. */
  end(): void;
}
