import type { ClockEvent } from '../bounded-clock/change-events.ts';
import type { Happening } from './wire.ts';

/** The newest changes: this many. */
const KEPT = 100;

/** What the clock announced, the newest {@link KEPT}. */
export class Happenings {
  #kept: Happening[] = [];
  #count = 0;

  get all(): readonly Happening[] {
    return this.#kept;
  }

  add(event: ClockEvent, at: string, elapsedMs: number): void {
    const happening = { id: ++this.#count, at, elapsedMs, event: { ...event } };
    this.#kept = [...this.#kept, happening].slice(-KEPT);
  }

  /** Those from `elapsedMs` on. */
  since(elapsedMs: number): readonly Happening[] {
    return this.#kept.filter((happening) => happening.elapsedMs >= elapsedMs);
  }
}
