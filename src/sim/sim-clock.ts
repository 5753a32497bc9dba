/**
 * A machine's clocks, as functions of true time: a {@link Clock} for code under test, with options
 * and methods for everything that goes wrong with real clocks.
 *
 *     monotonic = uptime + count(true time)                    an {@link Oscillator}
 *     wall      = origin of the world + count + wall offset    steps and suspends move the offset
 *     boot      = uptime + count + time suspended
 *
 * All three share one counter, as on Linux:
 * - A slew by the time daemon moves monotonic and wall clock together.
 * - A step moves only the wall clock.
 * - A suspend stops the monotonic clock while wall and boot clock go on.
 * - A frozen guest stops all three, and none of them shows it. A VMClock does, if there is one.
 *
 * Readings are rounded down to the grids that `monotonicGridNs` and `wallGridNs` announce, so both
 * promises of `Clock` hold exactly. Timers run on the monotonic clock, by inverting the counter:
 * they slow down with it, stand still with it, and fire as early or late as the options say.
 */
import type { Cancel, Clock } from '../time/clock.ts';
import { checkNumber } from '../time/errors.ts';
import { asMonotonicNs, asUnixNs, type MonotonicNs, type UnixNs } from '../time/instant.ts';
import { jsonForm } from '../time/json.ts';
import { checkOptionNames } from '../time/options.ts';
import { checkRandom, checkScheduler } from './checks.ts';
import { Oscillator, type OscillatorOptions } from './oscillator.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** A machine's clocks and their errors. Each absent option has its default. */
export interface SimClockOptions extends OscillatorOptions {
  /** The monotonic clock's reading when the world began, ms. Default 1e9 ms: 11 days of uptime. */
  readonly uptimeMs?: number | undefined;
  /** Wall clock minus true time when the world began, ms. Default 0. */
  readonly wallOffsetMs?: number | undefined;
  /** The grid of the monotonic clock, ns. Default 1 ns. */
  readonly monotonicGridNs?: number | undefined;
  /** The grid of the wall clock, ns. Default 1 ms, as `Date.now()` has. */
  readonly wallGridNs?: number | undefined;
  /**
   * What a suspend does. `'stops-monotonic'` (default): as on Linux, the monotonic clock stops and
   * the boot clock goes on. `'counts'`: as on macOS, the monotonic clock goes on, there is no boot
   * clock, and a suspend looks like a long pause.
   */
  readonly suspend?: 'stops-monotonic' | 'counts' | undefined;
  /**
   * Whether the hypervisor has a VMClock, whose disruption marker changes when a freeze ends.
   * Default `false`: nothing records a freeze.
   */
  readonly vmClock?: boolean | undefined;
  /** A timer fires up to this much early, ms. Default 0; Node's timers do, by up to 1 ms. */
  readonly timerEarlyMs?: number | undefined;
  /** A timer fires up to this much late, ms, pauses not counted. Default 0. */
  readonly timerLateMs?: number | undefined;
  /**
   * The least time between two turns of the event loop, and the least that an early timer takes,
   * ms. Without it, code that yields (or sleeps for the rest of an early timer) until time has
   * passed would loop for ever. Default 0.01.
   */
  readonly turnMs?: number | undefined;
}

/**
 * What a `SimProcess` adds to a bare clock: its callbacks wait until it can run them, and its code
 * can be pre-empted.
 */
export interface ClockHost {
  /** Wraps a callback so that it runs when, and only if, the process that set it can run it. */
  bind(fn: () => void): () => void;
  /** Called after each clock read: the process may lose the processor here. */
  afterRead(): void;
}

const BOOT_GRID_NS = 10_000_000n;
const MAX_TIMER_MS = 0x7fff_ffff;

const NAMES: Readonly<Record<keyof SimClockOptions, true>> = {
  driftPpm: true,
  temperature: true,
  wander: true,
  uptimeMs: true,
  wallOffsetMs: true,
  monotonicGridNs: true,
  wallGridNs: true,
  suspend: true,
  vmClock: true,
  timerEarlyMs: true,
  timerLateMs: true,
  turnMs: true,
};

