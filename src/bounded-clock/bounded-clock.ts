/**
 * A clock that knows how wrong it is: sources in, `[earliest, latest]` out.
 *
 * This is the shell around the bound engine (bound/bound-engine.ts, where the reasoning is). It owns what
 * the engine must not: the clock, the sources and their endpoints, a tick every second, and the page that
 * readers use (bounded-reader.ts). Its rules:
 *
 * - Every sample, every tick and every checked reading first compares the wall clock with the monotonic
 *   clock. A jump refutes A3: all is dropped, exchanges in flight are discarded, all sources are polled.
 * - Whatever happened, the page is published before anybody is told: a listener never sees an old bound.
 * - On a `disciplined` host the answer is the hull of the bound and `wall - monotonic` (A4): a daemon may
 *   slew faster than any rate bound, but it slews towards its own idea of true time, the wall clock.
 * - On a `free-running` host there is no such opinion to include, and the rate can be learned (A2).
 */
import { type Bound, newBound, type Outcome } from '../bound/bound.ts';
import { BoundEngine } from '../bound/bound-engine.ts';
import type { ClockSample } from '../bound/clock-sample.ts';
import {
  BOUNDED,
  DISRUPTED,
  END_REASON,
  ERA,
  EVER_BOUNDED,
  FIRST_SEGMENT,
  FRESH_UNTIL,
  MIDDLE,
  NO_BOUND,
  type NoBoundReason,
  PAGE_SLOTS,
  Page,
  pageSlope,
  QUORUM,
  REASON,
  REASONS,
  START,
  STATE,
  WALL_OFFSET,
  WALL_READ_AT,
} from '../bound/page.ts';
import { writeSegments } from '../bound/segments.ts';
import type { Cancel, Clock } from '../time/clock.ts';
import { ArgumentTypeError, checkNumber } from '../time/errors.ts';
import type { MonotonicNs } from '../time/instant.ts';
import { JumpDetector } from '../time/jump-detector.ts';
import { systemClock } from '../time/system-clock.ts';
import { readWallOffset, WallOffset } from '../time/wall-offset.ts';
import { BoundedReader } from './bounded-reader.ts';
import { ChangeEvents, type ClockEvent } from './change-events.ts';
import { foreseeWidening, type Widening } from './early-warning.ts';
import { Endpoint, type Explanation, explain } from './explain.ts';
import { type BoundedClockOptions, checkOptions, type Settings } from './options.ts';
import { ClockUnsynchronizedError, type Disruption } from './reading.ts';
import type { MissReason, RunningSource, SourceSink, TimeSource } from './time-source.ts';

export interface WaitSyncedOptions {
  /** Give up after this long, ms. Default 10,000; `Infinity` waits for ever. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A handle that `postMessage` can carry to another thread; see {@link BoundedClock.attach}. */
export interface SharedBoundedClock {
  readonly page: SharedArrayBuffer;
}

/** Notice that the clocks moved comes this late at most. */
const TICK_MS = 1000;
/** A source counts as fresh for this many of its poll intervals. */
const FRESH_POLLS = 3;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A source as configured, and the endpoints it currently speaks for. */
interface Configured {
  readonly source: TimeSource;
  running: RunningSource | undefined;
  ids: readonly string[];
}

export class BoundedClock extends BoundedReader {
  override readonly publications: Set<() => void> = new Set();
  readonly #clock: Clock;
  readonly #page: Page;
  readonly #engine: BoundEngine;
  readonly #settings: Settings;
  readonly #detector: JumpDetector;
  #wall: WallOffset = new WallOffset();
  readonly #slots: BigInt64Array = new BigInt64Array(PAGE_SLOTS);
  readonly #bound: Bound = newBound();
  readonly #configured: readonly Configured[];
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #events: ChangeEvents;
  #discardBefore: bigint = -(2n ** 63n);
  #cancelTick: Cancel = () => {};
  #stopped = false;
  /** The last instant at which the published bound may be answered from. */
  #until = 0n;

