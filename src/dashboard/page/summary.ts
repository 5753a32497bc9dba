/** The first card: is the clock synchronized, how far off can it be, who is wrong, why so wide. */
import type { Frame, SourceFrame } from '../wire.ts';
import { byId, element, setText } from './dom.ts';
import { certainDigits, duration, offset, roughly } from './format.ts';
import {
  ASSUMPTIONS,
  labelOf,
  PARTS,
  REASONS,
  STANDSTILLS,
  STATUSES,
  type Standstill,
} from './words.ts';

/** `old`: the frame is not what is now, and why. Nothing is then said in the present. */
export function showStatus(
  { status, reason }: Frame,
  old: { readonly standstill: Standstill; readonly agoMs: number } | undefined,
): void {
  const said = STATUSES[status] ?? { mark: '', word: status, hint: '' };
  const hint = reason === undefined ? said.hint : (REASONS[reason] ?? reason);
  const { mark, word } = old === undefined ? said : STANDSTILLS[old.standstill];
  byId('status').dataset.status = old === undefined ? status : 'old';
  setText(byId('status-mark'), mark);
  setText(byId('status-word'), word);
  const then = `${roughly(old?.agoMs ?? 0)} ago: ${said.word}. All that is shown is from then.`;
  setText(byId('status-hint'), old === undefined ? hint : then);
}

export function showSummary(frame: Frame): void {
  const { row, advice, refuted } = frame;
  const { uncertaintyNs } = row;
  const [number, unit] =
    uncertaintyNs === null ? ['', ''] : duration(uncertaintyNs, 'up').split(' ');
  setText(byId('bound-sign'), uncertaintyNs === null ? '' : '±');
  setText(byId('bound-number'), uncertaintyNs === null ? 'not known' : (number ?? ''));
  setText(byId('bound-unit'), unit ?? '');
  showEnds(frame);
  showWho(frame);
  showWhy(frame);
  showWall(frame);
  const sentences = [...(refuted === undefined ? [] : [refutation(refuted)]), ...advice];
  const list = byId('advice');
  list.hidden = sentences.length === 0;
  if (list.textContent !== sentences.join('')) {
    list.replaceChildren(...sentences.map((sentence) => element('li', {}, sentence)));
  }
}

function refutation({ assumption, agoNs }: NonNullable<Frame['refuted']>): string {
  const ago = roughly(agoNs / 1e6);
  return `Contradicted ${ago} ago: assumption ${assumption}, ${ASSUMPTIONS[assumption] ?? 'unknown'}.`;
}

function showEnds({ earliest, latest }: Frame): void {
  if (earliest === undefined || latest === undefined) {
    setText(byId('earliest'), 'not known');
    setText(byId('latest'), 'not known');
    return;
  }
  const [certain, first, last] = certainDigits(earliest, latest);
  const pale = (digits: string): HTMLElement => element('span', { class: 'uncertain' }, digits);
  byId('earliest').replaceChildren(certain, pale(first));
  byId('latest').replaceChildren(certain, pale(last));
}

function showWho({ sources, voters }: Frame): void {
  const wrong = sources.filter(({ verdict }) => verdict === 'falseticker');
  const agreeing = sources.filter(({ verdict }) => verdict === 'agrees').length;
  const away = sources.filter(
    ({ verdict }) => verdict === 'silent' || verdict === 'refused',
  ).length;
  const [first, ...others] = wrong;
  const silent = away === 0 ? '' : ` ${away} ${away === 1 ? 'is' : 'are'} not heard.`;
  if (first === undefined) {
    setText(byId('who'), voters === 0 ? 'Not known yet' : 'Nobody');
    setText(byId('who-hint'), `${agreeing} of ${sources.length} sources agree.${silent}`);
    return;
  }
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  setText(byId('who'), `${labelOf(first)}${more}`);
  const off = offsetOf(first);
  const amount = off === undefined ? '' : `${offset(off)}; `;
  setText(byId('who-hint'), `${amount}outvoted: ${agreeing} of ${sources.length} agree.${silent}`);
}

function showWhy({ row }: Frame): void {
  const { uncertaintyNs } = row;
  const parts = PARTS.map((part) => ({ ...part, ns: row[part.column] ?? 0 }));
  const largest = parts.reduce((most, part) => (part.ns > most.ns ? part : most));
  if (uncertaintyNs === null || uncertaintyNs === 0) {
    setText(byId('why'), '–');
    setText(byId('why-hint'), 'There is no interval.');
    return;
  }
  const all = parts.reduce((sum, { ns }) => sum + Math.max(0, ns), 0);
  setText(byId('why'), `${largest.word}, ${Math.round((100 * largest.ns) / all)} %`);
  setText(byId('why-hint'), `${largest.hint}.`);
}

function showWall({ row: { wallNs, uncertaintyNs } }: Frame): void {
  if (wallNs === null || uncertaintyNs === null) {
    setText(byId('wall'), 'Not known');
    setText(byId('wall-hint'), 'There is nothing to compare it with.');
    return;
  }
  const most = duration(Math.abs(wallNs) + uncertaintyNs, 'up');
  setText(byId('wall'), offset(wallNs));
  setText(
    byId('wall-hint'),
    `${wallNs < 0 ? '' : 'of '}the middle of the interval, so wrong by at most ${most}.`,
  );
}

/** How far the middle of a source's interval is from that of the clock. */
export function offsetOf({ lowerNs, upperNs }: SourceFrame): number | undefined {
  return lowerNs === undefined || upperNs === undefined ? undefined : (lowerNs + upperNs) / 2;
}
