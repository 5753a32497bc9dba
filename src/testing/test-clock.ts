/**
 * A bounded clock in the hand of a test.
 *
 * It is a real reader of a real page: what waits, hybrid clocks and metrics do with it is what they
 * do in production. Only the writer is another: the test stands where sources and a bound engine
 * are otherwise. It moves true time, sets the width of the interval, and takes the bound away.
 *
 * Time is the simulator's. Nothing passes unless the test says so, and no real clock is read, so
 * fake timers of a test runner neither help nor disturb.
 */
import { DISRUPTIONS, NO_BOUND_REASONS, type NoBoundReason } from '../bound/bound.ts';
import { BoundedReader } from '../bounded-clock/bounded-reader.ts';
import {
  BOUNDED,
  DISRUPTED,
  ERA,
  EVER_BOUNDED,
  FIRST_SEGMENT,
  FRESH_UNTIL,
  HI,
  LO,
  longestSpan,
  MIDDLE,
  NO_BOUND,
  PAGE_SLOTS,
  Page,
  QUORUM,
  REASON,
  SEGMENT_COUNT,
  SPAN,
  START,
  STATE,
  WALL_OFFSET,
  WALL_READ_AT,
} from '../bounded-clock/page/page.ts';
import type { WaitSyncedInput } from '../bounded-clock/wait-synced.ts';
import { Random } from '../sim/random.ts';
import { Scheduler } from '../sim/scheduler.ts';
import type { SimClock } from '../sim/sim-clock.ts';
import { SimProcess } from '../sim/sim-process.ts';
import { ArgumentRangeError, ArgumentTypeError, checkNumber } from '../time/errors.ts';
import { asUnixNs, checkUnixNs, type UnixNs } from '../time/instant.ts';
import { checkOptionNames } from '../time/options.ts';
import { nsFromMsUp } from '../time/rounding.ts';

/** Options of a {@link TestClock}. */
export interface TestClockOptions {
  /** The interval is true time give or take this, ms. 0 to 86,400,000, default 1. */
  readonly uncertaintyMs?: number | undefined;
  /** True time at the beginning: a date, or Unix ns. Default: an instant in November 2026. */
  readonly startAt?: Date | bigint | undefined;
  /** Whether there is a bound from the beginning. Default `true`. */
  readonly synchronized?: boolean | undefined;
}

const NAMES: Readonly<Record<keyof TestClockOptions, true>> = {
  uncertaintyMs: true,
  startAt: true,
  synchronized: true,
};
const DAY_MS = 86_400_000;
/** A test clock can go on for 100 days. */
const MAX_MS = 100 * DAY_MS;
/** The longest suspend of the simulator. */
const MAX_SUSPEND_MS = 1e9;
/** 2261-12-31, so that all instants of a test are within int64. */
const MAX_START_MS = Date.UTC(2261, 11, 31);
/** After any reading of the monotonic clock, ns. */
const AFTER_ANY_READING_NS = 2n ** 62n;

/**
 * A bounded clock for tests: give it to the code under test in place of a `BoundedClock`. A test
 * moves its time by {@link TestClock.advance}. Commit waits, time limits and `waitSynced` then end
 * at the right instant. `localClock` serves code that wants a `Clock`.
 *
 * It is a `BoundedReader`: declare parameters so. It has no servers and holds no timer, so it has
 * no `explain`, `onChange`, `pollNow`, `share` and `stop`.
 *
 * @example
 * const clock = new TestClock({ uncertaintyMs: 5 });
 * const hlc = new HybridClock({ clock, nodeId: 'test' });
 * const commit = beginCommit({ clock, hlc });
 * const settled = commit.settled();
 * await clock.advance(11); // twice the uncertainty, and the timer's own millisecond
 * await settled;
 * clock.after(commit.timestamp) // true
 */
export class TestClock extends BoundedReader {
  /** @internal */
  override readonly publishListeners: Set<() => void> = new Set();
  readonly #scheduler: Scheduler;
  readonly #process: SimProcess;
  readonly #clock: SimClock;
  readonly #page: Page;
  readonly #slots = new BigInt64Array(PAGE_SLOTS);
  #uncertaintyNs: bigint;
  /** The last `advance`: the next one begins when it has ended. */
  #advanced: Promise<void> = Promise.resolve();

  /** @throws ArgumentTypeError, ArgumentRangeError naming the option at fault */
  constructor(options: TestClockOptions = {}) {
    const { uncertaintyMs = 1, startAt, synchronized = true } = checkOptionNames(options, NAMES);
    const uncertaintyNs = checkUncertainty('uncertaintyMs', uncertaintyMs);
    if (typeof synchronized !== 'boolean') {
      throw new ArgumentTypeError('synchronized', 'a boolean', synchronized);
    }
    const scheduler = new Scheduler({ originNs: originOf(startAt) });
    const process = new SimProcess('test', scheduler, new Random(1), { clock: { wallGridNs: 1 } });
    const page = Page.create();
    super(page, process.clock);
    this.#scheduler = scheduler;
    this.#process = process;
    this.#clock = process.clock;
    this.#page = page;
    this.#uncertaintyNs = uncertaintyNs;
    if (synchronized) this.restoreBound();
    else this.#publishNoBound('starting');
  }

