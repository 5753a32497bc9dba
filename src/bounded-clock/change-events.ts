/**
 * What a bounded clock announces: the differences between two publications. So a listener can be
 * added at any time, and nothing is announced twice.
 *
 * A listener may use the clock, and that may cause further events (`stop`, or a reading that finds
 * the bound expired). So all events of one comparison are queued before any listener is called, and
 * events that are caused meanwhile are queued behind them. Every listener gets all events in the
 * order in which they happened.
 */
import type { Assumption, NoBoundReason } from '../bound/bound.ts';
import type { BoundEngine } from '../bound/bound-engine.ts';
import { FakeTimersError } from '../time/errors.ts';
import type { UnixNs } from '../time/instant.ts';
import { withJson } from '../time/json.ts';
import { Listeners } from '../time/listeners.ts';
import type { Widening } from './early-warning.ts';
import type { HostProfile } from './host-profile.ts';
import type { ClockStatus } from './reading.ts';

/**
 * What a listener of {@link BoundedClock.onChange} is told. `type` says which kind; `status` is the
 * status afterwards.
 */
export type ClockEvent = { readonly status: ClockStatus } & (
  | {
      readonly type: 'status';
      readonly from: ClockStatus;
      /** Why there is no bound; absent when there is one. */
      readonly reason: NoBoundReason | undefined;
    }
  | {
      readonly type: 'refuted';
      /** The assumption that the observations contradict. */
      readonly assumption: Assumption;
      /** The drift bound from now on, ppm. It is raised when the rate itself is in doubt. */
      readonly maxDriftPpm: number;
      /**
       * The wander assumed from now on, ppm per second. It is doubled when A2 is refuted. Absent
       * where A2 is not assumed.
       */
      readonly wanderPpmPerSecond: number | undefined;
    }
  | {
      readonly type: 'falseticker';
      readonly sourceId: string;
      /** True if the source disagrees from now on, false if it no longer does or is gone. */
      readonly present: boolean;
    }
  | {
      readonly type: 'widening';
      /**
       * If no sample arrives, half the width of the interval exceeds `warnUncertaintyMs` after this
       * many ms; 0 when it does already. Absent when the warning is taken back.
       */
      readonly inMs: number | undefined;
      /** The same as an instant of true time, the earliest possible one. */
      readonly at: UnixNs | undefined;
    }
  | {
      /** `hostClock: 'detect'` no longer finds that nobody adjusts this machine's clock. */
      readonly type: 'profile';
      readonly hostClock: 'disciplined';
      /** What it saw, in sentences for people. */
      readonly because: readonly string[];
    }
  | {
      /**
       * The program uses the clock in a way that cannot work: it installed fake timers while the
       * clock runs.
       */
      readonly type: 'misuse';
      readonly code: 'ERR_FAKE_TIMERS';
      /** What is wrong, and what to do. */
      readonly message: string;
    }
);

export class ChangeEvents {
  readonly listeners: Listeners<ClockEvent> = new Listeners();
  readonly #falsetickers = new Set<string>();
  readonly #pending: ClockEvent[] = [];
  #dispatching = false;
  #status: ClockStatus = 'unsynchronized';
  #reason: NoBoundReason | undefined = 'starting';
  #refutedAt: bigint | undefined;
  #widening = false;
  #faked = false;
  /** Of the last call; `undefined` before the first one. */
  #disciplined: boolean | undefined;

  /** Announces what differs from the last call. */
  compare(
    now: {
      readonly status: ClockStatus;
      readonly reason: NoBoundReason | undefined;
      /** Whether fake timers are installed over the clock. */
      readonly faked: boolean;
      readonly profile: Pick<HostProfile, 'disciplined' | 'steering'>;
    },
    engine: BoundEngine,
    widening: Widening | undefined,
  ): void {
    const { status, reason, faked, profile } = now;
    const { refuted } = engine;
    if (faked !== this.#faked) {
      this.#faked = faked;
      const { code, message } = new FakeTimersError();
      if (faked) this.#pending.push({ type: 'misuse', status, code, message });
    }
    if (profile.disciplined !== this.#disciplined) {
      const because = this.#disciplined === undefined ? undefined : profile.steering?.because;
      this.#disciplined = profile.disciplined;
      if (because)
        this.#pending.push({ type: 'profile', status, hostClock: 'disciplined', because });
    }
    if (refuted !== undefined && refuted.atNs !== this.#refutedAt) {
      this.#refutedAt = refuted.atNs;
      const maxDriftPpm = engine.maxRate * 1e6;
      const wander = engine.learned?.wander;
      const wanderPpmPerSecond = wander && wander * 1e15;
      const { assumption } = refuted;
      this.#pending.push({ type: 'refuted', status, assumption, maxDriftPpm, wanderPpmPerSecond });
    }
    if (status !== this.#status || reason !== this.#reason) {
      const from = this.#status;
      this.#status = status;
      this.#reason = reason;
      this.#pending.push({ type: 'status', status, from, reason });
    }
    for (const id of this.#falsetickers) {
      if (engine.sources.some((source) => source.id === id)) continue;
      this.#falsetickers.delete(id);
      this.#pending.push({ type: 'falseticker', status, sourceId: id, present: false });
    }
    for (const { id, cone, agrees, suspect } of engine.sources) {
      const present = engine.bounded && cone.known && !agrees && !suspect;
      // Without a bound no source can be called false. What was known is kept until there is one
      // again.
      if (present === this.#falsetickers.has(id) || !engine.bounded) continue;
      if (present) this.#falsetickers.add(id);
      else this.#falsetickers.delete(id);
      this.#pending.push({ type: 'falseticker', status, sourceId: id, present });
    }
    if (engine.bounded && (widening === undefined) === this.#widening) {
      this.#widening = widening !== undefined;
      const { inMs, at } = widening ?? { inMs: undefined, at: undefined };
      this.#pending.push(withJson({ type: 'widening' as const, status, inMs, at }));
    }
    this.#dispatchAll();
  }

  /**
   * Dispatches the pending events in order. During a dispatch it leaves new events to the loop
   * under way.
   */
  #dispatchAll(): void {
    if (this.#dispatching) return;
    this.#dispatching = true;
    for (let event = this.#pending.shift(); event; event = this.#pending.shift())
      this.listeners.tell(event);
    this.#dispatching = false;
  }
}
