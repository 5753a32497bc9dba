/**
 * Writes the published page: what the engine knows, as the slots that readers evaluate.
 *
 * It is the only writer of the page. Other files ask here for facts about the page, such as the
 * longest bound it can express, asks here.
 */
import {
  type Bound,
  DISRUPTIONS,
  NO_BOUND_REASONS,
  type NoBoundReason,
  newBound,
} from '../bound/bound.ts';
import type { BoundEngine } from '../bound/bound-engine.ts';
import { LEAP_WARNINGS } from '../bound/clock-sample.ts';
import type { Clock } from '../time/clock.ts';
import { ArgumentTypeError } from '../time/errors.ts';
import type { MonotonicNs } from '../time/instant.ts';
import type { OffsetBounds } from '../time/wall-offset.ts';
import { foreseeWidening, type Widening } from './early-warning.ts';
import {
  BOUNDED,
  DISRUPTED,
  END_REASON,
  ERA,
  EVER_BOUNDED,
  FRESH_UNTIL,
  LEAP,
  longestSpan,
  MIDDLE,
  NO_BOUND,
  PAGE_SLOTS,
  Page,
  pageSlack,
  pageSlope,
  QUORUM,
  REASON,
  STATE,
  VM_MARKER,
  WALL_OFFSET,
  WALL_READ_AT,
} from './page/page.ts';
import { writeSegments } from './page/segments.ts';
import type { ClockStatus } from './reading.ts';

/** Before any reading of the monotonic clock, ns. */
const BEFORE_ANY_READING_NS = -(2n ** 62n);
/** After any reading of the monotonic clock, ns. */
const AFTER_ANY_READING_NS = 2n ** 63n;

/**
 * How long a bound can be published for at most at this rate, ns: an int64 product would overflow.
 */
export function longestBoundNs(maxRate: number): bigint {
  return longestSpan(pageSlope(maxRate));
}

/** How much wider than the bound its published form may be on either side, ns. */
export function roundingNs(maxRate: number): bigint {
  return pageSlack(maxRate);
}

export class Publisher {
  readonly page: Page = Page.create();
  /** The bound as last published; meaningful while {@link Publisher.bounded}. */
  readonly bound: Bound = newBound();
  readonly #engine: BoundEngine;
  readonly #gridNs: bigint;
  readonly #slots: BigInt64Array = new BigInt64Array(PAGE_SLOTS);
  /** The monotonic reading that {@link Publisher.bound} is about. */
  #publishedAt = 0n;
  /** The last monotonic reading at which the bound may be used if no further sample comes. */
  #until = 0n;

  /** @param gridNs grid of the monotonic clock */
  constructor(engine: BoundEngine, gridNs: bigint) {
    this.#engine = engine;
    this.#gridNs = gridNs;
    this.#slots[WALL_READ_AT] = BEFORE_ANY_READING_NS;
  }

  /** Whether the last publication has a bound. */
  get bounded(): boolean {
    return this.#slots[STATE] === BOUNDED;
  }

  /**
   * What the last publication says now. Reads `clock` only if there is a bound; `reason` is absent
   * then.
   */
  status(clock: Clock): { status: ClockStatus; reason: NoBoundReason | undefined } {
    const slots = this.#slots;
    if (this.bounded) {
      const fresh = clock.monotonicNs() <= slots[FRESH_UNTIL]!;
      return { status: fresh ? 'synchronized' : 'holdover', reason: undefined };
    }
    return {
      status: slots[STATE] === DISRUPTED ? 'disrupted' : 'unsynchronized',
      reason: NO_BOUND_REASONS[Number(slots[REASON])],
    };
  }

