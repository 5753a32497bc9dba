/**
 * The rule that docs/bound.md refuses, as the controller that it would be: start `disciplined`,
 * move to `free-running` once nothing has steered the clock for a quiet time, and move back at the
 * first sign of steering. It gets every advantage: it checks for signs at each reading, and hears
 * of each refutation when it happens. It knows only what a program can see. Both clocks run all the
 * time, so that a switch needs no warming up.
 */
import type { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import { ClockInterval } from '../../src/interval/time-interval.ts';
import type { Clock } from '../../src/time/clock.ts';
import { asUnixNs } from '../../src/time/instant.ts';
import { readWallOffset, WallOffset } from '../../src/time/wall-offset.ts';

export interface ProfileRuleOptions {
  readonly clock: Clock;
  readonly disciplined: BoundedClock;
  readonly freeRunning: BoundedClock;
  readonly quietMs: number;
  /** Whether the answer still includes the wall clock after the switch. Default `false`. */
  readonly keepWallGuard?: boolean;
}

/** As much as ten degrees in the room change it. A rate that moves by more was steered. */
const STEADY_PPM = 10;
/** As in the guard of the profile `disciplined`: a daemon steps an error larger than this. */
const GUARD_REACH_NS = 1_000_000_000n;

export class ProfileRule {
  readonly #options: ProfileRuleOptions;
  #quietSince: bigint;
  #wall = new WallOffset();
  /** The least value of the learned rate's middle since the quiet time began, ppm. */
  #lowestPpm = Number.POSITIVE_INFINITY;
  #highestPpm = Number.NEGATIVE_INFINITY;

  constructor(options: ProfileRuleOptions) {
    this.#options = options;
    this.#quietSince = options.clock.monotonicNs();
    for (const clock of [options.disciplined, options.freeRunning]) {
      clock.onChange(({ type }) => {
        if (type === 'refuted') this.#disturbed();
      });
    }
  }

  get profile(): 'disciplined' | 'free-running' {
    const { clock, quietMs } = this.#options;
    const quietNs = clock.monotonicNs() - this.#quietSince;
    return Number(quietNs) >= quietMs * 1e6 ? 'free-running' : 'disciplined';
  }

  /** The answer of the profile in force, after a check for signs of steering. */
  interval(): ClockInterval | undefined {
    if (this.#steered()) this.#disturbed();
    const { disciplined, freeRunning, keepWallGuard = false } = this.#options;
    const free = this.profile === 'free-running';
    const reading = (free ? freeRunning : disciplined).read();
    if (reading.interval === undefined) return undefined;
    return free && keepWallGuard ? this.#guarded(reading.interval) : reading.interval;
  }

  #steered(): boolean {
    const { clock, freeRunning } = this.#options;
    const offset = readWallOffset(clock);
    if (offset !== undefined && !this.#wall.observe(offset)) return true;
    const { rate } = freeRunning.explain();
    if (rate === undefined) return true;
    // The learned rate is certain to 30 ppm only. Its middle tells more, though not for certain.
    const middlePpm = (rate.lowerPpm + rate.upperPpm) / 2;
    this.#lowestPpm = Math.min(this.#lowestPpm, middlePpm);
    this.#highestPpm = Math.max(this.#highestPpm, middlePpm);
    return this.#highestPpm - this.#lowestPpm > STEADY_PPM;
  }

  #disturbed(): void {
    this.#quietSince = this.#options.clock.monotonicNs();
    this.#wall = new WallOffset();
    this.#lowestPpm = Number.POSITIVE_INFINITY;
    this.#highestPpm = Number.NEGATIVE_INFINITY;
  }

  #guarded(interval: ClockInterval): ClockInterval {
    const wall = this.#wall.bounds;
    if (wall === undefined) return interval;
    const now = this.#options.clock.monotonicNs();
    const earliest = now + wall.lowerNs;
    const latest = now + wall.upperNs;
    if (earliest > interval.latest + GUARD_REACH_NS) return interval;
    if (latest < interval.earliest - GUARD_REACH_NS) return interval;
    return new ClockInterval(
      earliest < interval.earliest ? asUnixNs(earliest) : interval.earliest,
      latest > interval.latest ? asUnixNs(latest) : interval.latest,
    );
  }
}
