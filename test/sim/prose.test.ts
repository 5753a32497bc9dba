/** What the pages say in prose of the table in docs/simulator-results.md. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const page = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8').replace(/\s+/g, ' ');

/** "hull / ours", the last column of the second table, of the scenarios whose names match. */
function ratios(scenario: RegExp): number[] {
  const text = readFileSync(new URL('../../docs/simulator-results.md', import.meta.url), 'utf8');
  const rows = text.split('## The same traces')[1]!.matchAll(/^\| (.+?) \|.*\| ([\d.]+) \|$/gm);
  return [...rows].filter(([, name]) => scenario.test(name!)).map(([, , ratio]) => Number(ratio));
}

const range = (values: readonly number[]): string =>
  `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)} times`;

test('what layer 2 is worth, in docs/bound.md and the README', () => {
  const good = ratios(/^(LAN|cloud zone), stratum 1, \d+ s polls$/);
  const fair = ratios(/^(LAN|cloud), (16|64) s polls$/);
  const [down] = ratios(/^LAN, stratum 1, all sources down/);
  expect([good.length, fair.length]).toEqual([4, 4]);
  const said = page('docs/bound.md');
  expect(said).toContain(`the best other *sound* rule is ${range(good)} as wide`);
  expect(said).toContain(`and ${down!.toFixed(1)} times when all sources are down`);
  expect(said).toContain(`a millisecond off, ${range(fair)}`);
  expect(page('README.md')).toContain('six times with exact servers near by');
  expect(Math.round(Math.max(...good))).toBe(6);
});
