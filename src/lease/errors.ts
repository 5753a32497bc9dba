/** Why a lease was not got, is not held any more, or a write was refused. */
import { EpsilonClockError } from '../time/errors.ts';

/**
 * - `ending`: it is held, but its end is less than `marginMs` away, and it was not renewed.
 * - `expired`: its end has certainly passed, or may have passed.
 * - `no-bound`: the clock cannot tell. It may be held again once the clock has a bound.
 * - `jumped`: the kind is `'duration'`, and the machine slept, or its wall clock was set. It is
 *   held again after the next renewal, if the store still has it: Redis until somebody else takes
 *   it, etcd until its time has run out.
 * - `superseded`: the store says that it is over. Somebody else has taken it, it was ended by hand,
 *   or, of the kind `'duration'`, its time had run out there.
 * - `released`: by `release()`.
 */
export type LeaseLostReason =
  | 'ending'
  | 'expired'
  | 'no-bound'
  | 'jumped'
  | 'superseded'
  | 'released';

const LOST: Readonly<Record<LeaseLostReason, string>> = {
  ending: 'its end is near, and it is not renewed any more',
  expired: 'its end may have passed',
  'no-bound': 'the clock has no bound, so its end may have passed',
  jumped: 'the machine slept, or its wall clock was set, so its end may have passed',
  superseded: 'somebody else has taken it, or the store has counted to its end',
  released: 'it was released',
};

/** The lease is not certainly held, or (`ending`) not for much longer. */
export class LeaseLostError extends EpsilonClockError {
  readonly code = 'ERR_LEASE_LOST' as const;
  /** The lease's name. */
  readonly lease: string;
  /** The token that it had. */
  readonly token: bigint;
  /** Why: a stable word. */
  readonly reason: LeaseLostReason;

  constructor(lease: string, token: bigint, reason: LeaseLostReason) {
    super(`the lease ${lease} (token ${token}) is lost: ${LOST[reason]}`);
    this.name = 'LeaseLostError';
    this.lease = lease;
    this.token = token;
    this.reason = reason;
  }
}

/** Nobody let go of the lease within `timeoutMs`. */
export class LeaseTimeoutError extends EpsilonClockError {
  readonly code = 'ERR_LEASE_TIMEOUT' as const;
  /** The lease's name. */
  readonly lease: string;
  /** Who had it when the store answered last; absent when it did not. */
  readonly holder: string | undefined;

  constructor(lease: string, timeoutMs: number, holder: string | undefined, cause?: unknown) {
    const silent = cause === undefined ? 'the clock had no bound' : 'the store did not answer';
    const why = holder === undefined ? silent : `${holder} had it`;
    super(`the lease ${lease} was not got within ${timeoutMs} ms: ${why}`, { cause });
    this.name = 'LeaseTimeoutError';
    this.lease = lease;
    this.holder = holder;
  }
}

const STORE_SAID = {
  failed: 'failed',
  timeout: 'did not answer in time',
  malformed: 'answered nonsense',
} as const;

/** The store failed, or did not answer in time. What it did with the request is not known. */
export class LeaseStoreError extends EpsilonClockError {
  readonly code = 'ERR_LEASE_STORE' as const;
  /** `failed`: see `cause`. `timeout`: it did not answer. `malformed`: its answer is nonsense. */
  readonly reason: 'failed' | 'timeout' | 'malformed';

  constructor(store: string, reason: LeaseStoreError['reason'], cause?: unknown) {
    super(`the lease store ${store} ${STORE_SAID[reason]}${messageOf(cause)}`, { cause });
    this.name = 'LeaseStoreError';
    this.reason = reason;
  }
}

/** What a store rejects with may be anything: a Proxy whose traps throw, a message that throws. */
function messageOf(cause: unknown): string {
  try {
    return cause instanceof Error ? `: ${cause.message}` : '';
  } catch {
    return '';
  }
}

/** As `instanceof`, but `false` for a Proxy whose trap throws. */
export function isStoreError(error: unknown): error is LeaseStoreError {
  try {
    return error instanceof LeaseStoreError;
  } catch {
    return false;
  }
}

/** The fence has seen a greater token: who has this one holds the lease no longer. */
export class FencedOutError extends EpsilonClockError {
  readonly code = 'ERR_FENCED_OUT' as const;
  /** The token that came. */
  readonly token: bigint;
  /** The greatest token so far; absent where the fence does not say. */
  readonly greatest: bigint | undefined;

  constructor(token: bigint, greatest: bigint | undefined) {
    const why = greatest === undefined ? 'there was a greater one' : `${greatest} was seen`;
    super(`the token ${token} is refused: ${why}`);
    this.name = 'FencedOutError';
    this.token = token;
    this.greatest = greatest;
  }
}
