/**
 * Layer 2 in worlds whose rate keeps A2 to the very edge, with theta known exactly: the truth is inside, nothing
 * is refuted, and the bound is what makes learning worth it.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EngineStory, SECOND } from '../kit/samples.ts';
import { Dice, RATE, UNIT } from './exact-world.ts';
import { happenings, type World } from './happenings.ts';
import { A2, RateTruth } from './rate-truth.ts';

interface Lived {
  checked: number;
  /** Sums of widths by layer 1 alone and by both, ns. */
  first: number;
  both: number;
}

function live(world: World, lived: Lived): void {
  const dice = new Dice(world.seed);
  const { origin, grid, sources, liars, length } = world;
  const truth = new RateTruth(dice, origin, origin + 2n * length);
  const ids = Array.from({ length: sources }, (_, i) => `s${i}`);
  const options = { slope: RATE, maxFaulty: liars, resolutionNs: Number(grid) };
  const plain = new EngineStory(ids, options);
  const story = new EngineStory(ids, { ...options, learning: A2 });
  for (const each of happenings(world, truth, dice)) {
    const reading = each.at - (each.at % grid);
    if ('sample' in each) {
      plain.ingest(each.sample);
      story.ingest(each.sample);
      continue;
    }
    if ('miss' in each) {
      plain.miss(each.miss, reading);
      story.miss(each.miss, reading);
      continue;
    }
    story.tick(reading);
    plain.tick(reading);
    expect(story.engine.bounded).toBe(plain.engine.bounded);
    if (!story.engine.bounded) continue;
    const { lo, hi } = story.edges(reading);
    const first = plain.edges(reading);
    const utc = each.at * UNIT + truth.theta(each.at);
    expect((reading + lo) * UNIT <= utc, 'earliest is not after the truth').toBe(true);
    expect(utc <= (reading + grid + hi) * UNIT, 'latest is not before the truth').toBe(true);
    expect(first.lo <= lo && hi <= first.hi, 'never wider than layer 1').toBe(true);
    lived.checked++;
    lived.first += Number(first.hi - first.lo);
    lived.both += Number(hi - lo);
  }
  expect(story.engine.refuted, 'no honest world refutes anything').toBeUndefined();
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
