/**
 * True time in tests against real peers. Every honest server there serves this machine's wall
 * clock. So this machine's wall clock *is* true time, and an interval that does not contain it is a
 * violation.
 *
 * `Date.now()` is rounded down to a millisecond. But the edge of that millisecond, caught between
 * two readings of the monotonic clock, pins (wall - monotonic) to a microsecond or so. The pin
 * stays valid: on Linux the kernel slews both clocks together, and nothing steps them while tests
 * run. This is written independently of the library's own way of doing it, so that the two can
 * disagree.
 *
 * The servers stamp with that same clock (chronyd -x, in the kernel), so no margin is needed beyond
 * the pin's own width. The order of the reads proves the rest.
 */
import type { TimeInterval } from 'epsilon-clock';

/** An instant as two monotonic readings that enclose it. */
export interface Bracket {
  readonly before: bigint;
  readonly after: bigint;
}

/** True time at an instant, as this machine's wall clock bounds it. */
export interface Certain {
  readonly earliest: bigint;
  readonly latest: bigint;
}

export class WallTruth {
  /** Bounds on wall - monotonic, ns. */
  readonly lowerNs: bigint;
  readonly upperNs: bigint;

  /**
   * Spins over ten edges of the millisecond: 10 ms. A pre-empted one is wide and loses to the
   * others.
   */
  constructor() {
    let lower: bigint | undefined;
    let upper: bigint | undefined;
    for (let edge = 0; edge < 10; edge++) {
      let before = process.hrtime.bigint();
      const old = Date.now();
      let now = old;
      let between = before;
      while (now === old) {
        before = between;
        between = process.hrtime.bigint();
        now = Date.now();
      }
      const after = process.hrtime.bigint();
      // The read before the last one came after `before` and still returned `old`; the last one
      // came before `after`.
      const l = BigInt(now) * 1_000_000n - after;
      const u = BigInt(old + 1) * 1_000_000n - before;
      if (lower === undefined || l > lower) lower = l;
      if (upper === undefined || u < upper) upper = u;
    }
    this.lowerNs = lower!;
    this.upperNs = upper!;
  }

  /** True time at the instant inside the bracket. */
  at({ before, after }: Bracket): Certain {
    return { earliest: before + this.lowerNs, latest: after + this.upperNs };
  }

  /**
   * The oracle: how far `claimed`, an interval for the instant inside the bracket, certainly
   * excludes true time, ns; 0n when it does not. A wide bracket hides a small violation, and never
   * invents one.
   */
  excluded(claimed: TimeInterval, bracket: Bracket): bigint {
    const { earliest, latest } = this.at(bracket);
    if (claimed.earliest > latest) return claimed.earliest - latest;
    if (claimed.latest < earliest) return earliest - claimed.latest;
    return 0n;
  }
}

/** Calls `read` and returns its result with the readings that enclose the call. */
export function bracketed<T>(read: () => T): { readonly value: T } & Bracket {
  const before = process.hrtime.bigint();
  const value = read();
  return { value, before, after: process.hrtime.bigint() };
}
