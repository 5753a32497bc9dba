/**
 * How far theta can rise while we look away, when something is known of its rate.
 *
 * The idea. Let the base rate now be at most `b`. In `s` ns from now it is at most `b + w s`, never above
 * the cap on it, and the rate of theta is at most `D` more, and never above `R`. So over an age of `a` ns
 * theta rises by at most
 *
 *     G(a) = integral from 0 to a of min(most, first + w s) ds      first = b + D, most = min(R, cap + D)
 *
 * a parabola up to the *bend*, where the rate reaches `most`, and a line from there. Once the cap has
 * expired the slope is `R`. `first` may be negative: a clock that certainly loses lets the upper edge of
 * its bound come *down*. For falling, mirror: theta falls by what `-theta` rises.
 *
 * Time runs both ways. The base rate `s` ns *ago* was at most `b + w s` too, so the same `G(a)` is the most that
 * theta rose from `a` ns ago until now: facts of any age are aged with what is known of the rate today.
 *
 * With nothing known `first = most = R`, and this is the cone of layer 1.
 *
 * Rounding. {@link Growth.over} rounds up to whole ns and adds one, which covers the handful of double
 * operations in it: they are off by less than 2^-51 of values below 2^47 ns, 39 hours at 10 %.
 */
export class Growth {
  /** The greatest rate at age 0, ns per ns. */
  first = 0;
  /** The greatest rate while the cap holds. */
  most = 0;
  /** `w`, per ns. */
  wander = 0;
  /** The age at which the cap has expired, whole ns. */
  cappedFor: number = Number.POSITIVE_INFINITY;
  /** `R`: the rate from there on. */
  slope = 0;
  /** The age at which the rate reaches `most`, ns; 0 where it is a line from the start. */
  bend = 0;

  /** Nothing is known but `R`. */
  linear(slope: number): void {
    this.first = slope;
    this.most = slope;
    this.wander = 0;
    this.cappedFor = Number.POSITIVE_INFINITY;
    this.slope = slope;
    this.bend = 0;
  }

  /** `first` at age 0, rising by `wander` per ns up to `most`, until the cap expires. */
  curved(first: number, most: number, wander: number, cappedFor: number, slope: number): void {
    this.first = first;
    this.most = most;
    this.wander = wander;
    this.cappedFor = cappedFor;
    this.slope = slope;
    this.bendUp();
  }

  /** Draws the curve that the other fields describe: `first` is at most `most`, and `bend` follows. */
  bendUp(): void {
    this.first = Math.min(this.first, this.most);
    this.bend = (this.most - this.first) / this.wander;
  }

  /** What is left of `from` when `age` ns have passed. */
  later(from: Growth, age: number): void {
    if (age === 0) {
      this.#copy(from);
    } else if (age >= from.cappedFor) {
      this.linear(from.slope);
    } else if (age >= from.bend) {
      this.curved(from.most, from.most, 1, from.cappedFor - age, from.slope);
    } else {
      const first = from.first + from.wander * age;
      this.curved(first, from.most, from.wander, from.cappedFor - age, from.slope);
    }
  }

  /** The most that theta rises in `age` ns, in whole ns, rounded up; 0 at age 0. May be negative. */
  over(age: number): number {
    if (age === 0) return 0;
    const capped = Math.min(age, this.cappedFor);
    const curved = Math.min(capped, this.bend);
    const risen =
      (this.first + 0.5 * this.wander * curved) * curved +
      this.most * (capped - curved) +
      this.slope * (age - capped);
    return Math.ceil(risen) + 1;
  }

  /** The greatest rate at `age`. */
  slopeAt(age: number): number {
    if (age >= this.cappedFor) return this.slope;
    return age >= this.bend ? this.most : this.first + this.wander * age;
  }

  /** `w` while the rate rises at `age`, else 0. */
  curveAt(age: number): number {
    return age < this.bend && age < this.cappedFor ? this.wander : 0;
  }

  /** The first whole age after `age` from which on it is another curve; infinite when there is none. */
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
    this.slope = from.slope;
    this.bend = from.bend;
  }
}