  /** True time, Unix ns: what the interval holds. */
  trueNs(): UnixNs {
    return this.#scheduler.trueNs();
  }

  /**
   * Lets `ms` of true time pass, 0 to 100 days in all. Timers that fall due fire on the way, each
   * at its own instant. After each of them promises settle: chains of up to 32. Calls that are not
   * awaited take place one after another.
   *
   * Rejects with an ArgumentTypeError or ArgumentRangeError when `ms` is not such a number, and
   * with what a timer throws.
   */
  advance(ms: number): Promise<void> {
    const advanced = this.#advanced.then(() => this.#scheduler.runAsync(this.#after('ms', ms)));
    this.#advanced = advanced.catch(() => {}); // the caller is told
    return advanced;
  }

  /**
   * The wall clock is stepped by `byMs`, and the bound is lost, as a bounded clock loses it. True
   * time stays. {@link TestClock.restoreBound} ends that.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when `byMs` is not a number, or beyond 100 days
   */
  step(byMs: number): void {
    this.#clock.stepWall(checkNumber('byMs', byMs, -MAX_MS, MAX_MS));
    this.#publishNoBound('step');
  }

  /**
   * The machine sleeps for `forMs`, at most 1e9 (11 days): true time and the wall clock go on, the
   * monotonic clock and the timers stand still, and no callback runs. The bound is lost, until
   * {@link TestClock.restoreBound}.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when `forMs` is not such a number
   */
  suspend(forMs: number): void {
    const until = this.#after('forMs', checkNumber('forMs', forMs, 0, MAX_SUSPEND_MS));
    // First, so that nobody who wakes up sees the bound of before.
    this.#publishNoBound('suspend');
    this.#process.suspend(forMs);
    this.#scheduler.run(until);
  }

  /**
   * The interval is true time give or take `ms` from now on. As with every bounded clock,
   * `earliest` never goes back: a wider interval shows at its lower end as time passes.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when `ms` is not a number from 0 to 86,400,000
   */
  setUncertainty(ms: number): void {
    this.#uncertaintyNs = checkUncertainty('ms', ms);
    if (this.#slots[STATE] === BOUNDED) this.#publishBound();
  }

  /**
   * There is no bound from now on, and waits that need one are interrupted.
   *
   * @param reason default `'no-agreement'`
   * @throws ArgumentRangeError when there is no such reason
   */
  loseBound(reason: NoBoundReason = 'no-agreement'): void {
    if (!NO_BOUND_REASONS.includes(reason)) {
      throw new ArgumentRangeError('reason', `one of ${NO_BOUND_REASONS.join(', ')}`, reason);
    }
    this.#publishNoBound(reason);
  }

  /** There is a bound again. Nothing that was said of the old one binds it. */
  restoreBound(): void {
    if (this.#slots[STATE] === BOUNDED) return;
    this.#slots[ERA] = this.#slots[ERA]! + 1n;
    this.#publishBound();
  }

  protected override syncing(): WaitSyncedInput {
    return { ...super.syncing(), publishListeners: this.publishListeners };
  }

  #after(name: string, ms: number): number {
    const { elapsedNs } = this.#scheduler;
    return elapsedNs + Math.ceil(checkNumber(name, ms, 0, MAX_MS - elapsedNs / 1e6) * 1e6);
  }

  #publishBound(): void {
    const slots = this.#slots;
    const now = this.#clock.monotonicNs();
    const theta = this.#scheduler.trueNs() - now;
    slots[STATE] = BOUNDED;
    slots[EVER_BOUNDED] = 1n;
    slots[QUORUM] = 1n;
    slots[FRESH_UNTIL] = AFTER_ANY_READING_NS;
    slots[MIDDLE] = theta;
    slots[WALL_OFFSET] = this.#clock.wallNs() - now;
    slots[WALL_READ_AT] = now;
    slots[SEGMENT_COUNT] = 1n;
    slots[FIRST_SEGMENT + START] = now;
    slots[FIRST_SEGMENT + SPAN] = longestSpan(0n);
    slots[FIRST_SEGMENT + LO] = theta - this.#uncertaintyNs;
    slots[FIRST_SEGMENT + HI] = theta + this.#uncertaintyNs;
    this.#publish();
  }

  #publishNoBound(reason: NoBoundReason): void {
    this.#slots[STATE] = DISRUPTIONS.includes(reason) ? DISRUPTED : NO_BOUND;
    this.#slots[REASON] = BigInt(NO_BOUND_REASONS.indexOf(reason));
    this.#publish();
  }

  #publish(): void {
    this.#page.publish(this.#slots);
    for (const listener of [...this.publishListeners]) listener();
  }
}

function checkUncertainty(name: string, ms: number): bigint {
  return nsFromMsUp(checkNumber(name, ms, 0, DAY_MS));
}

function originOf(startAt: Date | bigint | undefined): UnixNs | undefined {
  if (startAt === undefined) return undefined;
  const ns =
    startAt instanceof Date
      ? BigInt(checkNumber('startAt', startAt.getTime(), 0, MAX_START_MS)) * 1_000_000n
      : checkUnixNs('startAt', startAt);
  if (ns < 0n || ns > BigInt(MAX_START_MS) * 1_000_000n) {
    throw new ArgumentRangeError('startAt', 'from 1970 to 2261', startAt);
  }
  return asUnixNs(ns);
}
