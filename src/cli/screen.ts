/**
 * The live view as a pure function from the clock's state to lines of text. It needs no terminal
 * and no clock, so each line can be tested. Every line fits the width; the caller only has to put
 * the lines on the screen.
 */
import type { Explanation, SourceExplanation, SourceVerdict } from '../bounded-clock/explain.ts';
import { formatIso } from '../time/iso.ts';
import { formatElapsed, formatNs, formatOffset } from './durations.ts';
import { shortName } from './hosts.ts';
import { clip, type Paint, pad, widthOf, wrap } from './paint.ts';
import { extremes, intervalBar, sparkline } from './sparkline.ts';
import { type Column, table } from './table.ts';
import { describeParts, describeQuorum, describeReason, offsetNs, widthAdvice } from './wording.ts';

export interface View {
  /** What is being watched. The first line says what the time is true to. */
  readonly headline: readonly string[];
  readonly elapsedMs: number;
  readonly explanation: Explanation;
  /** Half-widths in ns, one per second, oldest first; `undefined` where there was no bound. */
  readonly history: readonly (bigint | undefined)[];
  /** The changes, oldest first. */
  readonly events: readonly { readonly elapsedMs: number; readonly text: string }[];
}

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

const EVENTS_SHOWN = 6;
const BAR_WIDTH = 25;
/** The width of `± 1.103 ms` with the gaps around it. */
const NOW_WIDTH = 11;
/** The width of `1.001 ms to 1.803 ms` with the gaps around it. */
const SCALE_WIDTH = 26;
const MARKS: Readonly<Record<SourceVerdict, string>> = {
  agrees: '✓',
  falseticker: '✗',
  suspect: '?',
  silent: '·',
  refused: '!',
  undecided: '·',
  pending: '·',
};

/**
 * The whole screen. When there are not enough rows, the events are left out first, then the last
 * sources.
 */
export function screen(view: View, { columns, rows }: ScreenSize, paint: Paint): string[] {
  const { headline, explanation, events } = view;
  const [first = '', ...others] = headline;
  const top = [
    ...widthAdvice(explanation)
      .flatMap((line) => wrap(line, columns))
      .map(paint.yellow),
    paint.bold(first),
    ...others.flatMap((line) => wrap(line, columns)).map(paint.dim),
    '',
    ...statusLines(view, columns, paint),
    '',
    ...sourceTable(explanation, { width: columns, paint }),
  ];
  const news = events
    .slice(-EVENTS_SHOWN)
    .map(
      ({ elapsedMs, text }) => `${paint.dim(pad(formatElapsed(elapsedMs), 8, 'right'))}  ${text}`,
    );
  const lines = top.length + 1 + news.length <= rows ? [...top, '', ...news] : top;
  return lines.slice(0, rows).map((line) => clip(line, columns));
}

function statusLines(view: View, columns: number, paint: Paint): string[] {
  const { explanation, elapsedMs } = view;
  const { reading } = explanation;
  const left = ` ${statusMark(explanation, paint)}  ${paint.dim(describeQuorum(explanation))}`;
  const right = paint.dim(formatElapsed(elapsedMs));
  const status = left + pad(right, columns - widthOf(left) - 1, 'right');
  if (reading.interval === undefined) {
    return [
      status,
      '',
      `   no interval: ${paint.yellow(reading.reason)}`,
      ...remarks(view, columns, paint),
    ];
  }
  const [earliest, latest] = [
    formatIso(reading.interval.earliest),
    formatIso(reading.interval.latest),
  ];
  const shared = sharedPrefix(earliest, latest);
  // The digits in which the two ends differ are not known.
  const instant = (text: string): string =>
    paint.bold(text.slice(0, shared)) + paint.cyan(text.slice(shared));
  return [
    status,
    '',
    `   ${paint.dim('earliest')}  ${instant(earliest)}`,
    `   ${paint.dim('latest')}    ${instant(latest)}`,
    `   ${paint.dim('epsilon')}   ${epsilonLine(view, columns - 13, paint)}`,
    `   ${paint.dim(`        = ${describeParts(explanation)}`)}`,
    ...remarks(view, columns, paint),
  ];
}

