/**
 * The simulator's only source of randomness: a small seeded generator whose stream is the same on
 * every engine and version.
 *
 * It is xoshiro128** (Blackman and Vigna, 2018) on int32 operations, seeded through splitmix32.
 * Derived draws use only `Math.log` and `Math.exp`. `Math.pow` and `**` on fractions differ between
 * V8 releases: with one such call a seed would mean different worlds on different versions of Node.
 *
 * Every component of a world draws from its own stream, made by {@link Random.fork} from the
 * world's seed and a label. So a sixth server or a busier link does not shift the draws of other
 * components, and a failing world stays recognisable while fast-check shrinks it.
 */
import { checkNumber } from '../time/errors.ts';

/** A seeded stream of random numbers, the same on every engine. */
export class Random {
  readonly #seed: number;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /**
   * @param seed an integer from 0 to 2^32 - 1; equal seeds give equal streams
   * @throws ArgumentTypeError, ArgumentRangeError when `seed` is not a number from 0 to 2^32 - 1
   */
  constructor(seed: number) {
    checkNumber('seed', seed, 0, 0xffff_ffff);
    this.#seed = seed >>> 0;
    let state = this.#seed;
    const splitmix = (): number => {
      state = (state + 0x9e37_79b9) | 0;
      let z = state ^ (state >>> 16);
      z = Math.imul(z, 0x21f0_aaad);
      z ^= z >>> 15;
      z = Math.imul(z, 0x735a_2d97);
      return z ^ (z >>> 15);
    };
    this.#a = splitmix();
    this.#b = splitmix();
    this.#c = splitmix();
    this.#d = splitmix();
  }

  /** An independent stream for the component called `label`. Does not draw from this one. */
  fork(label: string): Random {
    let hash = 0x811c_9dc5 ^ this.#seed; // FNV-1a over the label, begun at the seed
    for (let i = 0; i < label.length; i++) {
      hash = Math.imul(hash ^ label.charCodeAt(i), 0x0100_0193);
    }
    return new Random(hash >>> 0);
  }

  /** 32 random bits, as an integer from 0 to 2^32 - 1. */
  uint32(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** Uniform in `[0, 1)`, 53 bits. */
  unit(): number {
    const high = this.uint32() >>> 5;
    return (high * 0x400_0000 + (this.uint32() >>> 6)) / 0x20_0000_0000_0000;
  }

  /** Uniform in `[min, max)`. */
  between(min: number, max: number): number {
    return min + (max - min) * this.unit();
  }

  /** A uniform integer from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.unit() * (max - min + 1));
  }

  /**
   * True with this probability. Draws even when the result is certain, so that streams stay
   * aligned.
   */
  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /**
   * Exponentially distributed with this mean, as are gaps between independent events and queueing
   * delays.
   */
  exponential(mean: number): number {
    return -Math.log(1 - this.unit()) * mean;
  }

  /**
   * Pareto distributed: at least `min`, with a tail of index `alpha` (the smaller, the heavier).
   */
  pareto(min: number, alpha: number): number {
    return min * Math.exp(-Math.log(1 - this.unit()) / alpha);
  }
}
