import { test } from 'vitest';
import { type DrawnWorlds, runDrawnWorlds } from './drawn-worlds.ts';

/** Other worlds every night. The name of the failing test contains the seed. */
export const SEED: number = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6));

const HOURS = 5000;

/** Prints a line before each world, so that the number of a world that never ends is known. */
export function log(line: string): void {
  process.stdout.write(`${new Date().toISOString()}  ${line}\n`);
}

/**
 * Thousands of hours with the whole library in them. {@link runDrawnWorlds} judges every reading.
 */
export function soakWholeWorlds(hostClock: NonNullable<DrawnWorlds['hostClock']>): void {
  const title = `${HOURS} hours of drawn whole worlds, ${hostClock}, from seed ${SEED}: no violation`;
  test(title, async () => {
    const onBegin = (index: number): void =>
      log(`${hostClock} world ${index} of seed ${SEED}, 1 h`);
    const readings = await runDrawnWorlds({ seed: SEED, hours: HOURS, hostClock, onBegin });
    log(`${HOURS} ${hostClock} hours: ${readings} readings, none wrong`);
  });
}
