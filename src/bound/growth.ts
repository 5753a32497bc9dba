/**
 * How far theta can rise during an age, when something is known of its rate.
 *
 * The idea. Let the base rate now be at most `b`. In `s` ns from now it is at most `b + w s`, and
 * never above the cap on it. The rate of theta is at most `D` more, and never above `R`. So over an
 * age of `a` ns theta rises by at most
 *
 *     G(a) = integral from 0 to a of min(most, first + w s) ds
 *     first = b + D
 *     most = min(R, cap + D)
 *
 * That is a parabola up to the *bend*, where the rate reaches `most`, and a line from there. Once
 * the cap has expired the rate is `R`. `first` may be negative: if the clock certainly gains, the
 * upper edge of its bound comes *down*. The fall of theta is the rise of `-theta`.
 *
 * The same `G(a)` holds towards the past. `s` ns *ago* the base rate was at most `b + w s` too, so
 * `G(a)` is the most that theta rose from `a` ns ago until now. Facts of any age are therefore aged
 * with what is known of the rate today.
 *
 * With nothing known `first = most = R`, and this is the cone of layer 1.
 *
 * Rounding. {@link Growth.over} rounds up to whole ns and adds one. That covers its few double
 * operations, which are off by less than 2^-51 of values below 2^47 ns (39 hours at 10 %).
 */
export class Growth {
  /** The greatest rate at age 0, ns per ns. */
  first = 0;
  /** The greatest rate while the cap holds, ns per ns. */
  most = 0;
  /** `w`, per ns. */
  wander = 0;
  /** The age at which the cap expires, whole ns; Infinity if it never does. */
  cappedFor: number = Number.POSITIVE_INFINITY;
  /** `R`: the rate from there on, ns per ns. */
  maxRate = 0;
  /** The age at which the rate reaches `most`, ns; 0 if the growth starts as a line. */
  bend = 0;

  /** Only `R` is known. */
  linear(maxRate: number): void {
    this.first = maxRate;
    this.most = maxRate;
    this.wander = 0;
    this.cappedFor = Number.POSITIVE_INFINITY;
    this.maxRate = maxRate;
    this.bend = 0;
  }

  /** `first` at age 0, rising by `wander` per ns up to `most`, until the cap expires. */
  curved(first: number, most: number, wander: number, cappedFor: number, maxRate: number): void {
    this.first = first;
    this.most = most;
    this.wander = wander;
    this.cappedFor = cappedFor;
    this.maxRate = maxRate;
    this.updateGrowth();
  }

  /** Call it after writing the other fields: limits `first` to `most` and computes `bend`. */
  updateGrowth(): void {
    this.first = Math.min(this.first, this.most);
    this.bend = (this.most - this.first) / this.wander;
  }

  /** Becomes what is left of `from` after `age` ns. */
  later(from: Growth, age: number): void {
    if (age === 0) {
      this.#copy(from);
    } else if (age >= from.cappedFor) {
      this.linear(from.maxRate);
    } else if (age >= from.bend) {
      this.curved(from.most, from.most, 1, from.cappedFor - age, from.maxRate);
    } else {
      const first = from.first + from.wander * age;
      this.curved(first, from.most, from.wander, from.cappedFor - age, from.maxRate);
    }
  }

  /**
   * The most that theta rises in `age` ns, whole ns, rounded up; 0 at age 0. It may be negative.
   */
  over(age: number): number {
    if (age === 0) return 0;
    const capped = Math.min(age, this.cappedFor);
    const curved = Math.min(capped, this.bend);
    const risen =
      (this.first + 0.5 * this.wander * curved) * curved +
      this.most * (capped - curved) +
      this.maxRate * (age - capped);
    return Math.ceil(risen) + 1;
  }

  /** The greatest rate at `age`, ns per ns. */
  rateAt(age: number): number {
    if (age >= this.cappedFor) return this.maxRate;
    return age >= this.bend ? this.most : this.first + this.wander * age;
  }

  /** `w` while the rate rises at `age`, else 0. */
  curveAt(age: number): number {
    return age < this.bend && age < this.cappedFor ? this.wander : 0;
  }

  /** The next age (whole ns) at which the curve changes piece; Infinity if none. */
  nextSwitch(age: number): number {
    if (age >= this.cappedFor) return Number.POSITIVE_INFINITY;
    const end = Math.ceil(this.bend);
    return age < end && end < this.cappedFor ? end : this.cappedFor;
  }

  #copy(from: Growth): void {
    this.first = from.first;
    this.most = from.most;
    this.wander = from.wander;
    this.cappedFor = from.cappedFor;
    this.maxRate = from.maxRate;
    this.bend = from.bend;
  }
}
