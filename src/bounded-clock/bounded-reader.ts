/**
 * Reading a bounded clock: one monotonic clock read and int64 arithmetic on the reader's own copy of the
 * segment in force. The same code serves the thread that publishes and every thread that attached.
 *
 * The order of the two looks matters. The clock is read *inside* each call, and a copy is taken before
 * the clock is read that will be used with it: a copy may be older than the reading, never newer, and an
 * old copy is as true as a new one, only wider.
 *
 * `earliest` never goes back within one era of the bound: true time does not, so the largest earliest
 * already returned still holds, although the interval around it widened. That is what makes `after` a
 * one-way door.
 *
 * The arithmetic and the memory model are argued in bound/page.ts. What V8 needs to keep it free of
 * allocations: every int64 sits in a `BigInt64Array` slot and is loaded from there for each use, since a
 * bigint that is used twice, returned or kept in an object field becomes a heap object.
 */
import {
  AGE,
  AWAITED,
  BOUNDED,
  CURVE_HI,
  CURVE_LO,
  DISRUPTED,
  EARLIEST,
  EDGE,
  END_REASON,
  ERA,
  EVER_BOUNDED,
  FIRST_SEGMENT,
  FRESH_UNTIL,
  HI,
  HIGH_WATER,
  LATEST,
  LO,
  MIDDLE,
  type NoBoundReason,
  OWN_ERA,
  OWN_MIDDLE,
  OWN_SLOTS,
  PAGE_SLOTS,
  type Page,
  QUORUM,
  READING,
  REASON,
  REASONS,
  SEGMENT_COUNT,
  SEGMENT_SLOTS,
  SLOPE,
  SLOPE_HI,
  SLOPE_LO,
  SPAN,
  START,
  STATE,
  VERSION,
  WALL_OFFSET,
  WALL_READ_AT,
} from '../bound/page.ts';
import type { Clock } from '../time/clock.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';
import { asUnixNs, type MonotonicNs, type UnixNs, unixNs } from '../time/instant.ts';
import { Int64Slots } from '../time/int64-slots.ts';
import { jumpLimitNs } from '../time/jump-detector.ts';
import { readWallOffset } from '../time/wall-offset.ts';
import {
  ClockInterval,
  type ClockReading,
  ClockUnsynchronizedError,
  type Disruption,
} from './reading.ts';

/**
 * Before any `earliest`. Not INT64_MIN: its magnitude is 2^63, and one such value at a call site makes V8
 * take all bigints there for big, and allocate for each reading ever after.
 */
const LONG_AGO = -(2n ** 62n);

const { asIntN } = BigInt;

/** Length of a chord of a parabola, in units of age (1024 ns) and in ns. */
const CHORD = 2n ** 19n;
const CHORD_NS: bigint = (CHORD << 10n) - 1n;

/** The growth of a segment after `age` units, ns, rounded down as in bound/page.ts. */
const grown = (age: bigint, slope: bigint, curve: bigint): bigint =>
  (age * (slope + ((age * curve) >> 32n))) >> 24n;

export class BoundedReader {
  /** This thread's clock: readings are taken on it, and whoever waits for one sets its timers there. */
  readonly clock: Clock;
  /**
   * Called after each publication, for waits in the publisher's own thread; absent where another thread
   * publishes, which nobody here is told of. For the library's own use: a program listens to `onChange`.
   */
  readonly publications?: Set<() => void>;
  readonly #page: Page;
  readonly #header: Int32Array;
  readonly #int64: Int64Slots = new Int64Slots(OWN_SLOTS, 1);
  readonly #own: BigInt64Array = this.#int64.slots;
  readonly #copy: BigInt64Array = new BigInt64Array(PAGE_SLOTS);
  /** One closure, made once, which V8 inlines; a method of any clock keeps its `this`. */
  readonly #monotonicNs: () => MonotonicNs;
  #seen = -1;
  /** How fast `earliest` moves on the segment in force, ns per ns. */
  #rateLo = 1;

  /** For the library's own use: `BoundedClock.start` and `BoundedClock.attach` make readers. */
  constructor(page: Page, clock: Clock) {
    this.clock = clock;
    this.#page = page;
    this.#header = page.header;
    this.#monotonicNs = () => clock.monotonicNs();
    this.#own[SPAN] = -1n;
    this.#own[HIGH_WATER] = LONG_AGO;
    this.#own[OWN_ERA] = -1n;
  }

