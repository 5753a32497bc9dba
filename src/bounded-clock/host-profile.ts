/**
 * Who adjusts this machine's clock: as the program said or, with `hostClock: 'detect'`, as was last
 * seen (time/steering.ts).
 *
 * - The first look is at the start. The clock is free-running only if all processes were seen and
 *   none is a time daemon (`unsteered`); otherwise it is disciplined.
 * - While it is free-running it looks again: after 1 s, 2 s, 4 s and so on, because on a machine
 *   that boots the daemon may start just after us, and at last each minute. It also looks at the
 *   next tick after an assumption was refuted: a slew or a step is the first thing that a new
 *   daemon does.
 * - Once disciplined it stays so, and looks no more. A daemon that has ended may have left a slew
 *   behind that goes on for minutes, and the look after its end shows nothing.
 *
 * A change loses nothing that was known. Layer 1 has been kept all along, it does not rest on the
 * learned rate, and its drift bound is the same in both profiles. What ends is the narrower bound
 * of layer 2; what begins is the wall guard. Between the first correction of a daemon and the next
 * look the readings are those of a free-running clock that is steered, so they may be wrong
 * (docs/guarantees/bounded-clock.md, A5).
 */
import type { Clock } from '../time/clock.ts';
import type { MonotonicNs } from '../time/instant.ts';
import { withJson } from '../time/json.ts';
import { concludeSteering, type Steering } from '../time/steering.ts';
import type { HostClockOption } from './options.ts';

/** What `hostClock: 'detect'` saw. */
export interface SteeringExplanation extends Steering {
  /** How long ago it looked, ns. It looks no more once the clock is disciplined. */
  readonly lookedAgoNs: bigint;
}

/** The profile of a clock, and what it rests on. */
export interface ProfileExplanation {
  /** The profile in force. */
  readonly hostClock: 'disciplined' | 'free-running';
  /** What was seen; absent unless the option is `'detect'`. */
  readonly detected: SteeringExplanation | undefined;
}

const FIRST_PAUSE_NS = 1_000_000_000n;
const LONGEST_PAUSE_NS = 60_000_000_000n;
/** A look that is so late does not come: the thread hangs, or the process has ended. */
const TRUST_NS: bigint = 2n * LONGEST_PAUSE_NS;

export class HostProfile {
  readonly #clock: Clock;
  #hostClock: 'disciplined' | 'free-running';
  #steering: Steering | undefined;
  /** Of the last look. */
  #lookedAt = 0n;
  /** From the last look to the next one. */
  #pauseNs: bigint = FIRST_PAUSE_NS;

  constructor(option: HostClockOption, clock: Clock) {
    this.#clock = clock;
    this.#hostClock = option === 'detect' ? this.#look() : option;
  }

  /** Whether somebody may adjust the clock, so that the answer includes the wall clock. */
  get disciplined(): boolean {
    return this.#hostClock === 'disciplined';
  }

  /** What was seen that made the clock disciplined; `undefined` when the program said so. */
  get steering(): Steering | undefined {
    return this.#steering;
  }

  /**
   * The last monotonic reading at which the bound may be used without another look. Readers in
   * other threads and processes go on by themselves when this thread hangs or ends, and none of
   * them looks.
   */
  get trustedUntil(): bigint {
    // Where it rests on no look: after any reading of the monotonic clock.
    if (this.#steering === undefined || this.disciplined) return 2n ** 63n;
    return this.#lookedAt + TRUST_NS;
  }

  /**
   * Looks again if it is time. `refutedAt` says when an assumption was last refuted. Returns true
   * if the clock has become disciplined.
   */
  lookAgain(refutedAt: bigint | undefined): boolean {
    if (this.#steering === undefined || this.disciplined) return false;
    const due = this.#clock.monotonicNs() - this.#lookedAt >= this.#pauseNs;
    const suspicious = refutedAt !== undefined && refutedAt > this.#lookedAt;
    if (!due && !suspicious) return false;
    this.#pauseNs = this.#pauseNs < LONGEST_PAUSE_NS / 2n ? 2n * this.#pauseNs : LONGEST_PAUSE_NS;
    this.#hostClock = this.#look();
    return this.disciplined;
  }

  explain(now: MonotonicNs): ProfileExplanation {
    const steering = this.#steering;
    return withJson({
      hostClock: this.#hostClock,
      detected: steering && withJson({ ...steering, lookedAgoNs: now - this.#lookedAt }),
    });
  }

  #look(): 'disciplined' | 'free-running' {
    this.#lookedAt = this.#clock.monotonicNs();
    this.#steering = lookAt(this.#clock);
    return this.#steering.conclusion === 'unsteered' ? 'free-running' : 'disciplined';
  }
}

/** The clock may be a program's own, so what it throws or returns must not end the clock. */
function lookAt(clock: Clock): Steering {
  try {
    return concludeSteering(clock.steeringFacts?.());
  } catch {
    return {
      conclusion: 'unknown',
      because: ['what the clock says of its machine cannot be used'],
    };
  }
}
