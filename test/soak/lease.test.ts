import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type BrokenAssumption,
  drawLeaseWorlds,
  nothingSeen,
  runLeaseWorld,
  type Seen,
} from '../kit/lease-worlds.ts';
import { log, SEED } from '../kit/soak.ts';

const HOURS = 1000;
const BROKEN_HOURS = 4;

test(`${HOURS} hours with 4 contenders from seed ${SEED}: nobody acts on the lease of another`, async () => {
  const sum = nothingSeen();
  const worlds = drawLeaseWorlds({ minutes: 60, least: 4, stretch: 12, restMs: 600_000 });
  for (const [i, world] of fc.sample(worlds, { seed: SEED, numRuns: HOURS }).entries()) {
    if (i % 100 === 0) log(`lease world ${i} of 1 h from seed ${SEED}: ${JSON.stringify(sum)}`);
    const seen = await runLeaseWorld(world);
    expect(seen, `world ${i}`).toMatchObject({ overlaps: 0, admitted: 0 });
    add(sum, seen);
  }
  log(`${HOURS} hours with 4 contenders: ${JSON.stringify(sum)}`);
  expect(sum.handOvers).toBeGreaterThan(10 * HOURS);
  expect(sum.stale).toBeGreaterThan(0);
});

test.each<BrokenAssumption>(['A0', 'A1', 'A2', 'A3', 'A4'])(
  `${BROKEN_HOURS} hours with %s broken from seed ${SEED}: two act, and the fence admits no stale write`,
  async (broken) => {
    const sum = nothingSeen();
    const worlds = drawLeaseWorlds({ minutes: 60, least: 4 });
    for (const world of fc.sample(worlds, { seed: SEED, numRuns: BROKEN_HOURS })) {
      const seen = await runLeaseWorld({ ...world, wayMs: 0.2, loss: 0, broken });
      expect(seen.admitted).toBe(0);
      add(sum, seen);
    }
    log(`${BROKEN_HOURS} hours with ${broken} broken: ${JSON.stringify(sum)}`);
    expect(sum.overlaps).toBeGreaterThan(0);
    expect(sum.stale).toBeGreaterThan(0);
  },
);

function add(sum: Seen, seen: Seen): void {
  for (const key of Object.keys(sum) as (keyof Seen)[]) sum[key] += seen[key];
}
