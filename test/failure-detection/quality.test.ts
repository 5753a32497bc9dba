/**
 * The quality of service of failure detectors where somebody pauses, and that
 * docs/failure-detection.md says what comes out. With other seeds, and in all its worlds:
 * test/soak/failure-detection.test.ts.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { expectFewerMistakes } from '../kit/detection-checks.ts';
import { fixedMistakes, type Measured, measure } from '../research/detection-quality.ts';
import { DETECTORS, PAIRS, qualityRow, SETUP } from '../research/detection-tables.ts';
import { OBSERVER_PAUSES, PEER_PAUSES, type World } from '../research/detection-worlds.ts';

const page = readFileSync(new URL('../../docs/failure-detection.md', import.meta.url), 'utf8');
const compared = DETECTORS.filter(({ name }) => PAIRS.flat().some((each) => each === name));

/** The rows of the table below the heading of the world, as lists of cells. */
function rowsOf({ name }: World): string[][] {
  const section = page.toLowerCase().split(`\n### ${name.toLowerCase()}\n`)[1]!.split('\n#')[0]!;
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  return rows.map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
}

/** Measures the detectors that are compared, by the seeds of the page, and finds them there. */
function measuredAsThePageSays(world: World): Measured {
  const measured = measure(world, compared, SETUP);
  for (const quality of measured.qualities) {
    const row = qualityRow(measured, quality).map((cell) => cell.toLowerCase());
    expect(rowsOf(world)).toContainEqual(row);
  }
  return measured;
}

test.each(OBSERVER_PAUSES)(
  '$name: at most a fifth of the mistakes at the same detection time, as the page says',
  (world) => {
    const measured = measuredAsThePageSays(world);
    expect(expectFewerMistakes(measured)).toBeGreaterThanOrEqual(2);
  },
);

test.each(PEER_PAUSES)('$name: no better than a fixed timeout, as the page says', (world) => {
  const measured = measuredAsThePageSays(world);
  for (const quality of measured.qualities) {
    const ratio = quality.mistakes / fixedMistakes(measured, quality);
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
  }
});
