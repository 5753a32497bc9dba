/**
 * A heap (min-heap.ts) for keys that mostly come in ascending order, as the timestamps of commits
 * and their time limits do.
 *
 * The problem. To take the least of ten thousand keys out, a heap moves another key through a dozen
 * places all over its memory. After a sleep none of that memory is in the processor's caches, so
 * each release is slow.
 *
 * The idea. Keys that come in order need no sorting. They form a *run*, an array that is read from
 * front to back. A key that comes out of order goes to a heap beside the run. The least key is the
 * lesser of the front of the run and the top of the heap. One case is special: a key below the last
 * key of the run, but not below the one before it. Then that last key was too far ahead, and it
 * goes to the heap instead.
 *
 * Removing a key from the middle of the run leaves a gap. Gaps at either end are trimmed at once.
 * Gaps in the middle are removed when the memory is full. If that leaves less than half of the
 * memory in use, the memory keeps its size; otherwise it doubles. So every operation on the run
 * takes constant time on average.
 */
import { MinHeap } from './min-heap.ts';

const INITIAL_CAPACITY = 16;
/** The first index in use. Place 0 means "not in the run". */
const FRONT = 1;
const GAP = -1;

/**
 * Identifiers are integers from 0 up. Memory is proportional to the greatest identifier and to the
 * largest size so far.
 */
export class MinQueue {
  readonly #outOfOrder = new MinHeap();
  /** The run: the keys from index `#first` to just before `#end`. */
  #keys = new BigInt64Array(FRONT + INITIAL_CAPACITY);
  #ids = new Int32Array(FRONT + INITIAL_CAPACITY);
  #first = FRONT;
  #end = FRONT;
  /** How many entries of the run are not gaps. */
  #inRun = 0;
  /** The index of each identifier in the run; 0 for an identifier that is not in it. */
  #places = new Int32Array(INITIAL_CAPACITY);

  get size(): number {
    return this.#inRun + this.#outOfOrder.size;
  }

  /** The least key. Call only while `size > 0`. */
  get leastKey(): bigint {
    return this.#runFirst() ? this.#keys[this.#first]! : this.#outOfOrder.leastKey;
  }

  /** The identifier with the least key, or one of several. Call only while `size > 0`. */
  get leastId(): number {
    return this.#runFirst() ? this.#ids[this.#first]! : this.#outOfOrder.leastId;
  }

  /**
   * Adds `id`, which must not be in the queue. Takes constant time on average when `key` is not
   * below the last key added, otherwise O(log n).
   */
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

  /** Removes `id`. Does nothing when `id` is not in the queue. */
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
    if (this.#inRun === 0) {
      // An empty run starts again at the front, where the memory is still in the caches.
      this.#first = FRONT;
      this.#end = FRONT;
      return;
    }
    // The run has an entry that is not a gap. Both loops end there at the latest.
    while (this.#ids[this.#first] === GAP) this.#first++;
    while (this.#ids[this.#end - 1] === GAP) this.#end--;
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
