import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineStory, SECOND } from '../kit/samples.ts';
import { BruteForce, Dice, RATE, RATE_UNITS, Truth, UNIT } from './exact-world.ts';
import { happenings, type World } from './happenings.ts';

const LENGTH = 600n * SECOND;

/** Lives through a world and returns how often there was a bound to check. */
function live(world: Omit<World, 'length'>): number {
  const dice = new Dice(world.seed);
  const { origin, grid, sources, liars } = world;
  const truth = new Truth(dice, origin, origin + 2n * LENGTH);
  const ids = Array.from({ length: sources }, (_, i) => `s${i}`);
  const story = new EngineStory(ids, { slope: RATE, maxFaulty: liars, resolutionNs: Number(grid) });
  const oracle = new BruteForce(grid);
  let steps = 0n;
  let checked = 0;
  let now = 0n;
  const fused = (): void => {
    if (!story.engine.bounded) return;
    const { lo, hi } = story.edges(now);
    const exact = oracle.fuse(liars, now);
    // Never tighter than what follows, and wider only by what each ageing so far was rounded.
    const excessLo = exact.lo - lo * UNIT;
    const excessHi = hi * UNIT - exact.hi;
    // Edges beyond 2^52 from the others may cost a microsecond each time.
    const far = exact.hi - exact.lo > 2n ** 50n * UNIT;
    const allowed = (far ? 4096n : 2n) * (steps + 2n) * UNIT;
    expect(excessLo >= 0n && excessHi >= 0n, 'never tighter than brute force').toBe(true);
    const tight = { lo: excessLo <= allowed, hi: excessHi <= allowed };
    expect(tight, 'as tight as brute force').toEqual({ lo: true, hi: true });
  };
  for (const each of happenings({ ...world, length: LENGTH }, truth, dice)) {
    // The engine's time never goes back; its reading of this instant is the grid line before it.
    const reading = each.at - (each.at % grid);
    if ('sample' in each) {
      const { from = '', sentAt, receivedAt = sentAt, lower, upper } = each.sample;
      if (receivedAt > now) now = receivedAt;
      const before = story.engine.bounded;
      const outcome = story.ingest(each.sample);
      expect(outcome, 'no honest world refutes anything').not.toBe('refuted');
      if (outcome === 'impossible') continue;
      steps++;
      oracle.take(from, { sentAt, receivedAt, lower, upper });
      fused();
      expect(before && !story.engine.bounded, 'a bound is not lost').toBe(false);
    } else if ('miss' in each) {
      if (reading > now) now = reading;
      const before = story.engine.bounded;
      story.miss(each.miss, reading);
      if (!before) fused();
    } else {
      if (reading > now) now = reading;
      story.tick(reading);
      if (!story.engine.bounded) continue;
      const { lo, hi, suspectLo, suspectHi } = story.edges(reading);
      const utc = each.at * UNIT + truth.theta(each.at);
      expect((reading + lo) * UNIT <= utc, 'earliest is not after the truth').toBe(true);
      expect(utc <= (reading + grid + hi) * UNIT, 'latest is not before the truth').toBe(true);
      expect(suspectLo <= lo && suspectHi >= hi, 'suspicion only widens').toBe(true);
      checked++;
    }
  }
  expect(story.engine.slope, 'no rate is doubted').toBe(RATE);
  return checked;
}

const origin = fc.constantFrom(0n, 10n ** 15n, 10n ** 17n);
const grid = fc.constantFrom(1n, 280n, 40_000n, 2_000_000n);
const seed = fc.integer();

describe('the truth is inside, and the bound is what follows from the samples', () => {
  it('one source, f = 0: nothing hides a mistake of dating or rounding', () => {
    let checked = 0;
    const worlds = fc.record({ seed, origin, grid, tight: fc.boolean() });
    fc.assert(
      fc.property(worlds, (world) => {
        checked += live({ ...world, sources: 1, liars: 0 });
      }),
      { seed: 20261, numRuns: 40 },
    );
    expect(checked).toBeGreaterThan(3000);
  });

  it('up to seven sources, at most f of which lie alike, wildly or just at the edge', () => {
    let checked = 0;
    const worlds = fc.record({
      seed,
      origin,
      grid,
      tight: fc.boolean(),
      sources: fc.integer({ min: 2, max: 7 }),
      liars: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(worlds, (world) => {
        checked += live({ ...world, liars: Math.min(world.liars, (world.sources - 1) >> 1) });
      }),
      { seed: 20262, numRuns: 30 },
    );
    expect(checked).toBeGreaterThan(2000);
  });

  it('a partial quorum: fewer than 2 f + 1 sources are sound as well', () => {
    let checked = 0;
    const worlds = fc.record({
      seed,
      origin,
      grid,
      tight: fc.boolean(),
      shape: fc.constantFrom([2, 1], [3, 2], [5, 3]),
    });
    fc.assert(
      fc.property(worlds, ({ shape, ...world }) => {
        const [sources, liars] = shape as [number, number];
        checked += live({ ...world, sources, liars });
      }),
      { seed: 20263, numRuns: 20 },
    );
    expect(checked).toBeGreaterThan(1000);
  });
});

it('the rate of these worlds is the same for the engine and for the oracle', () => {
  expect(BigInt(RATE * 2 ** 54)).toBe(RATE_UNITS);
});
