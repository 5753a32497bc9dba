/**
 * How long to wait for an answer, learned from the answers.
 *
 * Problem. A fixed timeout is wrong in both directions, and retries without a limit turn a slow
 * service into a dead one.
 *
 * Idea. RFC 6298, which has kept TCP from collapsing since 1988, for calls of any kind:
 *
 * - The timeout follows the latencies (latency-models.ts).
 * - *Back-off*: a timeout doubles it, until an answer comes. Calls that were under way together
 *   double it once, as a window of TCP does.
 * - *Karn's rule*: an answer to a call that was retried does not count as a sample, because it may
 *   be the answer to the first attempt. With a hedge beside it, the first attempt was not given up:
 *   its own answer counts.
 * - *A budget* for retries and hedges (retry-budget.ts).
 * - *Our own pauses* do not count, where a `PauseMeter` is given: a call is granted the time in
 *   which we did not run, up to its timeout once more, and a latency measured across a pause is
 *   dropped.
 *
 * An answer that was not waited for yields no latency, so the latencies alone say nothing of what
 * is slower than the timeout. The back-off is what lets the timeout grow beyond it.
 */
import type { Cancel, Clock } from '../time/clock.ts';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  checkMethods,
  checkNumber,
} from '../time/errors.ts';
import { checkOptionNames } from '../time/options.ts';
import { AdaptiveTimeoutError } from './errors.ts';
import { type LatencyModel, QuantileModel, RoundTripModel } from './latency-models.ts';
import { checkPauses, type PauseMeter } from './pause-meter.ts';
import { RetryBudget } from './retry-budget.ts';

/** Options of {@link AdaptiveTimeout}. */
export interface AdaptiveTimeoutOptions {
  /** The clock of this thread, such as `systemClock()`. */
  readonly clock: Clock;
  /**
   * `'rfc6298'` (default): mean and deviation. `'quantile'`: a high quantile of the newest, for
   * latencies with two humps.
   */
  readonly model?: 'rfc6298' | 'quantile' | undefined;
  /** The timeout before there are samples, 1 to 86,400,000 ms. Default 1000. */
  readonly firstTimeoutMs?: number | undefined;
  /** Never shorter, 1 to 86,400,000 ms. Default 200, as in Linux; the RFC says 1000. */
  readonly minTimeoutMs?: number | undefined;
  /** Never longer, `minTimeoutMs` to 86,400,000 ms. Default 60,000. */
  readonly maxTimeoutMs?: number | undefined;
  /** The quantile of the model `'quantile'`, 0.5 to 1. Default 0.999. */
  readonly quantile?: number | undefined;
  /** The timeout is this many times the quantile, 1 to 100. Default 2. */
  readonly quantileFactor?: number | undefined;
  /** How many of the newest latencies the quantile is of, 20 to 10,000. Default 1000. */
  readonly windowSize?: number | undefined;
  /** Retries and hedges per first attempt, 0 to 1, to a millionth. Default 0.1. */
  readonly retryRatio?: number | undefined;
  /**
   * So many of them are free at first, and saved up at most: a whole number from 0 to 1000, where 0
   * means that there are none at all. Default 10.
   */
  readonly retryBurst?: number | undefined;
  /** Subtracts our own pauses. */
  readonly pauses?: PauseMeter | undefined;
}

const NAMES: Readonly<Record<keyof AdaptiveTimeoutOptions, true>> = {
  clock: true,
  model: true,
  firstTimeoutMs: true,
  minTimeoutMs: true,
  maxTimeoutMs: true,
  quantile: true,
  quantileFactor: true,
  windowSize: true,
  retryRatio: true,
  retryBurst: true,
  pauses: true,
};

/** Options of {@link AdaptiveTimeout.race}. */
export interface RaceOptions {
  /** Ends the race: it is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Attempts after timeouts, the first one included, 1 to 10. Default 1: no retry. */
  readonly attempts?: number | undefined;
  /**
   * Whether to start a second attempt beside one that has not answered after `hedgeMs`. Only for
   * calls that may be done twice. Default `false`.
   */
  readonly hedge?: boolean | undefined;
}

const RACE_NAMES: Readonly<Record<keyof RaceOptions, true>> = {
  signal: true,
  attempts: true,
  hedge: true,
};

const DAY_MS = 86_400_000;
const HEDGE_QUANTILE = 0.95;
/** More doublings than it takes from 1 ms to a day. */
const MAX_BACK_OFF = 30;

