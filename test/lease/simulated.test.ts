/**
 * Nobody acts on a lease that somebody else has, whatever happens to clocks, processes and messages
 * (kit/lease-worlds.ts). Where an assumption is broken two do, and the fence refuses the older one.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type BrokenAssumption,
  drawLeaseWorlds,
  GOOD_CONTENDER,
  nothingSeen,
  runLeaseWorld,
} from '../kit/lease-worlds.ts';

describe('2 to 4 contenders', () => {
  test('never act on a lease that somebody else has', async () => {
    const sum = nothingSeen();
    await fc.assert(
      fc.asyncProperty(drawLeaseWorlds({ minutes: 10 }), async (drawn) => {
        const seen = await runLeaseWorld(drawn);
        expect(seen).toMatchObject({ overlaps: 0, admitted: 0 });
        for (const key of ['checks', 'handOvers', 'stale'] as const) sum[key] += seen[key];
      }),
      // A world is not simpler for being smaller.
      { seed: 1900, numRuns: 12, endOnFailure: true },
    );
    console.log(JSON.stringify(sum));
    expect(sum.checks).toBeGreaterThan(10_000);
    expect(sum.handOvers).toBeGreaterThan(200);
  });

  test.each<[BrokenAssumption, string]>([
    ['A0', 'a server lies to one of them'],
    ['A1', 'the clock of one runs slower than it may'],
    ['A2', 'the crystal of one is not steady'],
    ['A3', 'the virtual machine of one is frozen unseen'],
    ['A4', 'the daemon of one slews away from the truth'],
  ])('%s broken: two act, where %s; and the fence admits no stale write', async (broken) => {
    const contenders = [GOOD_CONTENDER, GOOD_CONTENDER, GOOD_CONTENDER];
    const world = {
      seed: 5,
      minutes: broken === 'A2' ? 60 : 10,
      ttlMs: 2000,
      wayMs: 0.2,
      loss: 0,
      contenders,
    };
    const seen = await runLeaseWorld({ ...world, broken });
    console.log(broken, JSON.stringify(seen));
    expect(seen.overlaps).toBeGreaterThan(0);
    expect(seen.stale).toBeGreaterThan(0);
    expect(seen.admitted).toBe(0);
  });
});
