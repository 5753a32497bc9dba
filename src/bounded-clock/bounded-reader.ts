/**
 * Reading a bounded clock: one monotonic clock read, and int64 arithmetic on the reader's own copy
 * of the segment in force, in the publisher's thread as in every attached one.
 *
 * Each call reads the clock itself, and the reader's copy of the page is always older than that
 * reading. An old copy is as true as a new one, only wider.
 *
 * `earliest` never goes back within one era of the bound. True time does not go back, so the
 * largest `earliest` returned so far still holds when the interval around it widens. That is why
 * `after`, once true, stays true.
 *
 * page/page.ts argues the arithmetic and the memory model. Every int64 here lives in a slot of a
 * `BigInt64Array` (docs/internals/performance.md, "Int64 values stay in slots").
 *
 * This file has more than 400 lines because the methods share private slots, which no other file
 * may touch, and because a third of it documents public members.
 */
import { type Disruption, NO_BOUND_REASONS, type NoBoundReason } from '../bound/bound.ts';
import { LEAP_WARNINGS, type LeapWarning } from '../bound/clock-sample.ts';
import { ClockInterval } from '../interval/time-interval.ts';
import type { Clock } from '../time/clock.ts';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  FakeTimersError,
  notUnixNs,
} from '../time/errors.ts';
import { Inspectable, roughly } from '../time/inspect.ts';
import {
  asUnixNs,
  type MonotonicNs,
  type UnixNs,
  type UnixNsInput,
  unixNs,
} from '../time/instant.ts';
import { Int64Slots } from '../time/int64-slots.ts';
import { formatIso } from '../time/iso.ts';
import { jumpLimitNs } from '../time/jump-detector.ts';
import { type OffsetBounds, readWallOffset } from '../time/wall-offset.ts';
import { type Outlook, outlookOf } from './page/outlook.ts';
import {
  BOUNDED,
  CURVE_HI,
  CURVE_LO,
  DISRUPTED,
  END_REASON,
  ERA,
  EVER_BOUNDED,
  FIRST_SEGMENT,
  FRESH_UNTIL,
  growthNs,
  HI,
  LEAP,
  LO,
  MAX_RATE,
  MIDDLE,
  PAGE_SLOTS,
  Page,
  QUORUM,
  REASON,
  SEGMENT_COUNT,
  SEGMENT_SLOTS,
  SLOPE_HI,
  SLOPE_LO,
  SPAN,
  START,
  STATE,
  VERSION,
  VM_MARKER,
  WALL_OFFSET,
  WALL_READ_AT,
} from './page/page.ts';
import { type ClockReading, ClockUnsynchronizedError } from './reading.ts';
import type { Trail } from './trail.ts';
import { type WaitSyncedInput, type WaitSyncedOptions, waitSynced } from './wait-synced.ts';

// The slots of a reader's private record, after those of its segment (`START` to `CURVE_HI`).
const READING = 8;
/** From `START` to `READING`: in ns first, then in the page's units of 1024 ns. */
const AGE = 9;
/** The lower edge as the segment has it. It may go back. */
const EDGE = 10;
/** The largest `EDGE` of this era. */
const EARLIEST = 11;
const LATEST = 12;
const OWN_MIDDLE = 13;
const OWN_ERA = 14;
/** The instant that a caller waits for. */
const AWAITED = 15;
/** What the wall clock should show at `READING`. */
const WALL = 16;
/** Always 0. */
const ZERO = 17;
const OWN_SLOTS = 18;

/**
 * A wall clock that is less than this from where it should be has not jumped, ns. What is further
 * off is looked at closely: it may have jumped, or this process was paused between two reads.
 */
const NEAR_NS = 2_000_000;

/**
 * Earlier than any `earliest`, ns. It is not INT64_MIN, for the sake of speed
 * (docs/internals/performance.md, "No bigint of magnitude 2^63").
 */
const BEFORE_ALL_TIME_NS = -(2n ** 62n);

const { asIntN } = BigInt;

/** Length of one chord of a parabola, in the page's units of age (1024 ns). */
const CHORD_AGE = 2n ** 19n;
/** The same in ns, less 1: the last age that still rounds down to less than `CHORD_AGE`. */
const CHORD_NS: bigint = (CHORD_AGE << 10n) - 1n;

