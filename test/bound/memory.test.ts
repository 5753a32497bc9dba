import { expect, test } from 'vitest';
import { BoundEngine } from '../../src/bound/bound-engine.ts';
import { held } from '../kit/heap.ts';
import { SECOND, sample } from '../kit/samples.ts';

const FEW = 20_000;
const MANY = 200_000;
/** Bytes per sample. To remember one sample takes more. */
const NOISE = 1;
const IDS = ['a', 'b', 'c', 'd', 'e'];

const engineThatLearns = (): BoundEngine => {
  const engine = new BoundEngine({
    maxRate: 500e-6,
    gridNs: 280,
    expireAfterNs: 3600e9,
    learning: { jitter: 1e-6, wander: 1e-16, span: 25e-6, horizonNs: 3600e9 },
  });
  engine.setSources(IDS);
  return engine;
};

let seed = 1;
/** A delay of 1 to 10 ms, ns. */
function delay(): bigint {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
  return 1_000_000n + BigInt(seed % 9_000_000);
}

/**
 * Feeds the samples numbered `from` to `to`, of five sources that are each polled once a second.
 * Returns how many of them left a bound.
 */
function feed(engine: BoundEngine, from: number, to: number): number {
  let bounded = 0;
  for (let i = from; i < to; i++) {
    const [there, back] = [delay(), delay()];
    const sentAt = (BigInt(i) * SECOND) / 5n;
    const receivedAt = sentAt + there + back;
    const facts = { from: IDS[i % 5]!, sentAt, receivedAt, lower: -back, upper: there };
    if (engine.ingest(sample(facts)) === 'bounded') bounded++;
  }
  return bounded;
}

test('an engine holds no more after many samples than after few', () => {
  // Compiled code and its profile are on the heap too. After this run both exist.
  feed(engineThatLearns(), 0, MANY);

  const engine = engineThatLearns();
  expect(feed(engine, 0, FEW)).toBe(FEW - 4); // until all five were heard there is no bound
  const before = held();
  const bounded = feed(engine, FEW, MANY);
  const grown = held() - before;
  expect(bounded).toBe(MANY - FEW);
  expect(engine.learned?.rate).toBeDefined();
  expect(grown / bounded).toBeLessThan(NOISE);
});
