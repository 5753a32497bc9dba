import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineStory, type Facts, SECOND } from '../kit/samples.ts';
import {
  BruteForce,
  ceilUnits,
  Dice,
  floorUnits,
  RATE,
  RATE_UNITS,
  Truth,
  UNIT,
} from './exact-world.ts';

interface World {
  readonly seed: number;
  readonly sources: number;
  readonly liars: number;
  readonly origin: bigint;
  readonly grid: bigint;
  /** No delay, no error: only rounding and dating are left to go wrong. */
  readonly tight: boolean;
}

type Happening = { at: bigint } & ({ sample: Facts } | { miss: string } | { look: true });

const LENGTH = 600n * SECOND;

/** All that happens in a world: exchanges as the clock sees them, and instants at which it is read. */
function happenings(world: World, truth: Truth, dice: Dice): Happening[] {
  const { origin, grid, tight } = world;
  const read = (instant: bigint): bigint => instant - (instant % grid);
  const utc = (instant: bigint): bigint => instant * UNIT + truth.theta(instant);
  const collusion = dice.pick([0n, 250_000n, 40_000_000n, 10n ** 18n]) * dice.pick([1n, -1n]);
  const list: Happening[] = [];
  for (let i = 0; i < world.sources; i++) {
    const from = `s${i}`;
    // Where all is tight, a lie at the edge contradicts the liar's past by a rounding, or does not.
    const moods = tight ? ['collude', 'wild'] : ['collude', 'wild', 'edge'];
    const mood = i < world.liars ? dice.pick(moods) : 'honest';
    let at = origin + dice.between(0, 1e9);
    while (at < origin + LENGTH) {
      const outward = tight ? 0n : dice.between(0, dice.pick([1000, 5e6, 4e8]));
      const back = tight ? 0n : dice.between(0, dice.pick([1000, 5e6, 4e8]));
      const hold = tight ? 0n : dice.between(0, 50_000);
      const error = tight ? 0n : dice.between(0, dice.pick([0, 1000, 2e6]));
      const arrived = at + outward;
      const left = arrived + hold;
      const received = left + back;
      // An honest server is off by no more than it says.
      const off = error === 0n ? 0n : dice.between(-Number(error), Number(error));
      let upper = ceilUnits(utc(arrived)) + off - read(at) + error;
      let lower = floorUnits(utc(left)) + off - read(received) - grid - error;
      if (mood === 'collude') {
        upper += collusion;
        lower += collusion;
      } else if (mood === 'wild') {
        const lie = dice.between(-1e9, 1e9);
        upper += lie + dice.between(0, 1e6);
        lower += lie - dice.between(0, 1e6);
      } else if (mood === 'edge') {
        // Claims the piece at the end of what it knows: overlaps the honest, misses the truth.
        if (dice.chance(0.5)) lower = upper;
        else upper = lower;
      }
      if (dice.chance(0.15)) {
        list.push({ at: at + SECOND, miss: from });
      } else {
        const late = dice.chance(0.2) ? dice.between(0, 20e9) : 0n;
        const facts = { from, sentAt: read(at), receivedAt: read(received), lower, upper };
        list.push({ at: received + late, sample: facts });
        if (dice.chance(0.1)) {
          list.push({ at: received + late + dice.between(0, 30e9), sample: facts });
        }
      }
      at += dice.between(1e6, dice.pick([2e9, 16e9, 64e9]));
    }
  }
  for (let i = 0; i < 150; i++)
    list.push({ at: origin + dice.between(0, Number(LENGTH)), look: true });
  return list.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/** Lives through a world and returns how often there was a bound to check. */
function live(world: World): number {
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
  for (const each of happenings(world, truth, dice)) {
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
  expect(BigInt(RATE * 2 ** 20)).toBe(RATE_UNITS);
});