/** A function of its own, so that `readInto` stays small enough to be inlined. */
function slotsError(target: BigInt64Array, index: unknown): Error {
  return target instanceof BigInt64Array
    ? new ArgumentRangeError('index', `an integer from 0 to ${target.length - 2}`, index)
    : new ArgumentTypeError('target', 'a BigInt64Array', target);
}

/**
 * What can be asked of a bounded clock, in the thread that runs it or in one that attached. Got
 * from `BoundedClock.start` and `BoundedClock.attach`.
 */
export class BoundedReader extends Inspectable {
  /** This thread's clock. It is read for each reading, and waits set their timers on it. */
  readonly localClock: Clock;
  /**
   * Functions to call after each publication, for waits in the publisher's thread. Absent in an
   * attached reader, which learns of no publication. A program calls `onChange` instead.
   *
   * @internal
   */
  readonly publishListeners?: Set<() => void>;
  /**
   * Which clocks this time rests on, for servers of it. Absent where the reader knows only the
   * page.
   *
   * @internal
   */
  readonly trail?: Trail;
  readonly #page: Page;
  // Declared, and so stored once: docs/internals/performance.md, "A constant field is stored once".
  declare private readonly pageHeader: Int32Array;
  readonly #int64: Int64Slots = new Int64Slots(OWN_SLOTS, 1);
  readonly #own: BigInt64Array = this.#int64.slots;
  readonly #copy: BigInt64Array = new BigInt64Array(PAGE_SLOTS);
  /** Reads the clock: one closure per reader, which keeps the `this` of the clock's method. */
  declare private readonly readMonotonic: () => MonotonicNs;
  /** Reads the wall clock, ms; absent where that alone does not tell that nothing has happened. */
  readonly #wallMs: (() => number) | undefined;
  /** The version of the page that `#copy` holds; -1 before the first copy. */
  #copiedVersion = -1;
  /** How fast the lower edge moves on the segment in force, ns per ns. */
  #edgeRate = 1;

  /** @internal Programs call `BoundedClock.start` and `BoundedClock.attach`. */
  constructor(page: Page, clock: Clock) {
    super();
    if (!(page instanceof Page)) {
      throw new ArgumentTypeError('page', 'made by BoundedClock.start() or attach()', page);
    }
    this.localClock = clock;
    this.#page = page;
    this.pageHeader = page.header;
    this.readMonotonic = () => clock.monotonicNs();
    if (clock.wallMs !== undefined && clock.disruptionMarker === undefined) {
      this.#wallMs = () => clock.wallMs!();
    }
    this.#own[SPAN] = -1n;
    this.#own[EARLIEST] = BEFORE_ALL_TIME_NS;
    this.#own[OWN_ERA] = -1n;
  }

