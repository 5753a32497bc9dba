/**
 * The published page: all that a reader needs to evaluate the bound, as int64 slots in shared
 * memory.
 *
 * The problem. The bound changes with every sample, and any thread may read it a million times
 * between two changes. A reader must never combine half of one bound with half of the next: such an
 * interval holds nothing.
 *
 * The layout. A header of four Int32 (magic, layout, version, alarm) and two buffers of int64
 * slots. The publisher fills the buffer that is not in force, slot by slot with `Atomics.store`,
 * then stores `version + 1`. Buffer `version & 1` is in force. A reader loads the version, copies
 * that buffer into private memory with `Atomics.load`, and loads the version again. If the version
 * is unchanged, the copy is one whole publication.
 *
 * Why that is sound on every architecture. `Atomics` operations are sequentially consistent: all
 * threads agree on one order of them that respects each thread's program order (ECMA-262, "Memory
 * Model"). A store into buffer `v & 1` after publication `v` belongs to publication `v + 2`, so in
 * program order it follows the store of `version = v + 1`. If a copy saw any such store, that
 * copy's second load of the version comes later in the one order and cannot return `v`. Nothing
 * here relies on the order of plain accesses. (A sequence lock over plain slots would, and plain
 * 64-bit reads may tear.) If a publisher dies in the middle of a fill, the version and the buffer
 * in force stay as they were. The version wraps after 2^32 publications; to be fooled by that, a
 * copy would have to last for exactly that many.
 *
 * Between publications a reader uses its private copy only. It learns of a new version by one plain
 * Int32 read, which cannot tear. It may learn of it late: a copy only ages, its interval widens as
 * time passes, and the reader checks the instant at which each segment ends.
 *
 * The arithmetic. A bound is up to {@link MAX_SEGMENTS} segments, each valid from `start` for
 * `span` ns. On either side it grows by {@link growthNs}: along a line or, while the rate is known
 * and may wander, along a parabola.
 *
 *     a        = (m - start) >> 10                       age in units of 1024 ns, rounded down
 *     earliest = m + lo - growthNs(a, slopeLo, curveLo)
 *     latest   = m + hi + growthNs(a, slopeHi, curveHi)
 *
 * A slope is in units of 2^-34 ns per ns and may be negative. A curve stands for half the wander
 * `w`. Its unit is chosen so that `w` per ns is `w * 2^75`, because
 * `(w / 2) (1024 a)² = a (a W >> 32) >> 24`. Both are rounded up. Nothing else is rounded there,
 * since a double times a power of two is exact.
 *
 * The shifts round down. The inner one loses less than one unit of slope, which the slope of a
 * curved segment carries on top. The outer one loses less than 1 ns and the age less than 1024 ns,
 * for which `lo` and `hi` carry `1 + ceil(1024 * slope)` ns, with the steepest slope of the
 * segment. `hi` also carries the grid of the monotonic clock, because a reading `m` may be that
 * much behind.
 *
 * Range. `span` is cut so that all int64 products stay below 2^63. `a * slope` stays below 2^62 at
 * the segment's steepest slope: 45 minutes at 10 %, 15 days at 200 ppm ({@link longestSpan}).
 * `a * curve` stays below 2^63, because a parabola ends where its slope has risen from at least -10
 * % to at most 10 %, so `a * curve <= 0.2 * 2^65`.
 */

/**
 * The most segments of one bound. The parabola ends on one side, then on the other, then the cap on
 * the rate expires. Or, with the wall guard, the bound reaches the guard on one side, then on the
 * other.
 */
export const MAX_SEGMENTS = 4;

/** Slots of one segment. */
export const START = 0;
export const SPAN = 1;
export const LO = 2;
export const HI = 3;
export const SLOPE_LO = 4;
export const SLOPE_HI = 5;
export const CURVE_LO = 6;
export const CURVE_HI = 7;
export const SEGMENT_SLOTS = 8;

/** Slots before the segments. */
export const STATE = 0;
export const REASON = 1;
export const QUORUM = 2;
/** The monotonic reading up to which an agreeing source counts as fresh. */
export const FRESH_UNTIL = 3;
/**
 * Changes whenever the bound starts anew. What a reader remembers of the old bound is then void.
 */
export const ERA = 4;
/** `wall - monotonic` as the publisher last observed it, ns. */
export const WALL_OFFSET = 5;
/** The monotonic reading of that observation; long ago before the first one. */
export const WALL_READ_AT = 6;
export const SEGMENT_COUNT = 7;
/** The middle of the bound on `true - monotonic`. It is kept after the bound is lost. */
export const MIDDLE = 8;
/** 1 once there has been a bound. */
export const EVER_BOUNDED = 9;
/** Why the last segment ends: an index into `NO_BOUND_REASONS`. */
export const END_REASON = 10;
/** The drift bound in force, as a slope. Towards the past the bound opens at this rate. */
export const MAX_RATE = 11;
/** The marker of the virtual machine as the publisher last read it; 0 on other machines. */
export const VM_MARKER = 12;
/** Which leap second ends the month as far as is known: an index into `LEAP_WARNINGS`. */
export const LEAP = 13;
export const FIRST_SEGMENT = 14;

