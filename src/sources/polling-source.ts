/**
 * A source of time that asks one server again and again, for everybody who has a way to ask: a
 * request over HTTP, a message port, a WebSocket, a serial line. Only `ask` is left to write.
 *
 * What is done here, once:
 *
 * - *Stamps.* The monotonic clock is read right before the call of `ask` and right after its
 *   promise settles. Whatever passes in between can only make the sample wider. `ask` may know of
 *   readings nearer to the wire; they are used only if they lie in between.
 * - *When to ask.* At the start, and when the clock has lost its bound, four times a second apart.
 *   Then once per interval, counted from the last question. A server that does not answer is asked
 *   again after 10 s while the clock has no bound.
 * - *Politeness.* Every question is taken from one allowance (allowance.ts), for whatever reason.
 *   A source that is started again on the same clock goes on with the allowance that it had.
 * - *Ends.* Only one question is under way. After the time limit it is over: the signal is aborted,
 *   and an answer that comes later counts for nothing. The same holds when the local clock was
 *   stepped or suspended meanwhile, but then it is not a miss.
 *
 * Whatever `ask` does is a sample or a miss: it may throw, reject, answer nonsense or never answer.
 */
import type { ClockSample } from '../bound/clock-sample.ts';
import { checkTimescale, type Timescale } from '../bound/timescale.ts';
import { checkDetails } from '../bounded-clock/details.ts';
import type { RunningSource, SourceSink, TimeSource } from '../bounded-clock/time-source.ts';
import type { Clock } from '../time/clock.ts';
import { ArgumentRangeError, ArgumentTypeError, checkNumber } from '../time/errors.ts';
import type { MonotonicNs } from '../time/instant.ts';
import { checkOptionNames } from '../time/options.ts';
import { Allowance, MIN_SPACING_MS } from './allowance.ts';
import { AskMiss } from './ask-miss.ts';
import { describeCause, reasonOf } from './cause.ts';
import { type ServerFacts, sampleFrom } from './sample-from.ts';

/** What `ask` of {@link pollingSource} has found out. */
export interface AskedFacts extends ServerFacts {
  /**
   * A reading of `clock` from before the request left, nearer to that than the call of `ask`.
   * Default: the reading right before the call.
   */
  readonly sentAt?: MonotonicNs | undefined;
  /**
   * A reading of `clock` from after the answer had arrived. Default: the reading right after the
   * promise settled. Unless both readings lie in order between the defaults, neither is used.
   */
  readonly receivedAt?: MonotonicNs | undefined;
}

/** Options of {@link pollingSource}. */
export interface PollingSourceOptions {
  /** Names the source and its one vote: 1 to 256 characters. */
  readonly name: string;
  /**
   * Asks the server once. The answer must belong to this very question: over a connection that is
   * given; over datagrams, send 64 random bits and refuse an answer without them.
   *
   * `signal` is aborted when the question is over without an answer that counts, so that what it
   * holds can be released. `clock` is the clock on which the source runs, for sources that read
   * this machine's own clocks.
   *
   * A rejection is a miss. An error with a `reason` of lower-case words joined by `-`, such as
   * `'not-synchronized'`, is counted under it, any other one under `failed`. Its `code` or its
   * message is shown by `explain()`.
   */
  readonly ask: (options: {
    readonly signal: AbortSignal;
    readonly clock: Clock;
  }) => PromiseLike<AskedFacts>;
  /** Interval between questions, 1 ms to 1 h. Default 16 s. */
  readonly pollIntervalMs?: number | undefined;
  /** How long to wait for an answer, 1 ms to 60 s. Default 1 s. */
  readonly timeoutMs?: number | undefined;
  /** For people: whose claim the answers rest on. `explain()` repeats it. */
  readonly restsOn?: string | undefined;
  /** What the server does at a leap second. Default `'unknown'`. */
  readonly timescale?: Timescale | undefined;
}

