/**
 * A source of time that asks one server again and again, for everybody who has a way to ask: a
 * request over HTTP, a message port, a WebSocket, a serial line. Only `ask` is left to write.
 *
 * What is done here, once:
 *
 * - *Stamps.* The monotonic clock is read right before the call of `ask` and right after its
 *   promise settles. Whatever passes in between can only make the sample wider.
 * - *When to ask.* At the start, and when the clock has lost its bound, four times a second apart.
 *   Then once per interval, counted from the last question. A server that does not answer is asked
 *   again after 10 s while the clock has no bound.
 * - *Politeness.* Every question is taken from one allowance (allowance.ts), for whatever reason.
 * - *Ends.* Only one question is under way. After the time limit it is over: the signal is aborted,
 *   and an answer that comes later counts for nothing. The same holds when the local clock was
 *   stepped or suspended meanwhile, but then it is not a miss.
 *
 * Whatever `ask` does is a sample or a miss: it may throw, reject, answer nonsense or never answer.
 */
import type { ClockSample } from '../bound/clock-sample.ts';
import type { RunningSource, SourceSink, TimeSource } from '../bounded-clock/time-source.ts';
import type { Clock } from '../time/clock.ts';
import { ArgumentRangeError, ArgumentTypeError, checkNumber } from '../time/errors.ts';
import type { MonotonicNs } from '../time/instant.ts';
import { checkOptionNames } from '../time/options.ts';
import { Allowance, MIN_SPACING_MS } from './allowance.ts';
import { describeCause, reasonOf } from './cause.ts';
import { type ServerFacts, sampleFrom } from './sample-from.ts';

/** Options of {@link pollingSource}. */
export interface PollingSourceOptions {
  /** Names the source and its one vote: 1 to 256 characters. */
  readonly name: string;
  /**
   * Asks the server once. The answer must belong to this very question: over a connection that is
   * given; over datagrams, send 64 random bits and refuse an answer without them.
   *
   * `signal` is aborted when the question is over, so that what it holds can be released. `clock`
   * is the clock on which the source runs, for sources that read this machine's own clocks.
   *
   * A rejection is a miss. An error with a `reason` of lower-case words joined by `-`, such as
   * `'not-synchronized'`, is counted under it, any other one under `failed`. Its `code` or its
   * message is shown by `explain()`.
   */
  readonly ask: (options: {
    readonly signal: AbortSignal;
    readonly clock: Clock;
  }) => PromiseLike<ServerFacts>;
  /** Interval between questions, 1 ms to 1 h. Default 16 s. */
  readonly pollIntervalMs?: number | undefined;
  /** How long to wait for an answer, 1 ms to 60 s. Default 1 s. */
  readonly timeoutMs?: number | undefined;
  /** For people: whose claim the answers rest on. `explain()` repeats it. */
  readonly restsOn?: string | undefined;
}

const NAMES: Readonly<Record<keyof PollingSourceOptions, true>> = {
  name: true,
  ask: true,
  pollIntervalMs: true,
  timeoutMs: true,
  restsOn: true,
};
const MAX_NAME_LENGTH = 256;
const DEFAULT_POLL_MS = 16_000;
const DEFAULT_TIMEOUT_MS = 1000;
/** In the long run a server is asked at most once per this time, or per interval if shorter. */
const REFILL_MS = 8000;
const BURST_POLLS = 4;
/** While the clock has no bound, a server that does not answer is asked again after this. */
const RETRY_INTERVAL_MS = 10_000;

/**
 * A source of time that asks its one server by `ask`, at the times that suit a bounded clock.
 *
 * In any stretch of t ms the server is asked at most `16 + t / 8000` times, or with a shorter
 * interval `16 + t / pollIntervalMs`. Nothing that the source holds keeps the process alive.
 *
 * Misses, as `explain()` counts them: `timeout`; `failed` when `ask` threw or rejected, or the
 * reason that its error has; `malformed`
 * when its answer is not what {@link ServerFacts} says; `hold-time` when the server states that it
 * held the question for longer than the round trip took.
 *
 * @throws ArgumentTypeError, ArgumentRangeError (`ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`)
 *   naming the option at fault
 * @example
 * // A clock on this machine that is known to a millisecond.
 * const source = pollingSource({
 *   name: 'wall-of-this-machine',
 *   ask: async () => {
 *     const now = systemClock().wallNs();
 *     return { serverReceivedAt: now, serverSentAt: now, serverErrorNs: 1_000_000n };
 *   },
 * });
 * const clock = BoundedClock.start({ sources: [source] });
 * await clock.waitSynced();
 * clock.stop();
 */
export function pollingSource(options: PollingSourceOptions): TimeSource {
  const { name, ask, pollIntervalMs, timeoutMs, restsOn } = checkOptionNames(options, NAMES);
  if (typeof name !== 'string') throw new ArgumentTypeError('name', 'a string', name);
  if (name === '' || name.length > MAX_NAME_LENGTH) {
    throw new ArgumentRangeError('name', `1 to ${MAX_NAME_LENGTH} characters`, name);
  }
  if (restsOn !== undefined && typeof restsOn !== 'string') {
    throw new ArgumentTypeError('restsOn', 'a string', restsOn);
  }
  if (typeof ask !== 'function') throw new ArgumentTypeError('ask', 'a function', ask);
  const settings = {
    name,
    ask,
    pollIntervalMs: checkNumber('pollIntervalMs', pollIntervalMs ?? DEFAULT_POLL_MS, 1, 3_600_000),
    timeoutMs: checkNumber('timeoutMs', timeoutMs ?? DEFAULT_TIMEOUT_MS, 1, 60_000),
  };
  return { name, maxEndpoints: 1, restsOn, start: (sink) => new Polling(settings, sink) };
}

