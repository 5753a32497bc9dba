/**
 * One sample on its way into the engine: from bigints to whole doubles of ns, relative to the
 * engine's bases. One object serves all samples, and its bigints are in int64 slots
 * (time/int64-slots.ts), so that a sample allocates nothing.
 */
import { Int64Slots } from '../time/int64-slots.ts';
import type { Edges } from './aged-interval.ts';
import type { ClockSample } from './clock-sample.ts';
import { driftOver, slack } from './drift.ts';
import type { LocalNow } from './local-now.ts';

// Slots.
const SENT_AT = 0;
const RECEIVED_AT = 1;
const UPPER = 2;
const LOWER = 3;
const PATH_DELAY = 4;
const SERVER_ERROR = 5;
const BASE = 6;
/** Always 0. */
const ZERO = 7;
const SLOTS = 8;

/**
 * The farthest time from 1970 that a sample may be about (1714 to 2225), so that no edge ever
 * leaves int64. It is compared with rounded sums, which are off by some us.
 */
const MAX_TIME_NS = 2 ** 63 - 2 ** 60;

export class RelativeSample {
  /** One grid before the reading, because the reading stands for any instant of its grid. */
  sentAt = 0;
  receivedAt = 0;
  /** Relative to the source's base. */
  upper = 0;
  /** Relative to the source's base. */
  lower = 0;
  pathDelay = 0;
  serverError = 0;
  /** True time when it was received, by its own account, ns of Unix time; off by some us. */
  saidNs = 0;

  readonly #gridNs: number;
  readonly #int64: Int64Slots = new Int64Slots(SLOTS, SLOTS);

  /** @param gridNs grid of the monotonic clock, ns */
  constructor(gridNs: number) {
    this.#gridNs = gridNs;
  }

  /**
   * Takes `sample` in and returns whether it can be true at all: its times are in order and in
   * range, and its facts are within int64 and do not cross by more than the drift of a round trip.
   */
  load(sample: ClockSample, { maxRate }: LocalNow): boolean {
    const { slots, differences } = this.#int64;
    slots[SENT_AT] = sample.sentAt;
    slots[RECEIVED_AT] = sample.receivedAt;
    slots[UPPER] = sample.upperNs;
    slots[LOWER] = sample.lowerNs;
    slots[PATH_DELAY] = sample.pathDelayNs;
    slots[SERVER_ERROR] = sample.serverErrorNs;
    if (slots[UPPER] !== sample.upperNs || slots[LOWER] !== sample.lowerNs) return false;
    for (let slot = SENT_AT; slot <= LOWER; slot++) this.#int64.subtract(slot, ZERO, slot);
    this.saidNs = differences[RECEIVED_AT]! + differences[LOWER]!;
    if (this.saidNs < -MAX_TIME_NS) return false;
    if (differences[SENT_AT]! + differences[UPPER]! > MAX_TIME_NS) return false;
    this.#int64.subtract(RECEIVED_AT, SENT_AT, RECEIVED_AT);
    this.#int64.subtract(UPPER, LOWER, UPPER);
    const roundTrip = differences[RECEIVED_AT]!;
    return (
      roundTrip >= 0 && differences[UPPER]! + driftOver(maxRate, roundTrip + this.#gridNs) >= 0
    );
  }

  /** Makes the loaded sample relative to the base of local time and to the base of its source. */
  relateTo(localBase: bigint, sourceBase: bigint): void {
    const { slots, differences } = this.#int64;
    slots[BASE] = localBase;
    this.#int64.subtract(SENT_AT, BASE, SENT_AT);
    this.#int64.subtract(RECEIVED_AT, BASE, RECEIVED_AT);
    slots[BASE] = sourceBase;
    this.#int64.subtract(UPPER, BASE, UPPER);
    this.#int64.subtract(LOWER, BASE, LOWER);
    this.#int64.subtract(PATH_DELAY, ZERO, PATH_DELAY);
    this.#int64.subtract(SERVER_ERROR, ZERO, SERVER_ERROR);
    this.sentAt = differences[SENT_AT]! - this.#gridNs;
    this.receivedAt = differences[RECEIVED_AT]!;
    this.upper = differences[UPPER]! + slack(differences[UPPER]!);
    this.lower = differences[LOWER]!;
    this.pathDelay = differences[PATH_DELAY]!;
    this.serverError = differences[SERVER_ERROR]!;
  }

  /**
   * Writes what the sample alone says at present, which is never before the sample was received.
   */
  edgesAt({ now, maxRate }: LocalNow, into: Edges): void {
    const fallen = driftOver(maxRate, now - this.receivedAt);
    const risen = driftOver(maxRate, now - this.sentAt);
    into.lo = this.lower - fallen - (slack(this.lower) | slack(fallen));
    into.hi = this.upper + risen + (slack(this.upper) | slack(risen));
  }
}
