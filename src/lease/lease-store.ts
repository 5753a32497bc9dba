/**
 * What a lease asks of a store: three compare-and-sets on one record per name. Any database that
 * has them can be one; `checkLeaseStore` of `epsilon-clock/testing` tells whether it is.
 *
 * In true time the store counts none itself. All instants come from the clocks of the processes
 * that ask, and the store compares them as numbers.
 */
import type { UnixNs } from '../time/instant.ts';
import type { DurationStore } from './duration-store.ts';

/** Who had a lease last, and until when. There is one per name, for ever. */
export interface LeaseRecord {
  /** Who took it. */
  readonly holder: string;
  /** Which attempt took it: an id that no other attempt has. */
  readonly claim: string;
  /** How often it was taken: 1 for the first. It never goes down. */
  readonly token: bigint;
  /** Its end, Unix ns; 0 when it was released. */
  readonly expiresAt: UnixNs;
}

/** The wish to have a lease. */
export interface LeaseClaim {
  /** The lease's name. */
  readonly name: string;
  /** Who wants it. */
  readonly holder: string;
  /** The id of this attempt. */
  readonly claim: string;
  /** Its end, if it is got. */
  readonly expiresAt: UnixNs;
  /** It may be taken from who had it if it ended before this: an instant that has passed. */
  readonly endedBefore: UnixNs;
}

/** The answer to a claim. */
export interface LeaseAnswer {
  /** Whether the claim has the lease. */
  readonly taken: boolean;
  /** The record as it is now: ours if it was taken. */
  readonly record: LeaseRecord;
}

/** The wish to keep a lease for longer. */
export interface LeaseExtension {
  /** The lease's name. */
  readonly name: string;
  /** The token of who has it. */
  readonly token: bigint;
  /** Its end from then on. */
  readonly expiresAt: UnixNs;
}

/** Options of each call. */
export interface StoreCallOptions {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/**
 * A store of leases. What each method does is one step for all others. A method that fails rejects,
 * and it is then unknown whether it did what was asked.
 */
export interface LeaseStore {
  /** For people: `postgres`. */
  readonly name: string;
  /**
   * Without a record, makes one with the token 1. With one whose `expiresAt < endedBefore`,
   * replaces it, with the next token. With one of this very `claim`, changes nothing and answers
   * `taken`: an earlier answer was lost. Otherwise changes nothing.
   */
  take(claim: LeaseClaim, options: StoreCallOptions): Promise<LeaseAnswer>;
  /**
   * If the record has this token and was not ended by {@link LeaseStore.end}, moves its end to
   * `expiresAt` unless that is earlier. Answers whether it has this token and was not ended.
   */
  extend(extension: LeaseExtension, options: StoreCallOptions): Promise<boolean>;
  /** If the record has this token, sets its end to 0. Never deletes it: tokens must not restart. */
  end(name: string, token: bigint, options: StoreCallOptions): Promise<void>;
  /** For leases of the kind `'duration'`. Absent in a store that does not count time by itself. */
  readonly durations?: DurationStore | undefined;
}
