/**
 * The errors of logical clocks that a correct program can meet. After any of them the clock is
 * exactly as it was before the call.
 */

import { EpsilonClockError } from '../time/errors.ts';
import type { UnixNs } from '../time/instant.ts';

/**
 * A remote timestamp lies further in the future than `maxRemoteAheadMs` allows. The sender's clock
 * is too fast, ours is too slow, or an attacker forges timestamps. Do not process the message.
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
      `remote timestamp ${timestamp} is ${aheadNs} ns ahead of physical time; ` +
        `the limit is ${limitNs} ns (maxRemoteAheadMs): the sender's clock is fast, or ours is slow`,
    );
    this.name = 'TimestampAheadError';
    this.timestamp = timestamp;
    this.aheadNs = aheadNs;
    this.limitNs = limitNs;
  }
}

/**
 * The next timestamp would exceed the last possible one: 2^63 - 1 ns (the year 2262) for a hybrid
 * clock, 2^53 - 1 for a Lamport clock. Only a clock that received a forged timestamp gets here. A
 * clock never wraps around.
 */
export class TimestampExhaustedError extends EpsilonClockError {
  readonly code = 'ERR_TIMESTAMP_EXHAUSTED' as const;
  /** The last possible timestamp. */
  readonly last: bigint;

  constructor(last: bigint) {
    super(`no timestamp is left after ${last}`);
    this.name = 'TimestampExhaustedError';
    this.last = last;
  }
}

/** An encoded timestamp differs from what the encoder writes. */
export class MalformedTimestampError extends EpsilonClockError {
  readonly code = 'ERR_TIMESTAMP_MALFORMED' as const;

  constructor(what: string, expected: string) {
    super(`malformed ${what}: expected ${expected}`);
    this.name = 'MalformedTimestampError';
  }
}
