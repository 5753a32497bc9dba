/**
 * Puts the lines of growing files in order while they come.
 *
 * A line waits until every file had time to write what belongs before it: until a line has come
 * that is later by the window, or nothing has come during one window. So lines stand in order,
 * unless a file is written more than the window late. Such a line stands below others that belong
 * after it.
 *
 * What is certain holds for it all the same. A watermark is only about lines above: those lines of
 * earlier rounds are certainly before a line whose interval begins after all of theirs have ended.
 * (Proofs by messages and nodes go through the lines of one round only.) Groups are about lines
 * below, which have not come yet, so there are none.
 */
import { mergeLogs } from '../../ordering/merge-logs.ts';
import { nsFromMsUp } from '../../time/rounding.ts';
import type { LogRecord } from './log-record.ts';
import type { OrderedLine } from './ordered-line.ts';

export class FollowedLines {
  readonly #windowNs: bigint;
  readonly #maxLeadMs: number;
  #waiting: LogRecord[] = [];
  #greatest = -1n;
  /** How many lines stand above. */
  #above = 0;
  /** When the last of them ended; `undefined` when that is not known of each. */
  #ended: bigint | undefined = -1n;

  constructor(windowMs: number, maxLeadMs: number) {
    this.#windowNs = nsFromMsUp(windowMs);
    this.#maxLeadMs = maxLeadMs;
  }

  /** Counts a line that was printed before the files were followed. */
  printed({ latest }: Pick<OrderedLine, 'latest'>): void {
    this.#above++;
    if (latest === undefined) this.#ended = undefined;
    else if (this.#ended !== undefined && latest > this.#ended) this.#ended = latest;
  }

  /** Takes records that have come. */
  add(records: readonly LogRecord[]): void {
    for (const record of records) {
      this.#waiting.push(record);
      if (record.timestamp > this.#greatest) this.#greatest = record.timestamp;
    }
  }

  /**
   * The lines that need not wait any longer.
   *
   * @param quiet nothing has come for as long as the window
   */
  take(quiet: boolean): OrderedLine[] {
    const due = ({ timestamp }: LogRecord) => quiet || timestamp < this.#greatest - this.#windowNs;
    const taken = this.#waiting.filter(due).sort(byPlace);
    this.#waiting = this.#waiting.filter((record) => !due(record));
    const above = this.#above;
    const ended = this.#ended;
    return Array.from(
      mergeLogs([taken], { windowMs: 0, maxLeadMs: this.#maxLeadMs }),
      ({ event, earliest, latest, watermark }) => {
        this.printed({ latest });
        const afterAll = ended !== undefined && earliest !== undefined && ended < earliest;
        return {
          event,
          earliest,
          latest,
          group: undefined,
          watermark: afterAll ? above + watermark : 0,
        };
      },
    );
  }
}

function byPlace(a: LogRecord, b: LogRecord): number {
  if (a.timestamp !== b.timestamp) return a.timestamp < b.timestamp ? -1 : 1;
  return a.nodeId < b.nodeId ? -1 : a.nodeId > b.nodeId ? 1 : 0;
}
