/**
 * `--check`: the lines whose recorded order is certainly wrong, each with its proof and size.
 */
import type { Inversion } from '../../ordering/inversions.ts';
import { formatNs } from '../durations.ts';
import { json } from '../report.ts';
import { type LogRecord, whereIs } from './log-record.ts';

type Kind = Inversion<LogRecord>['kind'];

const CONTRADICTIONS: Readonly<Record<Kind, string>> = {
  time: 'its time says otherwise',
  lead: 'its timestamp says otherwise',
  broken: 'which must not be',
};

const PROOFS: Readonly<Record<Inversion<LogRecord>['because'], string>> = {
  'same-node': 'by their node',
  message: 'by a message',
  interval: 'by their intervals',
};

/** Counts inversions, and puts each into words. */
export class Check {
  readonly #maxLeadNs: bigint;
  readonly #counts = new Map<Kind, { count: number; greatestNs: bigint }>();

  constructor(maxLeadNs: bigint) {
    this.#maxLeadNs = maxLeadNs;
  }

  /** Counts an inversion, and returns a line that describes it. */
  describe(inversion: Inversion<LogRecord>, asJson: boolean): string {
    const { kind, earlier, later, because, sizeNs } = inversion;
    const seen = this.#counts.get(kind) ?? { count: 0, greatestNs: 0n };
    const greatestNs = sizeNs > seen.greatestNs ? sizeNs : seen.greatestNs;
    this.#counts.set(kind, { count: seen.count + 1, greatestNs });
    if (asJson) {
      const place = (record: LogRecord) => ({
        file: record.source.path,
        line: record.line,
        node: record.nodeId,
        hlc: record.timestamp,
      });
      return json({
        kind,
        earlier: earlier && place(earlier),
        later: place(later),
        because,
        sizeNs,
      });
    }
    const first =
      earlier === undefined ? `the message ${later.from?.join(', ')}` : described(earlier);
    const certain = `${first} is certainly before ${described(later)} ${PROOFS[because]}`;
    return `${kind.padEnd(6)} ${formatNs(sizeNs, 'up').padStart(9)}  ${certain}; ${CONTRADICTIONS[kind]}`;
  }

  /** What was found, in one line. */
  get summary(): string {
    const parts = (['time', 'lead', 'broken'] as const).map((kind) => {
      const { count, greatestNs } = this.#counts.get(kind) ?? { count: 0, greatestNs: 0n };
      return `${kind} ${count}${count === 0 ? '' : ` (up to ${formatNs(greatestNs, 'up')})`}`;
    });
    return `lines out of order: ${parts.join(', ')}`;
  }

  /**
   * Whether something was found that correct clocks do not do. A wall clock may be off, and a
   * hybrid clock may be ahead by its limit.
   */
  get failed(): boolean {
    const lead = this.#counts.get('lead')?.greatestNs ?? 0n;
    return this.#counts.has('broken') || lead > this.#maxLeadNs;
  }
}

function described(record: LogRecord): string {
  return `${whereIs(record)} (${record.nodeId})`;
}