  /**
   * The interval that holds true time at an instant within this call.
   *
   * Sound while the assumptions of docs/guarantees.md hold. Rounded outward. Costs one clock read, some
   * integer arithmetic, and one object with two bigints. Does not look at the wall clock: a suspend of the machine
   * stays unseen until the next 1 s tick; {@link BoundedReader.read} checks first.
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
   * As {@link BoundedReader.now}, into two int64 slots: `target[index]` earliest, `target[index + 1]`
   * latest. Allocates nothing.
   *
   * @throws ClockUnsynchronizedError when there is no bound, ArgumentRangeError when the slots are not
   *   both inside `target`; `target` is then untouched
   */
  readInto(target: BigInt64Array, index = 0): void {
    if (!(Number.isInteger(index) && index >= 0 && index + 2 <= target.length)) {
      throw new ArgumentRangeError('index', `an integer from 0 to ${target.length - 2}`, index);
    }
    if (!this.#evaluate()) throw this.#unsynchronized();
    target[index] = this.#own[EARLIEST]!;
    target[index + 1] = this.#own[LATEST]!;
  }

  /**
   * True only if `t` has certainly passed: `earliest > t`. Once true it stays true on this reader until
   * the bound starts anew. False whenever there is no bound. Allocates nothing.
   */
  after(t: UnixNs): boolean {
    if (typeof t !== 'bigint') throw new ArgumentTypeError('t', 'a bigint (UnixNs)', t);
    return this.#evaluate() && this.#own[EARLIEST]! > t;
  }

  /** True only if `t` has certainly not come yet: `latest < t`. False whenever there is no bound. */
  before(t: UnixNs): boolean {
    if (typeof t !== 'bigint') throw new ArgumentTypeError('t', 'a bigint (UnixNs)', t);
    return this.#evaluate() && this.#own[LATEST]! < t;
  }

  /**
   * How long, in ns of the monotonic clock, until `after(t)` will be true if no further sample comes; 0 when
   * it is true already. To plan by, not to act on: samples and the loss of the bound change it either way,
   * and where the bound changes slope meanwhile it is off by parts per million.
   *
   * @throws ClockUnsynchronizedError when there is no bound; what {@link unixNs} throws
   */
  remainingNs(t: UnixNs): bigint {
    return BigInt(this.remaining(unixNs(t)));
  }

  /** As {@link BoundedReader.remainingNs}, a whole number of ns as a double. For the library's own use: waits. */
  remaining(t: UnixNs): number {
    if (!this.#evaluate()) throw this.#unsynchronized();
    const own = this.#own;
    if (own[EARLIEST]! > t) return 0;
    // From the edge itself: what `earliest` shows may stand at its high-water mark, and wait for the edge.
    own[EDGE] =
      asIntN(64, own[READING]! + own[LO]!) -
      asIntN(64, asIntN(64, own[AGE]! * own[SLOPE_LO]!) >> 24n);
    own[AWAITED] = t;
    this.#int64.subtract(AWAITED, EDGE, 0);
    return Math.ceil((this.#int64.differences[0]! + 1) / this.#rateLo);
  }

  /** The monotonic instant that the last answer was about. For the library's own use: waits. */
  get answeredAt(): bigint {
    return this.#own[READING]!;
  }

  /**
   * One plausible instant, for clocks that need a point: the monotonic clock plus the middle of the bound
   * as last published. Carries no promise. Once there was a bound it never fails: when the bound is lost
   * it goes on from the last middle. It may go back when the middle moves. Allocates one bigint.
   *
   * @throws ClockUnsynchronizedError before the first synchronisation
   */
  physicalNs(): UnixNs {
    if (this.#header[VERSION] !== this.#seen) this.#refresh();
    if (this.#own[OWN_ERA]! < 0n) throw this.#unsynchronized();
    return asUnixNs(asIntN(64, this.#monotonicNs() + this.#own[OWN_MIDDLE]!));
  }

  /**
   * The whole story. First compares the wall clock with the monotonic clock, so that a suspend or a step
   * since the last tick is seen before the interval is used: costs some tenths of a microsecond.
   */
  read(): ClockReading {
    const jump = this.checkWall();
    if (jump !== undefined) return { status: 'disrupted', reason: jump };
    if (!this.#evaluate()) {
      const { status, reason } = this.#unsynchronized();
      return status === 'disrupted'
        ? { status, reason: reason as Disruption }
        : { status, reason: reason as Exclude<NoBoundReason, Disruption> };
    }
    return {
      status: this.#own[READING]! <= this.#copy[FRESH_UNTIL]! ? 'synchronized' : 'holdover',
      interval: this.#interval(),
      quorum: this.#copy[QUORUM] === 1n ? 'full' : 'partial',
    };
  }

  /**
   * Whether (wall - monotonic) moved since the publisher's last look, beyond what slewing explains. A
   * reader in another thread cannot rebuild the bound: it raises the page's alarm and answers
   * `disrupted` until the publisher has looked.
   */
  protected checkWall(): Disruption | undefined {
    if (this.#header[VERSION] !== this.#seen) this.#refresh();
    if (this.#copy[STATE] !== BOUNDED) return undefined;
    const offset = readWallOffset(this.clock);
    if (offset === undefined) return undefined;
    const moved = (offset.lowerNs + offset.upperNs) / 2n - this.#copy[WALL_OFFSET]!;
    const elapsed = offset.readAt - this.#copy[WALL_READ_AT]!;
    if ((moved < 0n ? -moved : moved) <= jumpLimitNs(this.clock, elapsed)) return undefined;
    this.#page.raiseAlarm();
    return 'step-or-suspend';
  }

  /**
   * The hot path. Reads the clock and evaluates both edges into the slots `EARLIEST` and `LATEST`; false
   * when there is no bound. One function, small enough to be inlined whole.
   */
  #evaluate(): boolean {
    const own = this.#own;
    own[READING] = this.#monotonicNs();
    own[AGE] = own[READING]! - own[START]!;
    if (
      (this.#header[VERSION] !== this.#seen || own[AGE]! < 0n || own[AGE]! > own[SPAN]!) &&
      !this.#refresh()
    ) {
      return false;
    }
    own[AGE] = own[AGE]! >> 10n;
    own[EARLIEST] =
      asIntN(64, own[READING]! + own[LO]!) -
      asIntN(64, asIntN(64, own[AGE]! * own[SLOPE_LO]!) >> 24n);
    own[LATEST] =
      asIntN(64, own[READING]! + own[HI]!) +
      asIntN(64, asIntN(64, own[AGE]! * own[SLOPE_HI]!) >> 24n);
    if (own[EARLIEST]! < own[HIGH_WATER]!) own[EARLIEST] = own[HIGH_WATER]!;
    else own[HIGH_WATER] = own[EARLIEST]!;
    return true;
  }

  #interval(): ClockInterval {
    return new ClockInterval(asUnixNs(this.#own[EARLIEST]!), asUnixNs(this.#own[LATEST]!));
  }

  /** The slow path: a fresh copy, then a fresh reading, then the segment for it. */
  #refresh(): boolean {
    const own = this.#own;
    const copy = this.#copy;
    this.#seen = this.#page.copy(copy);
    if (copy[EVER_BOUNDED] === 1n && own[OWN_ERA] !== copy[ERA]) {
      own[OWN_ERA] = copy[ERA]!;
      own[HIGH_WATER] = LONG_AGO;
    }
    own[OWN_MIDDLE] = copy[MIDDLE]!;
    own[SPAN] = -1n;
    if (copy[STATE] !== BOUNDED) return false;

    const m = this.#monotonicNs();
    let segment = FIRST_SEGMENT;
    const last = FIRST_SEGMENT + (Number(copy[SEGMENT_COUNT]) - 1) * SEGMENT_SLOTS;
    while (segment < last && m >= copy[segment + SEGMENT_SLOTS + START]!) segment += SEGMENT_SLOTS;
    if (m - copy[segment + START]! > copy[segment + SPAN]!) return false;
    own.set(copy.subarray(segment, segment + SEGMENT_SLOTS));
    if (m < own[START]!) this.#reachBack(m);
    else if (own[CURVE_LO] !== 0n || own[CURVE_HI] !== 0n) this.#straighten(m);
    this.#rateLo = 1 - Number(own[SLOPE_LO]!) * 2 ** -34;
    own[READING] = m;
    own[AGE] = m - own[START]!;
    return true;
  }

  /**
   * Where the page has a parabola, the reader goes along one chord of it after another, each half a second long:
   * a parabola bends outward, so its chords are never inside of it, and outside by less than 4 ns at a
   * wander of 0.1 ppm a second. Thus the hot path knows lines only. A chord is drawn between the values of the page's
   * formula at its two ends; one whose second end lies beyond the segment is used up to the segment's end.
   */
  #straighten(m: bigint): void {
    const own = this.#own;
    const begin = (m - own[START]!) >> 10n;
    const both = begin + begin + CHORD;
    const left = own[SPAN]! - (begin << 10n);
    own[START] = own[START]! + (begin << 10n);
    own[SPAN] = left < CHORD_NS ? left : CHORD_NS;
    // One ns more, and one unit of slope: the page carries what one evaluation rounds down, and these are two.
    own[LO] = own[LO]! - grown(begin, own[SLOPE_LO]!, own[CURVE_LO]!) - 1n;
    own[HI] = own[HI]! + grown(begin, own[SLOPE_HI]!, own[CURVE_HI]!) + 1n;
    own[SLOPE_LO] = own[SLOPE_LO]! + ((both * own[CURVE_LO]!) >> 32n) + 1n;
    own[SLOPE_HI] = own[SLOPE_HI]! + ((both * own[CURVE_HI]!) >> 32n) + 1n;
  }

  /**
   * A reading from before the publication (another thread's clock a moment behind): the bound opens
   * towards the past as it does towards the future, also where the segment is flat because the wall guard
   * outreaches the bound. Holds for this reading only.
   */
  #reachBack(m: bigint): void {
    const own = this.#own;
    const age = ((own[START]! - m) >> 10n) + 1n;
    const grown = ((age * this.#copy[SLOPE]!) >> 24n) + 1n;
    own[LO] = own[LO]! - grown;
    own[HI] = own[HI]! + grown;
    own[START] = m;
    own[SPAN] = 0n;
  }

  #unsynchronized(): ClockUnsynchronizedError {
    const copy = this.#copy;
    const index = copy[STATE] === BOUNDED ? copy[END_REASON]! : copy[REASON]!;
    const reason = REASONS[Number(index)] as NoBoundReason;
    return new ClockUnsynchronizedError(
      copy[STATE] === DISRUPTED ? 'disrupted' : 'unsynchronized',
      reason,
    );
  }
}
