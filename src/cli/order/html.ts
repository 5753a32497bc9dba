/**
 * A space-time diagram as one HTML file that needs nothing else: no network, no other file.
 *
 * The page's program is the function {@link drawDiagram}, put into the file as its own text. So the
 * function uses nothing of this module. The log lines are hostile: they travel as JSON in which no
 * `<` is left, and the page shows them as text only.
 */
import type { Diagram, DiagramEvent } from './diagram.ts';

/** The page that shows `diagram`. */
export function htmlPage(diagram: Diagram): string {
  const data = JSON.stringify(diagram).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Order of events</title>
<style>${STYLE}</style>
<header>
  <h1></h1>
  <span id="begin"></span>
  <button id="closer" title="zoom in (wheel)">+</button>
  <button id="farther" title="zoom out (wheel)">&minus;</button>
  <button id="whole">all</button>
  <input id="search" type="search" placeholder="search; Enter goes to the next">
  <output id="found"></output>
</header>
<main id="diagram"></main>
<pre id="details">Each bar is an event: true time was within it. Arrows are messages. In a shaded group the order is open.
Between groups it is certain. Wheel: zoom. Drag: move. Click an event for its line.</pre>
<script type="application/json" id="data">${data}</script>
<script>(${drawDiagram})(document)</script>
</html>
`;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --shade: #0001; --line: #bbb; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ddd; --paper: #181818; --shade: #fff1; --line: #555; }
}
body { margin: 0; font: 14px system-ui, sans-serif; color: var(--ink); background: var(--paper); }
header { display: flex; gap: 8px; align-items: center; padding: 8px 12px; }
h1 { font-size: 16px; margin: 0; }
#begin { margin-right: auto; }
main { cursor: grab; touch-action: none; }
svg { display: block; width: 100%; }
pre { margin: 0; padding: 8px 12px; white-space: pre-wrap; overflow-wrap: anywhere; }
text { fill: var(--ink); font-size: 12px; }
.lane line, .tick line { stroke: var(--line); }
.group { fill: var(--shade); }
.bar { fill-opacity: .35; }
.message { stroke: var(--ink); fill: none; stroke-opacity: .6; }
.arrow { fill: var(--ink); }
.event { cursor: pointer; }
.event.chosen .bar { fill-opacity: .8; }
input { width: 18em; }
.searching .event:not(.match) { fill: var(--line); }
`;

/** The part of the browser's elements that the page needs. */
interface Element {
  id: string;
  value: string;
  textContent: string | null;
  readonly clientWidth: number;
  readonly classList: { toggle(name: string, on: boolean): void };
  append(...children: Element[]): void;
  setAttribute(name: string, value: string): void;
  getBoundingClientRect(): { readonly left: number };
  setPointerCapture(id: number): void;
  addEventListener(type: string, listener: (event: PageEvent) => void): void;
}

interface PageEvent {
  readonly key: string;
  readonly clientX: number;
  readonly deltaY: number;
  readonly buttons: number;
  readonly pointerId: number;
  preventDefault(): void;
}

interface Page {
  readonly defaultView: { addEventListener(type: string, listener: () => void): void };
  getElementById(id: string): Element;
  querySelector(selector: string): Element;
  createElementNS(namespace: string, name: string): Element;
}

/** Draws the diagram whose data the page holds. Runs in a browser, alone. */
function drawDiagram(page: Page): void {
  const LANE_HEIGHT = 56;
  const TOP = 40;
  const LEFT = 12;
  // Mostly Okabe and Ito's colours, which people with any colour vision can tell apart.
  const COLOURS = [
    '#0072b2',
    '#d55e00',
    '#009e73',
    '#cc79a7',
    '#e69f00',
    '#56b4e9',
    '#999',
    '#825',
  ];

  const diagram: Diagram = JSON.parse(page.getElementById('data').textContent ?? '');
  const { events, lanes, messages } = diagram;
  const main = page.getElementById('diagram');
  const details = page.getElementById('details');
  const search = page.getElementById('search');
  page.querySelector('h1').textContent = diagram.title;
  page.getElementById('begin').textContent = `+0 is ${diagram.begin}`;

  const element = (name: string, attributes: Record<string, string | number>): Element => {
    const made = page.createElementNS('http://www.w3.org/2000/svg', name);
    for (const key of Object.keys(attributes)) made.setAttribute(key, String(attributes[key]));
    return made;
  };
  const height = TOP + lanes.length * LANE_HEIGHT + 8;
  const svg = element('svg', { height });
  const marker = element('marker', {
    id: 'arrow',
    viewBox: '0 0 8 8',
    refX: 8,
    refY: 4,
    markerWidth: 7,
    markerHeight: 7,
    orient: 'auto',
  });
  marker.append(element('path', { class: 'arrow', d: 'M0 0L8 4L0 8z' }));
  svg.append(marker);
  main.append(svg);

  const startOf = (event: DiagramEvent): number => event.earliest ?? event.at;
  const endOf = (event: DiagramEvent): number => event.latest ?? event.at;
  const yOf = (lane: number): number => TOP + (lane + 0.5) * LANE_HEIGHT;
  let first = 0;
  let last = 1;
  for (const event of events) {
    first = Math.min(first, startOf(event), event.at);
    last = Math.max(last, endOf(event), event.at);
  }

  // What is shown: `span` us from `from` on.
  let from = first;
  let span = last - first;
  // Read once a drawing: each reading after a change would have the browser lay out the page anew.
  let width = 1;
  const xOf = (us: number): number => LEFT + ((us - from) / span) * width;
  const redraws: (() => void)[] = [];

  const groups = new Map<number, { from: number; to: number; lanes: Set<number> }>();
  for (const event of events) {
    const group = groups.get(event.group);
    if (group === undefined) {
      const its = { from: startOf(event), to: endOf(event), lanes: new Set([event.lane]) };
      groups.set(event.group, its);
      continue;
    }
    group.from = Math.min(group.from, startOf(event));
    group.to = Math.max(group.to, endOf(event));
    group.lanes.add(event.lane);
  }
  for (const group of groups.values()) {
    // Events of one node are in order, whatever their intervals.
    if (group.lanes.size === 1) continue;
    const shade = element('rect', { class: 'group', y: TOP - 8, height: height - TOP });
    svg.append(shade);
    redraws.push(() => {
      shade.setAttribute('x', String(xOf(group.from)));
      shade.setAttribute('width', String(Math.max(xOf(group.to) - xOf(group.from), 1)));
    });
  }

  lanes.forEach((name, lane) => {
    const made = element('g', { class: 'lane' });
    const line = element('line', { x1: 0, y1: yOf(lane), x2: '100%', y2: yOf(lane) });
    const label = element('text', { x: 4, y: yOf(lane) - 16 });
    label.textContent = name;
    made.append(line, label);
    svg.append(made);
  });

  for (const [sender, receiver] of messages) {
    const a = events[sender]!;
    const b = events[receiver]!;
    const arrow = element('path', { class: 'message', 'marker-end': 'url(#arrow)' });
    svg.append(arrow);
    redraws.push(() => {
      arrow.setAttribute('d', `M${xOf(a.at)} ${yOf(a.lane)}L${xOf(b.at)} ${yOf(b.lane)}`);
    });
  }

  let chosen: Element | undefined;
  const choose = (event: DiagramEvent, made: Element): void => {
    chosen?.classList.toggle('chosen', false);
    made.classList.toggle('chosen', true);
    chosen = made;
    const known =
      event.earliest === undefined || event.latest === undefined
        ? 'no interval'
        : `within ${(event.latest - event.earliest).toFixed(1)} us`;
    const before = event.watermark === 1 ? 'the first line' : `the first ${event.watermark} lines`;
    details.textContent =
      `${lanes[event.lane]}  ${event.stamp}  ${known}  group ${event.group}  ` +
      `${event.watermark === 0 ? 'after no line for certain' : `certainly after ${before}`}\n` +
      event.text;
  };
  const drawn = events.map((event) => {
    const y = yOf(event.lane);
    const colour = COLOURS[event.lane % COLOURS.length]!;
    const made = element('g', { class: 'event', fill: colour });
    const bar = element('rect', { class: 'bar', y: y - 8, height: 16, rx: 2 });
    const dot = element('circle', { cy: y, r: 4 });
    const title = element('title', {});
    title.textContent = event.text.slice(0, 200);
    made.append(title);
    if (event.earliest !== undefined && event.latest !== undefined) made.append(bar);
    made.append(dot);
    made.addEventListener('click', () => choose(event, made));
    svg.append(made);
    redraws.push(() => {
      bar.setAttribute('x', String(xOf(startOf(event))));
      bar.setAttribute('width', String(Math.max(xOf(endOf(event)) - xOf(startOf(event)), 1)));
      dot.setAttribute('cx', String(xOf(event.at)));
    });
    return made;
  });

  const ticks = Array.from({ length: 12 }, () => {
    const made = element('g', { class: 'tick' });
    const line = element('line', { y1: TOP - 12, y2: height });
    const label = element('text', { y: 14 });
    made.append(line, label);
    svg.append(made);
    return { made, line, label };
  });
  const drawTicks = (): void => {
    const rough = span / 6;
    const power = Number(`1e${Math.floor(Math.log10(rough))}`);
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough)!;
    const [unit, scale] =
      step >= 1e6
        ? (['s', 1e6] as const)
        : step >= 1e3
          ? (['ms', 1e3] as const)
          : (['us', 1] as const);
    const begin = Math.ceil(from / step);
    ticks.forEach(({ made, line, label }, i) => {
      const us = (begin + i) * step;
      made.setAttribute('visibility', us <= from + span ? 'visible' : 'hidden');
      line.setAttribute('x1', String(xOf(us)));
      line.setAttribute('x2', String(xOf(us)));
      label.setAttribute('x', String(xOf(us) + 3));
      label.textContent = `+${Number((us / scale).toPrecision(9))} ${unit}`;
    });
  };
  const redraw = (): void => {
    width = Math.max(svg.clientWidth - 2 * LEFT, 1);
    drawTicks();
    for (const each of redraws) each();
  };

  /** Zooms so that `us` stays where it is. */
  const zoom = (factor: number, us: number): void => {
    const now = Math.min(Math.max(span * factor, 1), 2 * (last - first));
    from = us - ((us - from) / span) * now;
    span = now;
    redraw();
  };
  const middle = (): number => from + span / 2;
  const show = (us: number): void => {
    from = us - span / 2;
    redraw();
  };
  page.getElementById('closer').addEventListener('click', () => zoom(0.5, middle()));
  page.getElementById('farther').addEventListener('click', () => zoom(2, middle()));
  page.getElementById('whole').addEventListener('click', () => {
    from = first;
    span = last - first;
    redraw();
  });
  main.addEventListener('wheel', (event) => {
    event.preventDefault();
    const x = event.clientX - main.getBoundingClientRect().left - LEFT;
    zoom(event.deltaY > 0 ? 1.25 : 0.8, from + (x / width) * span);
  });
  let draggedFrom: number | undefined;
  main.addEventListener('pointerdown', ({ clientX }) => {
    draggedFrom = clientX;
  });
  main.addEventListener('pointermove', ({ clientX, buttons }) => {
    if (draggedFrom === undefined || buttons === 0) return;
    from -= ((clientX - draggedFrom) / width) * span;
    draggedFrom = clientX;
    redraw();
  });

  let matches: number[] = [];
  let next = 0;
  search.addEventListener('input', () => {
    const wanted = search.value.toLowerCase();
    const fits = ({ text, stamp, lane }: DiagramEvent): boolean =>
      `${text} ${stamp}@${lanes[lane]}`.toLowerCase().includes(wanted);
    matches = wanted === '' ? [] : events.flatMap((event, i) => (fits(event) ? [i] : []));
    next = 0;
    const matching = new Set(matches);
    drawn.forEach((made, i) => {
      made.classList.toggle('match', matching.has(i));
    });
    svg.classList.toggle('searching', wanted !== '');
    page.getElementById('found').textContent = wanted === '' ? '' : `${matches.length} found`;
  });
  search.addEventListener('keydown', ({ key }) => {
    if (key !== 'Enter' || matches.length === 0) return;
    const index = matches[next++ % matches.length]!;
    choose(events[index]!, drawn[index]!);
    show(events[index]!.at);
  });

  page.defaultView.addEventListener('resize', redraw);
  redraw();
}
