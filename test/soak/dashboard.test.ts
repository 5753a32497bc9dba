/**
 * The dashboard over ten minutes of real time, with a page open in Chromium and a reader that does
 * not read: the heaps of the program and of the page stay flat. (test/dashboard/dashboard.test.ts
 * shows it over simulated hours, without what compilation takes.)
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';

const MINUTES = Number(process.env.DASHBOARD_MINUTES ?? '10');
/** Until then code is compiled, and the first samples arrive. */
const WARM_UP_MINUTES = 2;
const CHILD = new URL('../kit/dashboard.child.mjs', import.meta.url).pathname;

test(`${MINUTES} minutes with a page open leave the heaps flat`, async () => {
  const program = fork(CHILD, { execArgv: ['--expose-gc'] });
  const [port] = await once(program, 'message');
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${port}/`);
  const devtools = await page.context().newCDPSession(page);
  const deaf = connect(port, '127.0.0.1').pause();
  const cutOff = once(deaf, 'close').catch(() => 'cut off');
  deaf.write('GET /?events HTTP/1.1\r\nHost: localhost\r\n\r\n');

  const kilobytes: { readonly program: number; readonly page: number }[] = [];
  for (let minute = 1; minute <= MINUTES; minute++) {
    await page.waitForTimeout(60_000);
    program.send('held');
    const [held] = await once(program, 'message');
    await devtools.send('HeapProfiler.collectGarbage');
    const { usedSize } = await devtools.send('Runtime.getHeapUsage');
    const kept = { program: Math.round(held / 1024), page: Math.round(usedSize / 1024) };
    kilobytes.push(kept);
    console.log(`minute ${minute}: program ${kept.program} kB, page ${kept.page} kB`);
  }
  expect(await page.locator('#connection').textContent()).toBe('Live');
  const [from, to] = [kilobytes[WARM_UP_MINUTES - 1]!, kilobytes.at(-1)!];
  // V8 goes on compiling what is called often, for most of an hour at one call a second: that takes
  // 50 kB a minute. A frame has 3 kB, and those of eight minutes, if they were kept, 1.4 MB.
  expect(to.program - from.program).toBeLessThan(800);
  // The page keeps its rows for an hour, of which eight minutes are 480.
  expect(to.page - from.page).toBeLessThan(1000);

  await browser.close();
  deaf.destroy();
  await cutOff;
  program.kill('SIGKILL');
  await once(program, 'exit');
});
