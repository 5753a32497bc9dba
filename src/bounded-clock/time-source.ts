/**
 * What a bounded clock asks of a source of time. A source runs its own polling on the clock it is
 * given, turns each exchange into a {@link ClockSample} or a counted miss, and never throws at the clock.
 *
 * A source may stand for several *endpoints* (a pool name yields several servers); each endpoint is one
 * vote, named by its `sourceId`.
 */
import type { ClockSample } from '../bound/clock-sample.ts';
import type { Clock } from '../time/clock.ts';

/**
 * Why an exchange yielded no sample: short, stable words, counted per reason. `timeout`, `unreachable`,
 * `unresolved` (the name has no address) and `held-back` (the server asked not to be polled now) mean that
 * nothing came; anything else names the rule that refused a reply.
 */
export type MissReason = string;

/** What a running source tells the clock it serves. All calls are made from the event loop, never nested. */
export interface SourceSink {
  /** The clock that stamps exchanges and runs the source's timers. */
  readonly clock: Clock;
  /**
   * The endpoints this source speaks for from now on, by `sourceId`: called before the first sample,
   * and again when names resolve to other addresses. An endpoint no longer listed loses its vote.
   */
  endpoints(ids: readonly string[]): void;
  /** An accepted exchange. */
  sample(sample: ClockSample): void;
  /** An exchange with this endpoint ended without a sample. */
  miss(sourceId: string, reason: MissReason): void;
}

export interface RunningSource {
  /** The present interval between polls of one endpoint, in ms; says how old a sample counts as fresh. */
  readonly pollIntervalMs: number;
  /**
   * Poll all endpoints a few times in quick succession, as at start: the clock has lost its bound.
   * Rate-limited by the source; a server that asked us to slow down is left alone.
   */
  burst(): void;
  /** An exchange under way must not be used: the local clock was disrupted while it was in flight. */
  discardInFlight(): void;
  /** Ends polling and releases sockets; no call to the sink follows. */
  stop(): void;
}

export interface TimeSource {
  /** For people: `ntp://time.example.net:123`. */
  readonly name: string;
  /** Begins polling. Called once per bounded clock. */
  start(sink: SourceSink): RunningSource;
}
