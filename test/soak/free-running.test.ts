import { test } from 'vitest';
import { runDrawnWorlds } from '../kit/drawn-worlds.ts';
import { SEED, say } from '../kit/soak.ts';

const HOURS = 5000;

test(`${HOURS} hours of drawn whole worlds, free-running, from seed ${SEED}: no violation`, async () => {
  const readings = await runDrawnWorlds({
    seed: SEED,
    hours: HOURS,
    hostClock: 'free-running',
    onBegin: (index) => say(`free-running world ${index} of seed ${SEED}, 1 h`),
  });
  say(`${HOURS} free-running hours: ${readings} readings, none wrong`);
});
