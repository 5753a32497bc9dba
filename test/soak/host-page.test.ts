import { expect, test } from 'vitest';
import { runHostPageWorlds } from '../kit/host-page-worlds.ts';

test('100 hours of drawn worlds, read through the page: no reading excludes the truth', async () => {
  const { readings, bounded } = await runHostPageWorlds(22, 100);
  expect(bounded / readings).toBeGreaterThan(0.85);
});
