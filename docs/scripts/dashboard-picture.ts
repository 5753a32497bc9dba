/**
 * Takes the pictures of the live page, docs/images/dashboard.webp and dashboard-dark.webp: what
 * `epsilon-clock watch --web` shows in Chromium after two minutes and a half, with five servers on
 * loopback. Run `npm run build` first, then `npx tsx docs/scripts/dashboard-picture.ts`. The page
 * asks for the font Inter (Debian: fonts-inter) and takes another one where it is missing.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const WAIT_MS = 150_000;
const WIDTH = 1200;

const watching = spawn(process.execPath, [path('../../dist/cli.js'), 'watch', '--web=0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
try {
  let said = '';
  let url: string | undefined;
  watching.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  while (url === undefined) {
    await once(watching.stdout, 'data');
    url = /^Live page: (\S+)$/m.exec(said)?.[1];
  }
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 900 } });
  const devtools = await page.context().newCDPSession(page);
  await page.goto(url);
  await page.waitForTimeout(WAIT_MS);
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.waitForTimeout(2000);
    const sources = await page.locator('section', { has: page.locator('#sources') }).boundingBox();
    if (sources === null) throw new Error('the table of sources is not shown');
    const height = Math.ceil(sources.y + sources.height + 14);
    const name = scheme === 'light' ? 'dashboard' : 'dashboard-dark';
    // As WebP, which takes a third of a PNG. Playwright's own call does not know it.
    const { data } = await devtools.send('Page.captureScreenshot', {
      format: 'webp',
      quality: 92,
      captureBeyondViewport: true,
      clip: { x: 0, y: 0, width: WIDTH, height, scale: 1 },
    });
    writeFileSync(path(`../images/${name}.webp`), Buffer.from(data, 'base64'));
  }
} finally {
  await browser.close();
  watching.kill('SIGINT');
}
