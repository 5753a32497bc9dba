/** The table of sources: each one's vote, and its interval beside the clock's. */
import type { Frame, SourceFrame } from '../wire.ts';
import { byId, element, setText, svg, unseen } from './dom.ts';
import { duration, offset, roughly } from './format.ts';
import { offsetOf } from './summary.ts';
import { labelOf, VERDICTS } from './words.ts';

/** The bars show this many times the interval of the clock, or the agreeing sources if wider. */
const ROOM = 1.7;
/** Width of the drawing, in its own units. */
const WIDTH = 400;
/** The last polls that `reach` has. */
const REACH = 8;

export function showSources(frame: Frame): void {
  const { sources, witnesses, unlisted, voters, votersNeeded, maxFaulty } = frame;
  const scale = scaleOf(frame);
  const all = [...sources, ...witnesses];
  // What all rest on alike is said once, below.
  const common = all.every(({ restsOn }) => restsOn === all[0]?.restsOn)
    ? all[0]?.restsOn
    : undefined;
  const rows = all.map((source) => rowOf(source, frame, scale, common === undefined));
  byId('sources')
    .querySelector('tbody')
    ?.replaceChildren(...rows);
  const more = unlisted === 0 ? '' : ` ${unlisted} more are not listed.`;
  const wrong =
    maxFaulty === 0 ? 'none may be wrong' : `the answer holds while at most ${maxFaulty} are wrong`;
  const rests = common === undefined ? '' : ` Each rests on ${common}.`;
  setText(
    byId('vote-note'),
    `${voters} vote; at least ${votersNeeded} must, and ${wrong}.${rests}${more}`,
  );
}

/** The half-width of what the bars show, ns. */
function scaleOf({ row, sources }: Frame): number {
  const honest = sources
    .filter(({ verdict }) => verdict !== 'falseticker')
    .flatMap(({ lowerNs = 0, upperNs = 0 }) => [-lowerNs, upperNs]);
  return ROOM * Math.max(1, row.uncertaintyNs ?? 0, ...honest.map((ns) => ns / 1.3));
}

function rowOf(
  source: SourceFrame,
  { row }: Frame,
  scale: number,
  withRests: boolean,
): HTMLElement {
  const { restsOn, verdict, votes, delayNs, heardAgoNs } = source;
  const name = element('th', { scope: 'row' }, ...breakable(labelOf(source)));
  if (withRests && restsOn !== undefined) name.append(element('span', { class: 'rests' }, restsOn));
  const { mark, word, hint } = VERDICTS[verdict] ?? { mark: '', word: verdict, hint: '' };
  const vote = element(
    'td',
    { class: 'vote', 'data-vote': verdict, title: hint },
    element('span', { 'aria-hidden': true }, mark),
    ` ${word}`,
    unseen(`: ${hint}`),
  );
  if (!votes && verdict !== 'pending') vote.append(unseen(', has no vote'));
  return element(
    'tr',
    {},
    name,
    vote,
    saysOf(source, row.uncertaintyNs, scale),
    element('td', { class: 'minor amount' }, delayNs === undefined ? '–' : duration(delayNs)),
    element(
      'td',
      { class: 'minor amount' },
      heardAgoNs === undefined ? 'never' : `${roughly(heardAgoNs / 1e6)} ago`,
    ),
    pollsOf(source),
  );
}

/** What the source says, as text and as a bar; or why it has no interval. */
function saysOf(source: SourceFrame, uncertaintyNs: number | null, scale: number): HTMLElement {
  const { lowerNs, upperNs, verdict, lastReason, lastCause } = source;
  const middle = offsetOf(source);
  const why = [lastReason, lastCause].filter((text) => text !== undefined).join(': ');
  if (middle === undefined || lowerNs === undefined || upperNs === undefined) {
    return element('td', { class: 'says' }, why || '–');
  }
  if (uncertaintyNs === null) {
    return element('td', { class: 'says' }, `± ${duration((upperNs - lowerNs) / 2, 'up')}`);
  }
  const x = (ns: number): number => (WIDTH / 2) * (1 + Math.max(-1, Math.min(1, ns / scale)));
  const shapes = [
    svg('rect', {
      class: 'bound',
      x: x(-uncertaintyNs),
      y: -3,
      width: x(uncertaintyNs) - x(-uncertaintyNs),
      height: 20,
    }),
    svg('line', { class: 'middle', x1: WIDTH / 2, x2: WIDTH / 2, y1: -3, y2: 17 }),
    shapeOf(lowerNs, upperNs, scale, x),
  ];
  const bar = svg(
    'svg',
    {
      class: 'bar',
      'data-vote': verdict,
      viewBox: `0 0 ${WIDTH} 14`,
      preserveAspectRatio: 'none',
      'aria-hidden': true,
    },
    ...shapes,
  );
  const text = element(
    'span',
    { class: 'hint' },
    element('span', { class: 'amount' }, offset(middle)),
    ' ',
    element('span', { class: 'amount' }, `± ${duration((upperNs - lowerNs) / 2, 'up')}`),
  );
  return element('td', { class: 'says' }, text, bar);
}

/** A bar; an arrow at the edge for an interval that is beyond it. */
function shapeOf(lower: number, upper: number, scale: number, x: (ns: number) => number): Element {
  if (lower >= scale)
    return svg('path', { class: 'source', d: `M${WIDTH - 14} 2L${WIDTH} 7L${WIDTH - 14} 12z` });
  if (upper <= -scale) return svg('path', { class: 'source', d: 'M14 2L0 7L14 12z' });
  return svg('rect', {
    class: 'source',
    x: x(lower),
    y: 4,
    width: Math.max(3, x(upper) - x(lower)),
    height: 6,
    rx: 1,
  });
}

function pollsOf({ reach, polls }: SourceFrame): HTMLElement {
  const shown = Math.min(REACH, polls);
  let bits = '';
  let good = 0;
  for (let i = shown - 1; i >= 0; i--) {
    const heard = ((reach >> i) & 1) === 1;
    bits += heard ? '▪' : '▫';
    if (heard) good++;
  }
  return element(
    'td',
    { class: 'minor polls' },
    element('span', { 'aria-hidden': true }, bits),
    unseen(`${good} of ${shown} answered`),
  );
}

/** The text, which may be broken after each colon and slash. */
const breakable = (text: string): (Node | string)[] =>
  text.split(/(?<=[:/])/).flatMap((part) => [part, element('wbr')]);
