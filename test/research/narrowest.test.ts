import { expect, test } from 'vitest';
import { monotonicNs } from '../../src/time/instant.ts';
import { Narrowest } from './narrowest.ts';

const US = 1000n;
const SECOND = 1_000_000_000n;

/** A sample that took no time: theta was within these, in us, at that second. */
function take(narrowest: Narrowest, sourceId: string, atS: bigint, from: bigint, to: bigint): void {
  const at = monotonicNs(atS * SECOND);
  narrowest.take({
    sourceId,
    sentAt: at,
    receivedAt: at,
    lowerNs: from * US,
    upperNs: to * US,
    pathDelayNs: 0n,
    serverErrorNs: 0n,
    leap: 'none',
  });
}

// By hand: the rate that ends highest rises all the time from -e to +e, and goes on rising.
test('one source, two samples: what wander and jitter can still do', () => {
  const narrowest = new Narrowest(1);
  const [e, T, a] = [100, 64, 10];
  take(narrowest, 's', 0n, -100n, 100n);
  take(narrowest, 's', 64n, -100n, 100n);
  const fastest = (2 * e) / T + (0.1 * T) / 2 + 1;
  const reachUs = e + (fastest + 1) * a + (0.1 * a * a) / 2;
  const { lowerNs, upperNs } = narrowest.intervalAt(74n * SECOND)!;
  expect(Number(upperNs)).toBeCloseTo(reachUs * 1000, -1);
  expect(Number(lowerNs)).toBeCloseTo(-reachUs * 1000, -1);
});

test('in a silence the rate goes to the end of its band, and stays there', () => {
  const narrowest = new Narrowest(1);
  take(narrowest, 's', 0n, -100n, 100n);
  take(narrowest, 's', 64n, -100n, 100n);
  // By hand: from -0.1 to 0.1 ms in 64 s at a steady rate, against 1 ppm of jitter. From then on it
  // rises by 25 ppm in 250 s. The bands are 2.5 ppm apart.
  const steady = 200 / 64 + 1;
  const reachUs = 100 + (steady + 1) * 3600 + 25 * (3600 - 125);
  const { lowerNs, upperNs } = narrowest.intervalAt(3664n * SECOND)!;
  expect(Number(upperNs) / 1000).toBeLessThan(reachUs);
  expect(Number(upperNs) / 1000).toBeGreaterThan(reachUs - 2.5 * 3600);
  expect(Number(lowerNs) / 1000).toBeGreaterThan(-reachUs);
  expect(Number(lowerNs) / 1000).toBeLessThan(2.5 * 3600 - reachUs);
});

test('one of three may lie: all that any two of them share', () => {
  const narrowest = new Narrowest(3);
  for (let round = 0n; round < 2n; round++) {
    take(narrowest, 'a', round, -10n, 10n);
    take(narrowest, 'b', round, 5n, 20n);
    take(narrowest, 'c', round, 15n, 30n);
  }
  expect(narrowest.intervalAt(SECOND)).toEqual({ lowerNs: 5n * US, upperNs: 20n * US });
});

test('a rate beyond every band that A1 allows is impossible: no interval', () => {
  const narrowest = new Narrowest(1);
  for (let s = 0n; s < 200n; s++) take(narrowest, 's', s, 600n * s, 600n * s + 1n);
  expect(narrowest.intervalAt(200n * SECOND)).toBeUndefined();
});
