/**
 * Layer 2 in worlds whose rate goes to the limits of A2, with theta known exactly. The truth is
 * inside, nothing is refuted, and the bound is narrower than without learning.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { newBound } from '../../../src/bound/bound.ts';
import type { BoundEngine } from '../../../src/bound/bound-engine.ts';
import { driftOver } from '../../../src/bound/drift.ts';
import { asMonotonicNs } from '../../../src/time/instant.ts';
import { EngineHarness, SECOND } from '../../kit/samples.ts';
import { RATE, SeededRandom, UNIT } from '../exact-world.ts';
import { eventsOf, type World } from '../world-events.ts';
import { A2, RateTruth } from './rate-truth.ts';

interface Lived {
  checked: number;
  /** Sum of the widths of layer 1 alone, ns. */
  first: number;
  /** Sum of the widths of both layers, ns. */
  both: number;
}

function live(world: World, lived: Lived): void {
  const random = new SeededRandom(world.seed);
  const { origin, grid, sources, liars, length } = world;
  const truth = new RateTruth(random, origin, origin + 2n * length);
  const ids = Array.from({ length: sources }, (_, i) => `s${i}`);
  const options = { maxRate: RATE, maxFaulty: liars, gridNs: Number(grid) };
  const plain = new EngineHarness(ids, options);
  const harness = new EngineHarness(ids, { ...options, learning: A2 });
  for (const each of eventsOf(world, truth, random)) {
    const reading = each.at - (each.at % grid);
    if ('sample' in each) {
      plain.ingest(each.sample);
      harness.ingest(each.sample);
      if (harness.engine.bounded) checkPublished(harness.engine, truth, reading, grid);
      continue;
    }
    if ('miss' in each) {
      plain.miss(each.miss, reading);
      harness.miss(each.miss, reading);
      continue;
    }
    harness.tick(reading);
    plain.tick(reading);
    expect(harness.engine.bounded).toBe(plain.engine.bounded);
    if (!harness.engine.bounded) continue;
    const { lo, hi } = harness.edges(reading);
    const first = plain.edges(reading);
    const utc = each.at * UNIT + truth.theta(each.at);
    expect((reading + lo) * UNIT <= utc, 'earliest is not after the truth').toBe(true);
    expect(utc <= (reading + grid + hi) * UNIT, 'latest is not before the truth').toBe(true);
    // Layer 1 is about one instant of a grid cell, layer 2 about all of them, and each rounds its
    // growth.
    const grids = BigInt(driftOver(RATE, Number(grid))) + 1n;
    expect(first.lo - grids <= lo, 'hardly below layer 1').toBe(true);
    expect(hi <= first.hi + 1n, 'never above layer 1').toBe(true);
    lived.checked++;
    lived.first += Number(first.hi - first.lo);
    lived.both += Number(hi - lo);
  }
  expect(harness.engine.refuted, 'no honest world refutes anything').toBeUndefined();
}

/**
 * Checks the bound as published at `at`, for later readings, at both ends of the grid cell of each.
 */
function checkPublished(engine: BoundEngine, truth: RateTruth, at: bigint, grid: bigint): void {
  const bound = newBound();
  engine.boundAt(asMonotonicNs(at), bound);
  for (const grids of [0n, 1n, 2n, 5n, 1000n]) {
    const reading = at + grids * grid;
    const age = Number(reading - at);
    const lo = engine.thetaBase + BigInt(bound.lo - bound.fall.over(age));
    const hi = engine.thetaBase + BigInt(bound.hi + bound.rise.over(age));
    const utc = (instant: bigint): bigint => instant * UNIT + truth.theta(instant);
    expect((reading + lo) * UNIT <= utc(reading), 'published earliest').toBe(true);
    const last = reading + grid - 1n;
    expect(utc(last) <= (reading + grid + hi) * UNIT, 'published latest').toBe(true);
  }
}

function liveAll(
  shapes: fc.Arbitrary<Pick<World, 'sources' | 'liars'>>,
  options: { seed: number; numRuns: number; length: bigint },
): Lived {
  const { length, ...run } = options;
  const lived = { checked: 0, first: 0, both: 0 };
  const worlds = fc.record({
    seed: fc.integer(),
    origin: fc.constantFrom(0n, 10n ** 15n, 10n ** 17n),
    grid: fc.constantFrom(1n, 280n, 40_000n, 2_000_000n),
    tight: fc.boolean(),
    length: fc.constant(length),
  });
  fc.assert(
    fc.property(worlds, shapes, (world, shape) => live({ ...world, ...shape }, lived)),
    run,
  );
  return lived;
}

it('one source, f = 0: nothing hides a mistake of dating, rounding or ageing', () => {
  const one = fc.constant({ sources: 1, liars: 0 });
  const lived = liveAll(one, { seed: 20271, numRuns: 40, length: 1800n * SECOND });
  expect(lived.checked).toBeGreaterThan(3000);
  expect(lived.first / lived.both).toBeGreaterThan(1.2);
});

it('up to seven sources, at most f of which lie alike, wildly or just at the edge', () => {
  const several = fc
    .record({ sources: fc.integer({ min: 2, max: 7 }), liars: fc.integer({ min: 0, max: 3 }) })
    .map(({ sources, liars }) => ({ sources, liars: Math.min(liars, (sources - 1) >> 1) }));
  const lived = liveAll(several, { seed: 20272, numRuns: 30, length: 1200n * SECOND });
  expect(lived.checked).toBeGreaterThan(2000);
});