export const PAGE_SLOTS: number = FIRST_SEGMENT + MAX_SEGMENTS * SEGMENT_SLOTS;

/** Values of the `STATE` slot. */
export const NO_BOUND = 0n;
export const BOUNDED = 1n;
export const DISRUPTED = 2n;

const MAGIC = 0x45_43_50_47;
/** What the slots mean. It changes whenever they do. */
export const PAGE_LAYOUT = 3n;
const LAYOUT = Number(PAGE_LAYOUT);
const HEADER_BYTES = 16;
/** Index of the version in {@link Page.header}, for the plain read on the hot path. */
export const VERSION = 2;
const ALARM = 3;
const PAGE_BYTES = HEADER_BYTES + 2 * PAGE_SLOTS * 8;

/** A slope (ns per ns) in the page's unit of 2^-34, rounded up. */
export function pageSlope(slope: number): bigint {
  return BigInt(Math.ceil(slope * 2 ** 34));
}

/** Half a wander (per ns) in the page's unit, rounded up. */
export function pageCurve(wander: number): bigint {
  return BigInt(Math.ceil(wander * 2 ** 75));
}

/**
 * What `lo` and `hi` of a segment carry for the shifts that round its growth down, ns. `slope` is
 * the steepest of the segment. A flat side needs nothing.
 */
export function pageSlack(slope: number, flat: boolean = slope === 0): bigint {
  return flat ? 0n : BigInt(1 + Math.ceil(1024 * Math.max(0, slope)));
}

/** The longest span a segment may have so that `age * slope` stays below 2^62, ns. */
export function longestSpan(slope: bigint): bigint {
  return slope === 0n ? 2n ** 62n : ((2n ** 62n - 1n) / slope) << 10n;
}

/**
 * How far one side of a segment has moved outward after `age` units of 1024 ns, ns, rounded down.
 */
export function growthNs(age: bigint, slope: bigint, curve: bigint): bigint {
  return (age * (slope + ((age * curve) >> 32n))) >> 24n;
}

export class Page {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  /** A reader reads `header[VERSION]` plainly, to learn when to copy again. */
  readonly header: Int32Array;
  readonly #slots: BigInt64Array;

  private constructor(buffer: ArrayBuffer | SharedArrayBuffer) {
    this.buffer = buffer;
    this.header = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    this.#slots = new BigInt64Array(buffer, HEADER_BYTES, 2 * PAGE_SLOTS);
  }

  /** A new page without a bound, in shared memory where the platform has it. */
  static create(): Page {
    const page = new Page(
      typeof SharedArrayBuffer === 'undefined'
        ? new ArrayBuffer(PAGE_BYTES)
        : new SharedArrayBuffer(PAGE_BYTES),
    );
    page.header[0] = MAGIC;
    page.header[1] = LAYOUT;
    return page;
  }

  /** The page in `buffer`; `undefined` when `buffer` does not hold a page of this layout. */
  static open(buffer: SharedArrayBuffer): Page | undefined {
    if (buffer.byteLength !== PAGE_BYTES) return undefined;
    const page = new Page(buffer);
    return page.header[0] === MAGIC && page.header[1] === LAYOUT ? page : undefined;
  }

  /** Publishes {@link PAGE_SLOTS} slots. Only one thread may call it. */
  publish(slots: BigInt64Array): void {
    const next = (Atomics.load(this.header, VERSION) + 1) | 0;
    const offset = (next & 1) * PAGE_SLOTS;
    for (let i = 0; i < PAGE_SLOTS; i++) Atomics.store(this.#slots, offset + i, slots[i] as bigint);
    Atomics.store(this.header, VERSION, next);
  }

  /**
   * Copies the publication in force into `into` and returns its version. Tries again when the
   * publisher overtakes it, which takes two publications during one copy of about 40 loads. After
   * 1,000 attempts something other than a publisher writes to the page, and that is an error.
   */
  copy(into: BigInt64Array): number {
    for (let attempt = 0; attempt < 1000; attempt++) {
      const version = Atomics.load(this.header, VERSION);
      const offset = (version & 1) * PAGE_SLOTS;
      for (let i = 0; i < PAGE_SLOTS; i++) into[i] = Atomics.load(this.#slots, offset + i);
      if (Atomics.load(this.header, VERSION) === version) return version;
    }
    throw new Error('the shared page of a bounded clock changes without end');
  }

  /** Says that a reader saw a disruption. The publisher deals with it at its next tick. */
  raiseAlarm(): void {
    Atomics.store(this.header, ALARM, 1);
  }

  /** Whether an alarm was raised since the last call. */
  takeAlarm(): boolean {
    return Atomics.exchange(this.header, ALARM, 0) === 1;
  }
}
