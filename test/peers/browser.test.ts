/**
 * The core in Chromium, bundled as for a web page: intervals from a source that the page asks,
 * timestamps, a commit wait, ordered events.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, expect, test } from 'vitest';
import { domOf } from '../kit/chromium.ts';

const folder = mkdtempSync(join(tmpdir(), 'browser-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PROGRAM = `
import { BoundedClock, HybridClock, systemClock, waitUntilAfter } from './dist/index.js';
import { metricsText } from './dist/metrics.js';
import { relation } from './dist/ordering.js';
import { pollingSource } from './dist/sources.js';

const say = (name, value) => {
  const item = document.createElement('li');
  item.textContent = name + ': ' + value;
  document.body.append(item);
};
const wall = systemClock();
const source = pollingSource({
  name: 'page',
  ask: async () => {
    const now = wall.wallReadNs();
    return { serverReceivedAt: now + 1_000_000n, serverSentAt: now, serverErrorNs: 5_000_000n };
  },
});
const clock = BoundedClock.start({ sources: [source] });
await clock.waitSynced({ timeoutMs: 5000 });
say('status', clock.read().status);
const interval = clock.now();
const now = BigInt(Date.now()) * 1_000_000n;
say('holds', interval.earliest < now + 50_000_000n && now - 50_000_000n < interval.latest);
const hlc = new HybridClock({ clock, nodeId: 'page' });
const first = hlc.now();
say('ordered', first < hlc.now());
const { latest } = clock.now();
await waitUntilAfter(clock, latest);
say('waited', clock.after(latest));
const event = (timestamp) => ({ timestamp, nodeId: 'page' });
say('relation', relation(event(first), event(hlc.now())).order);
say('metrics', metricsText({ clock, hlc }).includes('epsilon_clock_uncertainty_seconds'));
say('inspect', String(clock));
clock.stop();
document.title = 'done';
`;

test('the core works in a web page', async () => {
  const { outputFiles } = await build({
    stdin: { contents: PROGRAM, resolveDir: new URL('../..', import.meta.url).pathname },
    bundle: true,
    format: 'esm',
    write: false,
  });
  const page = join(folder, 'page.html');
  const code = outputFiles[0]!.text.replaceAll('</script', '<\\/script');
  writeFileSync(page, `<!doctype html><body><script type="module">${code}</script>`);
  const dom = domOf(page, join(folder, 'profile'), 20_000);
  const said = [...dom.matchAll(/<li>(.*?)<\/li>/g)].map(([, text]) => text);
  expect(said).toEqual([
    'status: synchronized',
    'holds: true',
    'ordered: true',
    'waited: true',
    'relation: before',
    'metrics: true',
    expect.stringMatching(/^inspect: BoundedClock\w* \{ synchronized .*, 1 of 1 agree \}$/),
  ]);
});