/** A simulated machine's clocks, as a {@link Clock} for code under test. */
export class SimClock implements Clock {
  readonly monotonicGridNs: bigint;
  readonly wallGridNs: bigint;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #host: ClockHost | undefined;
  readonly #oscillator: Oscillator;
  readonly #options: SimClockOptions;
  readonly #uptimeNs: bigint;
  readonly #turnNs: number;
  #wallOffsetNs: bigint;
  #suspendedNs = 0n;
  #disruptions = 0n;
  #stoppedUntil = 0;
  #turnedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param host omitted: callbacks run when due, and reading takes no time
   * @throws ArgumentTypeError, ArgumentRangeError when an argument or an option has the wrong type
   *   or range
   */
  constructor(
    scheduler: Scheduler,
    random: Random,
    options: SimClockOptions = {},
    host?: ClockHost,
  ) {
    checkScheduler(scheduler);
    checkRandom(random);
    checkOptionNames(options, NAMES);
    const { uptimeMs = 1e9, wallOffsetMs = 0, monotonicGridNs = 1, wallGridNs = 1e6 } = options;
    const { turnMs = 0.01 } = options;
    checkNumber('uptimeMs', uptimeMs, 0, 1e12);
    checkNumber('wallOffsetMs', wallOffsetMs, -1e12, 1e12);
    checkNumber('monotonicGridNs', monotonicGridNs, 1, 1e9);
    checkNumber('wallGridNs', wallGridNs, 1, 1e9);
    this.#turnNs = checkNumber('turnMs', turnMs, 1e-6, 1e6) * 1e6;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#host = host;
    this.#options = options;
    this.#oscillator = new Oscillator(options, random.fork('oscillator'));
    this.#uptimeNs = milliseconds(uptimeMs);
    this.#wallOffsetNs = scheduler.originNs + milliseconds(wallOffsetMs);
    this.monotonicGridNs = BigInt(Math.round(monotonicGridNs));
    this.wallGridNs = BigInt(Math.round(wallGridNs));
  }

  // Fields and not methods, for callers that capture them (docs/internals/performance.md).
  readonly monotonicNs = (): MonotonicNs => {
    const exact = this.#uptimeNs + this.#count();
    this.#host?.afterRead();
    return asMonotonicNs(exact - (exact % this.monotonicGridNs));
  };

  readonly wallNs = (): UnixNs => {
    const exact = this.#wallOffsetNs + this.#count();
    this.#host?.afterRead();
    return asUnixNs(exact);
  };

  wallReadNs(): UnixNs {
    const exact = this.#wallOffsetNs + this.#count();
    this.#host?.afterRead();
    return asUnixNs(exact - (exact % this.wallGridNs));
  }

  wallMs(): number {
    return Number(this.wallReadNs()) / 1e6;
  }

  toJSON(): unknown {
    return jsonForm(this);
  }

