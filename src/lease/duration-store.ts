/**
 * What a lease of the kind `duration` asks of a store: to count time by itself. Who takes a lease
 * has it for `ttlMs` of the store's own clock, and then anybody may take it.
 *
 * The record is the one of {@link LeaseStore}, with one sequence of tokens for both kinds. While
 * the store counts, the record's end is {@link COUNTED}, which never comes, so that nobody takes
 * the lease in true time. And a lease whose end is an instant is not taken by duration.
 */
import { asUnixNs, INT64_MAX, type UnixNs } from '../time/instant.ts';
import type { StoreCallOptions } from './lease-store.ts';

/** The end in the record while the store counts: the greatest int64. */
export const COUNTED: UnixNs = asUnixNs(INT64_MAX);

/** The wish to have a lease for some time. */
export interface DurationClaim {
  /** The lease's name. */
  readonly name: string;
  /** Who wants it. */
  readonly holder: string;
  /** The id of this attempt. */
  readonly claim: string;
  /** For how long at least, ms of the store's clock. */
  readonly ttlMs: number;
}

/** The answer to a claim. */
export interface DurationAnswer {
  /** Whether the claim has the lease. */
  readonly taken: boolean;
  /** Who has it. */
  readonly holder: string;
  /** Whose claim it is: ours if it was taken, or if it was ours and was ended. */
  readonly claim: string;
  /** How often it was taken: 1 for the first. It never goes down. */
  readonly token: bigint;
  /**
   * If it was taken: for how long, ms, counted from an instant within the call. At least what was
   * asked for; the holder counts on no more.
   */
  readonly ttlMs: number;
}

/** The wish to keep a lease for longer. */
export interface DurationExtension {
  /** The lease's name. */
  readonly name: string;
  /** The token of who has it. */
  readonly token: bigint;
  /** For how long at least, ms of the store's clock. */
  readonly ttlMs: number;
}

/**
 * A store that counts time by itself. What each method does is one step for all others. A method
 * that fails rejects, and it is then unknown whether it did what was asked.
 */
export interface DurationStore {
  /** How much faster than true time its clock may run, ppm. 0 to 100,000. */
  readonly maxDriftPpm: number;
  /** How much earlier it may end a lease because of the grid on which it counts, ms. */
  readonly gridMs: number;
  /**
   * Where nobody has the lease, or its time is over: gives it, with the next token. Where this very
   * `claim` has it, an earlier answer was lost: counts its time from now on. Otherwise changes
   * nothing, also where it was this claim that was ended: a request that comes twice must not take
   * again what was let go. It never gives less time than was asked for.
   */
  take(claim: DurationClaim, options: StoreCallOptions): Promise<DurationAnswer>;
  /**
   * If the record has this token and was not ended, counts its time from now on, and answers for
   * how long, ms; otherwise `undefined`. Where the time is over it may do either.
   */
  extend(extension: DurationExtension, options: StoreCallOptions): Promise<number | undefined>;
  /** If the record has this token, ends it. The record stays: tokens must not restart. */
  end(name: string, token: bigint, options: StoreCallOptions): Promise<void>;
}
