/**
 * A process on a simulated machine. It owns a {@link SimClock}, and its callbacks run one at a
 * time. It can lose the processor anywhere, be paused, be suspended with its machine, crash, and
 * start again with only the data that it had made durable.
 *
 * **Pauses.** Real code may be pre-empted between any two lines. Simulated code may be pre-empted
 * between any two clock reads: with `preemption`, true time passes inside the running callback
 * right after a read. So a pause falls between the stamp and the send, between the arrival and the
 * stamp, and inside a bracketed pair of reads. Callbacks that become due meanwhile wait, in order.
 *
 * **Crashes.** Each start is an *incarnation*. Callbacks belong to the incarnation that set them.
 * After a crash they never run, and promises that they would have resolved stay pending, as in a
 * killed process.
 */
import type { Cancel } from '../time/clock.ts';
import { checkNumber } from '../time/errors.ts';
import { checkOptionNames } from '../time/options.ts';
import { checkRandom, checkScheduler, checkText } from './checks.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import { type ClockHost, SimClock, type SimClockOptions } from './sim-clock.ts';
import { SimStorage } from './sim-storage.ts';

/** Random pauses right after clock reads. */
export interface PreemptionOptions {
  /** The chance that a clock read is followed by a pause, 0 to 1. */
  readonly probability: number;
  /**
   * The longest such pause, ms. Lengths are spread evenly over orders of magnitude from 1 us up.
   */
  readonly maxMs: number;
}

/** The clocks of a process's machine, and how the process loses the processor. */
export interface SimProcessOptions {
  /** The clocks of its machine. Default: without errors. */
  readonly clock?: SimClockOptions | undefined;
  /**
   * How the process loses the processor. Default: never; it runs whenever it has something to do,
   * and its code takes no time.
   */
  readonly preemption?: PreemptionOptions | undefined;
}

/** The code that a process runs when it starts, and again after each crash. */
export type Main = (process: SimProcess) => void;

const NAMES: Readonly<Record<keyof SimProcessOptions, true>> = {
  clock: true,
  preemption: true,
};

/** A process on a simulated machine of its own. */
export class SimProcess {
  /** Its host on the network. */
  readonly name: string;
  /** The clocks of its machine, for the code under test. */
  readonly clock: SimClock;
  /** The disk. After a crash it holds what was synced. */
  readonly storage: SimStorage = new SimStorage();
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #preemption: PreemptionOptions | undefined;
  #incarnation = 0;
  #running = true;
  #busyUntil = 0;
  readonly #waiting: (() => void)[] = [];
  #main: Main | undefined;

  constructor(name: string, scheduler: Scheduler, random: Random, options: SimProcessOptions = {}) {
    checkText('name', name);
    checkScheduler(scheduler);
    checkRandom(random);
    checkOptionNames(options, NAMES);
    this.name = name;
    this.#scheduler = scheduler;
    this.#random = random.fork('process');
    this.#preemption = options.preemption;
    if (this.#preemption !== undefined) {
      checkNumber('preemption.probability', this.#preemption.probability, 0, 1);
      checkNumber('preemption.maxMs', this.#preemption.maxMs, 0.001, 1e9);
    }
    const host: ClockHost = {
      bind: (fn) => this.bind(fn),
      afterRead: () => this.#maybePreempted(),
    };
    this.clock = new SimClock(scheduler, random.fork('clock'), options.clock, host);
  }

  /** The number of crashes so far: 0 before the first. */
  get incarnation(): number {
    return this.#incarnation;
  }

  /** Whether it runs: false between a crash and the restart. */
  get running(): boolean {
    return this.#running;
  }

  /** Runs `main` now, and again after every {@link restart}. */
  start(main: Main): void {
    this.#main = main;
    this.bind(() => main(this))();
  }

  /**
   * Returns a callback that calls `fn` when this process has the processor, and never after this
   * incarnation has crashed.
   */
  bind<A extends readonly unknown[]>(fn: (...args: A) => void): (...args: A) => void {
    const incarnation = this.#incarnation;
    return (...args) => {
      if (!this.#running || incarnation !== this.#incarnation) return;
      if (this.#scheduler.elapsedNs >= this.#busyUntil && this.#waiting.length === 0) fn(...args);
      else this.#wait(() => incarnation === this.#incarnation && fn(...args));
    };
  }

  /**
   * The process is stopped (SIGSTOP, a long collection, an overcommitted host) for `forMs` from now
   * on. All clocks run.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when `forMs` is not a number from 0 to 1e9
   */
  pause(forMs: number): void {
    const until = this.#scheduler.elapsedNs + Math.ceil(checkNumber('forMs', forMs, 0, 1e9) * 1e6);
    this.#busyUntil = Math.max(this.#busyUntil, until);
  }

  /**
   * The machine sleeps for `forMs`: the process is paused, and a suspend happens to its clocks
   * ({@link SimClock.suspend}).
   */
  suspend(forMs: number): void {
    this.clock.suspend(forMs);
    this.pause(forMs);
  }

  /**
   * The guest is frozen for `forMs`: the process is paused, all its clocks stand still, and nothing
   * shows it.
   */
  freeze(forMs: number): void {
    this.clock.freeze(forMs);
    this.pause(forMs);
  }

  /**
   * The process is killed: nothing of this incarnation runs again, and unsynced storage is lost.
   */
  crash(): void {
    this.#running = false;
    this.#incarnation++;
    this.#waiting.length = 0;
    this.storage.crash();
  }

  /**
   * Starts `main` again after `downMs` of true time, with the storage as the crash left it.
   *
   * @returns cancels the restart
   */
  restart(downMs = 0): Cancel {
    return this.#scheduler.after(downMs * 1e6, () => {
      this.#running = true;
      if (this.#main !== undefined) this.start(this.#main);
    });
  }

  /**
   * Queues a callback that came while the process could not run. One callback runs at a time, in
   * order.
   */
  #wait(callback: () => void): void {
    this.#waiting.push(callback);
    if (this.#waiting.length === 1) this.#scheduler.at(this.#busyUntil, () => this.#runWaiting());
  }

  #runWaiting(): void {
    if (this.#scheduler.elapsedNs >= this.#busyUntil) this.#waiting.shift()?.();
    if (this.#waiting.length > 0) this.#scheduler.at(this.#busyUntil, () => this.#runWaiting());
  }

  #maybePreempted(): void {
    const preemption = this.#preemption;
    if (preemption === undefined || !this.#random.chance(preemption.probability)) return;
    // Evenly over orders of magnitude: mostly microseconds, now and then the whole of maxMs.
    const longest = Math.log(preemption.maxMs * 1e3);
    this.#scheduler.stall(Math.exp(this.#random.between(0, longest)) * 1e3);
    this.#busyUntil = Math.max(this.#busyUntil, this.#scheduler.elapsedNs);
  }
}
