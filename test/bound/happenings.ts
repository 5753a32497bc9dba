/**
 * All that happens in an exact world (exact-world.ts): exchanges as a clock sees them, with servers that
 * err within their claim or lie, and instants at which the bound is read.
 */
import { type Facts, SECOND } from '../kit/samples.ts';
import { ceilUnits, type Dice, type ExactTheta, floorUnits, UNIT } from './exact-world.ts';

export interface World {
  readonly seed: number;
  readonly sources: number;
  readonly liars: number;
  readonly origin: bigint;
  readonly grid: bigint;
  /** No delay, no error: only rounding and dating are left to go wrong. */
  readonly tight: boolean;
  readonly length: bigint;
}

export type Happening = { at: bigint } & ({ sample: Facts } | { miss: string } | { look: true });

/** All that happens in a world: exchanges as the clock sees them, and instants at which it is read. */
export function happenings(world: World, truth: ExactTheta, dice: Dice): Happening[] {
  const { origin, grid, tight, length } = world;
  const read = (instant: bigint): bigint => instant - (instant % grid);
  const utc = (instant: bigint): bigint => instant * UNIT + truth.theta(instant);
  const collusion = dice.pick([0n, 250_000n, 40_000_000n, 10n ** 18n]) * dice.pick([1n, -1n]);
  // The edges of a grid cell are where a reading is as wrong as it can be.
  const snapped = (instant: bigint): bigint =>
    dice.pick([instant, read(instant), read(instant) + grid - 1n]);
  const list: Happening[] = [];
  for (let i = 0; i < world.sources; i++) {
    const from = `s${i}`;
    // Where all is tight, a lie at the edge contradicts the liar's past by a rounding, or does not.
    const moods = tight ? ['collude', 'wild'] : ['collude', 'wild', 'edge'];
    const mood = i < world.liars ? dice.pick(moods) : 'honest';
    let at = origin + dice.between(0, 1e9);
    while (at < origin + length) {
      at = snapped(at);
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
    list.push({ at: snapped(origin + dice.between(0, Number(length))), look: true });
  return list.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}
