import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MinHeap } from '../../src/commit-wait/min-heap.ts';
import { MinQueue } from '../../src/commit-wait/min-queue.ts';

type Step =
  | { readonly add: bigint }
  | { readonly later: bigint }
  | { readonly remove: number }
  | { readonly pop: true };

const step: fc.Arbitrary<Step> = fc.oneof(
  // Few values, so that keys are equal, and the ends of int64, where a difference would overflow.
  fc.record({ add: fc.oneof(fc.bigInt(0n, 9n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)) }),
  // In order: the key is the last one plus `later`.
  fc.record({ later: fc.bigInt(0n, 2n) }),
  fc.record({ remove: fc.nat(40) }),
  fc.record({ pop: fc.constant(true as const) }),
);

describe.each([
  ['MinHeap', MinHeap],
  ['MinQueue', MinQueue],
])('%s', (_, Heap) => {
  /** Runs the same steps on the heap and on a map. Reuses identifiers, as the wait queue does. */
  function run(steps: readonly Step[]): void {
    const heap = new Heap();
    const model = new Map<number, bigint>();
    const free: number[] = [];
    let last = 0n;
    for (const each of steps) {
      if ('add' in each || 'later' in each) {
        last = 'add' in each ? each.add : BigInt.asIntN(64, last + each.later);
        const id = free.pop() ?? model.size;
        heap.add(id, last);
        model.set(id, last);
      } else {
        if ('pop' in each && model.size === 0) continue;
        const id = 'remove' in each ? each.remove : heap.leastId;
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

  test('adds, removes by identifier and removes the least, as a map with a search for the least key does', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 120 }), run), { seed: 3, numRuns: 1000 });
  });

  /** Removes all entries, least key first. */
  function drain(heap: MinHeap | MinQueue): bigint[] {
    return Array.from({ length: heap.size }, () => {
      const key = heap.leastKey;
      heap.remove(heap.leastId);
      return key;
    });
  }

  /** Adds `keys`, removes each third by its identifier, and the others least key first. */
  function drained(keys: readonly bigint[]): bigint[] {
    const heap = new Heap();
    for (const [id, key] of keys.entries()) heap.add(id, key);
    for (let id = 0; id < keys.length; id += 3) heap.remove(id);
    return drain(heap);
  }

  test('grows past its initial capacity, and gives the keys in order', () => {
    const keys = Array.from({ length: 5000 }, (_, i) => BigInt((i * 7919) % 5003));
    const left = keys.filter((_, id) => id % 3 !== 0).sort((a, b) => (a < b ? -1 : 1));
    expect(drained(keys)).toEqual(left);
  });

  test('gives keys in order that were added in order', () => {
    const keys = Array.from({ length: 5000 }, (_, i) => BigInt(i >> 1));
    expect(drained(keys)).toEqual(keys.filter((_, id) => id % 3 !== 0));
  });

  test('other entries are added and removed while the first one stays', () => {
    const heap = new Heap();
    heap.add(0, 0n);
    for (let i = 1; i < 5000; i++) {
      heap.add(1 + (i % 20), BigInt(i));
      if (i >= 20) heap.remove(1 + ((i + 1) % 20));
    }
    expect(drain(heap)).toEqual([0n, ...Array.from({ length: 19 }, (_, i) => BigInt(4981 + i))]);
  });

  test('needs memory for its largest size only, however many entries were added and removed', () => {
    const heap = new Heap();
    heap.add(0, 0n);
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 1; i <= 2 ** 18; i++) {
      heap.add(1 + (i % 2), BigInt(i));
      heap.remove(2 - (i % 2));
    }
    expect(heap.size).toBe(2);
    // An entry takes 12 bytes.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
  });

  test.each([16, 17, 40, 1000])('takes any identifier: %d', (id) => {
    const heap = new Heap();
    heap.add(id, 5n);
    expect([heap.size, heap.leastId, heap.leastKey]).toEqual([1, id, 5n]);
    heap.remove(id);
    expect(heap.size).toBe(0);
    heap.add(id, 7n);
    heap.add(0, 6n);
    expect(drain(heap)).toEqual([6n, 7n]);
  });

  test('after a gap at the end, the next key is in order', () => {
    const heap = new Heap();
    heap.add(0, 10n);
    heap.add(1, 20n);
    heap.remove(1);
    heap.add(2, 15n);
    expect(drain(heap)).toEqual([10n, 15n]);
  });

  test('removing an absent identifier changes nothing', () => {
    const heap = new Heap();
    heap.add(2, 5n);
    for (const id of [0, 1, 3, 1000]) heap.remove(id);
    expect([heap.size, heap.leastId, heap.leastKey]).toEqual([1, 2, 5n]);
  });
});