  /**
   * The interval that holds true time at an instant within this call.
   *
   * It is sound while the assumptions of docs/guarantees/ hold, and rounded outward. A call costs
   * one clock read, some integer arithmetic, and one object with two bigints. It does not read the
   * wall clock, so a suspend of the machine stays unseen until the next tick, 1 s later at most.
   * {@link BoundedReader.read} checks first.
   *
   * @throws ClockUnsynchronizedError (`ERR_CLOCK_UNSYNCHRONIZED`) when there is no bound
   * @example
   * const { earliest, latest } = clock.now();
   */
  now(): ClockInterval {
    if (!this.#evaluate()) throw this.#unsynchronized();
    return this.#interval();
  }

  /**
   * As {@link BoundedReader.now}, but `undefined` when there is no bound: for loggers, metrics and
   * pages, which show what there is.
   *
   * @example
   * const interval = clock.tryNow();
   * console.log(interval === undefined ? 'no bound' : String(interval));
   */
  tryNow(): ClockInterval | undefined {
    return this.#evaluate() ? this.#interval() : undefined;
  }

  /**
   * As {@link BoundedReader.now}, but writes into two int64 slots: `target[index]` gets `earliest`,
   * `target[index + 1]` gets `latest`. Allocates nothing.
   *
   * @throws ClockUnsynchronizedError when there is no bound; ArgumentRangeError when the two slots
   *   are not inside `target`. `target` is then unchanged.
   */
  readInto(target: BigInt64Array, index = 0): void {
    if (!(Number.isInteger(index) && index >= 0 && target != null && index + 2 <= target.length)) {
      throw slotsError(target, index);
    }
    if (!this.#evaluate()) throw this.#unsynchronized();
    target[index] = this.#own[EARLIEST]!;
    target[index + 1] = this.#own[LATEST]!;
  }

  /**
   * As {@link BoundedReader.readInto}, but returns whether there is a bound. Without one `target`
   * is unchanged. Allocates nothing.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when the two slots are not inside `target`
   */
  tryReadInto(target: BigInt64Array, index = 0): boolean {
    if (!(Number.isInteger(index) && index >= 0 && target != null && index + 2 <= target.length)) {
      throw slotsError(target, index);
    }
    if (!this.#evaluate()) return false;
    target[index] = this.#own[EARLIEST]!;
    target[index + 1] = this.#own[LATEST]!;
    return true;
  }

  /**
   * True only if `t` has certainly passed: `earliest > t`. Once true, it stays true on this reader
   * until the bound starts anew. False while there is no bound. Allocates nothing.
   */
  after(t: UnixNsInput): boolean {
    if (typeof t !== 'bigint') throw notUnixNs('t', t);
    return this.#evaluate() && this.#own[EARLIEST]! > t;
  }

  /** True only if `t` has certainly not come yet: `latest < t`. False while there is no bound. */
  before(t: UnixNsInput): boolean {
    if (typeof t !== 'bigint') throw notUnixNs('t', t);
    return this.#evaluate() && this.#own[LATEST]! < t;
  }

  /**
   * @internal As {@link BoundedReader.before}, but looks at the wall clock too, so a suspend since
   *   the last tick is seen. False while that cannot be read. For leases. `t` is not checked.
   *   While the wall clock is where it should be, if the clock has a `wallMs` and no marker, it
   *   leaves nothing on the heap but the double that `Date.now()` returns
   *   (docs/internals/performance.md).
   */
  certainlyBefore(t: bigint): boolean {
    if (!this.#evaluate() || this.#own[LATEST]! >= t) return false;
    // Compared with the offset of the same copy, so both are from before a jump, or neither is.
    if (this.#isWallNear()) return true;
    return this.#wallStands() && this.#evaluate() && this.#own[LATEST]! < t;
  }

  /** Whether a close look at the wall clock shows that nothing has jumped. */
  #wallStands(): boolean {
    const offset = readWallOffset(this.localClock);
    if (this.pageHeader[VERSION] !== this.#copiedVersion) this.#refresh();
    const stands = offset !== undefined && !this.#markerChanged() && !this.#hasMoved(offset);
    // It compares more clocks than this one, and acts on what it finds.
    return this.checkWall() === undefined && stands;
  }

  /**
   * Whether one read of the wall clock shows that nothing has jumped. In doubles: at present times
   * they are exact to 256 ns.
   */
  #isWallNear(): boolean {
    const wallMs = this.#wallMs?.();
    if (wallMs === undefined) return false;
    const own = this.#own;
    own[WALL] = own[READING]! + this.#copy[WALL_OFFSET]!;
    this.#int64.subtract(WALL, ZERO, 0);
    const ahead = wallMs * 1e6 - this.#int64.differences[0]!;
    return ahead > -NEAR_NS && ahead < NEAR_NS;
  }

  /**
   * How long until `after(t)` will be true if no further sample comes, in ns of the monotonic
   * clock; 0 when it is true already. Use it to plan, not to decide: a sample or the loss of the
   * bound changes it either way, and it is off by parts per million where the bound changes its
   * slope meanwhile.
   *
   * @throws ClockUnsynchronizedError when there is no bound; what {@link unixNs} throws
   */
  remainingNs(t: UnixNsInput): bigint {
    return BigInt(this.remaining(unixNs(t)));
  }

  /** @internal {@link BoundedReader.remainingNs} as a double, whole ns: for waits. */
  remaining(t: UnixNs): number {
    if (!this.#evaluate()) throw this.#unsynchronized();
    const own = this.#own;
    if (own[EARLIEST]! > t) return 0;
    // Counted from the edge itself: `earliest` stands still while the edge is below it.
    own[AWAITED] = t;
    this.#int64.subtract(AWAITED, EDGE, 0);
    return Math.ceil((this.#int64.differences[0]! + 1) / this.#edgeRate);
  }

  /** @internal The monotonic reading that the last answer was about: for waits. */
  get answeredAt(): bigint {
    return this.#own[READING]!;
  }

  /**
   * @internal How the last answer, which had an interval, ages until the monotonic reading `m`: for
   *   code that hands the bound on in another form.
   */
  outlook(m: bigint): Outlook {
    return outlookOf(this.#copy, this.#own[READING]!, m);
  }

  /** @internal The leap second that is announced, as last published: for servers of this time. */
  get leap(): LeapWarning {
    if (this.pageHeader[VERSION] !== this.#copiedVersion) this.#refresh();
    return LEAP_WARNINGS[Number(this.#copy[LEAP])] ?? 'none';
  }

  /**
   * @internal How long ago the publisher of what is in force last looked at its clocks, ns;
   *   `undefined` before the first time: for metrics.
   */
  get publicationAgeNs(): bigint | undefined {
    if (this.pageHeader[VERSION] !== this.#copiedVersion) this.#refresh();
    const lookedAt = this.#copy[WALL_READ_AT]!;
    return lookedAt > 0n ? this.readMonotonic() - lookedAt : undefined;
  }

  /**
   * One plausible instant, for callers that need a point: the monotonic clock plus the middle of
   * the bound as last published. It promises nothing, and may go back when the middle moves. Once
   * there was a bound it never fails: after the bound is lost it goes on from the last middle.
   * Allocates one bigint.
   *
   * @throws ClockUnsynchronizedError before the first synchronisation
   */
  physicalNs(): UnixNs {
    if (this.pageHeader[VERSION] !== this.#copiedVersion) this.#refresh();
    if (this.#own[OWN_ERA]! < 0n) throw this.#unsynchronized();
    return asUnixNs(asIntN(64, this.readMonotonic() + this.#own[OWN_MIDDLE]!));
  }

  /**
   * The interval and how far to trust it; without a bound, the reason. It first compares the wall
   * clock with the monotonic clock. So a suspend or a step since the last tick is seen before the
   * interval is used. That costs some tenths of a microsecond.
   *
   * @throws FakeTimersError (`ERR_FAKE_TIMERS`) while fake timers are installed over this clock
   */
  read(): ClockReading {
    this.refuseFakeTimers();
    const jump = this.checkWall();
    return jump === undefined ? this.#reading() : { status: 'disrupted', reason: jump };
  }

  /**
   * Resolves once there is a bound. Keeps the process alive while it waits. In an attached reader
   * the bound is looked for every 5 ms.
   *
   * Rejects with a ClockUnsynchronizedError, which says why there is no bound, after `timeoutMs` or
   * when the clock is stopped; with `signal.reason` on abort; with an ArgumentTypeError or
   * ArgumentRangeError when `timeoutMs` is not a number from 0; with a FakeTimersError as
   * {@link BoundedReader.read}.
   *
   * @example await clock.waitSynced({ timeoutMs: 5000, signal: AbortSignal.timeout(2000) });
   */
  waitSynced(options: WaitSyncedOptions = {}): Promise<void> {
    return waitSynced(options, this.syncing());
  }

  /** @internal Copies the publication in force, {@link PAGE_SLOTS} slots: for other processes. */
  copyPage(into: BigInt64Array): void {
    this.#page.copy(into);
  }

  /** What {@link BoundedReader.waitSynced} waits for. */
  protected syncing(): WaitSyncedInput {
    return {
      clock: this.localClock,
      publishListeners: undefined,
      bounded: () => this.#evaluate(),
      stopped: () => this.#unsynchronized().reason === 'stopped',
      refresh: () => this.refuseFakeTimers(),
      error: () => this.#unsynchronized(),
    };
  }

  /** As {@link BoundedReader.read}, but does not read the wall clock. */
  toJSON(): ClockReading {
    return this.#reading();
  }

  /** One line, which `console.log` shows too. */
  override toString(): string {
    return `${this.constructor.name} { ${this.summary()} }`;
  }

  /** The bound in a few words. Reads the monotonic clock and the page, nothing else. */
  protected summary(): string {
    let reading: ClockReading;
    try {
      reading = this.#reading();
    } catch {
      return 'unreadable'; // a clock of the user's that throws
    }
    if (reading.interval === undefined) return `${reading.status}: ${reading.reason}`;
    const { earliest, latest } = reading.interval;
    const middle = asUnixNs((earliest + latest) >> 1n);
    return `${reading.status} ${formatIso(middle)} ± ${roughly(latest - middle)}`;
  }

  #reading(): ClockReading {
    if (!this.#evaluate()) {
      const { status, reason } = this.#unsynchronized();
      return { status, reason } as ClockReading;
    }
    return {
      status: this.#own[READING]! <= this.#copy[FRESH_UNTIL]! ? 'synchronized' : 'holdover',
      interval: this.#interval(),
      quorum: this.#copy[QUORUM] === 1n ? 'full' : 'partial',
    };
  }

  /**
   * Checks for misuse. Changes nothing.
   *
   * @throws FakeTimersError while fake timers are installed over this clock
   */
  protected refuseFakeTimers(): void {
    if (this.localClock.faked?.() === true) throw new FakeTimersError();
  }

  /**
   * Whether `wall - monotonic` moved by more than slewing explains since the publisher last
   * observed it. A reader in another thread cannot rebuild the bound. It raises the page's alarm,
   * and answers `disrupted` until the publisher has dealt with the alarm.
   */
  protected checkWall(): Disruption | undefined {
    if (this.pageHeader[VERSION] !== this.#copiedVersion) this.#refresh();
    if (this.#copy[STATE] !== BOUNDED) return undefined;
    if (this.#markerChanged()) {
      this.#page.raiseAlarm();
      return 'vm-disruption';
    }
    const offset = readWallOffset(this.localClock);
    if (offset === undefined || !this.#hasMoved(offset)) return undefined;
    this.#page.raiseAlarm();
    return 'step-or-suspend';
  }

  /** Whether `wall - monotonic` is further from where it was published than slewing explains. */
  #hasMoved(offset: OffsetBounds): boolean {
    const moved = (offset.lowerNs + offset.upperNs) / 2n - this.#copy[WALL_OFFSET]!;
    const elapsed = offset.readAt - this.#copy[WALL_READ_AT]!;
    return (moved < 0n ? -moved : moved) > jumpLimitNs(this.localClock, elapsed);
  }

  /** Whether the virtual machine was disturbed since the publisher last looked. */
  #markerChanged(): boolean {
    const marker = this.localClock.disruptionMarker?.();
    const published = this.#copy[VM_MARKER]!;
    return marker !== undefined && published !== 0n && marker !== published;
  }

  /**
   * The hot path. Reads the clock and evaluates both edges into the slots `EARLIEST` and `LATEST`.
   * False when there is no bound.
   *
   * The formula is {@link growthNs} without a curve, in int64, written out for either edge. The
   * method must stay small (docs/internals/performance.md, "The hot path is one small function").
   */
  #evaluate(): boolean {
    const own = this.#own;
    own[READING] = this.readMonotonic();
    own[AGE] = own[READING]! - own[START]!;
    if (
      (this.pageHeader[VERSION] !== this.#copiedVersion ||
        own[AGE]! < own[ZERO]! ||
        own[AGE]! > own[SPAN]!) &&
      !this.#refresh()
    ) {
      return false;
    }
    own[AGE] = own[AGE]! >> 10n;
    own[EDGE] =
      asIntN(64, own[READING]! + own[LO]!) -
      asIntN(64, asIntN(64, own[AGE]! * own[SLOPE_LO]!) >> 24n);
    own[LATEST] =
      asIntN(64, own[READING]! + own[HI]!) +
      asIntN(64, asIntN(64, own[AGE]! * own[SLOPE_HI]!) >> 24n);
    if (own[EDGE]! > own[EARLIEST]!) own[EARLIEST] = own[EDGE]!;
    return true;
  }

  #interval(): ClockInterval {
    return new ClockInterval(asUnixNs(this.#own[EARLIEST]!), asUnixNs(this.#own[LATEST]!));
  }

  /** The slow path: copies the page, reads the clock, then picks the segment for that reading. */
  #refresh(): boolean {
    const own = this.#own;
    const copy = this.#copy;
    this.#copiedVersion = this.#page.copy(copy);
    if (copy[EVER_BOUNDED] === 1n && own[OWN_ERA] !== copy[ERA]) {
      own[OWN_ERA] = copy[ERA]!;
      own[EARLIEST] = BEFORE_ALL_TIME_NS;
    }
    own[OWN_MIDDLE] = copy[MIDDLE]!;
    own[SPAN] = -1n;
    if (copy[STATE] !== BOUNDED) return false;

    const m = this.readMonotonic();
    let segment = FIRST_SEGMENT;
    const last = FIRST_SEGMENT + (Number(copy[SEGMENT_COUNT]) - 1) * SEGMENT_SLOTS;
    while (segment < last && m >= copy[segment + SEGMENT_SLOTS + START]!) segment += SEGMENT_SLOTS;
    if (m - copy[segment + START]! > copy[segment + SPAN]!) return false;
    own.set(copy.subarray(segment, segment + SEGMENT_SLOTS));
    if (m < own[START]!) this.#reachBack(m);
    else if (own[CURVE_LO] !== 0n || own[CURVE_HI] !== 0n) this.#straighten(m);
    this.#edgeRate = 1 - Number(own[SLOPE_LO]!) * 2 ** -34;
    own[READING] = m;
    own[AGE] = m - own[START]!;
    return true;
  }

  /**
   * Replaces a parabola by one of its chords, so that the hot path knows lines only. A chord is
   * half a second long, and is drawn between the values of the page's formula at its two ends.
   *
   * A parabola bends outward, so its chords are never inside of it. They are outside of it by less
   * than 4 ns at a wander of 0.1 ppm a second. Where the segment ends before its chord does, the
   * chord is used up to the end of the segment.
   */
  #straighten(m: bigint): void {
    const own = this.#own;
    const begin = (m - own[START]!) >> 10n;
    const both = begin + begin + CHORD_AGE;
    const left = own[SPAN]! - (begin << 10n);
    own[START] = own[START]! + (begin << 10n);
    own[SPAN] = left < CHORD_NS ? left : CHORD_NS;
    // One ns and one unit of slope more: the page allows for the rounding of one evaluation only.
    own[LO] = own[LO]! - growthNs(begin, own[SLOPE_LO]!, own[CURVE_LO]!) - 1n;
    own[HI] = own[HI]! + growthNs(begin, own[SLOPE_HI]!, own[CURVE_HI]!) + 1n;
    own[SLOPE_LO] = own[SLOPE_LO]! + ((both * own[CURVE_LO]!) >> 32n) + 1n;
    own[SLOPE_HI] = own[SLOPE_HI]! + ((both * own[CURVE_HI]!) >> 32n) + 1n;
  }

  /**
   * Serves a reading from before the publication, when this thread's clock is a moment behind the
   * publisher's. The bound opens towards the past as it does towards the future, also where the
   * segment is flat because the wall guard is outside of the bound. Holds for this reading only.
   */
  #reachBack(m: bigint): void {
    const own = this.#own;
    const age = ((own[START]! - m) >> 10n) + 1n;
    const growth = growthNs(age, this.#copy[MAX_RATE]!, 0n) + 1n;
    own[LO] = own[LO]! - growth;
    own[HI] = own[HI]! + growth;
    own[START] = m;
    own[SPAN] = 0n;
  }

  #unsynchronized(): ClockUnsynchronizedError {
    const copy = this.#copy;
    const index = copy[STATE] === BOUNDED ? copy[END_REASON]! : copy[REASON]!;
    const reason = NO_BOUND_REASONS[Number(index)] as NoBoundReason;
    return new ClockUnsynchronizedError(
      copy[STATE] === DISRUPTED ? 'disrupted' : 'unsynchronized',
      reason,
    );
  }
}

/** @throws ArgumentTypeError unless `clock` is one, of this copy of the package */
export function checkReader(clock: BoundedReader): BoundedReader {
  if (clock instanceof BoundedReader) return clock;
  throw new ArgumentTypeError('clock', 'a BoundedClock, or a reader attached to one', clock);
}