function epsilonLine({ explanation, history }: View, width: number, paint: Paint): string {
  const now = `± ${formatNs(explanation.uncertaintyNs ?? 0n, 'up')}`;
  // A fixed place for the numbers; otherwise the bars would move with every digit.
  const visible = history.slice(-Math.max(8, width - NOW_WIDTH - SCALE_WIDTH));
  const ends = extremes(visible);
  if (ends === undefined) return paint.bold(now);
  const scale = `${formatNs(ends.least, 'up')} to ${formatNs(ends.greatest, 'up')}`;
  return `${paint.bold(pad(now, NOW_WIDTH))} ${paint.cyan(sparkline(visible))}  ${paint.dim(scale)}`;
}

/** What the reader should know or do: refuted assumptions, and advice that is not on top. */
function remarks({ explanation }: View, columns: number, paint: Paint): string[] {
  const { refuted, advice } = explanation;
  const lines = advice.slice(widthAdvice(explanation).length);
  if (refuted !== undefined) {
    lines.unshift(
      `assumption ${refuted.assumption} was contradicted ${formatNs(refuted.agoNs)} ago`,
    );
  }
  return lines.flatMap((line) => wrap(line, columns - 3)).map((line) => `   ${paint.yellow(line)}`);
}

/** The status, such as `● synchronized`, in a colour that says how good it is. */
export function statusMark({ reading }: Explanation, paint: Paint): string {
  const colours = {
    synchronized: paint.green,
    holdover: paint.yellow,
    unsynchronized: paint.red,
    disrupted: paint.red,
  };
  return colours[reading.status](`● ${reading.status}`);
}

/**
 * A row for every source: verdict, reach, delay, its place relative to the bound, and the reason.
 */
export function sourceTable(
  explanation: Explanation,
  options: { readonly width: number; readonly paint: Paint },
): string[] {
  const { paint } = options;
  const { sources, reading } = explanation;
  const half = (source: SourceExplanation): string =>
    source.interval === undefined
      ? ''
      : formatNs((source.interval.latest - source.interval.earliest + 1n) / 2n, 'up');
  const colour = ({ verdict }: SourceExplanation): ((text: string) => string) => {
    if (verdict === 'agrees') return paint.green;
    if (verdict === 'falseticker') return paint.red;
    return paint.yellow;
  };
  const columns: Column<SourceExplanation>[] = [
    { title: ' ', cell: (s) => ` ${colour(s)(MARKS[s.verdict])}` },
    { title: 'source', cell: (s) => shortName(s.sourceId) },
    { title: 'verdict', cell: (s) => colour(s)(s.verdict) },
    { title: 'reach', cell: (s) => reachBits(s), expendable: 2 },
    {
      title: 'delay',
      cell: (s) => (s.lastDelayNs === undefined ? '' : formatNs(s.lastDelayNs, 'up')),
      align: 'right',
      expendable: 1,
    },
    {
      title: 'offset',
      cell: (s) => {
        const offset = offsetNs(s, explanation);
        return offset === undefined ? '' : formatOffset(offset);
      },
      align: 'right',
    },
    { title: '±', cell: half, align: 'right', expendable: 6 },
  ];
  if (reading.interval !== undefined) {
    columns.push({
      title: pad('┊bound┊'.padStart(16), BAR_WIDTH),
      cell: (s) =>
        s.interval === undefined
          ? ''
          : colour(s)(intervalBar(s.interval, reading.interval, BAR_WIDTH)),
      expendable: 5,
    });
  }
  if (sources.some((s) => s.sourceId !== s.sourceName)) {
    columns.splice(2, 0, { title: 'name', cell: (s) => shortName(s.sourceName), expendable: 4 });
  }
  if (sources.some((s) => describeReason(s) !== '')) {
    columns.push({ title: 'reason', cell: describeReason, expendable: 3 });
  }
  return table(sources, columns, options);
}

/** The last eight polls, newest on the right. A full square is an accepted sample. */
export function reachBits({ reach, accepted, misses }: SourceExplanation): string {
  const polls = Object.values(misses).reduce((sum, count) => sum + count, accepted);
  const shown = Math.min(8, polls);
  let bits = '';
  for (let i = shown - 1; i >= 0; i--) bits += (reach >> i) & 1 ? '▪' : '▫';
  return bits;
}

function sharedPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
