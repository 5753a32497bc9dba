/** `--why`: the chain of proofs that puts one line before another, or why there is none. */
import { explainOrder } from '../../ordering/explain-order.ts';
import { formatIso } from '../../time/iso.ts';
import { InputError } from '../exit.ts';
import { type LogRecord, whereIs } from './log-record.ts';
import type { LinePlace } from './order-arguments.ts';
import { summaryOf } from './record-fields.ts';

const BECAUSE = {
  'same-node': 'the same node logged it later',
  message: 'it is the receipt of a message that was sent later than that',
  interval: 'their intervals do not overlap',
} as const;

const UNDECIDED = {
  overlap: 'no message leads from one to the other, and their intervals overlap or are not known',
  contradiction: 'there are proofs of both orders, so a clock or a bound is wrong: see --check',
  'same-event': 'both are the same event',
} as const;

/**
 * The answer, as lines of text.
 *
 * @throws InputError when one of the lines is not a record
 */
export function whyLines(
  records: readonly LogRecord[],
  [first, second]: readonly [LinePlace, LinePlace],
): string[] {
  const a = recordAt(records, first);
  const b = recordAt(records, second);
  const explanation = explainOrder(records, a, b);
  const { order, steps } = explanation;
  if (order === 'undecided') {
    return [
      `${whereIs(a)} and ${whereIs(b)} are undecided: ${UNDECIDED[explanation.reason]}`,
      described(a),
      described(b),
    ];
  }
  const start = order === 'before' ? a : b;
  return [
    `${whereIs(a)} is certainly ${order} ${whereIs(b)}`,
    described(start),
    ...steps.flatMap(({ later, because }) => [
      `  before, because ${BECAUSE[because]}:`,
      described(later),
    ]),
  ];
}

function recordAt(records: readonly LogRecord[], { path, line }: LinePlace): LogRecord {
  const found = records.find((record) => record.source.path === path && record.line === line);
  if (found === undefined) throw new InputError(`${path}:${line}: there is no record on this line`);
  return found;
}

function described(record: LogRecord): string {
  const { earliest, latest, nodeId } = record;
  const interval =
    earliest === undefined || latest === undefined
      ? 'no interval'
      : `${formatIso(earliest)} to ${formatIso(latest)}`;
  return `${whereIs(record)}  ${nodeId}  ${interval}  ${summaryOf(record).message}`;
}
