/** Pages in a headless Chromium. */
import { execFileSync } from 'node:child_process';

/**
 * Opens a file and returns the page as its programs left it.
 *
 * @param profile a folder for the browser's own files
 * @param virtualTimeMs how long the page's timers run, in time that the browser makes pass
 */
export function domOf(file: string, profile: string, virtualTimeMs = 0): string {
  const flags = [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
    ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ...[`--user-data-dir=${profile}`, '--window-size=1300,700'],
    ...(virtualTimeMs > 0 ? [`--virtual-time-budget=${virtualTimeMs}`] : []),
  ];
  return execFileSync('chromium', [...flags, '--dump-dom', `file://${file}`], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}
