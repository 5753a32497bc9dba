import type { ClockSample, LeapWarning } from '../../src/bound/clock-sample.ts';
import type { RunningSource, SourceSink, TimeSource } from '../../src/bounded-clock/time-source.ts';
import { asMonotonicNs } from '../../src/time/instant.ts';
import type { HandClock } from './hand-clock.ts';

const MS = 1_000_000n;

export interface Reply {
  /** True time minus monotonic time, as this server has it. */
  readonly theta: bigint;
  /** Round trip; the request takes half of it. */
  readonly delay?: bigint;
  readonly serverError?: bigint;
  readonly leap?: LeapWarning;
  readonly sourceId?: string;
}

/** A source that says what the test tells it to, when the test tells it to, and counts what it is asked. */
export class ScriptedSource implements TimeSource, RunningSource {
  readonly name: string;
  pollIntervalMs = 16_000;
  bursts = 0;
  discards = 0;
  stops = 0;
  starts = 0;
  #sink: SourceSink | undefined;

  constructor(name: string) {
    this.name = name;
  }

  start(sink: SourceSink): RunningSource {
    this.starts++;
    this.#sink = sink;
    return this;
  }

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
    const { theta, delay = 2n * MS, serverError = 0n, leap = 'none' } = reply;
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
