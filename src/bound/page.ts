/**
 * The published page: all that a reader needs to evaluate the bound, as int64 slots in shared memory.
 *
 * The problem. The bound changes with every sample, and any thread may read it a million times between
 * two changes. A reader must never combine half of one bound with half of the next: such an interval
 * holds nothing.
 *
 * The layout. A 16-byte header of Int32 (magic, layout, version, alarm) and two buffers of int64 slots.
 * The publisher fills the buffer that is not in force, slot by slot with `Atomics.store`, then stores
 * `version + 1`; buffer `version & 1` is in force. A reader loads the version, copies that buffer into
 * private memory with `Atomics.load`, and loads the version again: unchanged, the copy is one whole
 * publication.
 *
 * Why that is sound on every architecture. `Atomics` operations are sequentially consistent: all threads
 * agree on one order of them that respects each thread's program order (ECMA-262, "Memory Model"). A
 * store into buffer `v & 1` after publication `v` belongs to publication `v + 2`, so in program order it
 * follows the store of `version = v + 1`. If a copy saw any such store, that copy's second load of the
 * version comes later in the one order and cannot return `v`. Nothing here relies on the order of plain
 * accesses: a sequence lock over plain slots would, and plain 64-bit reads may tear. A publisher that
 * dies in the middle of a fill leaves the version, and so the buffer in force, as it was. (The version
 * wraps after 2^32 publications; to be fooled a copy would have to last for exactly that many.)
 *
 * Between publications readers only use their private copy: one plain Int32 read, which cannot tear,
 * tells that the version is another. Seeing it late is harmless, since a copy only ages: its interval
 * widens as time passes, and each segment ends at an instant that the reader checks.
 *
 * The arithmetic. A bound is up to {@link MAX_SEGMENTS} segments, each valid from `start` for `span` ns. On
 * either side it grows by a line or, while the rate is known and may wander, by a parabola:
 *
 *     a        = (m - start) >> 10                      age in units of 1024 ns, rounded down
 *     earliest = m + lo - ((a * (slopeLo + ((a * curveLo) >> 32))) >> 24)
 *     latest   = m + hi + ((a * (slopeHi + ((a * curveHi) >> 32))) >> 24)
 *
 * Slopes are in units of 2^-34 ns per ns, and may be negative. A curve stands for half the wander `w`: its unit
 * is chosen so that `w` per ns is `w * 2^75`, since `(w / 2) (1024 a)² = a (a W >> 32) >> 24`. Both are rounded
 * up, and doubles times powers of two are exact, so nothing else is rounded there. What the shifts round down:
 * the inner one less than a unit of slope, which a curved segment's slope carries on top; the outer one less
 * than 1 ns, and the age less than 1024 ns, for which `lo` and `hi` carry `1 + ceil(1024 * slope)` ns, with the
 * steepest slope of the segment. `hi` also carries the grid of the monotonic clock: a reading `m` may be
 * that much behind.
 *
 * Range. `span` is cut so that all int64 products stay below 2^63: `a * slope` below 2^62 at the segment's steepest
 * slope, 45 minutes at 10 % and 15 days at 200 ppm ({@link longestSpan}); `a * curve` below 2^63, which a
 * parabola never reaches: it ends where its slope has risen from at least -10 % to at most 10 %, and so
 * `a * curve <= 0.2 * 2^65`.
 */

/**
 * At most: the wall guard is reached on one side, then on the other; or the parabola ends on one side, then
 * on the other, and then the cap on the rate.
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

/** Slots of a reader's private record, after its segment. */
export const READING = 8;
export const AGE = 9;
export const EARLIEST = 10;
export const LATEST = 11;
export const HIGH_WATER = 12;
export const OWN_MIDDLE = 13;
export const OWN_ERA = 14;
/** `EARLIEST` before the high-water mark. */
export const EDGE = 15;
/** What a caller waits for. */
export const AWAITED = 16;
export const OWN_SLOTS = 17;

