import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MinHeap } from '../../src/commit-wait/min-heap.ts';

type Step = { readonly add: bigint } | { readonly remove: number } | { readonly pop: true };

const step: fc.Arbitrary<Step> = fc.oneof(
  // Few values, so that keys tie, and the ends of int64, where a difference would overflow.
  fc.record({ add: fc.oneof(fc.bigInt(0n, 9n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)) }),
  fc.record({ remove: fc.nat(40) }),
  fc.record({ pop: fc.constant(true as const) }),
);

/** Runs the same steps on the heap and on a map; identifiers are used again, as the queue does. */
function run(steps: readonly Step[]): void {
  const heap = new MinHeap();
  const model = new Map<number, bigint>();
  const free: number[] = [];
  for (const each of steps) {
    if ('add' in each) {
      const id = free.pop() ?? model.size;
      heap.add(id, each.add);
      model.set(id, each.add);
    } else {
      const id = 'remove' in each ? each.remove : heap.leastId;
      if ('pop' in each && model.size === 0) continue;
      heap.remove(id);
      if (model.delete(id)) free.push(id);
    }
    expect(heap.size).toBe(model.size);
    if (model.size === 0) continue;
    const least = [...model.values()].reduce((a, b) => (a < b ? a : b));
    expect(heap.leastKey).toBe(least);
    expect(model.get(heap.leastId)).toBe(least);
  }
}

test('add, remove by name, remove the least: as a map whose least key is looked for', () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 120 }), run), { seed: 3, numRuns: 1000 });
});

test('grows past its first capacity, and comes out in order', () => {
  const heap = new MinHeap();
  const keys = Array.from({ length: 5000 }, (_, i) => BigInt((i * 7919) % 5003));
  for (const [id, key] of keys.entries()) heap.add(id, key);
  for (let id = 0; id < keys.length; id += 3) heap.remove(id);
  const left = keys.filter((_, id) => id % 3 !== 0).sort((a, b) => (a < b ? -1 : 1));
  const out: bigint[] = [];
  while (heap.size > 0) {
    out.push(heap.leastKey);
    heap.remove(heap.leastId);
  }
  expect(out).toEqual(left);
});

test('what is not there is not removed', () => {
  const heap = new MinHeap();
  heap.add(2, 5n);
  for (const id of [0, 1, 3, 1000]) heap.remove(id);
  expect([heap.size, heap.leastId, heap.leastKey]).toEqual([1, 2, 5n]);
});
