/**
 * The figures that other pages quote in their text from the tables of docs/simulator-results.md.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const page = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8').replace(/\s+/g, ' ');

/**
 * A column of the table under `heading`, counted from the end, for the scenarios whose names match.
 */
function column(heading: string, fromEnd: number, scenario: RegExp): number[] {
  const text = readFileSync(new URL('../../docs/simulator-results.md', import.meta.url), 'utf8');
  const section = text.split(`## ${heading}`)[1]!.split('\n## ')[0]!;
  const rows = section.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  return rows
    .filter((cells) => cells.length > 2 && scenario.test(cells[1]!))
    .map((cells) => Number(cells.at(-1 - fromEnd)));
}

const ratios = (scenario: RegExp): number[] => column('The same traces', 1, scenario);
const excess = (scenario: RegExp): number[] => column('What no sound rule', 3, scenario);

const range = (values: readonly number[]): string =>
  `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)} times`;

const percent = (ratio: number): string => `${Math.round((ratio - 1) * 100)} %`;

test('the gain of layer 2, as docs/bound.md and the README state it', () => {
  const good = ratios(/^(LAN|cloud zone), stratum 1, \d+ s polls$/);
  const fair = ratios(/^(LAN|cloud), (16|64) s polls$/);
  const [alone] = ratios(/^LAN, stratum 1, all sources down/);
  expect([good.length, fair.length]).toEqual([4, 4]);
  const said = page('docs/bound.md');
  expect(said).toContain(`the best other *sound* rule is ${range(good)} as wide`);
  expect(said).toContain(`and ${alone!.toFixed(1)} times when all sources are down`);
  expect(said).toContain(`a millisecond off, ${range(fair)}`);
  const near = excess(/, 16 s polls$|^(cloud|internet).*, 64 s polls$/);
  expect(near.length).toBe(9);
  expect(said).toContain(`at most ${percent(Math.max(...near))} wider than need be`);
  const far = excess(/^LAN(, stratum 1)?, 64 s polls$/);
  expect(said).toContain(`on a LAN polled every 64 s by ${far.map(percent).join(' and ')}`);
  const down = excess(/sources down/);
  const lied = excess(/liars? of 5/);
  expect([down.length, lied.length]).toEqual([2, 4]);
  expect(said).toContain(
    `down it is at most ${percent(Math.max(...down))} wider, and where some lie, ${percent(Math.max(...lied))}`,
  );
  const [[gain], [most]] = [2, 1].map((fromEnd) =>
    column('What no sound rule', fromEnd, /^cloud, 16 s polls$/),
  ) as [number[], number[]];
  expect(said).toContain(`is ${most!.toFixed(2)} times, and ours ${gain!.toFixed(2)}`);
  expect(page('README.md')).toContain('seven times with exact servers near by');
  expect(Math.round(Math.max(...good))).toBe(7);
});
