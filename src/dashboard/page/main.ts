/** The page's program: takes what the server tells, and shows it once a second. */
import type { Frame, Happening, Welcome } from '../wire.ts';
import { Connection } from './connection.ts';
import { byId, setText } from './dom.ts';
import { roughly } from './format.ts';
import { showEvents, showExtras, showParts } from './lists.ts';
import { drawPictures } from './pictures.ts';
import { Series } from './series.ts';
import { showSources } from './sources.ts';
import { showStatus, showSummary } from './summary.ts';
import { isGrave, type Standstill, sentenceOf, titleOf } from './words.ts';

const MAX_HAPPENINGS = 100;
/** A picture shows at least this much time, so that the first seconds do not fill it. */
const LEAST_SHOWN_S = 20;

const series = new Series();
let happenings: Happening[] = [];
let run: string | undefined;
/** A frame, and when it came. */
interface Heard {
  readonly frame: Frame;
  readonly at: number;
}
let newest: Heard | undefined;
/** What is in the picture: the newest, unless the picture is paused. */
let shown: Heard | undefined;
let paused = false;

function take(frame: Frame): void {
  newest = { frame, at: performance.now() };
}

function tell(told: readonly Happening[]): void {
  const last = happenings.at(-1)?.id ?? 0;
  const news = told.filter(({ id }) => id > last);
  if (news.length === 0) return;
  happenings = [...happenings, ...news].slice(-MAX_HAPPENINGS);
  setText(byId('news'), news.map(sentenceOf).join(' '));
}

const connection = new Connection({
  welcome(welcome: Welcome): void {
    if (run !== welcome.run) happenings = [];
    run = welcome.run;
    series.welcome(welcome);
    if (welcome.frame !== undefined) take(welcome.frame);
    tell(welcome.happenings);
    show();
  },
  frame(frame: Frame): void {
    series.frame(frame);
    take(frame);
    tell(frame.happenings);
    show();
  },
});

function show(): void {
  showConnection();
  if (document.hidden) return;
  if (!paused) shown = newest;
  if (shown === undefined) return;
  const { frame, at } = shown;
  const agoMs = performance.now() - at;
  const standstill = standstillOf();
  showStatus(frame, standstill && { standstill, agoMs });
  if (paused) return;
  showSummary(frame);
  showSources(frame);
  showParts(frame);
  showExtras(frame);
  // While the stream is lost, time goes on all the same.
  const silentS = standstill === undefined ? 0 : agoMs / 1000;
  const to = series.now + silentS;
  const chosen = document.querySelector<HTMLInputElement>('input[name=window]:checked');
  const shownS = Math.min(
    Number(chosen?.value ?? 600),
    Math.max(LEAST_SHOWN_S, series.lengthS + silentS),
  );
  const gaps = series.gaps(to);
  const marks = happenings.filter(isGrave).map(({ elapsedMs }) => series.timeOf(elapsedMs));
  drawPictures(series, { from: to - shownS, to, gaps, marks });
  showEvents(happenings, gaps);
}

/** Why what is shown is not what is now. */
function standstillOf(): Standstill | undefined {
  const { state } = connection;
  if (state !== 'live') return state;
  return paused ? 'paused' : undefined;
}

function showConnection(): void {
  const { state, refusal } = connection;
  const line = byId('connection');
  line.dataset.state = state;
  document.body.classList.toggle('stale', state !== 'live' && newest !== undefined);
  // The title goes on while the picture is paused.
  document.title = titleOf(state === 'live' ? newest?.frame : state);
  setText(line, connectionText());

  function connectionText(): string {
    if (state === 'live') return paused ? 'Live, picture paused' : 'Live';
    if (state === 'hidden') return 'Paused while the page is hidden';
    if (state === 'connecting') return 'Connecting …';
    const ago = newest && roughly(performance.now() - newest.at);
    const since = ago === undefined ? 'No answer yet' : `Connection lost ${ago} ago`;
    return refusal === undefined ? `${since}; trying again` : `${since}: ${refusal}; trying again`;
  }
}

function follow(): void {
  if (document.hidden) connection.close();
  else connection.open();
  show();
}

const pause = byId<HTMLButtonElement>('pause');
pause.addEventListener('click', () => {
  paused = !paused;
  pause.setAttribute('aria-pressed', String(paused));
  setText(pause, paused ? 'Go on' : 'Pause');
  show();
});
byId('windows').addEventListener('change', show);
document.addEventListener('visibilitychange', follow);
follow();
setInterval(() => {
  connection.check();
  if (standstillOf() !== undefined) show();
}, 1000);