  bootNs(): bigint | undefined {
    if (this.#options.suspend === 'counts') return undefined;
    const exact = this.#uptimeNs + this.#suspendedNs + this.#count();
    return exact - (exact % BOOT_GRID_NS);
  }

  disruptionMarker(): bigint | undefined {
    return this.#options.vmClock === true ? 1n + this.#disruptions : undefined;
  }

  setTimer(delayMs: number, fn: () => void): Cancel {
    const { timerEarlyMs = 0, timerLateMs = 0 } = this.#options;
    const delayNs = Math.min(Math.max(0, delayMs), MAX_TIMER_MS) * 1e6;
    const error = this.#random.between(-timerEarlyMs, timerLateMs) * 1e6;
    return this.#onceCounted(Math.max(delayNs + error, Math.min(delayNs, this.#turnNs)), fn);
  }

  nextTurn(fn: () => void): Cancel {
    const at = Math.max(this.#scheduler.elapsedNs, this.#turnedAt + this.#turnNs);
    const turn = (): void => {
      this.#turnedAt = this.#scheduler.elapsedNs;
      fn();
    };
    return this.#scheduler.at(at, this.#bound(turn));
  }

  /** The rate error now, ppm: positive runs fast; -1e6 when stopped. */
  rateErrorPpm(): number {
    return this.#oscillator.rateAt(this.#scheduler.elapsedNs) * 1e6;
  }

  /** Wall clock minus true time now, ns. For oracles and simulated time daemons. */
  wallErrorNs(): bigint {
    return this.#wallOffsetNs + this.#count() - this.#scheduler.trueNs();
  }

  /**
   * Steps the wall clock by `byMs`, as an administrator or a time daemon does. The monotonic clock
   * is not affected.
   */
  stepWall(byMs: number): void {
    this.#wallOffsetNs += milliseconds(byMs);
  }

  /** A time daemon slews monotonic and wall clock by `ppm` from now on; 0 ends it. */
  slew(ppm: number): void {
    this.#oscillator.slew(this.#scheduler.elapsedNs, ppm);
  }

  /**
   * The machine sleeps for `forMs`: wall and boot clock go on, and the monotonic clock stops unless
   * the option `suspend` is `'counts'`. The process that owns this clock should be paused
   * meanwhile: `SimProcess.suspend` does both.
   */
  suspend(forMs: number): void {
    if (this.#options.suspend === 'counts') return;
    this.#stop(forMs, (stoppedNs) => {
      this.#wallOffsetNs += stoppedNs;
      this.#suspendedNs += stoppedNs;
    });
  }

  /**
   * All clocks of the machine stand still for `forMs`: a guest frozen by its hypervisor, a broken
   * counter. Nothing records it unless the option `vmClock` is set. Without it a client can only
   * notice it by an exchange with another machine.
   */
  freeze(forMs: number): void {
    this.#stop(forMs, () => this.#disruptions++);
  }

  #stop(forMs: number, onResume: (stoppedNs: bigint) => void): void {
    const now = this.#scheduler.elapsedNs;
    if (now < this.#stoppedUntil) {
      this.#scheduler.at(this.#stoppedUntil, () => this.#stop(forMs, onResume));
      return;
    }
    const until = now + Math.ceil(checkNumber('forMs', forMs, 0, 1e9) * 1e6);
    this.#stoppedUntil = until;
    this.#oscillator.stop(now);
    this.#scheduler.at(until, () => {
      this.#oscillator.resume(until);
      onResume(BigInt(until - now));
    });
  }

  #count(): bigint {
    return BigInt(this.#oscillator.count(this.#scheduler.elapsedNs));
  }

  /**
   * Runs `fn` once the counter has advanced by `ns`. When the rate falls meanwhile, it waits
   * longer. When the rate rises, it is late by the difference, as a timer may be.
   */
  #onceCounted(ns: number, fn: () => void): Cancel {
    const bound = this.#bound(fn);
    // Whole ns: a remaining fraction would be lost in `now + left`, and the timer would never fire.
    const due = Math.ceil(this.#oscillator.count(this.#scheduler.elapsedNs) + ns);
    let cancel: Cancel = () => {};
    const arm = (): void => {
      const now = this.#scheduler.elapsedNs;
      const left = Math.max(0, due - this.#oscillator.count(now));
      const rate = this.#oscillator.rateAt(now);
      const at = rate === -1 ? this.#stoppedUntil : now + left / (1 + rate);
      cancel = this.#scheduler.at(at, () => {
        if (this.#oscillator.count(this.#scheduler.elapsedNs) >= due) bound();
        else arm();
      });
    };
    arm();
    return () => cancel();
  }

  #bound(fn: () => void): () => void {
    return this.#host === undefined ? fn : this.#host.bind(fn);
  }
}

function milliseconds(value: number): bigint {
  return BigInt(Math.round(value * 1e6));
}
