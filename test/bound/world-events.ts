/**
 * The events of an exact world (exact-world.ts): exchanges as a clock sees them, with servers that
 * err within their claim or lie, and instants at which the bound is read.
 */
import { type Facts, SECOND } from '../kit/samples.ts';
import { ceilUnits, type ExactTheta, floorUnits, type SeededRandom, UNIT } from './exact-world.ts';

export interface World {
  readonly seed: number;
  readonly sources: number;
  readonly liars: number;
  readonly origin: bigint;
  readonly grid: bigint;
  /** No delay and no error, so that only dating and rounding can be wrong. */
  readonly tight: boolean;
  readonly length: bigint;
}

export type WorldEvent = { at: bigint } & ({ sample: Facts } | { miss: string } | { read: true });

/**
 * The events of a world, in order.
 */
export function eventsOf(world: World, truth: ExactTheta, random: SeededRandom): WorldEvent[] {
  const { origin, grid, tight, length } = world;
  const read = (instant: bigint): bigint => instant - (instant % grid);
  const utc = (instant: bigint): bigint => instant * UNIT + truth.theta(instant);
  const collusion = random.pick([0n, 250_000n, 40_000_000n, 10n ** 18n]) * random.pick([1n, -1n]);
  // At the edges of a grid cell a reading is as wrong as it can be.
  const snapped = (instant: bigint): bigint =>
    random.pick([instant, read(instant), read(instant) + grid - 1n]);
  const list: WorldEvent[] = [];
  for (let i = 0; i < world.sources; i++) {
    const from = `s${i}`;
    // Without width, a lie at the edge may or may not contradict the liar's past, by rounding.
    const behaviours = tight ? ['collude', 'wild'] : ['collude', 'wild', 'edge'];
    const behaviour = i < world.liars ? random.pick(behaviours) : 'honest';
    let at = origin + random.between(0, 1e9);
    while (at < origin + length) {
      at = snapped(at);
      const outward = tight ? 0n : random.between(0, random.pick([1000, 5e6, 4e8]));
      const back = tight ? 0n : random.between(0, random.pick([1000, 5e6, 4e8]));
      const hold = tight ? 0n : random.between(0, 50_000);
      const error = tight ? 0n : random.between(0, random.pick([0, 1000, 2e6]));
      const arrived = at + outward;
      const left = arrived + hold;
      const received = left + back;
      // An honest server is off by at most its claim.
      const off = error === 0n ? 0n : random.between(-Number(error), Number(error));
      let upper = ceilUnits(utc(arrived)) + off - read(at) + error;
      let lower = floorUnits(utc(left)) + off - read(received) - grid - error;
      if (behaviour === 'collude') {
        upper += collusion;
        lower += collusion;
      } else if (behaviour === 'wild') {
        const lie = random.between(-1e9, 1e9);
        upper += lie + random.between(0, 1e6);
        lower += lie - random.between(0, 1e6);
      } else if (behaviour === 'edge') {
        // Claims one end of its interval: overlaps honest intervals, excludes the truth.
        if (random.chance(0.5)) lower = upper;
        else upper = lower;
      }
      if (random.chance(0.15)) {
        list.push({ at: at + SECOND, miss: from });
      } else {
        const late = random.chance(0.2) ? random.between(0, 20e9) : 0n;
        const facts = { from, sentAt: read(at), receivedAt: read(received), lower, upper };
        list.push({ at: received + late, sample: facts });
        if (random.chance(0.1)) {
          list.push({ at: received + late + random.between(0, 30e9), sample: facts });
        }
      }
      at += random.between(1e6, random.pick([2e9, 16e9, 64e9]));
    }
  }
  for (let i = 0; i < 150; i++)
    list.push({ at: snapped(origin + random.between(0, Number(length))), read: true });
  return list.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}