/** Slots before the segments. */
export const STATE = 0;
export const REASON = 1;
export const QUORUM = 2;
/** Monotonic instant up to which an agreeing source counts as fresh. */
export const FRESH_UNTIL = 3;
/** Changes whenever the bound starts anew: what a reader remembers of the old one is then void. */
export const ERA = 4;
/** Publisher's bracketed `wall - monotonic`, and the monotonic instant of that read; 0 before any. */
export const WALL_OFFSET = 5;
export const WALL_READ_AT = 6;
export const SEGMENT_COUNT = 7;
/** The middle of the bound on `true - monotonic`: a reader's physical clock, kept after the bound is lost. */
export const MIDDLE = 8;
/** 1 once there ever was a bound. */
export const EVER_BOUNDED = 9;
/** Why the last segment ends where it does: an index into {@link REASONS}. */
export const END_REASON = 10;
/** The rate bound in force, in the page's unit: how the bound opens to either side of any segment. */
export const SLOPE = 11;
export const FIRST_SEGMENT = 12;

export const PAGE_SLOTS: number = FIRST_SEGMENT + MAX_SEGMENTS * SEGMENT_SLOTS;

/** Values of the `STATE` slot. */
export const NO_BOUND = 0n;
export const BOUNDED = 1n;
export const DISRUPTED = 2n;

/** What the `REASON` and `END_REASON` slots index: why there is no bound. */
export const REASONS = [
  'starting',
  'too-few-sources',
  'no-agreement',
  'contradiction',
  'expired',
  'leap-second',
  'stopped',
  'step',
  'suspend',
  'step-or-suspend',
] as const;

/** A stable word for why there is no bound. */
export type NoBoundReason = (typeof REASONS)[number];

const MAGIC = 0x45_43_50_47;
const LAYOUT = 2;
const HEADER_BYTES = 16;
/** Index of the version in {@link Page.header}, for the plain read on the hot path. */
export const VERSION = 2;
const ALARM = 3;
const PAGE_BYTES = HEADER_BYTES + 2 * PAGE_SLOTS * 8;

/** A slope (ns per ns) in the page's unit of 2^-34, rounded up. `2^34 * slope` is exact in a double. */
export function pageSlope(slope: number): bigint {
  return BigInt(Math.ceil(slope * 2 ** 34));
}

/** Half a wander (per ns) in the page's unit, rounded up. */
export function pageCurve(wander: number): bigint {
  return BigInt(Math.ceil(wander * 2 ** 75));
}

/**
 * What the constants of a segment carry for the shifts that round its growth down, ns: `slope` is the
 * steepest of the segment. A flat side needs nothing.
 */
export function pageSlack(slope: number, flat: boolean = slope === 0): bigint {
  return flat ? 0n : BigInt(1 + Math.ceil(1024 * Math.max(0, slope)));
}

/** The longest span a segment may have so that `age * slope` stays below 2^62, ns. */
export function longestSpan(slope: bigint): bigint {
  return slope === 0n ? 2n ** 62n : ((2n ** 62n - 1n) / slope) << 10n;
}

export class Page {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  /** Plain reads of `header[VERSION]` tell a reader when to copy again. */
  readonly header: Int32Array;
  readonly #slots: BigInt64Array;

  private constructor(buffer: ArrayBuffer | SharedArrayBuffer) {
    this.buffer = buffer;
    this.header = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    this.#slots = new BigInt64Array(buffer, HEADER_BYTES, 2 * PAGE_SLOTS);
  }

  /** A new page without a bound; in shared memory where the platform lends it. */
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

  /** The page in `buffer`, or `undefined` when that is not one of this layout. */
  static open(buffer: SharedArrayBuffer): Page | undefined {
    if (buffer.byteLength !== PAGE_BYTES) return undefined;
    const page = new Page(buffer);
    return page.header[0] === MAGIC && page.header[1] === LAYOUT ? page : undefined;
  }

  /** Publishes `slots`, {@link PAGE_SLOTS} of them. One thread only. */
  publish(slots: BigInt64Array): void {
    const next = (Atomics.load(this.header, VERSION) + 1) | 0;
    const offset = (next & 1) * PAGE_SLOTS;
    for (let i = 0; i < PAGE_SLOTS; i++) Atomics.store(this.#slots, offset + i, slots[i] as bigint);
    Atomics.store(this.header, VERSION, next);
  }

  /**
   * Copies the publication in force into `into` and returns its version. Retries while the publisher
   * overtakes it, which takes two publications during one copy of about 40 loads: after 1,000 attempts
   * something other than a publisher writes here, and that is an error.
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

  /** A reader saw that the monotonic clock was disrupted; the publisher looks at its next tick. */
  raiseAlarm(): void {
    Atomics.store(this.header, ALARM, 1);
  }

  /** Whether an alarm was raised since the last call. */
  takeAlarm(): boolean {
    return Atomics.exchange(this.header, ALARM, 0) === 1;
  }
}
