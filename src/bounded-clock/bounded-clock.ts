/// <reference lib="esnext.disposable" preserve="true" />
/**
 * A clock that knows how wrong it is: sources in, `[earliest, latest]` out.
 *
 * This is the shell around the bound engine (bound/bound-engine.ts, where the reasoning is). It
 * owns what the engine must not touch: the clock, the sources and their endpoints, and a tick every
 * second. What it knows goes to readers through the published page (publisher.ts). Its rules:
 *
 * - Every sample, every tick and every checked reading first compares the wall clock with the
 *   monotonic clock. A jump refutes A3: everything known is dropped, exchanges in flight are
 *   discarded, and all sources are polled.
 * - The page is published before any listener is called, so a listener never sees an old bound.
 * - On a `disciplined` host the answer is the hull of the bound and `wall - monotonic` (A4). A
 *   daemon may slew faster than any drift bound, but it slews towards its own idea of true time,
 *   the wall clock.
 * - On a `free-running` host no daemon has such an idea, so the rate can be learned (A2).
 * - With `hostClock: 'detect'` the host is what was last seen of it (host-profile.ts).
 *
 * This file has more than 400 lines because a quarter of it documents public members.
 */
import type { Disruption, Outcome } from '../bound/bound.ts';
import { BoundEngine } from '../bound/bound-engine.ts';
import { type ClockSample, checkSample } from '../bound/clock-sample.ts';
import type { Cancel, Clock } from '../time/clock.ts';
import { ArgumentRangeError, checkObject } from '../time/errors.ts';
import { JumpDetector } from '../time/jump-detector.ts';
import { systemClock } from '../time/system-clock.ts';
import { type OffsetBounds, readWallOffset, WallOffset } from '../time/wall-offset.ts';
import { BoundedReader } from './bounded-reader.ts';
import { ChangeEvents, type ClockEvent } from './change-events.ts';
import { checkDetails } from './details.ts';
import { type Evidence, EvidenceLog, type SignedStatement } from './evidence.ts';
import { type Explanation, explain } from './explain.ts';
import { HostProfile } from './host-profile.ts';
import { type BoundedClockOptions, checkOptions, checkSources, type Settings } from './options.ts';
import { awaitOutcomes, type PollNowOptions } from './poll-now.ts';
import { Publisher, pageOf } from './publisher.ts';
import { type ClockReading, ClockUnsynchronizedError } from './reading.ts';
import { type BoundedClockHandle, handleOf, readerOf } from './sharing.ts';
import { shortfall } from './shortfall.ts';
import { isWitness, SourceSet } from './source-set.ts';
import type { MissDetails, MissReason, SourceSink, TimeSource } from './time-source.ts';
import { Trail } from './trail.ts';
import type { WaitSyncedInput } from './wait-synced.ts';

/** A jump of the clocks is noticed this late at most. */
const TICK_MS = 1000;

/**
 * A clock that answers with an interval `[earliest, latest]` in which true time lies.
 *
 * It polls its sources, turns their answers into a bound, and publishes the bound for readers in
 * this thread and in others. Made by {@link BoundedClock.start}; ended by {@link
 * BoundedClock.stop}.
 *
 * Sound while the assumptions of the guarantees hold; when observations refute one, it says which,
 * stops answering and builds a new bound.
 *
 * @example
 * const clock = BoundedClock.start({ sources });
 * await clock.waitSynced({ timeoutMs: 5000 });
 * const { earliest, latest } = clock.now();
 * clock.stop();
 */
