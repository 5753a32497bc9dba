/**
 * What a bounded clock announces: differences between two published states, never the states themselves,
 * so that a listener can be attached at any time and nothing is announced twice.
 *
 * A listener may use the clock, and what it does there may be news in turn (`stop`, or a look that finds
 * the bound expired). So all that one comparison finds is queued before anybody is told, and what is found
 * meanwhile comes behind it: every listener hears everything in the order in which it happened.
 */
import type { Assumption } from '../bound/bound.ts';
import type { BoundEngine } from '../bound/bound-engine.ts';
import type { NoBoundReason } from '../bound/page.ts';
import type { Clock } from '../time/clock.ts';
import type { UnixNs } from '../time/instant.ts';
import type { Widening } from './early-warning.ts';
import type { ClockStatus } from './reading.ts';

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
      /** The rate bound from now on, ppm: raised when the rate itself is in doubt. */
      readonly driftPpm: number;
      /** The wander assumed from now on, ppm per second: doubled when A2 is refuted. Absent where A2 is not assumed. */
      readonly wanderPpmPerSecond: number | undefined;
    }
  | {
      readonly type: 'falseticker';
      readonly sourceId: string;
      /** True when the source disagrees from now on, false when it no longer does or is gone. */
      readonly present: boolean;
    }
  | {
      readonly type: 'widening';
      /**
       * If no sample arrives, half the width of the interval exceeds `warnAboveMs` in so many ms; 0 when it does
       * already. Absent when the warning is taken back.
       */
      readonly inMs: number | undefined;
      /** The same as an instant of true time, the earliest that it can be. */
      readonly at: UnixNs | undefined;
    }
);

type Listener = (event: ClockEvent) => void;

export class ChangeEvents {
  readonly #clock: Clock;
  readonly #listeners = new Set<Listener>();
  readonly #falsetickers = new Set<string>();
  readonly #untold: ClockEvent[] = [];
  #telling = false;
  #status: ClockStatus = 'unsynchronized';
  #reason: NoBoundReason | undefined = 'starting';
  #refutedAt: bigint | undefined;
  #widening = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  subscribe(listener: Listener): () => void {
    // A wrapper of its own, so that one function may listen twice.
    const own: Listener = (event) => listener(event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Announces what differs from the last call. */
  compare(
    now: { readonly status: ClockStatus; readonly reason: NoBoundReason | undefined },
    engine: BoundEngine,
    widening: Widening | undefined,
  ): void {
    const { status, reason } = now;
    const { refuted } = engine;
    if (refuted !== undefined && refuted.atNs !== this.#refutedAt) {
      this.#refutedAt = refuted.atNs;
      const driftPpm = engine.slope * 1e6;
      const wanderPpmPerSecond = engine.wander && engine.wander * 1e15;
      const { assumption } = refuted;
      this.#untold.push({ type: 'refuted', status, assumption, driftPpm, wanderPpmPerSecond });
    }
    if (status !== this.#status || reason !== this.#reason) {
      const from = this.#status;
      this.#status = status;
      this.#reason = reason;
      this.#untold.push({ type: 'status', status, from, reason });
    }
    for (const id of this.#falsetickers) {
      if (engine.sources.some((source) => source.id === id)) continue;
      this.#falsetickers.delete(id);
      this.#untold.push({ type: 'falseticker', status, sourceId: id, present: false });
    }
    for (const { id, cone, agrees, suspect } of engine.sources) {
      const present = engine.bounded && cone.known && !agrees && !suspect;
      // With no bound nobody can be called false; what was known is kept until there is one again.
      if (present === this.#falsetickers.has(id) || !engine.bounded) continue;
      if (present) this.#falsetickers.add(id);
      else this.#falsetickers.delete(id);
      this.#untold.push({ type: 'falseticker', status, sourceId: id, present });
    }
    if (engine.bounded && (widening === undefined) === this.#widening) {
      this.#widening = widening !== undefined;
      this.#untold.push({ type: 'widening', status, inMs: widening?.inMs, at: widening?.at });
    }
    this.#tellAll();
  }

  /** One event after the other; a call from inside a listener leaves its events to the loop under way. */
  #tellAll(): void {
    if (this.#telling) return;
    this.#telling = true;
    for (let event = this.#untold.shift(); event; event = this.#untold.shift()) this.#tell(event);
    this.#telling = false;
  }

  #tell(event: ClockEvent): void {
    for (const listener of [...this.#listeners]) {
      // An earlier listener may have ended it.
      if (!this.#listeners.has(listener)) continue;
      try {
        listener(event);
      } catch (error) {
        this.#clock.nextTurn(() => {
          throw error;
        });
      }
    }
  }
}