  /** What to announce when half the width of the published bound should stay below `limitMs`. */
  foreseeWidening(limitMs: number, holdover: boolean): Widening | undefined {
    if (!this.bounded) return undefined;
    return foreseeWidening(limitMs, {
      bound: this.bound,
      base: this.#publishedAt + this.#engine.thetaBase,
      untilNs: Number(this.#until - this.#publishedAt),
      holdover,
    });
  }

  /** Takes down `wall - monotonic`, which readers in other threads compare theirs with. */
  noteWallOffset({ lowerNs, upperNs, readAt }: OffsetBounds): void {
    this.#slots[WALL_OFFSET] = (lowerNs + upperNs) / 2n;
    this.#slots[WALL_READ_AT] = readAt;
  }

  /** Takes down the machine's disruption marker, with which readers in other threads compare. */
  noteMarker(marker: bigint | undefined): void {
    this.#slots[VM_MARKER] = marker ?? 0n;
  }

  /**
   * Publishes what the engine knows at `now`.
   *
   * @param freshUntil the monotonic reading up to which an agreeing source counts as fresh;
   *   `undefined` while none agrees
   * @param trustedUntil the last monotonic reading at which the profile may be relied on;
   */
  publish(now: MonotonicNs, freshUntil: bigint | undefined, trustedUntil: bigint): void {
    const engine = this.#engine;
    if (engine.bounded) {
      engine.boundAt(now, this.bound);
      const expiry = engine.expiresAt();
      const leap = this.#leapReachedAt(now);
      this.#until = leap < expiry ? leap : expiry;
      const until = trustedUntil < this.#until ? trustedUntil : this.#until;
      const endReason = leap === until ? 'leap-second' : 'expired';
      if (until >= now) this.#writeBound(now, until, endReason, freshUntil);
      else this.#writeNoBound(endReason);
    } else {
      this.#writeNoBound(engine.reason);
    }
    this.page.publish(this.#slots);
  }

  /** Publishes that there is no bound. */
  publishNoBound(reason: NoBoundReason): void {
    this.#writeNoBound(reason);
    this.page.publish(this.#slots);
  }

  #writeBound(
    now: MonotonicNs,
    until: bigint,
    endReason: NoBoundReason,
    freshUntil: bigint | undefined,
  ): void {
    const engine = this.#engine;
    const slots = this.#slots;
    const bound = this.bound;
    this.#publishedAt = now;
    slots[ERA] = engine.era;
    slots[STATE] = BOUNDED;
    slots[EVER_BOUNDED] = 1n;
    slots[QUORUM] = engine.quorum === 'full' ? 1n : 0n;
    slots[LEAP] = BigInt(LEAP_WARNINGS.indexOf(engine.leap));
    slots[FRESH_UNTIL] = freshUntil ?? BEFORE_ANY_READING_NS;
    slots[END_REASON] = BigInt(NO_BOUND_REASONS.indexOf(endReason));
    slots[MIDDLE] = engine.thetaBase + BigInt(Math.floor((bound.lo + bound.hi) / 2));
    writeSegments(slots, {
      bound,
      thetaBase: engine.thetaBase,
      at: now,
      until,
      maxRate: engine.maxRate,
      gridNs: this.#gridNs,
    });
  }

  #writeNoBound(reason: NoBoundReason): void {
    this.#slots[STATE] = DISRUPTIONS.includes(reason) ? DISRUPTED : NO_BOUND;
    this.#slots[REASON] = BigInt(NO_BOUND_REASONS.indexOf(reason));
  }

  /** The monotonic reading up to which `latest` certainly stays before an announced leap second. */
  #leapReachedAt(now: MonotonicNs): bigint {
    const { leapAt, thetaBase, maxRate } = this.#engine;
    if (leapAt === undefined) return AFTER_ANY_READING_NS;
    const { suspectHi, guarded, guardHi } = this.bound;
    const hi = guarded ? Math.max(suspectHi, guardHi) : suspectHi;
    const latest = now + thetaBase + BigInt(hi) + this.#gridNs;
    // `latest` grows by at most 1 + maxRate per ns, as published. 1 us covers the roundings.
    const left = Number(leapAt - latest) / (1 + Number(pageSlope(maxRate)) * 2 ** -34) - 1000;
    return now + BigInt(Math.floor(left));
  }
}

/** @throws ArgumentTypeError when a program calls the constructor, which `start` does for it */
export function pageOf(publisher: Publisher): Page {
  if (publisher instanceof Publisher) return publisher.page;
  throw new ArgumentTypeError('publisher', 'made by BoundedClock.start()', publisher);
}
