import { expect, test } from 'vitest';
import { runDrawnWorlds } from '../kit/drawn-worlds.ts';
import { drawEngineWorld, drawFreeRunningWorld, runEngineWorld } from '../kit/engine-world.ts';

const ENGINE_HOURS = 10_000;
const FREE_RUNNING_HOURS = 6_000;
const WORLD_HOURS = 5_000;
/** Other worlds every night: the seed is in the name of the test that fails. */
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6));

/** A line per world, before it begins: one that never ends is then known by its number. */
function say(line: string): void {
  process.stdout.write(`${new Date().toISOString()}  ${line}\n`);
}

test(`${ENGINE_HOURS} hours of drawn engine worlds from seed ${SEED}: no violation`, () => {
  let readings = 0;
  for (let i = 0; i < ENGINE_HOURS / 10; i++) {
    if (i % 100 === 0) say(`engine worlds of 10 h from seed ${SEED + i}`);
    const outcome = runEngineWorld(drawEngineWorld(SEED + i, 10));
    expect(outcome.first).toBeUndefined();
    expect(outcome.bounded).toBeGreaterThan(0.95 * outcome.checked);
    readings += outcome.bounded;
  }
  say(`${ENGINE_HOURS} engine hours: ${readings} readings with a bound, none wrong`);
});

test(`${FREE_RUNNING_HOURS} hours of drawn free-running engine worlds from seed ${SEED}: no violation`, () => {
  let readings = 0;
  for (let i = 0; i < FREE_RUNNING_HOURS / 10; i++) {
    if (i % 100 === 0) say(`free-running engine worlds of 10 h from seed ${SEED + i}`);
    const outcome = runEngineWorld(drawFreeRunningWorld(SEED + i, 10));
    expect(outcome.first).toBeUndefined();
    expect(outcome.refuted).toBeUndefined();
    expect(outcome.bounded).toBeGreaterThan(0.95 * outcome.checked);
    readings += outcome.bounded;
  }
  say(`${FREE_RUNNING_HOURS} free-running hours: ${readings} readings with a bound, none wrong`);
});

test(`${WORLD_HOURS} hours of drawn whole worlds from seed ${SEED}: no violation`, async () => {
  const onBegin = (index: number): void => say(`whole world ${index} of seed ${SEED}, 1 h`);
  const readings = await runDrawnWorlds({ seed: SEED, hours: WORLD_HOURS, onBegin });
  say(`${WORLD_HOURS} whole hours: ${readings} readings, none wrong`);
});
