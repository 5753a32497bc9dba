/**
 * The numbers of some voters in ascending order, sorted anew for every vote.
 *
 * From one vote to the next hardly anything changes places: only one source was heard, and the
 * edges of all others grow alike. So the order of the last vote is kept, and mended by insertion.
 * That is O(n) as long as few change places, and O(n²) at worst. The native sort of a typed array
 * starts from nothing each time.
 */
export class Ascending {
  /** Set these, one of each voter, in the same order of voters each time. */
  values: Float64Array = new Float64Array(0);
  /** The values in ascending order, as of the last {@link Ascending.sort}. */
  sorted: Float64Array = new Float64Array(0);
  /** Which voter the values in `sorted` are of. */
  #voters = new Uint32Array(0);

  /** From now on there are `count` voters. Allocates if there were more or fewer. */
  resize(count: number): void {
    if (this.values.length === count) return;
    this.values = new Float64Array(count);
    this.sorted = new Float64Array(count);
    this.#voters = new Uint32Array(count).map((_, i) => i);
  }

  sort(): void {
    const { values, sorted } = this;
    const voters = this.#voters;
    for (let i = 0; i < sorted.length; i++) {
      const voter = voters[i]!;
      const value = values[voter]!;
      let place = i;
      for (; place > 0 && sorted[place - 1]! > value; place--) {
        sorted[place] = sorted[place - 1]!;
        voters[place] = voters[place - 1]!;
      }
      sorted[place] = value;
      voters[place] = voter;
    }
  }
}
