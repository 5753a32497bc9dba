import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ownRow, race, raceRow } from '../kit/race.ts';
import { catalog } from '../kit/scenario-catalog.ts';

const page = readFileSync(
  fileURLToPath(new URL('../../docs/simulator-results.md', import.meta.url)),
  'utf8',
);

test('every scenario has its two rows in docs/simulator-results.md, and none was wrong', () => {
  for (const { name } of catalog) {
    const rows = page.split('\n').filter((line) => line.startsWith(`| ${name} |`));
    expect(rows).toHaveLength(2);
    expect(rows[0]!.split(' | ')[2]).toBe('0');
  }
});

// The cheapest scenarios here, all of them in `npm run soak`. When these fail after a change to the
// library: npx tsx docs/scripts/simulator-results.ts
test.for(['cold start', 'one source only'])(
  'the rows of "%s" are what the simulator says',
  async (name) => {
    const result = await race(catalog.find((entry) => entry.name === name)!);
    expect(page).toContain(`${ownRow(result)}\n`);
    expect(page).toContain(`${raceRow(result)}\n`);
  },
);
