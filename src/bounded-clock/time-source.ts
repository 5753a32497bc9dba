/**
 * What a bounded clock asks of a source of time. A source polls by itself, on the clock it is
 * given. It turns each exchange into a {@link ClockSample} or a counted miss. Its methods do not
 * throw.
 *
 * A source may speak for several *endpoints*, as a pool name yields several servers. Each endpoint
 * is one vote, named by its `sourceId`.
 */
import type { ClockSample } from '../bound/clock-sample.ts';
import type { Timescale } from '../bound/timescale.ts';
import type { Clock } from '../time/clock.ts';
import type { MonotonicNs } from '../time/instant.ts';
import type { SignedStatement } from './evidence.ts';
import type { Trail } from './trail.ts';

/**
 * Why an exchange yielded no sample: a short, stable word. Misses are counted per reason.
 *
 * Nothing came: `timeout`, `unreachable`, `unresolved` (the name has no address), `other-sender`
 * (the server answered from another of its addresses), `held-back` (the server asked not to be
 * polled now), `out-of-descriptors` (no socket could be opened), `local-error` (anything else on
 * this machine). Any other word names the rule by which a reply was refused.
 */
export type MissReason = string;

/** Details of a miss. */
export interface MissDetails {
  /** When the exchange began; absent when none did. */
  readonly startedAt?: MonotonicNs | undefined;
  /**
   * For people, in a few words: the system's code, what a resolver threw, which address answered.
   */
  readonly cause?: string | undefined;
}

/**
 * What a running source tells its clock. A source calls it from the event loop, never from within
 * another call.
 */
export interface SourceSink {
  /** The clock that stamps exchanges and runs the source's timers. */
  readonly clock: Clock;
  /**
   * The endpoints that this source speaks for from now on, by `sourceId`. Call it before the first
   * sample, and again when names resolve to other addresses. An endpoint that is no longer listed
   * loses its vote.
   */
  endpoints(ids: readonly string[]): void;
  /**
   * An exchange yielded this sample.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when a field has the wrong type, or
   *   {@link SourceSink.endpoints} does not list the `sourceId`. It counts for nothing then.
   * @param signed by a witness: what its server signed, for `BoundedClock.evidence`
   */
  sample(sample: ClockSample, signed?: SignedStatement): void;
  /**
   * For people: what else is known of this endpoint, in a few lines. `explain()` repeats them until
   * they are replaced.
   */
  describe?(sourceId: string, details: readonly string[]): void;
  /** An exchange with this endpoint ended without a sample. */
  miss(sourceId: string, reason: MissReason, details?: MissDetails): void;
  /**
   * Whether the clock has a bound at present. While it has none, a source may retry sooner than
   * usual. Absent where that is not known.
   */
  readonly bounded?: boolean | undefined;
  /**
   * Compares the wall clock with the monotonic clock at once. A source calls it when it learns that
   * the machine may have slept. If it has, the clock drops all that it knew, and calls
   * {@link RunningSource.discardInFlight} before this returns.
   */
  checkJump?(): void;
  /**
   * The drift bound in force, ppm of what passes on the monotonic clock: for a source that hands on
   * what it heard, and so has to age it.
   */
  readonly maxDriftPpm?: number | undefined;
  /**
   * The last statement that a witness of this clock signed. A witness makes its next request from
   * it, so that its answer was provably signed later.
   */
  readonly lastSigned?: SignedStatement | undefined;
  /**
   * Which clocks this clock's time rests on: a source over NTP tells what it hears of that.
   *
   * @internal
   */
  readonly trail?: Trail | undefined;
}

/** A source of time that is polling. What {@link TimeSource.start} returns. */
export interface RunningSource {
  /**
   * The present interval between polls of one endpoint, ms. A sample counts as fresh for three of
   * them.
   */
  readonly pollIntervalMs: number;
  /**
   * Polls all endpoints a few times in quick succession, as at the start, because the clock has
   * lost its bound. The source limits the rate, and leaves a server alone that asked us to slow
   * down.
   */
  burst(): void;
  /**
   * Polls all endpoints once more, soon, because the program knows that the network is back. The
   * source keeps to its rate limit. Each endpoint must then answer or be reported as missed.
   * Default: {@link RunningSource.burst}.
   */
  pollNow?(): void;
  /**
   * Called again and again while the sources do not agree. A source that draws its endpoints from a
   * larger set may draw others.
   */
  redraw?(): void;
  /**
   * Drops the exchanges under way, because the local clock was disrupted while they were in flight.
   */
  discardInFlight(): void;
  /** Ends polling and releases sockets. No call to the sink follows. */
  stop(): void;
}

/** A source of time, as configured. It does nothing until a bounded clock starts it. */
export interface TimeSource {
  /** For people: `ntp://time.example.net:123`. */
  readonly name: string;
  /**
   * How many endpoints the source can have at most. Default: unknown. A clock whose sources all say
   * it refuses a `maxFaulty` with which no bound could ever come.
   */
  readonly maxEndpoints?: number | undefined;
  /**
   * The samples of a `voter` make the bound. A `witness` has no vote and never narrows the bound,
   * but its last sample refutes a bound that it certainly excludes (A0). Default `'voter'`.
   */
  readonly role?: 'voter' | 'witness' | undefined;
  /**
   * What its samples mean by the time. Near a leap second, those of a source that smears it are
   * brought to UTC. Of two sources that lead to one endpoint, the first decides. Default
   * `'unknown'`.
   */
  readonly timescale?: Timescale | undefined;
  /**
   * For people: whose claim its samples rest on. `explain()` repeats it. It may be a getter: a
   * source may learn from its server what there is to say.
   */
  readonly restsOn?: string | undefined;
  /** Begins polling. Called once per bounded clock. */
  start(sink: SourceSink): RunningSource;
}
