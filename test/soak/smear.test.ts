import { test } from 'vitest';
import { drawSmearWorlds } from '../kit/smear-worlds.ts';
import { SEED } from '../kit/soak.ts';

const WORLDS = 5000;

test(`${WORLDS} drawn worlds with servers that smear, from seed ${SEED}: no violation`, async () => {
  await drawSmearWorlds(SEED, WORLDS);
});
