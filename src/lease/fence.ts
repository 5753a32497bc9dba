/**
 * The gate that makes a lease safe whatever happens to the clocks: it remembers the greatest token
 * that it has seen, and refuses any smaller one. Who was paused between `check()` and the write,
 * and whose lease somebody else has by then, is refused.
 *
 * A fence protects what is behind it and nothing else, so it belongs to the resource: in its own
 * process, or in the same transaction as the write.
 */
import { ArgumentRangeError, ArgumentTypeError, checkObject } from '../time/errors.ts';
import { INT64_MAX } from '../time/instant.ts';
import { checkOptionNames } from '../time/options.ts';
import { FencedOutError } from './errors.ts';

/** The HTTP header in which a request carries its token, in decimal. */
export const fencingTokenHeader = 'fencing-token';

/** A fence that outlives its process. */
export interface DurableFence {
  /** As {@link Fence.admit}. Also rejects with what the database says. */
  admit(token: bigint): Promise<void>;
}

/** Options of a {@link Fence}. */
export interface FenceOptions {
  /** The least token that is admitted: the greatest one before a restart. Default 0n. */
  readonly least?: bigint | undefined;
}

/**
 * A fence in memory. After a restart it must begin at the greatest token that it admitted before:
 * keep that with what is protected, and pass it as `least`.
 *
 * @example
 * const fence = new Fence();
 * fence.admit(7n);
 * fence.tryAdmit(6n) // false: the holder of 7 has been here
 */
export class Fence {
  #greatest: bigint;

  /** @throws ArgumentTypeError, ArgumentRangeError when `least` is not a bigint of 0 or more */
  constructor(options: FenceOptions = {}) {
    const { least = 0n } = checkOptionNames(checkObject('options', options), { least: true });
    this.#greatest = checkToken('least', least);
  }

  /** The greatest token so far: to be kept for the time after a restart. */
  get greatest(): bigint {
    return this.#greatest;
  }

  /**
   * Lets the holder of `token` pass. The same token may pass again and again.
   *
   * @throws FencedOutError (`ERR_FENCED_OUT`) after a greater token; ArgumentTypeError,
   *   ArgumentRangeError when it is not a bigint of 0 or more
   */
  admit(token: bigint): void {
    if (!this.tryAdmit(token)) throw new FencedOutError(token, this.#greatest);
  }

  /** As {@link Fence.admit}, but answers `false` after a greater token. */
  tryAdmit(token: bigint): boolean {
    if (checkToken('token', token) < this.#greatest) return false;
    this.#greatest = token;
    return true;
  }
}

/** What a store may give: an int64 greater than 0. No fence admits a greater one. */
export function isToken(token: unknown): token is bigint {
  return typeof token === 'bigint' && token > 0n && token <= INT64_MAX;
}

export function checkToken(name: string, token: unknown): bigint {
  if (typeof token !== 'bigint') throw new ArgumentTypeError(name, 'a bigint', token);
  if (token < 0n || token > INT64_MAX) {
    throw new ArgumentRangeError(name, 'from 0 to 2^63 - 1', token);
  }
  return token;
}
