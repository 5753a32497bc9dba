/**
 * The view where nothing can be redrawn (a pipe, a log): one line per second that is complete in
 * itself.
 */
import type { Explanation } from '../bounded-clock/explain.ts';
import { asUnixNs } from '../time/instant.ts';
import { formatIso } from '../time/iso.ts';
import { formatElapsed, formatNs, formatOffset } from './durations.ts';
import { shortName } from './hosts.ts';
import { type Paint, pad } from './paint.ts';
import { statusMark } from './screen.ts';
import { offsetNs } from './wording.ts';

/**
 * Time since the start, status, the middle of the interval, epsilon, and the sources that do not
 * agree.
 */
export function statusLine(explanation: Explanation, elapsedMs: number, paint: Paint): string {
  const { reading, sources } = explanation;
  const said =
    reading.interval !== undefined
      ? [readingText(explanation), `${count(explanation)} of ${sources.length} agree`]
      : [paint.yellow(reading.reason)];
  const others = sources
    .filter(({ verdict }) => verdict !== 'agrees')
    .map((source) => {
      const offset = offsetNs(source, explanation);
      const where = offset === undefined ? '' : ` ${formatOffset(offset)}`;
      const text = `${shortName(source.sourceId)} ${source.verdict}${where}`;
      return source.verdict === 'falseticker' ? paint.red(text) : paint.yellow(text);
    });
  const time = paint.dim(pad(formatElapsed(elapsedMs), 8, 'right'));
  return `${time}  ${[statusMark(explanation, paint), ...said, ...others].join('  ')}`;
}

/** The reading, such as `2026-11-21T00:23:07.534418003Z ± 1.103 ms`; empty without a bound. */
export function readingText({ reading }: Explanation): string {
  if (reading.interval === undefined) return '';
  const { earliest, latest } = reading.interval;
  const middle = asUnixNs((earliest + latest) >> 1n);
  // Half a width is not always a whole number of ns. The middle is rounded down, so the upper half
  // is the larger one.
  return `${formatIso(middle)} ± ${formatNs(latest - middle, 'up')}`;
}

function count({ sources }: Explanation): number {
  return sources.filter(({ verdict }) => verdict === 'agrees').length;
}
