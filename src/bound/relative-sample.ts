/**
 * One sample on its way into the engine: out of bigints, into whole doubles of ns relative to the engine's bases. One
 * object, used for sample after sample. What it keeps in int64 slots, and why, is in time/int64-slots.ts.
 */
import { Int64Slots } from '../time/int64-slots.ts';
import type { Edges } from './aged-interval.ts';
import type { ClockSample } from './clock-sample.ts';
import { driftOver, slack } from './drift.ts';
import type { Present } from './present.ts';

// Slots.
const SENT_AT = 0;
const RECEIVED_AT = 1;
const UPPER = 2;
const LOWER = 3;
const PATH_DELAY = 4;
const SERVER_ERROR = 5;
const BASE = 6;
/** Never written. */
const ZERO = 7;
const SLOTS = 8;

/** Samples speak of times this far inside int64 (1714 to 2225), give or take some us, so that no edge ever leaves it. */
const FARTHEST = 2 ** 63 - 2 ** 60;

export class RelativeSample {
  /** A grid before the reading: the request may have left that much before what the reading stands for. */
  sentAt = 0;
  receivedAt = 0;
  /** Relative to the source's base, as `lower` is. */
  upper = 0;
  lower = 0;
  pathDelay = 0;
  serverError = 0;

  readonly #gridNs: number;
  readonly #int64: Int64Slots = new Int64Slots(SLOTS, SLOTS);

  /** @param gridNs grid of the monotonic clock */
  constructor(gridNs: number) {
    this.#gridNs = gridNs;
  }

  /**
   * Takes `sample` up and says whether it can be true at all: times in order and in range, facts within int64 that do
   * not cross even after the drift at the rate bound between them.
   */
  load(sample: ClockSample, { slope }: Present): boolean {
    const { slots, differences } = this.#int64;
    slots[SENT_AT] = sample.sentAt;
    slots[RECEIVED_AT] = sample.receivedAt;
    slots[UPPER] = sample.upperNs;
    slots[LOWER] = sample.lowerNs;
    slots[PATH_DELAY] = sample.pathDelayNs;
    slots[SERVER_ERROR] = sample.serverErrorNs;
    if (slots[UPPER] !== sample.upperNs || slots[LOWER] !== sample.lowerNs) return false;
    for (let slot = SENT_AT; slot <= LOWER; slot++) this.#int64.subtract(slot, ZERO, slot);
    if (differences[RECEIVED_AT]! + differences[LOWER]! < -FARTHEST) return false;
    if (differences[SENT_AT]! + differences[UPPER]! > FARTHEST) return false;
    this.#int64.subtract(RECEIVED_AT, SENT_AT, RECEIVED_AT);
    this.#int64.subtract(UPPER, LOWER, UPPER);
    const roundTrip = differences[RECEIVED_AT]!;
    return roundTrip >= 0 && differences[UPPER]! + driftOver(slope, roundTrip + this.#gridNs) >= 0;
  }

  /** Makes the sample that was loaded relative to the base of local time and to that of its source. */
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

  /** What the sample alone says at present, which is never before it was received. */
  edgesAt({ now, slope }: Present, into: Edges): void {
    const fallen = driftOver(slope, now - this.receivedAt);
    const risen = driftOver(slope, now - this.sentAt);
    into.lo = this.lower - fallen - (slack(this.lower) | slack(fallen));
    into.hi = this.upper + risen + (slack(this.upper) | slack(risen));
  }
}
