/// <reference lib="esnext.disposable" preserve="true" />
/**
 * How long this thread did not run when it should have.
 *
 * Problem. Most false alarms about a peer are a pause of the observer. A meter of such pauses must
 * not have a moment at which it looks away: `monitorEventLoopDelay().reset()` drops the interval in
 * which it was called, and that is the one with the pause, because who was paused looks at the
 * meter next.
 *
 * Idea. A timer in the background, due every `everyMs`. How much later it fires is a pause. Nothing
 * is ever reset: each tick is compared with the one before, and a question that comes before the
 * late tick (`longestNs`, a failure detector) counts what is overdue already.
 *
 * What is known of a pause. It ended when the timer fired, and lasted at least as long as the timer
 * was late: that is what is told. It may have begun up to `everyMs` before the timer was due. To
 * add that time because the event loop was busy in it would be wrong. A loop with one task after
 * the other is busy all the time, reads its sockets in between, and can judge who is silent.
 *
 * The sleep of a machine is no pause to a clock that stood still in it. The jump detector finds it
 * by the other clocks.
 */
import type { Cancel, Clock } from '../time/clock.ts';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  checkMethods,
  checkNumber,
} from '../time/errors.ts';
import type { MonotonicNs } from '../time/instant.ts';
import { Int64Slots } from '../time/int64-slots.ts';
import { jsonForm } from '../time/json.ts';
import { JumpDetector } from '../time/jump-detector.ts';
import { Listeners } from '../time/listeners.ts';
import { checkOptionNames } from '../time/options.ts';
import { nsFromMsUp } from '../time/rounding.ts';
import { LongestPauses } from './longest-pauses.ts';
import { type PauseDistribution, PauseHistogram } from './pause-histogram.ts';
import { type ProcessFacts, processFacts } from './process-facts.ts';

/**
 * What a pause was, as far as can be told:
 *
 * - `'blocked'`: the event loop was busy and used the processor for at least half of it.
 * - `'garbage-collection'`: garbage was collected for at least half of it.
 * - `'stopped'`: the thread used the processor for less than half of it. It was stopped (SIGSTOP, a
 *   debugger, a frozen container), had to wait for a processor, or waited in a synchronous call.
 * - `'suspended'`: the machine slept, and the monotonic clock stood still.
 * - `'unknown'`: the runtime does not tell, or the clock is not the system's.
 */
export type PauseKind = 'blocked' | 'garbage-collection' | 'stopped' | 'suspended' | 'unknown';

/** A pause that has ended. */
export class PauseEvent {
  /** What it was. */
  readonly kind: PauseKind;
  /** How long it lasted, ns: up to `everyMs` less than that, never more. */
  readonly pauseNs: bigint;
  /** When it was noticed, on the monotonic clock. */
  readonly endedAt: MonotonicNs;

  /** @internal */
  constructor(kind: PauseKind, pauseNs: bigint, endedAt: MonotonicNs) {
    this.kind = kind;
    this.pauseNs = pauseNs;
    this.endedAt = endedAt;
  }

  /** The fields, with bigints as decimal strings. */
  toJSON(): Record<string, unknown> {
    return jsonForm(this);
  }
}

/** Options of {@link PauseMeter.start}. */
export interface PauseMeterOptions {
  /** The clock of this thread, such as `systemClock()`. */
  readonly clock: Clock;
  /**
   * How often the meter looks, 1 to 1000 ms. Default 100. More often is more exact, and wakes an
   * idle process more often, which costs more than the look.
   */
  readonly everyMs?: number | undefined;
  /** What is shorter is no pause, 1 to 60,000 ms. Default 50. */
  readonly minPauseMs?: number | undefined;
}

const NAMES: Readonly<Record<keyof PauseMeterOptions, true>> = {
  clock: true,
  everyMs: true,
  minPauseMs: true,
};

/** When the next tick is due, the present reading, and how much later it is. */
const DUE = 0;
const NOW = 1;
const LATE = 0;

/** The totals that failure detectors subtract: while awake, and by a machine's sleep. */
const PAUSED = 0;
const SUSPENDED = 1;

/**
 * Measures how long this thread was not running. One per thread is enough. It works in worker
 * threads and in browsers; what it can tell of a pause differs ({@link PauseKind}).
 *
 * Every pause of `minPauseMs + everyMs` or more is seen, whatever the phase of the timer. Its
 * length is told up to `everyMs` too short. The timer does not keep the process alive. One
 * look costs some microseconds.
 *
 * @example
 * const pauses = PauseMeter.start({ clock: systemClock() });
 * const end = pauses.onPause(({ kind, pauseNs }) => console.log('we were', kind, pauseNs));
 * pauses.longestNs(60_000) // 0n
 * end();
 * pauses.stop();
 */
