/**
 * What can go wrong with a logical clock in a correct program. Whichever is thrown, the clock that
 * threw is exactly as it was before the call.
 */

import { EpsilonClockError } from '../time/errors.ts';
import type { UnixNs } from '../time/instant.ts';

/**
 * A remote timestamp lies further in the future than `maxRemoteAheadMs` allows. The sender's clock is
 * too fast, ours is too slow, or someone forges timestamps; the message should not be processed.
 */
export class TimestampAheadError extends EpsilonClockError {
  readonly code = 'ERR_TIMESTAMP_AHEAD' as const;
  /** The refused timestamp. */
  readonly timestamp: UnixNs;
  /** How far it is ahead of physical time, in ns: more than `limitNs`. */
  readonly aheadNs: bigint;
  /** The limit in force, in ns. */
  readonly limitNs: bigint;

  constructor(timestamp: UnixNs, aheadNs: bigint, limitNs: bigint) {
    super(
      `remote timestamp ${timestamp} is ${aheadNs} ns ahead of physical time; the limit is ${limitNs} ns`,
    );
    this.name = 'TimestampAheadError';
    this.timestamp = timestamp;
    this.aheadNs = aheadNs;
    this.limitNs = limitNs;
  }
}

/**
 * The next timestamp would be past the last one there is: 2^63 - 1 ns (the year 2262) for a hybrid
 * clock, 2^53 - 1 for a Lamport clock. Only a poisoned clock gets here; it never wraps instead.
 */
export class TimestampExhaustedError extends EpsilonClockError {
  readonly code = 'ERR_TIMESTAMP_EXHAUSTED' as const;
  /** The last timestamp there is. */
  readonly last: bigint;

  constructor(last: bigint) {
    super(`no timestamp is left after ${last}`);
    this.name = 'TimestampExhaustedError';
    this.last = last;
  }
}

/** An encoded timestamp that is not exactly what the encoder writes. */
export class MalformedTimestampError extends EpsilonClockError {
  readonly code = 'ERR_TIMESTAMP_MALFORMED' as const;

  constructor(what: string, expected: string) {
    super(`malformed ${what}: expected ${expected}`);
    this.name = 'MalformedTimestampError';
  }
}
