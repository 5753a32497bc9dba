/** What is shown as text: the parts now, what happened, the commit waits. */
import type { Frame, Happening, WaitsFrame } from '../wire.ts';
import { byId, element, setText, svg } from './dom.ts';
import { duration, instant, timeOfDay } from './format.ts';
import type { Gap } from './series.ts';
import { isGrave, PARTS, sentenceOf } from './words.ts';

/** The table below the stacked picture, which is its key too. */
export function showParts({ row }: Frame): void {
  const total = PARTS.reduce((sum, { column }) => sum + Math.max(0, row[column] ?? 0), 0);
  const rows = PARTS.flatMap(({ column, word, hint }, i) => {
    const ns = row[column] ?? 0;
    if (ns === 0) return [];
    const share = `${Math.round((100 * ns) / total)} %`.replace('-', '−');
    const name = element('th', { scope: 'row' }, swatch(i), word, element('small', {}, hint));
    return [element('tr', {}, name, element('td', {}, duration(ns)), element('td', {}, share))];
  });
  // In the order of the picture: the top one first.
  byId('parts')
    .querySelector('tbody')
    ?.replaceChildren(...rows.toReversed());
  const none = PARTS.filter(({ column }) => row[column] === 0).map(({ word }) =>
    word.toLowerCase(),
  );
  setText(byId('parts-none'), none.length === 0 ? '' : `Nothing now: ${none.join(', ')}.`);
}

const swatch = (part: number): Element =>
  svg(
    'svg',
    { class: 'swatch', viewBox: '0 0 12 12', 'aria-hidden': true },
    svg('rect', { width: 12, height: 12, fill: `var(--part-${part})` }),
  );

const EVENTS_SHOWN = 12;

/** One line of the list. */
interface Line {
  readonly seconds: number;
  readonly when: string;
  readonly text: string;
  readonly grave: boolean;
}

/** The newest first: what the clock told, and when the page was told nothing. */
export function showEvents(happenings: readonly Happening[], gaps: readonly Gap[]): void {
  const lines: Line[] = [
    ...happenings.map((each) => ({
      seconds: Number(BigInt(each.at) / 1_000_000n) / 1000,
      when: instant(each.at).slice(0, 19),
      text: sentenceOf(each),
      grave: isGrave(each),
    })),
    ...gaps
      .filter(({ why }) => why === 'no data')
      .map(({ from, to }) => ({
        seconds: from,
        when: new Date(from * 1000).toISOString().slice(0, 19).replace('T', ' '),
        text: `No data from ${timeOfDay(from)} to ${timeOfDay(to)}: this page was not told.`,
        grave: false,
      })),
  ];
  lines.sort((a, b) => b.seconds - a.seconds);
  const list = byId('events');
  const older = lines.length - EVENTS_SHOWN;
  setText(byId('events-more'), older > 0 ? `and ${older} before` : '');
  const items = lines
    .slice(0, EVENTS_SHOWN)
    .map(({ when, text, grave }) =>
      element('li', { class: grave ? 'grave' : undefined }, element('time', {}, when), text),
    );
  if (items.length === 0) items.push(element('li', {}, 'Nothing yet.'));
  const before = list.textContent;
  const after = items.map((item) => item.textContent).join('');
  if (before !== after) list.replaceChildren(...items);
}

/** How far the hybrid clock leads, and the waits, where the program has them. */
export function showExtras({ row: { leadNs }, waits }: Frame): void {
  byId('extras').hidden = leadNs === null && waits === undefined;
  byId('lead-section').hidden = leadNs === null;
  byId('waits-section').hidden = waits === undefined;
  if (leadNs !== null) {
    const hint =
      'It runs ahead of physical time when messages come from machines whose clocks are.';
    setText(
      byId('lead-hint'),
      leadNs === 0
        ? `Not ahead of physical time. ${hint}`
        : `${duration(leadNs)} ahead of physical time. ${hint}`,
    );
  }
  if (waits !== undefined) showWaits(waits);
}

function showWaits({ limits, counts, failures }: WaitsFrame): void {
  const all = counts.at(-1) ?? 0;
  const failed = failures === 0 ? 'none failed' : `${failures} failed`;
  setText(byId('waits-hint'), `${all} waits ended since the start of the program; ${failed}.`);
  const each = counts.map((count, i) => count - (counts[i - 1] ?? 0));
  const most = Math.max(1, ...each);
  const rows = each.flatMap((count, i) => {
    if (count === 0) return [];
    const limit = limits[i];
    const label = limit === undefined ? 'longer' : `≤ ${duration(limit * 1e9)}`;
    const bar = svg(
      'svg',
      { class: 'bar', viewBox: '0 0 100 12', preserveAspectRatio: 'none', 'aria-hidden': true },
      svg('rect', { class: 'source', width: Math.max(1, (100 * count) / most), height: 12 }),
    );
    return [
      element(
        'tr',
        {},
        element('th', { scope: 'row' }, label),
        element('td', {}, String(count), bar),
      ),
    ];
  });
  byId('waits')
    .querySelector('tbody')
    ?.replaceChildren(...rows);
}
