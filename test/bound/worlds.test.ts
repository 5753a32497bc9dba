import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineHarness, SECOND } from '../kit/samples.ts';
import { BruteForce, RATE, RATE_UNITS, SeededRandom, Truth, UNIT } from './exact-world.ts';
import { eventsOf, type World } from './world-events.ts';

const LENGTH = 600n * SECOND;

/** Runs a world. Returns how often there was a bound to check. */
function live(world: Omit<World, 'length'>): number {
  const random = new SeededRandom(world.seed);
  const { origin, grid, sources, liars } = world;
  const truth = new Truth(random, origin, origin + 2n * LENGTH);
  const ids = Array.from({ length: sources }, (_, i) => `s${i}`);
  const harness = new EngineHarness(ids, { maxRate: RATE, maxFaulty: liars, gridNs: Number(grid) });
  const oracle = new BruteForce(grid);
  let steps = 0n;
  let checked = 0;
  let now = 0n;
  const fused = (): void => {
    if (!harness.engine.bounded) return;
    const { lo, hi } = harness.edges(now);
    const exact = oracle.fuse(liars, now);
    // The bound is never tighter than what follows, and wider only by the rounding of each ageing
    // so far.
    const excessLo = exact.lo - lo * UNIT;
    const excessHi = hi * UNIT - exact.hi;
    // An edge more than 2^52 ns from the others may be rounded by a microsecond each time.
    const far = exact.hi - exact.lo > 2n ** 50n * UNIT;
    const allowed = (far ? 4096n : 2n) * (steps + 2n) * UNIT;
    expect(excessLo >= 0n && excessHi >= 0n, 'never tighter than brute force').toBe(true);
    const tight = { lo: excessLo <= allowed, hi: excessHi <= allowed };
    expect(tight, 'as tight as brute force').toEqual({ lo: true, hi: true });
  };
  for (const each of eventsOf({ ...world, length: LENGTH }, truth, random)) {
    // The engine reads the grid line before this instant. Its time never goes back.
    const reading = each.at - (each.at % grid);
    if ('sample' in each) {
      const { from = '', sentAt, receivedAt = sentAt, lower, upper } = each.sample;
      if (receivedAt > now) now = receivedAt;
      const before = harness.engine.bounded;
      const outcome = harness.ingest(each.sample);
      expect(outcome, 'no honest world refutes anything').not.toBe('refuted');
      if (outcome === 'impossible') continue;
      steps++;
      oracle.take(from, { sentAt, receivedAt, lower, upper });
      fused();
      expect(before && !harness.engine.bounded, 'a bound is not lost').toBe(false);
    } else if ('miss' in each) {
      if (reading > now) now = reading;
      const before = harness.engine.bounded;
      harness.miss(each.miss, reading);
      if (!before) fused();
    } else {
      if (reading > now) now = reading;
      harness.tick(reading);
      if (!harness.engine.bounded) continue;
      const { lo, hi, suspectLo, suspectHi } = harness.edges(reading);
      const utc = each.at * UNIT + truth.theta(each.at);
      expect((reading + lo) * UNIT <= utc, 'earliest is not after the truth').toBe(true);
      expect(utc <= (reading + grid + hi) * UNIT, 'latest is not before the truth').toBe(true);
      expect(suspectLo <= lo && suspectHi >= hi, 'suspicion only widens').toBe(true);
      checked++;
    }
  }
  expect(harness.engine.maxRate, 'no rate is doubted').toBe(RATE);
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
