/**
 * A binary heap of small integers (identifiers), each with an int64 key. The entry with the least
 * key can be removed, and so can any entry by its identifier, because waits are aborted as well as
 * released.
 *
 * All data is in typed arrays, so nothing is allocated. In particular no comparison on the way
 * through the heap makes a bigint object of a key. The heap begins at index 1. Slot 0 of the keys
 * holds the key that is being moved. It is also the parent of index 1, and not greater than itself,
 * so a key that rises stops at the top.
 */
const MOVING = 0;
const FIRST = 1;
const INITIAL_CAPACITY = 16;

/** Identifiers are integers from 0 up. Memory is proportional to the greatest one. */
export class MinHeap {
  #keys = new BigInt64Array(FIRST + INITIAL_CAPACITY);
  #ids = new Int32Array(FIRST + INITIAL_CAPACITY);
  /** The index of each identifier in the heap; 0 for an identifier that is not in it. */
  #places = new Int32Array(INITIAL_CAPACITY);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The least key. Call only while `size > 0`. */
  get leastKey(): bigint {
    return this.#keys[FIRST]!;
  }

  /** The identifier with the least key, or one of several. Call only while `size > 0`. */
  get leastId(): number {
    return this.#ids[FIRST]!;
  }

  /**
   * Adds `id`, which must not be in the heap. O(log n) at worst, constant time for keys that come
   * in ascending order.
   */
  add(id: number, key: bigint): void {
    if (id >= this.#places.length) this.#grow(id);
    this.#size++;
    this.#keys[MOVING] = key;
    this.#rise(this.#size, id);
  }

  /** Removes `id` in O(log n). Does nothing when `id` is not in the heap. */
  remove(id: number): void {
    const place = this.#places[id] ?? 0;
    if (place === 0) return;
    this.#places[id] = 0;
    const keys = this.#keys;
    const last = this.#ids[this.#size]!;
    keys[MOVING] = keys[this.#size]!;
    this.#size--;
    if (last === id) return;
    // The last entry fills the gap, and then rises or sinks from there to its place.
    if (keys[MOVING]! < keys[place >> 1]!) this.#rise(place, last);
    else this.#sink(place, last);
  }

  /** Moves the gap at `place` up until `keys[MOVING]` fits, and puts `id` there. */
  #rise(place: number, id: number): void {
    const keys = this.#keys;
    let at = place;
    while (keys[MOVING]! < keys[at >> 1]!) {
      this.#move(at >> 1, at);
      at >>= 1;
    }
    this.#land(at, id);
  }

  /** Moves the gap at `place` down until `keys[MOVING]` fits, and puts `id` there. */
  #sink(place: number, id: number): void {
    const keys = this.#keys;
    const size = this.#size;
    let at = place;
    for (;;) {
      let child = 2 * at;
      if (child > size) break;
      if (child < size && keys[child + 1]! < keys[child]!) child++;
      if (keys[MOVING]! <= keys[child]!) break;
      this.#move(child, at);
      at = child;
    }
    this.#land(at, id);
  }

  #move(from: number, to: number): void {
    this.#keys[to] = this.#keys[from]!;
    this.#ids[to] = this.#ids[from]!;
    this.#places[this.#ids[to]!] = to;
  }

  #land(at: number, id: number): void {
    this.#keys[at] = this.#keys[MOVING]!;
    this.#ids[at] = id;
    this.#places[id] = at;
  }

  #grow(id: number): void {
    const capacity = Math.max(id + 1, 2 * this.#places.length);
    const keys = new BigInt64Array(FIRST + capacity);
    const ids = new Int32Array(FIRST + capacity);
    const places = new Int32Array(capacity);
    keys.set(this.#keys);
    ids.set(this.#ids);
    places.set(this.#places);
    this.#keys = keys;
    this.#ids = ids;
    this.#places = places;
  }
}