export class PauseMeter implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #everyNs: bigint;
  readonly #minNs: bigint;
  readonly #minPauseNs: number;
  readonly #facts: ProcessFacts | undefined;
  readonly #jumps: JumpDetector;
  readonly #histogram: PauseHistogram;
  readonly #longest = new LongestPauses();
  readonly #listeners = new Listeners<PauseEvent>();
  readonly #counts: Record<PauseKind, number> = {
    blocked: 0,
    'garbage-collection': 0,
    stopped: 0,
    suspended: 0,
    unknown: 0,
  };
  readonly #int64 = new Int64Slots(2, 1);
  readonly #totals = new Float64Array(2);
  readonly #turns = new Set<Cancel>();
  #cpuMs: number | undefined;
  #cancel: Cancel = () => {};
  #stopped = false;

  private constructor(options: PauseMeterOptions) {
    const { clock, everyMs = 100, minPauseMs = 50 } = checkOptionNames(options, NAMES);
    checkMethods('clock', 'a Clock', clock, ['monotonicNs', 'wallReadNs', 'setTimer', 'nextTurn']);
    this.#everyMs = checkNumber('everyMs', everyMs, 1, 1000);
    this.#everyNs = nsFromMsUp(everyMs);
    this.#minNs = nsFromMsUp(checkNumber('minPauseMs', minPauseMs, 1, 60_000));
    this.#minPauseNs = Number(this.#minNs);
    this.#clock = clock;
    this.#jumps = new JumpDetector(clock);
    this.#histogram = new PauseHistogram(Number(this.#everyNs));
    this.#int64.slots[DUE] = clock.monotonicNs() + this.#everyNs;
    this.#facts = processFacts(clock);
    this.#cpuMs = this.#facts?.cpuMs();
    this.#arm();
  }

  /**
   * Begins to measure.
   *
   * @throws ArgumentTypeError, ArgumentRangeError for a bad option. Nothing is started then.
   */
  static start(options: PauseMeterOptions): PauseMeter {
    return new PauseMeter(options);
  }

  /**
   * The longest pause that ended within the last `withinMs`, or goes on now, ns; 0n when there was
   * none. Of very many pauses within one span it may name one that ended shortly before it; it
   * never leaves out one within.
   *
   * @param withinMs 0 to 1e9
   * @throws ArgumentTypeError, ArgumentRangeError for any other `withinMs`
   */
  longestNs(withinMs: number): bigint {
    const spanNs = nsFromMsUp(checkNumber('withinMs', withinMs, 0, 1e9));
    const now = this.#clock.monotonicNs();
    const ended = this.#longest.longestNs(now - spanNs);
    const overdueNs = this.#stopped ? 0n : now - this.#int64.slots[DUE]!;
    return overdueNs >= this.#minNs && overdueNs > ended ? overdueNs : ended;
  }

  /**
   * Calls `listener` after each pause. Returns a function that ends the calls; so does `signal`.
   * What a listener throws becomes an unhandled rejection, which ends a process by Node's default,
   * and disturbs no other listener.
   *
   * @throws ArgumentTypeError when `listener` is not a function
   */
  onPause(
    listener: (event: PauseEvent) => void,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): () => void {
    return this.#listeners.add(listener, options);
  }

  /**
   * How late something that wanted to run at a random moment would have been, since the start.
   * Corrected for coordinated omission: a pause of a second counts for all that waited in it.
   */
  distribution(): PauseDistribution {
    return this.#histogram.read();
  }

  /** How many pauses of each kind there were since the start. */
  counts(): Readonly<Record<PauseKind, number>> {
    return { ...this.#counts };
  }

  /** Ends the measuring, and the calls of the listeners. Idempotent. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancel();
    for (const cancel of this.#turns) cancel();
    this.#turns.clear();
    this.#listeners.clear();
    this.#facts?.stop();
    // What is overdue has happened, whether the tick still comes or not.
    const overdueNs = this.#clock.monotonicNs() - this.#int64.slots[DUE]!;
    if (overdueNs >= this.#minNs) this.#totals[PAUSED]! += Number(overdueNs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
  }

  /**
   * @internal Writes what a failure detector subtracts to `target[0]` and `target[1]`, ns: how long
   * this thread was paused since the start, with what is overdue at `now`, and how long its machine
   * slept. Allocates nothing.
   */
  totalsAt(now: BigInt64Array, target: Float64Array): void {
    const int64 = this.#int64;
    target[0] = this.#totals[PAUSED]!;
    target[1] = this.#totals[SUSPENDED]!;
    if (this.#stopped) return;
    int64.slots[NOW] = now[0]!;
    int64.subtract(NOW, DUE, LATE);
    const late = int64.differences[LATE]!;
    if (late >= this.#minPauseNs) target[0] += late;
  }

  /** @internal Whether it measures by this clock, or by another object that reads the same. */
  isOf(clock: Clock): boolean {
    return this.#clock === clock || this.#clock.monotonicNs === clock.monotonicNs;
  }

  #arm(): void {
    this.#cancel = this.#clock.setTimer(this.#everyMs, () => this.#tick(), { background: true });
  }

  #tick(): void {
    if (this.#stopped) return;
    this.#arm(); // first: a clock that throws once must not end the measuring
    const now = this.#clock.monotonicNs();
    const lateNs = now - this.#int64.slots[DUE]!;
    this.#int64.slots[DUE] = now + this.#everyNs;
    this.#histogram.record(Math.max(0, Number(lateNs)));
    const usedMs = this.#usedMs();
    if (lateNs >= this.#minNs) this.#paused(now, lateNs, usedMs);
    this.#lookForSleep(now);
  }

  #paused(now: MonotonicNs, pauseNs: bigint, usedMs: number | undefined): void {
    this.#totals[PAUSED]! += Number(pauseNs);
    this.#longest.add(now, pauseNs);
    const pauseMs = Number(pauseNs) / 1e6;
    const beganMs = (this.#facts?.nowMs() ?? 0) - pauseMs;
    // The collector's records are there one turn later.
    this.#nextTurn(() => {
      const collectedMs = this.#facts?.collectedMs(beganMs) ?? 0;
      this.#tell(new PauseEvent(kindOf(pauseMs, usedMs, collectedMs), pauseNs, now));
    });
  }

  #lookForSleep(now: MonotonicNs): void {
    if (!this.#jumps.mayHaveJumped()) return;
    const jump = this.#jumps.check();
    if (jump?.kind === 'suspend') {
      this.#totals[SUSPENDED]! += Number(jump.suspendNs);
      this.#longest.add(now, jump.suspendNs);
      this.#nextTurn(() => this.#tell(new PauseEvent('suspended', jump.suspendNs, now)));
    } else if (jump?.kind === 'step-or-suspend' && jump.changeNs > 0n) {
      // Perhaps a sleep, so peers get the benefit of the doubt. Perhaps a step, so nothing is told.
      this.#totals[SUSPENDED]! += Number(jump.changeNs);
    }
  }

  #tell(event: PauseEvent): void {
    this.#counts[event.kind]++;
    this.#listeners.tell(event);
  }

  #nextTurn(fn: () => void): void {
    const cancel = this.#clock.nextTurn(() => {
      this.#turns.delete(cancel);
      if (!this.#stopped) fn();
    });
    this.#turns.add(cancel);
  }

  /** Processor time since the last call, ms; `undefined` where nothing tells. */
  #usedMs(): number | undefined {
    const before = this.#cpuMs;
    this.#cpuMs = this.#facts?.cpuMs();
    return before === undefined || this.#cpuMs === undefined ? undefined : this.#cpuMs - before;
  }
}

function kindOf(pauseMs: number, usedMs: number | undefined, collectedMs: number): PauseKind {
  if (collectedMs >= pauseMs / 2) return 'garbage-collection';
  if (usedMs === undefined) return 'unknown';
  return usedMs >= pauseMs / 2 ? 'blocked' : 'stopped';
}

/**
 * @throws ArgumentTypeError when `pauses` is neither a PauseMeter nor `undefined`, and
 *   ArgumentRangeError when it measures by another clock than `clock`
 */
export function checkPauses(pauses: unknown, clock?: Clock): PauseMeter | undefined {
  if (pauses === undefined) return undefined;
  if (!(pauses instanceof PauseMeter)) {
    throw new ArgumentTypeError('pauses', 'a PauseMeter', pauses);
  }
  if (clock !== undefined && !pauses.isOf(clock)) {
    throw new ArgumentRangeError('pauses', 'a PauseMeter with the same clock', pauses);
  }
  return pauses;
}
