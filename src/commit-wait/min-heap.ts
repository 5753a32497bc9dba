/**
 * A binary heap of small integers, each with an int64 key, from which any one can be taken out: the one
 * with the least key, or one that is named, since waits are aborted as well as released.
 *
 * Everything is in typed arrays, so that nothing is allocated and the keys never become bigint objects:
 * those would be made for each comparison on the way through the heap. The heap begins at index 1; slot 0
 * of the keys holds the key that is on its way.
 */
const MOVING = 0;
const FIRST = 1;
const INITIAL_CAPACITY = 16;

/** Identifiers are integers from 0 up; memory is proportional to the greatest. */
export class MinHeap {
  #keys = new BigInt64Array(FIRST + INITIAL_CAPACITY);
  #ids = new Int32Array(FIRST + INITIAL_CAPACITY);
  /** By identifier: where it is; 0 when it is not here. */
  #places = new Int32Array(INITIAL_CAPACITY);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The least key. Only while `size > 0`. */
  get leastKey(): bigint {
    return this.#keys[FIRST]!;
  }

  /** The identifier with the least key; of equal keys, either. Only while `size > 0`. */
  get leastId(): number {
    return this.#ids[FIRST]!;
  }

  /** O(log n) at worst, constant for keys that come in order. `id` must not be in the heap. */
  add(id: number, key: bigint): void {
    if (id >= this.#places.length) this.#grow(id);
    this.#size++;
    this.#keys[MOVING] = key;
    this.#rise(this.#size, id);
  }

  /** O(log n). Nothing happens when `id` is not in the heap. */
  remove(id: number): void {
    const place = this.#places[id] ?? 0;
    if (place === 0) return;
    this.#places[id] = 0;
    const keys = this.#keys;
    const last = this.#ids[this.#size]!;
    keys[MOVING] = keys[this.#size]!;
    this.#size--;
    if (last === id) return;
    // The last one fills the gap; it belongs above or below it.
    if (place > FIRST && keys[MOVING]! < keys[place >> 1]!) this.#rise(place, last);
    else this.#sink(place, last);
  }

  /** From the gap at `place` upwards. */
  #rise(place: number, id: number): void {
    const keys = this.#keys;
    let at = place;
    while (at > FIRST && keys[MOVING]! < keys[at >> 1]!) {
      this.#move(at >> 1, at);
      at >>= 1;
    }
    this.#land(at, id);
  }

  /** From the gap at `place` downwards. */
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