/** What one race shares with its attempts. */
interface Race<T> {
  readonly run: (signal: AbortSignal) => Promise<T> | T;
  /** Ends the race. The signal of the winner is not aborted: its answer may still be read. */
  readonly settle: (end: () => void, winner?: AbortController) => void;
  readonly controllers: AbortController[];
  readonly timers: Set<Cancel>;
  /** Ends it with an error, such as one of a clock that throws. */
  readonly fail: (error: unknown) => void;
  readonly attempts: number;
  /** Attempts under way. */
  pending: number;
  started: number;
  over: boolean;
}

/**
 * A timeout that follows the latencies of one kind of call to one peer.
 *
 * @example
 * const timeout = new AdaptiveTimeout({ clock: systemClock() });
 * timeout.timeoutMs // 1000
 * const answer = await timeout.race(async (signal) => 42, { attempts: 2 });
 * timeout.timeoutMs < 1000 // true
 */
export class AdaptiveTimeout {
  readonly #clock: Clock;
  readonly #model: LatencyModel;
  readonly #firstMs: number;
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #budget: RetryBudget;
  readonly #pauses: PauseMeter | undefined;
  readonly #now = new BigInt64Array(1);
  readonly #totals = new Float64Array(2);
  #backOff = 0;

  /** @throws ArgumentTypeError, ArgumentRangeError naming the option at fault */
  constructor(options: AdaptiveTimeoutOptions) {
    const { clock, model = 'rfc6298' } = checkOptionNames(options, NAMES);
    const { firstTimeoutMs = 1000, minTimeoutMs = 200, maxTimeoutMs = 60_000 } = options;
    const { quantile = 0.999, quantileFactor = 2, windowSize = 1000 } = options;
    const { retryRatio = 0.1, retryBurst = 10, pauses } = options;
    checkMethods('clock', 'a Clock', clock, ['monotonicNs', 'setTimer']);
    if (model !== 'rfc6298' && model !== 'quantile') {
      throw new ArgumentRangeError('model', "'rfc6298' or 'quantile'", model);
    }
    this.#clock = clock;
    this.#firstMs = checkNumber('firstTimeoutMs', firstTimeoutMs, 1, DAY_MS);
    this.#minMs = checkNumber('minTimeoutMs', minTimeoutMs, 1, DAY_MS);
    this.#maxMs = checkNumber('maxTimeoutMs', maxTimeoutMs, this.#minMs, DAY_MS);
    checkNumber('quantile', quantile, 0.5, 1);
    checkNumber('quantileFactor', quantileFactor, 1, 100);
    if (!Number.isInteger(checkNumber('windowSize', windowSize, 20, 10_000))) {
      throw new ArgumentRangeError('windowSize', 'a whole number', windowSize);
    }
    if (!Number.isInteger(checkNumber('retryBurst', retryBurst, 0, 1000))) {
      throw new ArgumentRangeError('retryBurst', 'a whole number', retryBurst);
    }
    this.#budget = new RetryBudget(checkNumber('retryRatio', retryRatio, 0, 1), retryBurst);
    this.#pauses = checkPauses(pauses, clock);
    this.#model =
      model === 'rfc6298'
        ? new RoundTripModel(Number(clock.monotonicGridNs ?? 0n) / 1e6)
        : new QuantileModel({
            ...{ windowSize, quantile, factor: quantileFactor },
            hedgeQuantile: HEDGE_QUANTILE,
          });
  }

