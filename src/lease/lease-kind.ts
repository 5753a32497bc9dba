/**
 * What differs between the kinds of lease: by which clock the end is counted, and what the store is
 * asked for. Everything else (waiting, renewing, letting go, fences) is the same for both.
 */
import type { UnixNs } from '../time/instant.ts';
import type { StoreCallOptions } from './lease-store.ts';

/** One kind of lease, with its store and its clock. */
export interface LeaseKind {
  /** How long a lease is certainly held if it is not renewed, ms. */
  readonly lastsMs: number;
  /**
   * Reads the clock for a request that is about to be sent. Its time counts from here, so any delay
   * on the way makes the lease shorter.
   *
   * @throws ClockUnsynchronizedError when the clock must have a bound and has none
   */
  begin(): LeaseRequest;
  /** Tells the store that the lease is over. The record stays. */
  end(name: string, token: bigint, options: StoreCallOptions): Promise<void>;
}

/** One request, sent once. Rejects with a LeaseStoreError for an answer of nonsense. */
export interface LeaseRequest {
  take(wish: LeaseWish, options: StoreCallOptions): Promise<Taken>;
  /** `undefined` when the store says that the lease is over. */
  extend(name: string, token: bigint, options: StoreCallOptions): Promise<LeaseTerm | undefined>;
}

/** Who wants what. */
export interface LeaseWish {
  readonly name: string;
  readonly holder: string;
  /** The id of this attempt. */
  readonly claim: string;
}

/** The answer to a wish. */
export interface Taken {
  /** Who has the lease. */
  readonly holder: string;
  readonly claim: string;
  readonly token: bigint;
  /** Until when we have it; `undefined` when somebody else may have it. */
  readonly term: LeaseTerm | undefined;
  /** When it may be free, ms from now on; `undefined` when nothing tells. */
  waitMs(): number | undefined;
}

/** For how long a lease is held. */
export interface LeaseTerm {
  /** Its end, on the clock by which the kind counts. */
  readonly end: bigint;
  /** Its end, Unix ns: a promise in true time, else what the wall clock makes of it. */
  readonly expiresAt: UnixNs;
  /** Why `remainingNs` may be unknown. */
  readonly unknown: 'no-bound' | 'jumped';
  /** Whether it is certainly held at an instant within this call. */
  held(): boolean;
  /** How long it is certainly held, ns; below 0: it may be over; `undefined`: nothing tells. */
  remainingNs(): bigint | undefined;
}