  private constructor(
    sources: readonly TimeSource[],
    settings: Settings,
    clock: Clock,
    page: Page,
  ) {
    super(page, clock);
    this.#clock = clock;
    this.#page = page;
    this.#engine = new BoundEngine({
      ...settings,
      resolutionNs: Number(clock.monotonicGridNs),
    });
    this.#settings = settings;
    this.#detector = new JumpDetector(clock);
    this.#events = new ChangeEvents(clock);
    this.#slots[WALL_READ_AT] = -(2n ** 62n);
    this.#configured = sources.map((source) => ({
      source,
      running: undefined,
      ids: [source.name],
    }));
  }

  /**
   * Starts polling and returns at once; there is no bound until enough sources agree
   * ({@link BoundedClock.waitSynced}). Its timers and sockets do not keep the process alive.
   *
   * @throws ArgumentTypeError, ArgumentRangeError for a bad option; nothing is started then
   * @example
   * await using clock = BoundedClock.start({ sources: [ntp('time.example.net'), ntp('10.0.0.7')] });
   */
  static start(options: BoundedClockOptions): BoundedClock {
    const settings = checkOptions(options);
    const clock = options.clock ?? systemClock();
    const bounded = new BoundedClock(options.sources, settings, clock, Page.create());
    bounded.#begin();
    return bounded;
  }

  /**
   * Reads a bounded clock that another thread of this process runs, from the handle of its
   * {@link BoundedClock.share}. As cheap as reading it at home.
   *
   * The monotonic clocks of the two threads must have one origin: Node's `process.hrtime` does on every
   * platform, `performance.now` does not.
   *
   * @param options.clock this thread's clock; default a fresh {@link systemClock}
   * @throws ArgumentTypeError when `handle` is not such a handle
   */
  static attach(
    handle: SharedBoundedClock,
    options: { readonly clock?: Clock } = {},
  ): BoundedReader {
    const buffer: unknown = (handle as Partial<SharedBoundedClock> | undefined)?.page;
    const page =
      typeof SharedArrayBuffer !== 'undefined' && buffer instanceof SharedArrayBuffer
        ? Page.open(buffer)
        : undefined;
    if (page === undefined) {
      throw new ArgumentTypeError('handle', 'the result of BoundedClock.share()', handle);
    }
    return new BoundedReader(page, options.clock ?? systemClock());
  }

  /**
   * A handle for other threads; they read the same bound and see it change at once.
   *
   * @throws ArgumentTypeError where there is no SharedArrayBuffer (a page that is not cross-origin isolated)
   */
  share(): SharedBoundedClock {
    const { buffer } = this.#page;
    if (buffer instanceof ArrayBuffer) {
      throw new ArgumentTypeError('share()', 'called where SharedArrayBuffer exists', undefined);
    }
    return { page: buffer };
  }

  /**
   * Resolves once there is a bound. Keeps the process alive while it waits.
   *
   * Rejects with a ClockUnsynchronizedError after `timeoutMs` or when the clock is stopped, naming what each
   * source said; with `signal.reason` on abort; with an ArgumentTypeError or ArgumentRangeError when
   * `timeoutMs` is no number, or negative.
   *
   * @example await clock.waitSynced({ timeoutMs: 5000, signal: AbortSignal.timeout(2000) });
   */
  waitSynced(options: WaitSyncedOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const { timeoutMs = 10_000, signal } = options;
      checkNumber('timeoutMs', timeoutMs, 0, Number.POSITIVE_INFINITY);
      signal?.throwIfAborted();
      const deadline = Number(this.#clock.monotonicNs()) / 1e6 + timeoutMs;
      let cancelTimer: Cancel;
      const finish = (settle: () => void) => {
        cancelTimer();
        this.publications.delete(look);
        signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const onAbort = () => finish(() => reject(signal?.reason));
      const look = () => {
        if (this.#slots[STATE] === BOUNDED) finish(resolve);
        else if (this.#stopped) finish(() => reject(this.#notSynced()));
      };
      const onTimer = () => {
        const leftMs = deadline - Number(this.#clock.monotonicNs()) / 1e6;
        if (leftMs <= 0) return finish(() => reject(this.#notSynced()));
        cancelTimer = this.#clock.setTimer(Math.min(leftMs, MAX_TIMER_MS), onTimer);
      };
      cancelTimer = () => {};
      this.publications.add(look);
      signal?.addEventListener('abort', onAbort);
      // The bound may have ended since the last tick.
      this.#publish();
      look();
      if (this.publications.has(look)) onTimer();
    });
  }

  /** Epsilon split by cause, and every source: its interval, its vote, and why. For people and for logs. */
  explain(): Explanation {
    this.#publish();
    const reading = this.read();
    return explain({
      reading,
      engine: this.#engine,
      bound: this.#bound,
      now: this.#clock.monotonicNs(),
      resolutionNs: this.#clock.monotonicGridNs,
      endpoints: this.#endpoints,
    });
  }

  /**
   * Calls `listener` on every change of state, refuted assumption and falseticker, after the bound was
   * published. Returns a function that ends it. What a listener throws surfaces as an uncaught exception.
   *
   * @throws ArgumentTypeError when `listener` is no function
   * @example const end = clock.onChange(({ type, status }) => console.log(type, status));
   */
  onChange(listener: (event: ClockEvent) => void): () => void {
    if (typeof listener !== 'function') {
      throw new ArgumentTypeError('listener', 'a function', listener);
    }
    return this.#events.subscribe(listener);
  }

  /** Ends polling; there is no bound from then on, here and in attached threads. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelTick();
    for (const { running } of this.#configured) running?.stop();
    this.#slots[STATE] = NO_BOUND;
    this.#slots[REASON] = BigInt(REASONS.indexOf('stopped'));
    this.#page.publish(this.#slots);
    this.#announce();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
  }

  /** Unlike an attached reader, the publisher can act on what it sees. */
  protected override checkWall(): Disruption | undefined {
    if (this.#stopped || !this.#detector.mayHaveJumped()) return undefined;
    const jump = this.#detector.check();
    if (jump === undefined) return undefined;
    this.#disrupt(jump.kind);
    return jump.kind;
  }

  #begin(): void {
    this.#setSources();
    this.#look();
    this.#publish();
    try {
      for (const configured of this.#configured) {
        configured.running = configured.source.start(this.#sinkOf(configured));
      }
    } catch (error) {
      this.stop();
      throw error;
    }
    this.#scheduleTick();
  }

  #scheduleTick(): void {
    this.#cancelTick = this.#clock.setTimer(TICK_MS, () => this.#tick(), { background: true });
  }

  #tick(): void {
    this.#scheduleTick();
    const event = this.#detector.tick({ expectedMs: TICK_MS });
    const alarm = this.#page.takeAlarm();
    if (event !== undefined && event.kind !== 'pause') this.#disrupt(event.kind);
    else if (alarm) this.#disrupt('step-or-suspend');
    this.#look();
    this.#publish();
    // The sources' own rate limit makes this one long burst, which outlasts the leap second.
    if (this.#slots[STATE] !== BOUNDED && this.#engine.reason === 'leap-second') this.#burst();
  }

  #sinkOf(configured: Configured): SourceSink {
    return {
      clock: this.#clock,
      endpoints: (ids) => {
        if (this.#stopped) return;
        configured.ids = ids;
        this.#setSources();
        this.#publish();
      },
      sample: (sample) => this.#onSample(sample),
      miss: (sourceId, reason) => this.#onMiss(sourceId, reason),
    };
  }

  #setSources(): void {
    const ids = new Set<string>();
    for (const configured of this.#configured) {
      for (const id of configured.ids) {
        ids.add(id);
        if (!this.#endpoints.has(id)) {
          this.#endpoints.set(id, new Endpoint(id, configured.source.name));
        }
      }
    }
    for (const id of this.#endpoints.keys()) if (!ids.has(id)) this.#endpoints.delete(id);
    this.#engine.setSources(ids);
  }

  #onSample(sample: ClockSample): void {
    if (this.#stopped || sample.sentAt < this.#discardBefore) return;
    if (sample.receivedAt > this.#clock.monotonicNs()) {
      this.#onMiss(sample.sourceId, 'impossible');
      return;
    }
    const jump = this.#detector.check();
    if (jump !== undefined) {
      this.#disrupt(jump.kind);
      return;
    }
    this.#look();
    const outcome = this.#engine.ingest(sample);
    if (outcome === 'impossible') {
      this.#onMiss(sample.sourceId, 'impossible');
      return;
    }
    this.#endpoints.get(sample.sourceId)?.heard(sample);
    this.#settle(outcome);
  }

  #onMiss(sourceId: string, reason: MissReason): void {
    if (this.#stopped) return;
    this.#endpoints.get(sourceId)?.missed(reason);
    this.#settle(this.#engine.miss(sourceId, this.#clock.monotonicNs()));
  }

  #settle(outcome: Outcome): void {
    if (outcome === 'refuted' || outcome === 'suspicious') this.#burst();
    this.#publish();
  }

  #burst(): void {
    if (this.#stopped) return;
    for (const { running } of this.#configured) running?.burst();
  }

  #disrupt(kind: Disruption): void {
    const now = this.#clock.monotonicNs();
    this.#discardBefore = now;
    this.#engine.disrupt(now, kind);
    // Other threads saw the same jump: that alarm is answered now.
    this.#page.takeAlarm();
    this.#wall = new WallOffset();
    this.#look();
    for (const { running } of this.#configured) running?.discardInFlight();
    this.#publish();
    this.#burst();
  }

  /** Looks at wall - monotonic: for the guard here, and as what other threads compare theirs with. */
  #look(): void {
    const offset = readWallOffset(this.#clock);
    if (offset === undefined) return;
    this.#wall.observe(offset);
    this.#slots[WALL_OFFSET] = (offset.lowerNs + offset.upperNs) / 2n;
    this.#slots[WALL_READ_AT] = offset.readAt;
    if (this.#settings.guarded) this.#engine.setGuard(this.#wall.bounds);
  }

  /** Also brings the bound up to date: it may have ended since the last look. After a stop nothing is. */
  #publish(): void {
    if (this.#stopped) return;
    const engine = this.#engine;
    const slots = this.#slots;
    const now = this.#clock.monotonicNs();
    engine.tick(now);
    if (engine.bounded) {
      engine.boundAt(now, this.#bound);
      const expiry = engine.expiresAt();
      const leap = this.#leapReachedAt(now);
      const until = leap < expiry ? leap : expiry;
      const endReason = leap < expiry ? 'leap-second' : 'expired';
      if (until >= now) this.#writeBound(now, until, endReason);
      else this.#writeNoBound(endReason);
    } else {
      this.#writeNoBound(engine.reason);
    }
    this.#page.publish(slots);
    this.#announce();
  }

  #writeBound(now: MonotonicNs, until: bigint, endReason: NoBoundReason): void {
    const engine = this.#engine;
    const slots = this.#slots;
    const bound = this.#bound;
    this.#until = until;
    slots[ERA] = engine.era;
    slots[STATE] = BOUNDED;
    slots[EVER_BOUNDED] = 1n;
    slots[QUORUM] = engine.quorum === 'full' ? 1n : 0n;
    slots[FRESH_UNTIL] = this.#freshUntil();
    slots[END_REASON] = BigInt(REASONS.indexOf(endReason));
    slots[MIDDLE] = engine.thetaBase + BigInt(Math.floor((bound.lo + bound.hi) / 2));
    writeSegments(slots, {
      bound,
      thetaBase: engine.thetaBase,
      at: now,
      until,
      slope: engine.slope,
      resolutionNs: this.#clock.monotonicGridNs,
    });
  }

  #writeNoBound(reason: NoBoundReason): void {
    const disrupted = reason === 'step' || reason === 'suspend' || reason === 'step-or-suspend';
    this.#slots[STATE] = disrupted ? DISRUPTED : NO_BOUND;
    this.#slots[REASON] = BigInt(REASONS.indexOf(reason));
  }

  /** The monotonic instant until which `latest` certainly stays before the announced leap second. */
  #leapReachedAt(now: MonotonicNs): bigint {
    const { leapAt, thetaBase, slope } = this.#engine;
    if (leapAt === undefined) return 2n ** 63n;
    const { suspectHi, guarded, guardHi } = this.#bound;
    const hi = guarded ? Math.max(suspectHi, guardHi) : suspectHi;
    const latest = now + thetaBase + BigInt(hi) + this.#clock.monotonicGridNs;
    // latest grows by (1 + slope) per ns from here, slope as published; 1 us covers the roundings.
    const left = Number(leapAt - latest) / (1 + Number(pageSlope(slope)) * 2 ** -34) - 1000;
    return now + BigInt(Math.floor(left));
  }

  #freshUntil(): bigint {
    let until = -(2n ** 62n);
    for (const { running, ids } of this.#configured) {
      const freshNs = Math.ceil((running?.pollIntervalMs ?? 0) * FRESH_POLLS * 1e6);
      for (const source of this.#engine.sources) {
        if (!source.agrees || !ids.includes(source.id)) continue;
        const end = this.#engine.toMonotonic(source.lastHeard + freshNs);
        if (end > until) until = end;
      }
    }
    return until;
  }

  /** Tells listeners and waiters what is different since the last time. */
  #announce(): void {
    for (const look of [...this.publications]) look();
    const now = this.#status();
    this.#events.compare(now, this.#engine, this.#foreseeWidening(now.status === 'holdover'));
  }

  #foreseeWidening(holdover: boolean): Widening | undefined {
    const { warnAboveMs } = this.#settings;
    if (warnAboveMs === undefined || this.#slots[STATE] !== BOUNDED) return undefined;
    const at = this.#slots[FIRST_SEGMENT + START]!;
    return foreseeWidening(warnAboveMs, {
      bound: this.#bound,
      base: at + this.#engine.thetaBase,
      untilNs: Number(this.#until - at),
      holdover,
    });
  }

  #status(): { status: ClockEvent['status']; reason: NoBoundReason | undefined } {
    const reason = REASONS[Number(this.#slots[REASON])];
    if (this.#slots[STATE] === DISRUPTED) return { status: 'disrupted', reason };
    if (this.#slots[STATE] === NO_BOUND) return { status: 'unsynchronized', reason };
    const fresh = this.#clock.monotonicNs() <= this.#slots[FRESH_UNTIL]!;
    return { status: fresh ? 'synchronized' : 'holdover', reason: undefined };
  }

  #notSynced(): ClockUnsynchronizedError {
    const { status, reason } = this.#status();
    const said = [...this.#endpoints.values()].map((endpoint) => endpoint.summary()).join(', ');
    return new ClockUnsynchronizedError(
      status === 'disrupted' ? 'disrupted' : 'unsynchronized',
      reason ?? 'starting',
      said,
    );
  }
}
