/**
 * Draws docs/images/order.png: the diagram of the three logs in docs/guides/order-logs.md, as
 * Chromium shows it. Run `npm run build` first, then `npx tsx docs/scripts/order-picture.ts`.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const guide = readFileSync(path('../guides/order-logs.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'order-picture-'));
try {
  const logs = [...guide.matchAll(/^`(\w+\.ndjson)`:\n\n```json\n(.*?)```/gms)];
  for (const [, name, lines] of logs) writeFileSync(join(folder, name!), lines!);
  const names = logs.map(([, name]) => name!);
  const order = ['order', '--html', 'order.html', ...names];
  execFileSync(process.execPath, [path('../../dist/cli.js'), ...order], { cwd: folder });
  execFileSync('chromium', [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    ...[`--user-data-dir=${join(folder, 'profile')}`, '--window-size=1200,340'],
    ...[`--screenshot=${path('../images/order.png')}`, `file://${join(folder, 'order.html')}`],
  ]);
} finally {
  rmSync(folder, { recursive: true });
}
