/**
 * A heap (min-heap.ts) for keys that mostly come in ascending order, as the timestamps of commits and their time limits do.
 *
 * The problem. To take the least of ten thousand keys out, a heap moves another one through a dozen places all over its
 * memory. Whoever is released after a sleep, when none of it is in the processor's caches, pays for each of them.
 *
 * The idea. Keys in order need no sorting: they are a run, which is read from front to back. One that comes out of order
 * goes to a heap beside it, and the least key is the lesser of the two in front. Where a key is below the last one of the
 * run but not below the one before, that last one was too far ahead, and it is the one that goes.
 *
 * What is taken out of the middle of the run leaves a gap. Gaps at its ends are trimmed; the others are squeezed out when the
 * memory is full: while less than half of it is in use that makes room, otherwise it doubles, so all of this is constant on
 * average.
 */
import { MinHeap } from './min-heap.ts';

const INITIAL_CAPACITY = 16;
/** Place 0 is no place. */
const FRONT = 1;
const GAP = -1;

/** Identifiers are integers from 0 up; memory is proportional to the greatest, and to the most there were at a time. */
export class MinQueue {
  readonly #outOfOrder = new MinHeap();
  /** The run, from `#first` to before `#end`. */
  #keys = new BigInt64Array(FRONT + INITIAL_CAPACITY);
  #ids = new Int32Array(FRONT + INITIAL_CAPACITY);
  #first = FRONT;
  #end = FRONT;
  /** Of them, how many are no gaps. */
  #inRun = 0;
  /** By identifier: where in the run it is; 0 when it is not. */
  #places = new Int32Array(INITIAL_CAPACITY);

  get size(): number {
    return this.#inRun + this.#outOfOrder.size;
  }

  /** The least key. Only while `size > 0`. */
  get leastKey(): bigint {
    return this.#runFirst() ? this.#keys[this.#first]! : this.#outOfOrder.leastKey;
  }

  /** The identifier with the least key; of equal keys, any. Only while `size > 0`. */
  get leastId(): number {
    return this.#runFirst() ? this.#ids[this.#first]! : this.#outOfOrder.leastId;
  }

  /** Constant on average for a key that is not below the one before, otherwise O(log n). `id` must not be in the queue. */
  add(id: number, key: bigint): void {
    const last = this.#end - 1;
    if (this.#inRun > 0 && key < this.#keys[last]!) {
      if (last > this.#first && key < this.#keys[last - 1]!) {
        this.#outOfOrder.add(id, key);
        return;
      }
      const ahead = this.#ids[last]!;
      this.#outOfOrder.add(ahead, this.#keys[last]!);
      this.#leave(ahead, last);
    }
    if (this.#end === this.#keys.length) this.#makeRoom();
    if (id >= this.#places.length) this.#growPlaces(id);
    this.#keys[this.#end] = key;
    this.#ids[this.#end] = id;
    this.#places[id] = this.#end++;
    this.#inRun++;
  }

  /** Nothing happens when `id` is not in the queue. */
  remove(id: number): void {
    const place = this.#places[id] ?? 0;
    if (place === 0) {
      if (this.#outOfOrder.size > 0) this.#outOfOrder.remove(id);
      return;
    }
    this.#leave(id, place);
  }

  /** Takes `id` out of the run. */
  #leave(id: number, place: number): void {
    this.#places[id] = 0;
    this.#ids[place] = GAP;
    this.#inRun--;
    while (this.#first < this.#end && this.#ids[this.#first] === GAP) this.#first++;
    while (this.#first < this.#end && this.#ids[this.#end - 1] === GAP) this.#end--;
    if (this.#inRun > 0) return;
    // The same memory again, while it is in the caches.
    this.#first = FRONT;
    this.#end = FRONT;
  }

  #runFirst(): boolean {
    if (this.#inRun === 0) return false;
    return this.#outOfOrder.size === 0 || this.#keys[this.#first]! <= this.#outOfOrder.leastKey;
  }

  #makeRoom(): void {
    const keys = this.#keys;
    const ids = this.#ids;
    if (2 * this.#inRun >= keys.length) {
      this.#keys = new BigInt64Array(2 * keys.length);
      this.#ids = new Int32Array(2 * keys.length);
    }
    let to = FRONT;
    for (let from = this.#first; from < this.#end; from++) {
      const id = ids[from]!;
      if (id === GAP) continue;
      this.#keys[to] = keys[from]!;
      this.#ids[to] = id;
      this.#places[id] = to++;
    }
    this.#first = FRONT;
    this.#end = to;
  }

  #growPlaces(id: number): void {
    const places = new Int32Array(Math.max(id + 1, 2 * this.#places.length));
    places.set(this.#places);
    this.#places = places;
  }
}