  /** How long to wait for an answer now, ms: `minTimeoutMs` to `maxTimeoutMs`. */
  get timeoutMs(): number {
    const learned = this.#model.timeoutMs() ?? this.#firstMs;
    const doubled = Math.max(learned, this.#minMs) * (1 << this.#backOff);
    return Math.min(doubled, this.#maxMs);
  }

  /**
   * After how long to send a second request beside the first, ms: about one answer in twenty takes
   * longer. At most `timeoutMs`.
   */
  get hedgeMs(): number {
    return Math.min(this.#model.hedgeMs() ?? this.#firstMs, this.timeoutMs);
  }

  /**
   * Tells the latency of a call that was not retried, and ends the back-off. `race` does it by
   * itself.
   *
   * @param ms 0 to 86,400,000
   * @throws ArgumentTypeError, ArgumentRangeError for any other `ms`
   */
  observe(ms: number): void {
    this.#model.observe(checkNumber('ms', ms, 0, DAY_MS));
    this.#backOff = 0;
  }

  /**
   * Calls `run`, and waits for its promise for `timeoutMs`. With `attempts`, it is called again
   * after a timeout; with `hedge`, a second time beside the first. The first answer counts. The
   * signals of all other attempts are aborted, and what they answer is dropped.
   *
   * Rejects with
   * - {@link AdaptiveTimeoutError} (`ERR_ADAPTIVE_TIMEOUT`) when no answer came;
   * - whatever `run` throws or rejects with, which is not retried;
   * - `signal.reason` on abort;
   * - ArgumentTypeError, ArgumentRangeError for a bad argument.
   */
  race<T>(run: (signal: AbortSignal) => Promise<T> | T, options: RaceOptions = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      if (typeof run !== 'function') throw new ArgumentTypeError('run', 'a function', run);
      const { signal, attempts = 1, hedge = false } = checkOptionNames(options, RACE_NAMES);
      if (!Number.isInteger(checkNumber('attempts', attempts, 1, 10))) {
        throw new ArgumentRangeError('attempts', 'a whole number', attempts);
      }
      if (typeof hedge !== 'boolean') throw new ArgumentTypeError('hedge', 'a boolean', hedge);
      if (signal !== undefined) {
        checkMethods('signal', 'an AbortSignal', signal, ['throwIfAborted', 'addEventListener']);
        signal.throwIfAborted();
      }
      const race: Race<T> = {
        ...{ controllers: [], timers: new Set<Cancel>(), attempts },
        ...{ pending: 0, started: 0, over: false },
        run,
        fail: (error) => race.settle(() => reject(error)),
        settle(end, winner) {
          if (race.over) return;
          race.over = true;
          signal?.removeEventListener('abort', onAbort);
          for (const cancel of race.timers) cancel();
          end();
          for (const each of race.controllers) if (each !== winner) each.abort();
        },
      };
      const onAbort = (): void => race.fail(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#budget.earn();
      if (hedge) {
        this.#timer(race, this.hedgeMs, () => {
          if (race.started === 1 && this.#budget.spend()) this.#attempt(race, resolve);
        });
      }
      guarded(race, () => this.#attempt(race, resolve));
    });
  }

  #attempt<T>(race: Race<T>, resolve: (value: T) => void): void {
    const controller = new AbortController();
    race.controllers.push(controller);
    race.started++;
    race.pending++;
    const first = race.started === 1;
    const ms = this.timeoutMs;
    const backOff = this.#backOff;
    const startedAt = this.#clock.monotonicNs();
    const pausedAtStart = this.#pausedNs();
    let pausedNs = pausedAtStart;
    let leftMs = ms;
    const onTimeout = (): void => {
      const moreMs = Math.min((this.#pausedNs() - pausedNs) / 1e6, leftMs);
      pausedNs = this.#pausedNs();
      if (moreMs > 0) {
        // The answer may have come while we did not run.
        leftMs -= moreMs;
        this.#timer(race, moreMs, onTimeout);
        return;
      }
      this.#timedOut(backOff);
      race.pending--;
      controller.abort(new AdaptiveTimeoutError(ms, race.started, 'timeout'));
      if (race.over || race.pending > 0) return;
      const again = race.started < race.attempts;
      if (again && this.#budget.spend()) {
        this.#attempt(race, resolve);
        return;
      }
      const reason = again ? 'budget' : 'timeout';
      race.fail(new AdaptiveTimeoutError(ms, race.started, reason));
    };
    this.#timer(race, ms, onTimeout);
    answerOf(() => race.run(controller.signal)).then(
      (value) => {
        if (race.over) return;
        guarded(race, () => {
          if (!first || controller.signal.aborted) return;
          this.#backOff = 0;
          if (this.#pausedNs() !== pausedAtStart) return;
          const elapsedMs = Number(this.#clock.monotonicNs() - startedAt) / 1e6;
          this.observe(Math.min(Math.max(0, elapsedMs), DAY_MS));
        });
        race.settle(() => resolve(value), controller);
      },
      (error: unknown) => {
        // An attempt that was given up rejects because of that.
        if (!controller.signal.aborted) race.fail(error);
      },
    );
  }

  #timer<T>(race: Race<T>, ms: number, fn: () => void): void {
    const cancel = this.#clock.setTimer(ms, () => {
      race.timers.delete(cancel);
      if (!race.over) guarded(race, fn);
    });
    race.timers.add(cancel);
  }

  /** Doubles the timeout, unless it was doubled since the attempt began. */
  #timedOut(backOffThen: number): void {
    if (this.#backOff === backOffThen) this.#backOff = Math.min(backOffThen + 1, MAX_BACK_OFF);
  }

  /** How long this thread was paused so far, ns; 0 without a meter. */
  #pausedNs(): number {
    if (this.#pauses === undefined) return 0;
    this.#now[0] = this.#clock.monotonicNs();
    this.#pauses.totalsAt(this.#now, this.#totals);
    return this.#totals[0]!;
  }
}

/** A clock that throws ends the race with its error. */
function guarded<T>(race: Race<T>, fn: () => void): void {
  try {
    fn();
  } catch (error) {
    race.fail(error);
  }
}

/** What `run` returns, or throws, as a promise. */
async function answerOf<T>(run: () => Promise<T> | T): Promise<T> {
  return await run();
}
