/**
 * Lines of pino, bare and with each form of a stamp. A program has one form, so each has a process
 * of its own.
 *
 * The loop logs some hundred lines in each millisecond. A stamped line that is the first of its
 * millisecond costs more.
 */
import { HybridClock } from 'epsilon-clock';
import { stampLines } from 'epsilon-clock/pino';
import { type LoggerOptions, pino } from 'pino';
import type { Row } from '../row.ts';
import { boundedClock } from '../worlds.ts';
import { kept, MASK } from './kept.ts';

function row(id: string, operation: string, options: LoggerOptions): Row {
  const log = pino(options, {
    // V8 joins the parts of a line when it is read, which every real destination does.
    write(line) {
      kept[line.charCodeAt(0) & MASK] = line;
    },
  });
  return { id, operation, run: () => log.info('order taken'), batch: 100, baseline: 'log.bare' };
}

export function bareLines(): Row[] {
  return [row('log.bare', "`log.info('order taken')`", {})];
}

async function stamped(fields: 'full' | 'compact' | 'hlc', xBaseline: number): Promise<Row[]> {
  const { clock } = await boundedClock(5);
  const hlc = new HybridClock({ clock, nodeId: 'orders-3' });
  const options = stampLines({ hlc, clock, fields });
  return [
    {
      ...row(`log.${fields}`, `the same, \`fields: '${fields}'\``, options),
      target: { xBaseline },
    },
  ];
}

export const hlcLines = (): Promise<Row[]> => stamped('hlc', 1.1);
export const compactLines = (): Promise<Row[]> => stamped('compact', 1.2);
export const fullLines = (): Promise<Row[]> => stamped('full', 1.4);
