/**
 * The dashboard's page in Chromium: what a newcomer sees of the five-server demonstration, what
 * becomes of a disruption and of a lost stream, and that it can be used without a mouse, without
 * eyes for colour, and on a telephone.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { HybridClock } from '../../src/logical/hybrid-clock.ts';
import { WaitHistogram } from '../../src/metrics/wait-histogram.ts';
import {
  type DashboardWorld,
  dashboardWorld,
  MS,
  SECOND,
  StreamReader,
} from '../kit/dashboard-world.ts';

const CLI = new URL('../../dist/cli.js', import.meta.url).pathname;

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
});
afterAll(() => browser.close());

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Visit {
  readonly page: Page;
  /** Every address that the page asked for. */
  readonly asked: string[];
  /** Errors of the page's program, and what its policy refused. */
  readonly complaints: string[];
}

async function visit(url: string, width = 1200): Promise<Visit> {
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  ends.push(() => page.close());
  const asked: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(url);
  return { page, asked, complaints };
}

/** The demonstration, as `npm start` runs it. */
async function demonstration(): Promise<{ url: string; liar: string }> {
  const child = spawn(process.execPath, [CLI, 'watch', '--web=0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  ends.push(() => {
    child.kill('SIGINT');
    return exited;
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  for (;;) {
    const url = /^Live page: (\S+)$/m.exec(said)?.[1];
    const liar = /the one on port (\d+) lies/.exec(said)?.[1];
    if (url !== undefined && liar !== undefined) return { url, liar: `127.0.0.1:${liar}` };
    const [chunk] = await Promise.race([once(child.stdout, 'data'), exited]);
    if (typeof chunk !== 'string') throw new Error(`the demonstration ended: ${said}`);
  }
}

/** A dashboard on clocks that the test moves, served on loopback. */
async function served(
  world: DashboardWorld,
  port = 0,
): Promise<{ url: string; port: number; close(): void }> {
  const server = createServer(world.dashboard.handler.node).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  ends.push(
    close,
    () => world.dashboard.stop(),
    () => world.bounded.stop(),
  );
  const { port: taken } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${taken}/`, port: taken, close };
}

/** The part of the browser's elements that the probes below read. */
interface Element {
  readonly id: string;
  readonly tagName: string;
  readonly textContent: string | null;
  readonly scrollWidth: number;
  readonly parentElement: Element | null;
  readonly childNodes: Iterable<{ readonly nodeType: number; readonly textContent: string | null }>;
  getClientRects(): ArrayLike<unknown>;
}
declare function getComputedStyle(element: Element): {
  readonly color: string;
  readonly backgroundColor: string;
};

interface Canvas {
  readonly width: number;
  readonly height: number;
  getContext(kind: '2d'): {
    getImageData(...box: number[]): { readonly data: Uint8ClampedArray };
  };
}

/** How much of a picture has colour, 0 to 1. */
const painted = (page: Page, id: string): Promise<number> =>
  page.locator(`#${id} canvas`).evaluate((element) => {
    const canvas = element as unknown as Canvas;
    const { width, height } = canvas;
    const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
    return data.filter((value, i) => i % 4 === 3 && value > 0).length / (width * height);
  });

const row = (page: Page, name: string) =>
  page.locator('#sources tbody tr').filter({ has: page.getByRole('rowheader', { name }) });

test('the five-server demonstration: synchronized, the liar marked, the band drawn', async () => {
  const { url, liar } = await demonstration();
  const { page, asked, complaints } = await visit(url);
  await page.getByRole('heading', { name: 'Synchronized' }).waitFor();
  await row(page, liar).getByText('✗ wrong').waitFor();
  expect(await page.locator('.vote[data-vote=falseticker]').count()).toBe(1);
  expect(await page.locator('#who').textContent()).toBe(liar);
  expect(await page.locator('#who-hint').textContent()).toMatch(/^2\d\d\.\d ms ahead; outvoted/);
  await expect.poll(() => page.locator('#bound-number').textContent()).toMatch(/^[\d.]+$/);
  // The first seconds fill a fifth of the picture, within which the band takes most of the height.
  await expect
    .poll(() => painted(page, 'interval-chart'), { timeout: 30_000 })
    .toBeGreaterThan(0.1);
  await expect.poll(() => painted(page, 'parts-chart'), { timeout: 30_000 }).toBeGreaterThan(0.1);
  expect(await page.title()).toMatch(/^± [\d.]+ [mµ]s · epsilon-clock$/);
  // Nothing is asked of anybody but this server, and the policy had nothing to refuse.
  const { origin } = new URL(url);
  const addresses = asked.filter((each) => !each.startsWith('data:'));
  expect(new Set(addresses)).toEqual(new Set([`${origin}/`, `${origin}/?events=`]));
  expect(complaints).toEqual([]);
});

test('a disruption is shown, said and marked, and the page goes on', async () => {
  const world = dashboardWorld();
  const { page } = await visit((await served(world)).url);
  world.hear(250n * MS);
  await world.pass(3);
  await page.getByRole('heading', { name: 'Synchronized' }).waitFor();
  world.clock.wallOffset += 60n * SECOND;
  await world.pass(2);
  await page.getByRole('heading', { name: 'Disrupted' }).waitFor();
  expect(await page.locator('#status-hint').textContent()).toContain('was set while it ran');
  expect(await page.locator('#bound').textContent()).toContain('not known');
  expect(await page.locator('#news').textContent()).toContain('Disrupted.');
  expect(await page.locator('#interval-chart').getAttribute('aria-label')).toMatch(/2 disruptions/);
  world.hear();
  await world.pass(2);
  await page.getByRole('heading', { name: 'Synchronized' }).waitFor();
  const events = await page.locator('#events li').allTextContents();
  expect(events.map((each) => each.slice(19)).filter((each) => /^(Sync|Disr)/.test(each))).toEqual([
    'Synchronized.',
    expect.stringMatching(/^Disrupted\. The clock of this machine was set/),
    'Synchronized.',
  ]);
});

test('names from outside are shown as text', async () => {
  const hostile = '<img src=x onerror="document.title=1"><b>bold</b>';
  const world = dashboardWorld(['a', 'b', hostile]);
  const { page, complaints } = await visit((await served(world)).url);
  world.hear(250n * MS);
  await world.pass(2);
  await page.getByRole('rowheader', { name: hostile }).waitFor();
  await page.locator('#events').getByText(`${hostile} is wrong`).waitFor();
  expect(await page.locator('img, b').count()).toBe(0);
  expect(complaints).toEqual([]);
});

test('a lost stream is said, comes back by itself, and leaves a gap', async () => {
  const world = dashboardWorld();
  const first = await served(world);
  const { page } = await visit(first.url);
  world.hear();
  await world.pass(5);
  await page.getByRole('heading', { name: 'Synchronized' }).waitFor();
  first.close();
  world.dashboard.stop();
  await page.getByText(/^Connection lost \d+ s ago; trying again$/).waitFor();
  expect(await page.locator('body').getAttribute('class')).toContain('stale');
  // Nothing old is said in the present.
  await page.getByRole('heading', { name: 'Connection lost' }).waitFor();
  expect(await page.locator('#status-hint').textContent()).toMatch(/^\d+ s ago: Synchronized\. /);
  expect(await page.title()).toBe('Connection lost · epsilon-clock');
  // The program starts anew, a minute later.
  const again = dashboardWorld();
  again.clock.advance(65n * SECOND);
  again.hear();
  await served(again, first.port);
  await page.getByText('Live', { exact: true }).waitFor();
  await page
    .locator('#events')
    .getByText(/^.{19}No data from \S+ to \S+: this page/)
    .waitFor();
  expect(await page.locator('#interval-chart').getAttribute('aria-label')).toMatch(/\d gaps?,/);
});

test('a hidden page holds no connection, and catches up when it is shown', async () => {
  const world = dashboardWorld();
  const { url } = await served(world);
  world.hear();
  const context = await browser.newContext();
  ends.push(() => context.close());
  const setHidden = (page: Page, hidden: boolean): Promise<void> =>
    page.evaluate(`
      Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    `);
  const pages: Page[] = [];
  // A browser opens six connections to a server over HTTP/1.1.
  for (let i = 0; i < 7; i++) {
    const page = await context.newPage();
    await page.goto(url);
    await page.getByText('Live', { exact: true }).waitFor();
    await setHidden(page, true);
    expect(await page.title()).toBe('Paused · epsilon-clock');
    pages.push(page);
  }
  await world.pass(5);
  const page = pages[0]!;
  const asked = page.waitForRequest(/events=/);
  await setHidden(page, false);
  // What it asks for is what it missed.
  expect((await asked).url()).toMatch(/events=[0-9a-z]+\.\d+$/);
  await page.getByText('Live', { exact: true }).waitFor();
  expect(await page.title()).toMatch(/^± /);
  expect(await page.locator('#interval-chart').getAttribute('aria-label')).toMatch(/\. 1 gap,/);
});

test('when all places are taken, the page says so', async () => {
  const world = dashboardWorld();
  const readers = Array.from({ length: 20 }, () => new StreamReader(world.dashboard));
  const { page } = await visit((await served(world)).url);
  await page.getByText('No answer yet: All 20 places are taken').waitFor();
  await readers[0]!.cancel();
  await page.getByText('Live', { exact: true }).waitFor();
});

test('without a mouse: the order of the focus, and the arrow keys in a picture', async () => {
  const world = dashboardWorld();
  const { page } = await visit((await served(world)).url);
  world.hear();
  await world.pass(5);
  await page.getByRole('heading', { name: 'Synchronized' }).waitFor();
  const order: string[] = [];
  for (let i = 0; i < 4; i++) {
    await page.keyboard.press('Tab');
    order.push(await page.locator(':focus').evaluate(nameOf));
  }
  expect(order).toEqual(['pause', 'input', 'interval-chart', 'parts-chart']);
  await page.locator('#interval-chart').focus();
  await page.keyboard.press('ArrowLeft');
  await page.getByText(/^\d\d:\d\d:\d\d {2}± [\d.]+ ms, this machine’s clock/).waitFor();
  const readout = page.locator('#interval-readout');
  const before = await readout.textContent();
  await page.keyboard.press('ArrowLeft');
  await expect.poll(() => readout.textContent()).not.toBe(before);
  // Pausing stops the picture and not the stream.
  await page.locator('#pause').press('Enter');
  await page.getByText('Live, picture paused').waitFor();
  await page.getByRole('heading', { name: 'Paused' }).waitFor();
  const shown = await page.locator('#earliest').textContent();
  await world.pass(2);
  expect(await page.locator('#earliest').textContent()).toBe(shown);
  await page.locator('#pause').press('Enter');
  await expect.poll(() => page.locator('#earliest').textContent()).not.toBe(shown);
});

test('for a screen reader: headings, tables with headers, a status, pictures in words', async () => {
  const world = dashboardWorld(['a', 'b', 'c']);
  const hlc = new HybridClock({ clock: world.bounded, nodeId: 'a' });
  const waits = new WaitHistogram();
  await waits.measure(Promise.resolve({ waitedNs: 3n * MS }));
  world.dashboard.stop();
  const { Dashboard } = await import('../../src/dashboard/dashboard.ts');
  const dashboard = Dashboard.start({ clock: world.bounded, hlc, waits });
  const { page } = await visit((await served({ ...world, dashboard })).url);
  world.hear(250n * MS);
  await world.pass(3);
  await page.getByRole('heading', { name: 'Synchronized' }).waitFor();
  expect(await page.getByRole('heading').allTextContents()).toEqual([
    '├─┤ epsilon-clock',
    '✓ Synchronized',
    'How far off, over time',
    'Time sources',
    'What the uncertainty is made of',
    'What happened',
    'Hybrid clock',
    'Commit waits',
  ]);
  const table = page.getByRole('table', { name: 'What each source says' });
  expect(await table.getByRole('columnheader').allTextContents()).toHaveLength(6);
  expect(await table.getByRole('rowheader').allTextContents()).toEqual(['a', 'b', 'c']);
  expect(await table.getByRole('row').nth(3).getByRole('cell').first().textContent()).toContain(
    'a falseticker: it excludes the time that the others agree on',
  );
  expect(await page.getByRole('img').first().getAttribute('aria-label')).toMatch(
    /^Half the width of the interval: from [\d.]+ ms to [\d.]+ ms, now [\d.]+ ms\. 1 gap, no disr/,
  );
  expect(await page.getByRole('status').first().textContent()).toBe('Live');
  expect(await page.getByRole('table', { name: 'Commit waits' }).textContent()).toContain('1');
});

test.each(['light', 'dark'] as const)(
  'in the %s scheme: text has enough contrast, and nothing scrolls sideways at 375 px',
  async (colorScheme) => {
    const world = dashboardWorld(['a'.repeat(90), 'b', 'c']);
    const { page } = await visit((await served(world)).url, 375);
    await page.emulateMedia({ colorScheme });
    world.hear(250n * MS);
    await world.pass(3);
    await page.getByRole('heading', { name: 'Synchronized' }).waitFor();
    expect(await page.locator('html').evaluate(widthOf)).toBe(375);
    expect(await page.locator('body *').evaluateAll(paleTexts)).toEqual([]);
  },
);

const nameOf = ({ id, tagName }: Element): string => id || tagName.toLowerCase();
const widthOf = ({ scrollWidth }: Element): number => scrollWidth;

/** The texts whose contrast with what is behind them is below 4.5. Runs in the page. */
function paleTexts(elements: readonly Element[]): string[] {
  const channels = (colour: string): number[] => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour: string): number => {
    const [r = 0, g = 0, b = 0] = channels(colour).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element: Element | null): string => {
    for (let at = element; at !== null; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if (channels(backgroundColor)[3] !== 0) return backgroundColor;
    }
    return 'rgb(255, 255, 255)';
  };
  const TEXT_NODE = 3;
  const pale: string[] = [];
  for (const element of elements) {
    const own = [...element.childNodes].some(
      ({ nodeType, textContent }) => nodeType === TEXT_NODE && textContent?.trim(),
    );
    if (!own || element.tagName === 'SCRIPT' || element.getClientRects().length === 0) continue;
    const [a, b] = [luminance(getComputedStyle(element).color), luminance(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) pale.push(`${contrast.toFixed(2)}: ${element.textContent}`);
  }
  return pale;
}
