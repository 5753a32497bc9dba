import type { ClockSample, LeapWarning } from '../../src/bound/clock-sample.ts';
import type { RunningSource, SourceSink, TimeSource } from '../../src/bounded-clock/time-source.ts';
import { asMonotonicNs } from '../../src/time/instant.ts';
import type { HandClock } from './hand-clock.ts';

const NS_PER_MS = 1_000_000n;

export interface Reply {
  /** True time minus monotonic time, according to this server. */
  readonly theta: bigint;
  /** The round trip, ns. The request takes half of it. */
  readonly delay?: bigint;
  readonly serverError?: bigint;
  readonly leap?: LeapWarning;
  readonly sourceId?: string;
}

/**
 * A source that the test drives: it reports when the test says so, and counts the requests that it
 * gets.
 */
export class ScriptedSource implements TimeSource, RunningSource {
  readonly name: string;
  readonly role: 'voter' | 'witness';
  pollIntervalMs = 16_000;
  bursts = 0;
  discards = 0;
  stops = 0;
  starts = 0;
  #sink: SourceSink | undefined;

  constructor(name: string, role: 'voter' | 'witness' = 'voter') {
    this.name = name;
    this.role = role;
  }

  start(sink: SourceSink): RunningSource {
    this.starts++;
    this.#sink = sink;
    return this;
  }

  pollNow?: () => void;
  redraw?: () => void;

  burst(): void {
    this.bursts++;
  }

  discardInFlight(): void {
    this.discards++;
  }

  stop(): void {
    this.stops++;
  }

  get sink(): SourceSink {
    if (this.#sink === undefined) throw new Error(`${this.name} was not started`);
    return this.#sink;
  }

  /** The sample of an exchange that ends now and began `delay` ago. */
  exchange(clock: HandClock, reply: Reply): ClockSample {
    const { theta, delay = 2n * NS_PER_MS, serverError = 0n, leap = 'none' } = reply;
    const receivedAt = clock.monotonicNs();
    return {
      sourceId: reply.sourceId ?? this.name,
      sentAt: asMonotonicNs(receivedAt - delay),
      receivedAt,
      upperNs: theta + delay - delay / 2n + serverError,
      lowerNs: theta - delay / 2n - serverError,
      pathDelayNs: delay,
      serverErrorNs: serverError,
      leap,
    };
  }

  reply(clock: HandClock, reply: Reply): void {
    this.sink.sample(this.exchange(clock, reply));
  }

  miss(reason = 'timeout'): void {
    this.sink.miss(this.name, reason);
  }
}