type Settings = Pick<PollingSourceOptions, 'name' | 'ask'> & {
  readonly pollIntervalMs: number;
  readonly timeoutMs: number;
};

/** A question under way. */
interface Question {
  readonly sentAt: MonotonicNs;
  readonly controller: AbortController;
  readonly cancelTimeout: () => void;
}

class Polling implements RunningSource {
  readonly pollIntervalMs: number;
  readonly #settings: Settings;
  readonly #sink: SourceSink;
  readonly #allowance: Allowance;
  #question: Question | undefined;
  /** When the last question was asked. */
  #askedAt: MonotonicNs | undefined;
  #burstLeft = BURST_POLLS;
  #missed = false;
  #cancel: () => void;

  constructor(settings: Settings, sink: SourceSink) {
    this.#settings = settings;
    this.#sink = sink;
    this.pollIntervalMs = settings.pollIntervalMs;
    this.#allowance = new Allowance(settings.pollIntervalMs, REFILL_MS);
    // Not from inside `start`: the sink is only ever called from the event loop.
    this.#cancel = sink.clock.nextTurn(() => {
      sink.endpoints([settings.name]);
      this.#schedule(0);
    });
  }

  burst(): void {
    this.#poll(BURST_POLLS);
  }

  pollNow(): void {
    this.#poll(Math.max(this.#burstLeft, 1));
  }

  discardInFlight(): void {
    if (this.#question === undefined) return;
    this.#end(this.#question);
    this.#poll(Math.max(this.#burstLeft, 1));
  }

  stop(): void {
    this.#cancel();
    if (this.#question !== undefined) this.#end(this.#question);
  }

  #poll(times: number): void {
    this.#burstLeft = times;
    if (this.#question === undefined) this.#scheduleNext();
  }

  #schedule(delayMs: number): void {
    this.#cancel();
    this.#cancel = this.#sink.clock.setTimer(delayMs, () => this.#ask(), { background: true });
  }

  /** Counts from the last question, so that a slow answer does not lengthen the interval. */
  #scheduleNext(): void {
    const paceMs = this.#paceMs();
    const sinceNs = this.#sink.clock.monotonicNs() - (this.#askedAt ?? 0n);
    const sinceMs = this.#askedAt === undefined ? Infinity : Number(sinceNs) / 1e6;
    this.#schedule(Math.max(0, paceMs - sinceMs));
  }

  #paceMs(): number {
    if (this.#burstLeft > 0) return Math.min(MIN_SPACING_MS, this.pollIntervalMs);
    const hurries = this.#missed && this.#sink.bounded === false;
    return hurries ? Math.min(RETRY_INTERVAL_MS, this.pollIntervalMs) : this.pollIntervalMs;
  }

  /** Asks, or waits until the allowance permits it. */
  #ask(): void {
    const { clock } = this.#sink;
    const { ask, timeoutMs } = this.#settings;
    const now = clock.monotonicNs();
    const waitNs = this.#allowance.waitNs(now);
    if (waitNs > 0n) {
      this.#schedule(Number(waitNs) / 1e6);
      return;
    }
    this.#allowance.take(now);
    this.#askedAt = now;
    if (this.#burstLeft > 0) this.#burstLeft--;
    const controller = new AbortController();
    const timeout = (): void => this.#miss(question, 'timeout');
    const cancelTimeout = clock.setTimer(timeoutMs, timeout, { background: true });
    const question = { sentAt: clock.monotonicNs(), controller, cancelTimeout };
    this.#question = question;
    const { signal } = controller;
    // The executor also catches what `ask` throws.
    new Promise<ServerFacts>((resolve) => resolve(ask({ signal, clock }))).then(
      (facts) => this.#answered(question, facts, clock.monotonicNs()),
      (error: unknown) => this.#miss(question, reasonOf(error) ?? 'failed', describeCause(error)),
    );
  }

  #answered(question: Question, facts: ServerFacts, receivedAt: MonotonicNs): void {
    if (this.#question !== question) return;
    const { sentAt } = question;
    const localGridNs = this.#sink.clock.monotonicGridNs;
    let sample: ClockSample;
    let heldNs: bigint;
    try {
      // Each fact is read once, because it may be a getter of the user's.
      const { serverReceivedAt, serverSentAt, serverErrorNs, leap } = facts;
      const server = { serverReceivedAt, serverSentAt, serverErrorNs, leap };
      const sourceId = this.#settings.name;
      sample = sampleFrom({ ...server, sourceId, sentAt, receivedAt, localGridNs });
      heldNs = serverSentAt - serverReceivedAt;
    } catch (error) {
      this.#miss(question, 'malformed', describeCause(error));
      return;
    }
    // Both readings were floored, so the round trip may have taken up to one grid step more.
    if (heldNs > receivedAt - sentAt + localGridNs) {
      this.#miss(question, 'hold-time');
      return;
    }
    this.#end(question);
    this.#missed = false;
    this.#scheduleNext();
    // After our own state is settled, because the clock may call or stop this source from inside.
    this.#sink.sample(sample);
  }

  #miss(question: Question, reason: string, cause?: string): void {
    if (this.#question !== question) return;
    this.#end(question);
    this.#missed = true;
    this.#scheduleNext();
    this.#sink.miss(this.#settings.name, reason, { startedAt: question.sentAt, cause });
  }

  /** The question is over: its answer no longer counts. */
  #end({ controller, cancelTimeout }: Question): void {
    this.#question = undefined;
    cancelTimeout();
    controller.abort();
  }
}
