/**
 * The page that `epsilon-clock order --html` writes, opened in Chromium: 5,000 events of 8 nodes.
 * The browser prints the page as its program left it, so what is counted was really drawn.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { domOf } from '../kit/chromium.ts';
import { eventLog, lineOf } from '../kit/event-log.ts';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const EVENTS = 5000;
const folder = mkdtempSync(join(tmpdir(), 'diagram-'));
const page = join(folder, 'out.html');

/** How many messages the lines have: every tenth event is a receipt. */
let messages = 0;
const groups: { nodes: Set<string> }[] = [];

const order = (...options: string[]): string =>
  execFileSync(process.execPath, [CLI, 'order', ...options, join(folder, 'all.ndjson')], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });

/** The page after its program, and then `more`, ran in it. */
function dom(more = ''): string {
  const file = join(folder, 'opened.html');
  writeFileSync(file, readFileSync(page, 'utf8').replace('</html>', `<script>${more}</script>`));
  return domOf(file, join(folder, 'profile'));
}

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

beforeAll(() => {
  const events = eventLog(EVENTS).sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
  const text = events.map((event, i) => {
    const line = lineOf(event, `event ${i}`);
    const sender = events[i - 5];
    if (i % 10 !== 0 || sender === undefined || sender.nodeId === event.nodeId) return line;
    messages++;
    return line.replace('{', `{"from":"${sender.timestamp}@${sender.nodeId}",`);
  });
  writeFileSync(join(folder, 'all.ndjson'), `${text.join('\n')}\n`);
  for (const line of order('--json').trimEnd().split('\n')) {
    const { node, order } = JSON.parse(line);
    groups[order.group] ??= { nodes: new Set() };
    groups[order.group]!.nodes.add(node);
  }
  order('--html', page);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

test('a lane for each node, a bar for each event, an arrow for each message, shaded groups', () => {
  const drawn = dom();
  expect(count(drawn, /<g class="lane"/g)).toBe(8);
  expect(count(drawn, /<g class="event"/g)).toBe(EVENTS);
  expect(messages).toBeGreaterThan(300);
  expect(count(drawn, /<path class="message"/g)).toBe(messages);
  const undecided = groups.filter(({ nodes }) => nodes.size > 1).length;
  expect(undecided).toBeGreaterThan(0);
  expect(count(drawn, /<rect class="group"/g)).toBe(undecided);
  expect(drawn).toMatch(/<span id="begin">\+0 is \d{4}-\d\d-\d\dT[\d:.]+Z<\/span>/);
  // All of it was given a place: no attribute is NaN, and the first bar begins at the left edge.
  expect(drawn).not.toContain('NaN');
});

test('the search finds events and shows the line of the next one; zooming moves the bars', () => {
  const drawn = dom(`
    const search = document.getElementById('search');
    search.value = 'EVENT 4321"';
    search.dispatchEvent(new Event('input'));
    search.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' }));
    const place = () => document.querySelector('circle').getAttribute('cx');
    const before = place();
    document.getElementById('closer').click();
    document.title = place() === before ? 'still' : 'moved';
  `);
  expect(count(drawn, /<g class="event match[" ]/g)).toBe(1);
  expect(drawn).toContain('>1 found</output>');
  expect(/<pre id="details">(.*?)<\/pre>/s.exec(drawn)?.[1]).toContain('event 4321');
  expect(drawn).toContain('<title>moved</title>');
});