const NAMES: Readonly<Record<keyof PollingSourceOptions, true>> = {
  name: true,
  ask: true,
  pollIntervalMs: true,
  timeoutMs: true,
  restsOn: true,
  timescale: true,
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
 * reason that its error has; `malformed` when its answer is not what {@link ServerFacts} says;
 * `hold-time` when the server states that it held the question for longer than the round trip took
 * and its error explains.
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
  const allowances = new WeakMap<Clock, Allowance>();
  const timescale = checkTimescale('timescale', options.timescale);
  return {
    name,
    maxEndpoints: 1,
    restsOn,
    timescale,
    start: (sink) => {
      const allowance =
        allowances.get(sink.clock) ?? new Allowance(settings.pollIntervalMs, REFILL_MS);
      allowances.set(sink.clock, allowance);
      return new Polling(settings, sink, allowance);
    },
  };
}

type Settings = Pick<PollingSourceOptions, 'name' | 'ask'> & {
  readonly pollIntervalMs: number;
  readonly timeoutMs: number;
};

/** Two readings between which an exchange took place. */
export interface Bracket {
  readonly sentAt: MonotonicNs;
  readonly receivedAt: MonotonicNs;
}

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

  constructor(settings: Settings, sink: SourceSink, allowance: Allowance) {
    this.#settings = settings;
    this.#sink = sink;
    this.pollIntervalMs = settings.pollIntervalMs;
    this.#allowance = allowance;
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
    new Promise<AskedFacts>((resolve) => resolve(ask({ signal, clock }))).then(
      (answer) => this.#answered(question, answer, clock.monotonicNs()),
      (error: unknown) => this.#miss(question, reasonOf(error) ?? 'failed', causeOf(error)),
    );
  }

  #answered(question: Question, answer: AskedFacts, settledAt: MonotonicNs): void {
    if (this.#question !== question) return;
    const outer = { sentAt: question.sentAt, receivedAt: settledAt };
    const localGridNs = this.#sink.clock.monotonicGridNs;
    let sample: ClockSample;
    let heldNs: bigint;
    let lines: readonly string[] | undefined;
    try {
      // Each fact is read once, because it may be a getter of the user's.
      const { serverReceivedAt, serverSentAt, serverErrorNs, leap } = answer;
      const { sentAt = outer.sentAt, receivedAt = outer.receivedAt } = answer;
      const server = { serverReceivedAt, serverSentAt, serverErrorNs, leap };
      const bracket = innerBracket(outer, { sentAt, receivedAt });
      const sourceId = this.#settings.name;
      sample = sampleFrom({ ...server, ...bracket, sourceId, localGridNs });
      heldNs = serverSentAt - serverReceivedAt;
      const { details } = answer;
      lines = details === undefined ? undefined : checkDetails(details);
    } catch (error) {
      this.#miss(question, 'malformed', describeCause(error));
      return;
    }
    // Both readings were floored, so the round trip may have taken up to one grid step more. And
    // the server's clock may have been corrected between its two stamps.
    const { sentAt, receivedAt, serverErrorNs } = sample;
    if (heldNs > receivedAt - sentAt + localGridNs + 2n * serverErrorNs) {
      this.#miss(question, 'hold-time');
      return;
    }
    // Not aborted: a browser would show its request as cancelled, though all of it came.
    this.#over(question);
    this.#missed = false;
    this.#scheduleNext();
    // After our own state is settled, because the clock may call or stop this source from inside.
    if (lines !== undefined) this.#sink.describe?.(this.#settings.name, lines);
    this.#sink.sample(sample);
  }

  #miss(question: Question, reason: string, cause?: string): void {
    if (this.#question !== question) return;
    this.#end(question);
    this.#missed = true;
    this.#scheduleNext();
    this.#sink.miss(this.#settings.name, reason, { startedAt: question.sentAt, cause });
  }

  /** Without an answer, or without one that counts. */
  #end(question: Question): void {
    this.#over(question);
    question.controller.abort();
  }

  /** From now on its answer no longer counts. */
  #over({ cancelTimeout }: Question): void {
    this.#question = undefined;
    cancelTimeout();
  }
}

/** Never throws: `instanceof` does, of a revoked proxy. */
function causeOf(error: unknown): string | undefined {
  try {
    if (error instanceof AskMiss) return error.details;
  } catch {} // it is described below
  return describeCause(error);
}

/** `inner` when it lies in order inside of `outer`, otherwise `outer`. */
export function innerBracket(outer: Bracket, inner: Bracket): Bracket {
  const { sentAt, receivedAt } = inner;
  const ordered = outer.sentAt <= sentAt && sentAt <= receivedAt;
  return ordered && receivedAt <= outer.receivedAt ? inner : outer;
}
