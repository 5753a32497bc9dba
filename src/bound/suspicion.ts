/**
 * The benefit of the doubt, given to a source that agreed and is suddenly disjoint from the bound.
 *
 * Either it lies, or *we* were frozen without noticing (a paused virtual machine whose clocks all stood
 * still) and every other source would say the same. Until the others have been asked, the answer is the
 * hull of the bound and what the suspects said: true either way. Once `f + 1` sources, heard since,
 * overlap the bound, it stands (one of them is honest) and the suspects were wrong. A suspect that has come
 * back counts like any other, or one glitch beside a dead source would never end. When more than `f` sources are disjoint from it
 * the engine drops it.
 *
 * A source that cries wolf is not heard again for 300 s, doubling each time, or it could widen the answer
 * at will.
 */
import type { Edges } from './aged-interval.ts';
import { driftOver, lowered, raised } from './drift.ts';
import type { Present } from './present.ts';
import type { SourceState } from './source-state.ts';

const BACKOFF = 300e9;
/** Caps the back-off at 300 s x 2^10, about 3.5 days. */
const MAX_DOUBLINGS = 10;

export class Suspicion {
  #since = Number.POSITIVE_INFINITY;
  #lo = 0;
  #hi = 0;
  #at = 0;

  /** Whether anybody is suspected. */
  get active(): boolean {
    return this.#since !== Number.POSITIVE_INFINITY;
  }

  /** The hull of what the suspects said, at the instant last given to {@link Suspicion.ageTo}. */
  get lo(): number {
    return this.#lo;
  }
  get hi(): number {
    return this.#hi;
  }

  /** Whether `source` may raise a suspicion now. */
  mayRaise(source: SourceState, { now }: Present): boolean {
    return source.agrees && !source.suspect && now >= source.suspicionBlockedUntil;
  }

  /** `source` says `[lo, hi]` at present, and is suspected from now on. */
  raise(source: SourceState, { lo, hi }: Readonly<Edges>, present: Present): void {
    if (this.active) {
      this.ageTo(present);
      this.#lo = Math.min(this.#lo, lo);
      this.#hi = Math.max(this.#hi, hi);
    } else {
      this.#lo = lo;
      this.#hi = hi;
      this.#at = present.now;
    }
    this.#since = present.now;
    source.suspect = true;
  }

  /** Ages what the suspects said to the present. */
  ageTo({ now, slope }: Present): void {
    const drift = driftOver(slope, now - this.#at);
    this.#lo = lowered(this.#lo, drift);
    this.#hi = raised(this.#hi, drift);
    this.#at = now;
  }

  /** Ends the suspicion if more than `maxFaulty` sources, heard since, overlap the bound. */
  settle(sources: readonly SourceState[], maxFaulty: number, { now }: Present): void {
    let confirmations = 0;
    for (const source of sources) {
      if (!source.agrees || !source.cone.known) continue;
      if (source.lastHeard > this.#since) confirmations++;
    }
    if (confirmations <= maxFaulty) return;
    this.#since = Number.POSITIVE_INFINITY;
    for (const source of sources) {
      if (!source.suspect) continue;
      source.suspect = false;
      source.suspicionBlockedUntil = now + BACKOFF * (1 << source.lies);
      source.lies = Math.min(source.lies + 1, MAX_DOUBLINGS);
    }
  }

  /** The bound is gone, and with it what anybody was suspected of contradicting. */
  drop(sources: readonly SourceState[]): void {
    this.#since = Number.POSITIVE_INFINITY;
    for (const source of sources) source.suspect = false;
  }

  /** The local time base moves forward by `shift`. */
  rebase(shift: number): void {
    this.#since -= shift;
    this.#at -= shift;
  }
}
