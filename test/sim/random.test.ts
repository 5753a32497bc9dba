import { expect, test } from 'vitest';
import { Random } from '../../src/sim/random.ts';

/** xoshiro128** and splitmix32 in bigint arithmetic, from their published definitions. */
function reference(seed: number, count: number): number[] {
  const mask = 0xffff_ffffn;
  let x = BigInt(seed);
  const splitmix = () => {
    x = (x + 0x9e3779b9n) & mask;
    let z = x;
    z = ((z ^ (z >> 16n)) * 0x21f0aaadn) & mask;
    z = ((z ^ (z >> 15n)) * 0x735a2d97n) & mask;
    return z ^ (z >> 15n);
  };
  const s = [splitmix(), splitmix(), splitmix(), splitmix()];
  const rotl = (v: bigint, k: bigint) => ((v << k) | (v >> (32n - k))) & mask;
  return Array.from({ length: count }, () => {
    const result = (rotl((s[1]! * 5n) & mask, 7n) * 9n) & mask;
    const t = (s[1]! << 9n) & mask;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotl(s[3]!, 11n);
    return Number(result);
  });
}

test('the stream is xoshiro128** seeded by splitmix32', () => {
  for (const seed of [0, 1, 12345, 0xffff_ffff]) {
    const random = new Random(seed);
    expect(Array.from({ length: 200 }, () => random.uint32())).toEqual(reference(seed, 200));
  }
});

test('a fork depends on seed and label only, and leaves its parent alone', () => {
  const a = new Random(7);
  const b = new Random(7);
  a.uint32(); // the position in the parent's stream does not matter
  expect(a.fork('link').uint32()).toBe(b.fork('link').uint32());
  expect(b.fork('link').uint32()).not.toBe(b.fork('knil').uint32());
  expect(new Random(8).fork('link').uint32()).not.toBe(b.fork('link').uint32());
  b.uint32();
  expect(a.uint32()).toBe(b.uint32());
});

test('draws have the distribution their name promises', () => {
  const random = new Random(3);
  const n = 100_000;
  const mean = (draw: () => number) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += draw();
    return sum / n;
  };
  expect(mean(() => random.unit())).toBeCloseTo(0.5, 2);
  expect(mean(() => random.between(-3, 5))).toBeCloseTo(1, 1);
  expect(mean(() => random.integer(1, 6))).toBeCloseTo(3.5, 1);
  expect(mean(() => (random.chance(0.3) ? 1 : 0))).toBeCloseTo(0.3, 2);
  expect(mean(() => random.exponential(2))).toBeCloseTo(2, 1);
  expect(mean(() => random.pareto(1, 3))).toBeCloseTo(1.5, 1);
  const faces = new Set(Array.from({ length: 200 }, () => random.integer(1, 3)));
  expect([...faces].sort()).toEqual([1, 2, 3]);
});

test('a seed outside 32 bits is refused', () => {
  expect(() => new Random(-1)).toThrow(RangeError);
  expect(() => new Random(2 ** 32)).toThrow(RangeError);
});
