/**
 * The hardware under a clock: a counter whose rate is never quite right. As a function of true time
 * it is a piecewise polynomial: the rate error is linear within a segment, so the count is
 * quadratic in it.
 *
 *     count(t) = t + whole + floor(fraction + rate dt + slope dt²/2)        dt = t - start
 *
 * Here `whole` is an integer and `fraction` is in [0, 1). Both are carried exactly from one segment
 * into the next. For rate errors below 50 % the count never goes back: one more ns of true time
 * lowers the floor by at most one, however the doubles were rounded. Fractions of a ns are never
 * lost, at any uptime.
 *
 * The rate error has a constant part, a temperature cycle (daily, for example), a bounded random
 * walk, and a *slew* on top: the change that an operating system's time daemon adds. Linux slews
 * the monotonic clock and the wall clock together, so the slew belongs here and not to the wall
 * clock. A stopped counter (a suspend, a frozen guest) has a rate error of exactly -1.
 */
import { checkNumber } from '../time/errors.ts';
import type { Random } from './random.ts';

/** The rate error of a simulated oscillator: the sum of the parts below. */
export interface OscillatorOptions {
  /** The constant rate error, ppm; positive runs fast. Default 0. */
  readonly driftPpm?: number | undefined;
  /** A sine on top of it. A common crystal has about 1 ppm per degree. Default: none. */
  readonly temperature?: { readonly ppm: number; readonly periodMs: number } | undefined;
  /**
   * A random walk on top of it, never further than `maxPpm` from where it began and never faster
   * than `ppmPerSecond`. Default: none.
   */
  readonly wander?: { readonly maxPpm: number; readonly ppmPerSecond: number } | undefined;
}

/** The rate of a wandering oscillator is drawn anew this often, and moves linearly in between. */
const KNOT_NS = 8_000_000_000;
const PPM = 1e-6;

export class Oscillator {
  readonly #options: OscillatorOptions;
  readonly #random: Random;
  readonly #phase: number;
  #wander = 0;
  #slew = 0;
  #stopped = false;

  // The segment now in force; the formula above says what its fields mean.
  #start = 0;
  #end: number;
  #whole = 0;
  #fraction = 0;
  #rate = 0;
  #slope = 0;
  /**
   * The natural rate error (without slew and stops) at the end of the current stretch between
   * knots.
   */
  #naturalAtEnd: number;

  constructor(options: OscillatorOptions, random: Random) {
    checkNumber('driftPpm', options.driftPpm ?? 0, -400_000, 400_000);
    this.#options = options;
    this.#random = random;
    this.#phase = random.between(0, 2 * Math.PI);
    this.#naturalAtEnd = this.#natural(0);
    this.#end = 0;
    this.#nextKnot();
  }

  /** The largest rate error, ppm, that these options can produce, without slews and stops. */
  static extremePpm(options: OscillatorOptions): number {
    return (
      Math.abs(options.driftPpm ?? 0) +
      Math.abs(options.temperature?.ppm ?? 0) +
      (options.wander?.maxPpm ?? 0)
    );
  }

  /** The count at true time `t`: whole ns since the beginning, exact, never going back. */
  count(t: number): number {
    while (t >= this.#end) this.#nextKnot();
    const dt = t - this.#start;
    if (this.#stopped) return this.#start + this.#whole;
    return t + this.#whole + Math.floor(this.#error(dt));
  }

  /** The rate error at `t`, as a fraction; -1 when stopped. */
  rateAt(t: number): number {
    while (t >= this.#end) this.#nextKnot();
    return this.#stopped ? -1 : this.#rate + this.#slope * (t - this.#start);
  }

  /** A time daemon adds `ppm` to the rate from `t` on; 0 ends the slew. */
  slew(t: number, ppm: number): void {
    checkNumber('ppm', ppm, -400_000, 400_000);
    this.#cut(t);
    this.#rate += ppm * PPM - this.#slew;
    this.#slew = ppm * PPM;
  }

  /** The counter stops at `t`. */
  stop(t: number): void {
    this.#cut(t);
    this.#stopped = true;
  }

  /** The counter continues at `t` from where it stopped. */
  resume(t: number): void {
    this.#cut(t);
    this.#stopped = false;
  }

  #error(dt: number): number {
    return this.#fraction + this.#rate * dt + 0.5 * this.#slope * dt * dt;
  }

  /**
   * Begins a new segment at `t`, which lies before the next knot, and carries count and rate over.
   */
  #cut(t: number): void {
    while (t >= this.#end) this.#nextKnot();
    // A cut inside a stall that was already simulated takes effect when the stall ends.
    const dt = Math.max(0, t - this.#start);
    if (this.#stopped) {
      this.#whole -= dt;
    } else {
      const error = this.#error(dt);
      const whole = Math.floor(error);
      this.#whole += whole;
      this.#fraction = error - whole;
    }
    this.#rate += this.#slope * dt;
    this.#start += dt;
  }

  #nextKnot(): void {
    const begin = this.#end;
    if (begin > 0) {
      this.#end = Number.POSITIVE_INFINITY; // so that the cut does not return here
      this.#cut(begin);
    }
    const steady = this.#options.temperature === undefined && this.#options.wander === undefined;
    const length = steady ? Number.MAX_SAFE_INTEGER : KNOT_NS;
    const natural = this.#naturalAtEnd;
    this.#walk(length);
    this.#end = begin + length;
    this.#naturalAtEnd = this.#natural(this.#end);
    this.#rate = natural + this.#slew;
    this.#slope = (this.#naturalAtEnd - natural) / length;
  }

  #walk(length: number): void {
    const wander = this.#options.wander;
    if (wander === undefined) return;
    const most = wander.ppmPerSecond * (length / 1e9);
    const next = this.#wander + this.#random.between(-most, most);
    this.#wander = Math.min(wander.maxPpm, Math.max(-wander.maxPpm, next));
  }

  #natural(t: number): number {
    const { driftPpm = 0, temperature } = this.#options;
    const cycle =
      temperature === undefined
        ? 0
        : temperature.ppm *
          Math.sin(this.#phase + (2 * Math.PI * t) / (temperature.periodMs * 1e6));
    return (driftPpm + cycle + this.#wander) * PPM;
  }
}
