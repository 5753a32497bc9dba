/**
 * `R`, the bound on the rate of theta (A1), and what becomes of it when observations refute it.
 *
 * One contradiction says little: a liar may have come or gone. A second within 10 minutes says that the
 * rate bound itself is false, and it is raised: at least doubled, and far enough for the contradiction
 * just seen, up to 10 %. After 10 quiet minutes it halves every 5 minutes, down to the configured bound
 * and never below: a daemon that slewed fast has usually finished by then.
 *
 * If it has not, or the configured bound is false for good, readings are wrong again until that shows. So
 * a lowered bound is on probation, until the configured one has held for a day: the first contradiction
 * raises it, and each such relapse doubles the quiet time, up to a day. After probation it is 10 minutes.
 *
 * Whoever changes the slope first ages what is known to now with the old one; so nothing here changes it
 * behind the engine's back: `strike` and `relax` return the new slope or `undefined`, `set` takes effect.
 */
import { MAX_SLOPE } from './drift.ts';

const STRIKE_WINDOW = 600e9;
const FIRST_QUIET = 600e9;
const RELAX_EVERY = 300e9;
const DAY = 86_400e9;
/** A raise covers this many times the rate that the contradiction showed. */
const HEADROOM = 1.5;

export class RateBound {
  readonly #configured: number;
  #slope: number;
  #lastStrike = Number.NEGATIVE_INFINITY;
  #lastRelax = Number.NEGATIVE_INFINITY;
  #onProbation = false;
  /** For how long a raised bound stays after the last strike. */
  #quiet = FIRST_QUIET;

  /** @param slope the configured bound, ns per ns */
  constructor(slope: number) {
    this.#configured = slope;
    this.#slope = slope;
  }

  /** The bound in force, ns per ns. */
  get slope(): number {
    return this.#slope;
  }

  set(slope: number): void {
    this.#slope = slope;
  }

  /**
   * Evidence against the rate at `now`: a contradiction by `gap` ns after `silentFor` ns without a word
   * from that source. Returns the bound to take from now on, or `undefined` when it says too little.
   */
  strike(now: number, gap: number, silentFor: number): number | undefined {
    const convincing = this.#onProbation || now - this.#lastStrike <= STRIKE_WINDOW;
    this.#lastStrike = now;
    if (!convincing) return undefined;
    if (this.#onProbation) this.#quiet = Math.min(DAY, 2 * this.#quiet);
    this.#onProbation = false;
    const shown = silentFor > 0 ? (HEADROOM * gap) / silentFor : 0;
    return Math.min(MAX_SLOPE, Math.max(2 * this.#slope, this.#slope + shown));
  }

  /** The lower bound to take at `now`, or `undefined` while there is no reason to. */
  relax(now: number): number | undefined {
    if (this.#slope <= this.#configured) {
      if (now - this.#lastRelax >= DAY) {
        this.#onProbation = false;
        this.#quiet = FIRST_QUIET;
      }
      return undefined;
    }
    if (now - this.#lastStrike < this.#quiet || now - this.#lastRelax < RELAX_EVERY) {
      return undefined;
    }
    this.#lastRelax = now;
    this.#onProbation = true;
    return Math.max(this.#configured, this.#slope / 2);
  }

  /** The local time base moves forward by `shift`. */
  rebase(shift: number): void {
    this.#lastStrike -= shift;
    this.#lastRelax -= shift;
  }
}
