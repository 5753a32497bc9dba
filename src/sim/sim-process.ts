/**
 * A process on a simulated machine: it owns a {@link SimClock}, its callbacks run one at a time, and it can
 * lose the processor anywhere, be paused, be suspended with its machine, crash, and start again with
 * nothing but what it had made durable.
 *
 * **Pauses.** Real code may be pre-empted between any two lines. Here it may be between any two clock
 * reads: with `preemption`, true time passes inside the running callback right after a read, so a pause
 * falls between the stamp and the send, between the arrival and the stamp, and inside a bracketed pair of
 * reads. Everything addressed to the process meanwhile waits, in order.
 *
 * **Crashes.** Each start is an incarnation. Callbacks belong to the incarnation that set them; after a
 * crash they never run, and promises they would have resolved stay pending, as in a killed process.
 */
import type { Cancel } from '../time/clock.ts';
import { checkNumber } from '../time/errors.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import { type ClockHost, SimClock, type SimClockOptions } from './sim-clock.ts';
import { SimStorage } from './sim-storage.ts';

export interface PreemptionOptions {
  /** The chance that a clock read is followed by a pause. */
  readonly probability: number;
  /** The longest such pause; lengths are spread evenly over orders of magnitude from 1 us up. */
  readonly maxMs: number;
}

export interface SimProcessOptions {
  readonly clock?: SimClockOptions;
  /** Absent: the process runs whenever it has something to do, and its code takes no time. */
  readonly preemption?: PreemptionOptions;
}

/** What a process runs when it starts, and again after each crash. */
export type Main = (process: SimProcess) => void;

export class SimProcess {
  readonly name: string;
  readonly clock: SimClock;
  /** Survives a crash as far as it was synced. */
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

  /** Counts starts: 0 before the first crash. */
  get incarnation(): number {
    return this.#incarnation;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Runs `main` now, and again after every {@link restart}. */
  start(main: Main): void {
    this.#main = main;
    this.bind(() => main(this))();
  }

  /** `fn`, to run when this process has the processor, and never once this incarnation has crashed. */
  bind<A extends readonly unknown[]>(fn: (...args: A) => void): (...args: A) => void {
    const incarnation = this.#incarnation;
    return (...args) => {
      if (!this.#running || incarnation !== this.#incarnation) return;
      if (this.#scheduler.elapsedNs >= this.#busyUntil && this.#waiting.length === 0) fn(...args);
      else this.#wait(() => incarnation === this.#incarnation && fn(...args));
    };
  }

  /** Stopped (SIGSTOP, a long collection, an overcommitted host) from now on; all clocks run. */
  pause(forMs: number): void {
    const until = this.#scheduler.elapsedNs + Math.ceil(checkNumber('forMs', forMs, 0, 1e9) * 1e6);
    this.#busyUntil = Math.max(this.#busyUntil, until);
  }

  /** The machine sleeps: the process is paused and the clocks do what a suspend does to them. */
  suspend(forMs: number): void {
    this.clock.suspend(forMs);
    this.pause(forMs);
  }

  /** The guest is frozen: the process is paused, all its clocks stand still, and nothing tells. */
  freeze(forMs: number): void {
    this.clock.freeze(forMs);
    this.pause(forMs);
  }

  /** Killed: nothing of this incarnation runs again, and unsynced storage is gone. */
  crash(): void {
    this.#running = false;
    this.#incarnation++;
    this.#waiting.length = 0;
    this.storage.crash();
  }

  /** Starts `main` again after `downMs` of true time, with what storage kept. */
  restart(downMs = 0): Cancel {
    return this.#scheduler.after(downMs * 1e6, () => {
      this.#running = true;
      if (this.#main !== undefined) this.start(this.#main);
    });
  }

  /** Queues what came while the process could not run; one callback runs at a time, in order. */
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