export class BoundedClock extends BoundedReader {
  /** @internal */
  override readonly publishListeners: Set<() => void> = new Set();
  /** @internal */
  override readonly trail: Trail = new Trail();
  readonly #clock: Clock;
  readonly #engine: BoundEngine;
  readonly #publisher: Publisher;
  readonly #settings: Settings;
  readonly #detector: JumpDetector;
  readonly #profile: HostProfile;
  #wallOffset: WallOffset = new WallOffset();
  readonly #sources: SourceSet;
  readonly #events = new ChangeEvents();
  readonly #evidence = new EvidenceLog();
  /** Samples of exchanges that began before this monotonic reading are discarded. */
  #discardBefore: bigint = -(2n ** 63n);
  #cancelTick: Cancel = () => {};
  #stopped = false;
  /** Whether there was a bound at the last tick. */
  #wasBounded = false;
  readonly #disruptions: Record<Disruption, number> = {
    step: 0,
    suspend: 0,
    'step-or-suspend': 0,
    'vm-disruption': 0,
  };

  private constructor(
    sources: readonly TimeSource[],
    settings: Settings,
    clock: Clock,
    engine: BoundEngine,
    publisher: Publisher,
    profile: HostProfile,
  ) {
    super(pageOf(publisher), clock);
    this.#clock = clock;
    this.#engine = engine;
    this.#publisher = publisher;
    this.#settings = settings;
    this.#profile = profile;
    this.#detector = new JumpDetector(clock);
    this.#sources = new SourceSet(sources);
  }

  /**
   * Starts polling and returns at once. There is no bound until enough sources agree
   * ({@link BoundedClock.waitSynced}). The clock's timers and sockets do not keep the process
   * alive. With `hostClock: 'detect'` it reads the names of all processes first, which takes some
   * milliseconds.
   *
   * @throws ArgumentTypeError, ArgumentRangeError for a bad option. Nothing is started then.
   * @example
   * const clock = BoundedClock.start({ sources: [ntp('time.example.net'), ntp('10.0.0.7')] });
   * // ... and when the program ends:
   * clock.stop();
   */
  static start(options: BoundedClockOptions): BoundedClock {
    const settings = checkOptions(options);
    const clock = options.clock ?? systemClock();
    const profile = new HostProfile(settings.hostClock, clock);
    const learning = profile.disciplined ? undefined : settings.learning;
    const gridNs = Number(clock.monotonicGridNs);
    const engine = new BoundEngine({ ...settings, learning, gridNs });
    const publisher = new Publisher(engine, clock.monotonicGridNs);
    const bounded = new BoundedClock(options.sources, settings, clock, engine, publisher, profile);
    bounded.#begin();
    return bounded;
  }

  /**
   * Reads a bounded clock that another thread of this process runs, given the handle from its
   * {@link BoundedClock.share}. That is as cheap as reading a clock of one's own.
   *
   * The monotonic clocks of the two threads must have one origin. Node's `process.hrtime` has one
   * on every platform, `performance.now` does not.
   *
   * It works between threads only. A handle that is sent to another process arrives without its
   * memory; start a `BoundedClock` there.
   *
   * @param options.clock this thread's clock; default a fresh {@link systemClock}
   * @throws ArgumentTypeError when `handle` is not such a handle
   */
  static attach(
    handle: BoundedClockHandle,
    options: { readonly clock?: Clock | undefined } = {},
  ): BoundedReader {
    checkObject('options', options);
    return readerOf(handle, () => options.clock ?? systemClock());
  }

  /**
   * A handle for other threads, which read the same bound and see it change at once.
   *
   * @throws ArgumentTypeError where there is no SharedArrayBuffer, as in a web page that is not
   *   cross-origin isolated
   */
  share(): BoundedClockHandle {
    return handleOf(this.#publisher.page);
  }

  /**
   * Asks every source now, for a program that knows that the network is back or needs a fresh
   * bound. Resolves with a reading when each endpoint has answered or been missed once, or when the
   * clock is stopped. Keeps the process alive while it waits.
   *
   * Sources keep to their rate limits. An endpoint that was asked a second ago, or too often
   * lately, is asked when its limit permits. Witnesses are asked, but not waited for.
   *
   * Rejects with `signal.reason` on abort; with an ArgumentTypeError when `options` is not an
   * object.
   *
   * @example const { status } = await clock.pollNow({ signal: AbortSignal.timeout(5000) });
   */
  async pollNow(options: PollNowOptions = {}): Promise<ClockReading> {
    const { signal } = checkObject('options', options);
    signal?.throwIfAborted();
    if (!this.#stopped) {
      await awaitOutcomes({
        clock: this.#clock,
        endpoints: this.#sources.endpoints,
        publishListeners: this.publishListeners,
        stopped: () => this.#stopped,
        signal,
        ask: () =>
          this.#sources.ask((running) => (running.pollNow ? running.pollNow() : running.burst())),
      });
    }
    return this.read();
  }

  /**
   * Epsilon split by cause, and each source with its interval, its vote and the reason for its
   * verdict. For people and for logs.
   *
   * @throws FakeTimersError as {@link BoundedClock.read}
   */
  explain(): Explanation {
    this.#publish();
    const reading = this.read();
    const now = this.#clock.monotonicNs();
    return explain({
      reading,
      engine: this.#engine,
      bound: this.#publisher.bound,
      now,
      profile: this.#profile.explain(now),
      gridNs: this.#clock.monotonicGridNs,
      endpoints: this.#sources.endpoints,
      witnesses: this.#sources.witnesses,
      disruptions: this.#disruptions,
      vmClock: this.#detector.marker !== undefined,
      timeToLimitNs: this.#timeToLimitNs(),
    });
  }

  /**
   * The contradictions that witnesses took part in, each with the signed exchanges as a report that
   * others can check. Of each pair of parties the newest contradiction is kept, until the program
   * ends. Empty without a witness such as `roughtime`, and while nobody contradicts.
   *
   * @example
   * for (const { sourceId, against, report } of clock.evidence()) {
   *   console.log(sourceId, 'contradicts', against, JSON.stringify(report));
   * }
   */
  evidence(): readonly Evidence[] {
    return this.#evidence.evidence;
  }

  /**
   * Calls `listener` on every change of state, refuted assumption and falseticker, after the bound
   * was published. Returns a function that ends the calls; so does `signal`. What a listener throws
   * becomes an unhandled rejection, as if it were an `async` function. It disturbs neither the
   * clock nor other listeners.
   *
   * @throws ArgumentTypeError when `listener` is not a function
   * @example
   * const end = clock.onChange(({ type, status }) => console.log(type, status));
   * end();
   */
  onChange(
    listener: (event: ClockEvent) => void,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): () => void {
    return this.#events.listeners.add(listener, options);
  }

  /**
   * Asks exactly `sources` from now on. Sources that are asked already, the same objects, are not
   * disturbed.
   *
   * The present bound stands, because it was proven with the votes of its time, unless so few of
   * the sources that vote stay that all of them may be wrong. If the new sources contradict it, an
   * assumption is refuted, and a new bound is built.
   *
   * @internal
   * @throws ArgumentTypeError, ArgumentRangeError when `sources` is not what `start` takes; what a
   *   source throws that cannot start. Everything is as it was then.
   */
  replaceSources(sources: readonly TimeSource[]): void {
    checkSources(sources, this.#settings.maxFaulty);
    if (this.#stopped) return;
    this.#sources.replace(
      sources,
      (speakFor, source) => this.#sinkWith(speakFor, isWitness(source)),
      () => this.#setSources(),
    );
    this.#setSources();
    this.#publish();
  }

  /** Ends polling. From then on there is no bound, here and in attached threads. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelTick();
    this.#sources.ask((running) => running.stop());
    this.#publisher.publishNoBound('stopped');
    this.#announce();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
  }

  protected override syncing(): WaitSyncedInput {
    return {
      clock: this.#clock,
      publishListeners: this.publishListeners,
      bounded: () => this.#publisher.bounded,
      stopped: () => this.#stopped,
      refresh: () => {
        this.refuseFakeTimers();
        // The bound may have ended since the last tick.
        this.#publish();
      },
      error: () => this.#notSynced(),
    };
  }

  protected override summary(): string {
    const { sources } = this.#engine;
    const agreeing = this.#publisher.bounded ? sources.filter(({ agrees }) => agrees).length : 0;
    return `${super.summary()}, ${agreeing} of ${sources.length} agree`;
  }

  /** Unlike an attached reader, the publisher acts on a jump itself. */
  protected override checkWall(): Disruption | undefined {
    return this.#stopped ? undefined : this.#jumped();
  }

  /**
   * Looks for a jump, and acts on it. Every jump shows in the wall clock, or in the marker of the
   * virtual machine (time/jump-detector.ts). The boot clock takes ten times as long to read. So it
   * is read only where one of these changed, or the last tick is long ago.
   */
  #jumped(): Disruption | undefined {
    if (!this.#detector.mayHaveJumped()) return undefined;
    const jump = this.#detector.check();
    if (jump === undefined) return undefined;
    this.#disrupt(jump.kind);
    return jump.kind;
  }

  #begin(): void {
    this.#setSources();
    this.#noteWallOffset(readWallOffset(this.#clock));
    this.#publish();
    try {
      this.#sources.start((speakFor, source) => this.#sinkWith(speakFor, isWitness(source)));
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
    const offset = readWallOffset(this.#clock);
    const event = this.#detector.tick({ expectedMs: TICK_MS });
    const alarm = this.#publisher.page.takeAlarm();
    if (event !== undefined && event.kind !== 'pause') this.#disrupt(event.kind);
    else if (alarm) this.#disrupt('step-or-suspend');
    else this.#noteWallOffset(offset);
    this.#lookAtHost();
    this.#publish();
    this.#askForWhatIsMissing();
  }

  /** Where a time daemon has appeared, its wall clock is included and no rate is learned. */
  #lookAtHost(): void {
    if (!this.#profile.lookAgain(this.#engine.refuted?.atNs)) return;
    this.#engine.stopLearning();
    this.#engine.setGuard(this.#wallOffset.bounds);
  }

  /** Without a bound, the sources may be polling too slowly, or may not agree with one another. */
  #askForWhatIsMissing(): void {
    const bounded = this.#publisher.bounded;
    const lost = this.#wasBounded && !bounded;
    this.#wasBounded = bounded;
    if (bounded) return;
    const { reason, settling } = this.#engine;
    // The sources' own rate limit makes these calls one long burst, which outlasts the leap second.
    if (lost || settling || reason === 'leap-second') this.#burst();
    if (reason === 'no-agreement' || reason === 'contradiction' || reason === 'witness') {
      this.#sources.ask((running) => running.redraw?.());
    }
  }

  #setSources(): void {
    this.#engine.setSources(this.#sources.endpoints.keys());
    this.#engine.setWitnesses(this.#sources.witnesses.keys());
  }

  #sinkWith(speakFor: (ids: readonly string[]) => void, witness: boolean): SourceSink {
    const bounded = () => this.#publisher.bounded;
    const maxDriftPpm = () => this.#engine.maxRate * 1e6;
    const lastSigned = () => this.#evidence.last;
    return {
      clock: this.#clock,
      trail: this.trail,
      get bounded() {
        return bounded();
      },
      get maxDriftPpm() {
        return maxDriftPpm();
      },
      get lastSigned() {
        return lastSigned();
      },
      checkJump: () => void this.checkWall(),
      endpoints: (ids) => {
        if (this.#stopped) return;
        speakFor(ids);
        this.#setSources();
        this.#publish();
      },
      describe: (sourceId, details) => {
        const endpoints = witness ? this.#sources.witnesses : this.#sources.endpoints;
        const endpoint = endpoints.get(sourceId);
        const lines = checkDetails(details);
        if (endpoint !== undefined) endpoint.details = lines;
      },
      sample: (sample, signed) => this.#onSample(sample, witness, signed),
      miss: (sourceId, reason, details) => this.#onMiss(sourceId, reason, witness, details),
    };
  }

  #onSample(sample: ClockSample, witness: boolean, signed?: SignedStatement): void {
    checkSample(sample);
    if (this.#stopped || sample.sentAt < this.#discardBefore) return;
    const endpoints = witness ? this.#sources.witnesses : this.#sources.endpoints;
    const endpoint = endpoints.get(sample.sourceId);
    if (endpoint === undefined) {
      throw new ArgumentRangeError('sample.sourceId', 'listed by endpoints()', sample.sourceId);
    }
    if (sample.receivedAt > this.#clock.monotonicNs()) {
      this.#onMiss(sample.sourceId, 'impossible', witness);
      return;
    }
    const offset = readWallOffset(this.#clock);
    if (this.#jumped() !== undefined) return;
    this.#noteWallOffset(offset);
    const { timescale } = endpoint;
    const outcome = witness
      ? this.#engine.testify(sample, timescale)
      : this.#engine.ingest(sample, timescale);
    if (outcome === 'impossible' || outcome === 'unknown-timescale') {
      this.#onMiss(sample.sourceId, outcome, witness);
      return;
    }
    endpoint.heard(sample);
    if (witness && signed !== undefined) this.#evidence.take(signed);
    this.#settle(outcome);
  }

  #onMiss(sourceId: string, reason: MissReason, witness: boolean, details?: MissDetails): void {
    if (this.#stopped) return;
    if (witness) {
      this.#sources.witnesses.get(sourceId)?.missed(reason, details);
      this.#engine.missWitness(sourceId);
      this.#publish();
      return;
    }
    this.#sources.endpoints.get(sourceId)?.missed(reason, details);
    this.#settle(this.#engine.miss(sourceId, this.#clock.monotonicNs()));
  }

  #settle(outcome: Outcome): void {
    const { reason, objection } = this.#engine;
    if (outcome === 'refuted' && reason === 'witness' && objection !== undefined) {
      this.#evidence.contradictsBound(objection.sourceId);
    }
    if (outcome === 'refuted' || outcome === 'suspicious') this.#burst();
    this.#publish();
  }

  #burst(): void {
    if (!this.#stopped) this.#sources.ask((running) => running.burst());
  }

  #disrupt(kind: Disruption): void {
    const now = this.#clock.monotonicNs();
    this.#disruptions[kind]++;
    this.#discardBefore = now;
    this.#engine.disrupt(now, kind);
    // Readers in other threads saw the same jump. Their alarm is dealt with now.
    this.#publisher.page.takeAlarm();
    this.#wallOffset = new WallOffset();
    this.#noteWallOffset(readWallOffset(this.#clock));
    this.#sources.ask((running) => running.discardInFlight());
    this.#publish();
    this.#burst();
  }

  /**
   * Takes down `wall - monotonic`, for the wall guard here and for readers elsewhere. It is to be
   * read before the check for jumps that the bound passes: then a jump just after the check shows
   * where readers compare.
   */
  #noteWallOffset(offset: OffsetBounds | undefined): void {
    this.#publisher.noteMarker(this.#detector.marker);
    if (offset === undefined) return;
    this.#wallOffset.observe(offset);
    this.#publisher.noteWallOffset(offset);
    if (this.#profile.disciplined) this.#engine.setGuard(this.#wallOffset.bounds);
  }

  /**
   * Brings the bound up to date, because it may have ended since the last tick, and publishes it.
   * After a stop nothing is published.
   */
  #publish(): void {
    if (this.#stopped) return;
    const now = this.#clock.monotonicNs();
    this.#engine.tick(now);
    const freshUntil = this.#sources.freshUntil(this.#engine);
    this.#publisher.publish(now, freshUntil, this.#profile.trustedUntil);
    this.#announce();
  }

  /** Tells waiters that there is a publication, and listeners what changed since the last one. */
  #announce(): void {
    for (const listener of [...this.publishListeners]) listener();
    const { warnUncertaintyMs } = this.#settings;
    const { status, reason } = this.#publisher.status(this.#clock);
    const widening =
      warnUncertaintyMs === undefined
        ? undefined
        : this.#publisher.foreseeWidening(warnUncertaintyMs, status === 'holdover');
    const faked = this.#clock.faked?.() === true;
    const now = { status, reason, faked, profile: this.#profile };
    this.#events.compare(now, this.#engine, widening);
  }

  #timeToLimitNs(): bigint | undefined {
    const { warnUncertaintyMs } = this.#settings;
    if (warnUncertaintyMs === undefined) return undefined;
    const widening = this.#publisher.foreseeWidening(warnUncertaintyMs, true);
    return widening && BigInt(Math.floor(widening.inMs * 1e6));
  }

  #notSynced(): ClockUnsynchronizedError {
    const { status, reason } = this.#publisher.status(this.#clock);
    const missing = shortfall(this.#engine, this.#sources.endpoints);
    const said = [...this.#sources.endpoints.values()].map((endpoint) => endpoint.summary());
    return new ClockUnsynchronizedError(
      status === 'disrupted' ? 'disrupted' : 'unsynchronized',
      reason ?? 'starting',
      missing.length > 0 ? missing.join('; ') : said.join(', '),
    );
  }
}
