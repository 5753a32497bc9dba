/**
 * How long something that wanted to run at a random moment would have waited.
 *
 * Problem (Gil Tene's *coordinated omission*). A meter that is itself stopped takes one sample of a
 * pause of a second, and fifty of a second without one. So the pause looks fifty times rarer than
 * it was for the requests that waited in it.
 *
 * Idea, as in jHiccup and HdrHistogram. A tick that came `late` stands also for the ticks that were
 * missed meanwhile: they would have come `late - every`, `late - 2 every` ... late. Those are
 * counted by division and not one by one, so an hour costs no more than a millisecond.
 */
const LIMITS_NS: readonly number[] = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000,
].map((ms) => ms * 1e6);

/** Counts of delays, by upper limit, in seconds. */
export interface PauseDistribution {
  /** The upper limits of the buckets, ascending, s. */
  readonly limits: readonly number[];
  /** How many delays were at most each limit, and at last how many there were. */
  readonly counts: readonly number[];
  /** The sum of all delays, s. */
  readonly sum: number;
}

export class PauseHistogram {
  readonly #everyNs: number;
  /** How many were at most each limit; at last, how many there were. */
  readonly #counts: number[] = new Array(LIMITS_NS.length + 1).fill(0);
  #sumNs = 0;

  constructor(everyNs: number) {
    this.#everyNs = everyNs;
  }

  /** Counts a tick that came `lateNs` (0 or more) late, and those that were missed meanwhile. */
  record(lateNs: number): void {
    const every = this.#everyNs;
    const ticks = Math.max(1, Math.ceil(lateNs / every));
    const counts = this.#counts;
    for (let i = 0; i < LIMITS_NS.length; i++) {
      const above = Math.ceil((lateNs - LIMITS_NS[i]!) / every);
      counts[i]! += ticks - Math.min(ticks, Math.max(0, above));
    }
    counts[LIMITS_NS.length]! += ticks;
    this.#sumNs += ticks * lateNs - (every * ticks * (ticks - 1)) / 2;
  }

  read(): PauseDistribution {
    const limits = LIMITS_NS.map((ns) => ns / 1e9);
    return { limits, counts: [...this.#counts], sum: this.#sumNs / 1e9 };
  }
}
