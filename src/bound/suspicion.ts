/**
 * The benefit of the doubt, given to a source that agreed and is suddenly disjoint from the bound.
 *
 * Either the source is wrong, or *we* were frozen without noticing (a paused virtual machine whose
 * clocks all stood still) and every other source would say the same. Until the others have been
 * asked, the answer is the hull of the bound and what the suspects said, which is true either way.
 *
 * The suspicion ends when `f + 1` sources that were heard since overlap the bound: one of them is
 * honest, so the bound stands and the suspects were wrong. A suspect that has come back counts like
 * any other source; otherwise one glitch would never end where another source is dead. When more
 * than `f` sources are disjoint from the bound, the engine drops the bound.
 *
 * A source whose alarm was false may not raise another one for 300 s, and for twice as long each
 * further time. Otherwise it could widen the answer at will.
 */
import type { Edges } from './aged-interval.ts';
import { driftOver, lowered, raised } from './drift.ts';
import type { Instant, LocalNow } from './local-now.ts';
import type { SourceState } from './source-state.ts';

const BACKOFF_NS = 300e9;
/** Caps the back-off at 300 s x 2^10, about 3.5 days. */
const MAX_DOUBLINGS = 10;

export class Suspicion {
  /** When the last suspicion was raised; Infinity while nobody is suspected. */
  readonly #since: Instant;
  #lo = 0;
  #hi = 0;
  readonly #at: Instant;

  constructor(local: LocalNow) {
    this.#since = local.instants.one(Number.POSITIVE_INFINITY);
    this.#at = local.instants.one();
  }

  /** Whether a source is suspected. */
  get active(): boolean {
    return this.#since.ns !== Number.POSITIVE_INFINITY;
  }

  /** Lower edge of the hull of what the suspects said, at the instant of the last `ageTo`. */
  get lo(): number {
    return this.#lo;
  }

  /** Upper edge of the hull of what the suspects said, at the instant of the last `ageTo`. */
  get hi(): number {
    return this.#hi;
  }

  /** Whether `source` may raise a suspicion now. */
  mayRaise(source: SourceState, { now }: LocalNow): boolean {
    return source.agrees && !source.suspect && now >= source.suspicionBlockedUntil.ns;
  }

  /** From now on `source`, which says `[lo, hi]` at present, is suspected. */
  raise(source: SourceState, { lo, hi }: Readonly<Edges>, local: LocalNow): void {
    if (this.active) {
      this.ageTo(local);
      this.#lo = Math.min(this.#lo, lo);
      this.#hi = Math.max(this.#hi, hi);
    } else {
      this.#lo = lo;
      this.#hi = hi;
      this.#at.ns = local.now;
    }
    this.#since.ns = local.now;
    source.suspect = true;
  }

  /** Ages what the suspects said to the present. */
  ageTo({ now, maxRate }: LocalNow): void {
    const drift = driftOver(maxRate, now - this.#at.ns);
    this.#lo = lowered(this.#lo, drift);
    this.#hi = raised(this.#hi, drift);
    this.#at.ns = now;
  }

  /**
   * Ends the suspicion if more than `maxFaulty` sources that were heard since overlap the bound.
   */
  settle(sources: readonly SourceState[], maxFaulty: number, { now }: LocalNow): void {
    let confirmations = 0;
    for (const source of sources) {
      if (!source.agrees || !source.cone.known) continue;
      if (source.lastHeard.ns > this.#since.ns) confirmations++;
    }
    if (confirmations <= maxFaulty) return;
    this.#since.ns = Number.POSITIVE_INFINITY;
    for (const source of sources) {
      if (!source.suspect) continue;
      source.suspect = false;
      source.suspicionBlockedUntil.ns = now + BACKOFF_NS * (1 << source.falseAlarms);
      source.falseAlarms = Math.min(source.falseAlarms + 1, MAX_DOUBLINGS);
    }
  }

  /** There is no bound any more that a source could contradict. */
  drop(sources: readonly SourceState[]): void {
    this.#since.ns = Number.POSITIVE_INFINITY;
    for (const source of sources) source.suspect = false;
  }
}
