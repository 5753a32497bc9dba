import { expect, test } from 'vitest';
import { runHostPageWorlds } from '../kit/host-page-worlds.ts';

test('2 hours of drawn worlds, read through the page: no reading excludes the truth', async () => {
  const { readings, bounded } = await runHostPageWorlds(21, 2);
  expect(bounded).toBeGreaterThan(2 * 3600 * 0.9);
  expect(bounded / readings).toBeGreaterThan(0.85);
});
