/**
 * A small world in exact arithmetic, and all that can be known in it, found by brute force: the
 * oracle of the bound engine. Time is in integer ns, theta in integer multiples of 2^-54 ns, and
 * rates are multiples of 2^-54, so nothing is ever rounded here. It shares no code with the engine.
 */
export const UNIT: bigint = 2n ** 54n;

/** The drift bound of every world, in units: 210 / 2^20, about 200 ppm. */
export const RATE_UNITS: bigint = 210n * 2n ** 34n;
/** The same as a double, which is exact. */
export const RATE: number = 210 / 2 ** 20;

/** Random numbers from a seed (mulberry32). */
export class SeededRandom {
  #state: number;
  constructor(seed: number) {
    this.#state = seed | 0;
  }
  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  /** An integer from `low` to `high`. */
  between(low: number, high: number): bigint {
    return BigInt(low + Math.floor(this.unit() * (high - low + 1)));
  }
  chance(p: number): boolean {
    return this.unit() < p;
  }
  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.unit() * choices.length)] as T;
  }
}

export const floorUnits = (value: bigint): bigint => value >> 54n;
export const ceilUnits = (value: bigint): bigint => -(-value >> 54n);

/** Theta in a world. */
export interface ExactTheta {
  /** Theta at `instant`, in units. */
  theta(instant: bigint): bigint;
}

/** The last of `knots`, in order of time, that is not after `instant`; the first when all are. */
export function lastBefore<Knot extends { readonly at: bigint }>(
  knots: readonly Knot[],
  instant: bigint,
): Knot {
  let low = 0;
  let high = knots.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (knots[middle]!.at <= instant) low = middle;
    else high = middle - 1;
  }
  return knots[low]!;
}

/** Theta: piecewise linear, each piece at most as steep as the drift bound, often exactly so. */
export class Truth implements ExactTheta {
  readonly #knots: { at: bigint; theta: bigint; rate: bigint }[] = [];

  constructor(random: SeededRandom, from: bigint, to: bigint) {
    let at = from;
    let theta = (1_795_000_000_000_000_000n - from) * UNIT + random.between(0, 2 ** 20) * 2n ** 34n;
    while (at <= to) {
      const rate = random.pick([
        RATE_UNITS,
        -RATE_UNITS,
        0n,
        random.between(-210, 210) * 2n ** 34n,
      ]);
      this.#knots.push({ at, theta, rate });
      const length = random.between(1, 300e9);
      theta += rate * length;
      at += length;
    }
  }

  /** Theta at `instant`, in units. */
  theta(instant: bigint): bigint {
    const { at, theta, rate } = lastBefore(this.#knots, instant);
    return theta + rate * (instant - at);
  }
}

interface Fact {
  readonly sentAt: bigint;
  readonly receivedAt: bigint;
  readonly lower: bigint;
  readonly upper: bigint;
}

interface Interval {
  readonly lo: bigint;
  readonly hi: bigint;
}

/** All that follows from all samples, computed from scratch each time. Theta is in units. */
export class BruteForce {
  readonly #facts = new Map<string, Fact[]>();
  readonly #grid: bigint;
  #memory: (Interval & { at: bigint }) | undefined;

  constructor(grid: bigint) {
    this.#grid = grid;
  }

  /** Takes a sample in. If it contradicts the past of its source, it replaces that past. */
  take(id: string, fact: Fact): void {
    const all = [...(this.#facts.get(id) ?? []), fact];
    // Cones only open, so at the newest of their facts they are narrowest.
    const newest = all.map((each) => each.receivedAt).reduce((a, b) => (a > b ? a : b));
    const { lo, hi } = this.#cone(all, newest);
    this.#facts.set(id, lo <= hi ? all : [fact]);
  }

  /** What at least `m - faulty` of the `m` sources, and the memory, allow at `now`. */
  fuse(faulty: number, now: bigint): Interval {
    const cones = [...this.#facts.values()].map((facts) => this.#cone(facts, now));
    const agreed = (point: bigint): boolean =>
      cones.filter(({ lo, hi }) => lo <= point && point <= hi).length >= cones.length - faulty;
    const points = cones.flatMap(({ lo, hi }) => [lo, hi]).filter(agreed);
    let lo = points.reduce((a, b) => (a < b ? a : b));
    let hi = points.reduce((a, b) => (a > b ? a : b));
    const old = this.#memory;
    if (old !== undefined) {
      const grown = RATE_UNITS * (now - old.at);
      if (old.lo - grown > lo) lo = old.lo - grown;
      if (old.hi + grown < hi) hi = old.hi + grown;
    }
    this.#memory = { lo, hi, at: now };
    return { lo, hi };
  }

  #cone(facts: readonly Fact[], now: bigint): Interval {
    const los = facts.map((f) => f.lower * UNIT - RATE_UNITS * (now - f.receivedAt));
    const his = facts.map((f) => f.upper * UNIT + RATE_UNITS * (now - f.sentAt + this.#grid));
    return {
      lo: los.reduce((a, b) => (a > b ? a : b)),
      hi: his.reduce((a, b) => (a < b ? a : b)),
    };
  }
}
