/**
 * Why a commit wait ended without the proof that its timestamp has passed. Each of these means "not
 * visible yet", never "aborted": nothing has been decided about the transaction, and waiting again
 * is always allowed.
 */
import type { NoBoundReason } from '../bound/bound.ts';
import { EpsilonClockError } from '../time/errors.ts';
import type { UnixNs } from '../time/instant.ts';

/**
 * The clock lost its bound, was disrupted or was stopped during the wait, or had no bound when it
 * began. Wait again once it has one (`waitSynced`).
 */
export class CommitWaitInterruptedError extends EpsilonClockError {
  readonly code = 'ERR_COMMIT_WAIT_INTERRUPTED' as const;
  readonly timestamp: UnixNs;
  /** How long this wait had lasted, ns of the monotonic clock. */
  readonly waitedNs: bigint;
  /** `disrupted` when the clocks of this machine jumped, else `unsynchronized`. */
  readonly status: 'unsynchronized' | 'disrupted';
  /** Why there is no bound: one of the stable words that a `ClockReading` uses too. */
  readonly reason: NoBoundReason;

  constructor(
    wait: { readonly timestamp: UnixNs; readonly waitedNs: bigint },
    clock: { readonly status: 'unsynchronized' | 'disrupted'; readonly reason: NoBoundReason },
  ) {
    super(
      `the wait for ${wait.timestamp} ended after ${wait.waitedNs} ns without a result: ` +
        `the clock has no bound: ${clock.status} (${clock.reason})`,
    );
    this.name = 'CommitWaitInterruptedError';
    this.timestamp = wait.timestamp;
    this.waitedNs = wait.waitedNs;
    this.status = clock.status;
    this.reason = clock.reason;
  }
}

/** The timestamp had not certainly passed after `timeoutMs`. */
export class CommitWaitTimeoutError extends EpsilonClockError {
  readonly code = 'ERR_COMMIT_WAIT_TIMEOUT' as const;
  readonly timestamp: UnixNs;
  /** How long this wait had lasted, ns of the monotonic clock: `timeoutMs` or more. */
  readonly waitedNs: bigint;

  constructor(timestamp: UnixNs, waitedNs: bigint) {
    super(`${timestamp} had not certainly passed after ${waitedNs} ns`);
    this.name = 'CommitWaitTimeoutError';
    this.timestamp = timestamp;
    this.waitedNs = waitedNs;
  }
}

/**
 * The wait was refused at once, because by the present bound it would exceed `maxWaitMs`. Either
 * the timestamp does not come from these clocks, or the bound is too wide to commit at present.
 */
export class CommitWaitTooLongError extends EpsilonClockError {
  readonly code = 'ERR_COMMIT_WAIT_TOO_LONG' as const;
  readonly timestamp: UnixNs;
  /** How long the wait would last by the present bound, ns. */
  readonly remainingNs: bigint;
  /** `maxWaitMs`, in ns. */
  readonly limitNs: bigint;

  constructor(timestamp: UnixNs, remainingNs: bigint, limitNs: bigint) {
    super(
      `${timestamp} is ${remainingNs} ns from having certainly passed; the limit is ${limitNs} ns`,
    );
    this.name = 'CommitWaitTooLongError';
    this.timestamp = timestamp;
    this.remainingNs = remainingNs;
    this.limitNs = limitNs;
  }
}

/**
 * The interval is wider than the hybrid clock's `maxRemoteAheadMs`. A timestamp at its upper end
 * may be further ahead of a peer than that limit, so the peer would refuse it. No timestamp was
 * taken.
 */
export class UncertaintyTooWideError extends EpsilonClockError {
  readonly code = 'ERR_UNCERTAINTY_TOO_WIDE' as const;
  /** `latest - earliest`, ns: more than `limitNs`. */
  readonly widthNs: bigint;
  /** `maxRemoteAheadMs`, in ns. */
  readonly limitNs: bigint;

  constructor(widthNs: bigint, limitNs: bigint) {
    super(`the clock's interval is ${widthNs} ns wide; a commit timestamp allows ${limitNs} ns`);
    this.name = 'UncertaintyTooWideError';
    this.widthNs = widthNs;
    this.limitNs = limitNs;
  }
}
