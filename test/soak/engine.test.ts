import { expect, test } from 'vitest';
import { drawEngineWorld, drawFreeRunningWorld, runEngineWorld } from '../kit/engine-world.ts';
import { log, SEED } from '../kit/soak.ts';

const ENGINE_HOURS = 10_000;
const FREE_RUNNING_HOURS = 6_000;

test(`${ENGINE_HOURS} hours of drawn engine worlds from seed ${SEED}: no violation`, () => {
  let readings = 0;
  for (let i = 0; i < ENGINE_HOURS / 10; i++) {
    if (i % 100 === 0) log(`engine worlds of 10 h from seed ${SEED + i}`);
    const outcome = runEngineWorld(drawEngineWorld(SEED + i, 10));
    expect(outcome.first).toBeUndefined();
    expect(outcome.bounded).toBeGreaterThan(0.95 * outcome.checked);
    readings += outcome.bounded;
  }
  log(`${ENGINE_HOURS} engine hours: ${readings} readings with a bound, none wrong`);
});

test(`${FREE_RUNNING_HOURS} hours of drawn free-running engine worlds from seed ${SEED}: no violation`, () => {
  let readings = 0;
  for (let i = 0; i < FREE_RUNNING_HOURS / 10; i++) {
    if (i % 100 === 0) log(`free-running engine worlds of 10 h from seed ${SEED + i}`);
    const outcome = runEngineWorld(drawFreeRunningWorld(SEED + i, 10));
    expect(outcome.first).toBeUndefined();
    expect(outcome.refuted).toBeUndefined();
    expect(outcome.bounded).toBeGreaterThan(0.95 * outcome.checked);
    readings += outcome.bounded;
  }
  log(`${FREE_RUNNING_HOURS} free-running hours: ${readings} readings with a bound, none wrong`);
});
