/**
 * Layer 2: a second bound `Y` on theta, inside the first, which grows at the rate that this machine was seen
 * to have instead of at the worst one it might have.
 *
 * The problem. Under a bare rate bound `R` the interval is a sawtooth: after 16 s at 200 ppm it is 3 ms
 * wider on either side, whatever the network. But a crystal that is 80 ppm off now will be about 80 ppm off in a
 * minute, and the bounds themselves show what it is: theta was in one interval then and is in another now.
 *
 * The steps, each of which keeps the truth as long as A0, A1 and A2 hold (docs/bound.md has the proofs):
 *
 * 1. `Y` ages by what is known of the rate (growth.ts), and that knowledge by the wander.
 * 2. Each source vouches for the best of its facts, each aged from its own date, and for its cone.
 * 3. The sources vote as in layer 1, and `Y <- (aged Y) ∩ vote ∩ X`.
 * 4. The rate is learned from `Y` now and `Y` earlier (anchors.ts, rate-side.ts): from the *fused* bound and from
 *    no single source. Up to `f` liars can't teach a false rate, because they can't make a false `Y`.
 *
 * Refutation. Where this layer contradicts itself (no agreement, an empty `Y`, more than `f` sources
 * disjoint from it, no rate left) while layer 1 does not, A2 is false: a crystal that warms up too fast, a daemon
 * that slews after all. Layer 1 never relied on A2, so its bound stands. The rate and all dated facts are
 * forgotten, `w` is doubled (wander-bound.ts), and learning begins again from `X`.
 *
 * Grids. A reading `m` stands for any instant in `[m, m + grid]`, and layer 1 pays for that by ageing upper
 * facts a grid longer. Here rates may be negative, where ageing longer would be *less*; so each fact is widened
 * once, by `R` times the grid, into a statement about the whole of `[m, m + grid]`, and from then on equal
 * differences of readings are differences of instants. (The lower edge of `X` is one about `m` alone, and
 * is widened likewise.)
 */
import { type AgedInterval, copyProvenance } from './aged-interval.ts';
import { Anchors } from './anchors.ts';
import { driftOver, lowered, raised } from './drift.ts';
import type { RateAssumptions } from './rate-assumptions.ts';
import { RateSide } from './rate-side.ts';
import type { RelativeSample } from './source-cone.ts';
import type { SourceState } from './source-state.ts';
import { Vote } from './vote.ts';
import { WanderBound } from './wander-bound.ts';

/** Rates are learned over at least this long: over less the widths say nothing. */
const SHORTEST_LESSON = 1e9;

/** What is known of the rate of theta, ns per ns, and the wander that this rests on, per ns. */
export interface LearnedRate {
  readonly lower: number;
  readonly upper: number;
  readonly wander: number;
}

export class LearnedBound {
  readonly #assumptions: RateAssumptions;
  readonly #wander: WanderBound;
  readonly #gridNs: number;
  readonly #vote = new Vote();
  readonly #anchors = new Anchors();
  readonly #upper = new RateSide();
  readonly #lower = new RateSide();
  #slope: number;
  #known = false;
  #at = 0;

  /** @param slope `R`; @param gridNs grid of the monotonic clock */
  constructor(assumptions: RateAssumptions, slope: number, gridNs: number) {
    this.#assumptions = assumptions;
    this.#wander = new WanderBound(assumptions);
    this.#gridNs = gridNs;
    this.#slope = slope;
    this.forget(0);
  }

  /** Whether there is a `Y`. */
  get known(): boolean {
    return this.#known;
  }

  /** The instant of `upper` and `lower`. */
  get at(): number {
    return this.#at;
  }

  /** The upper edge of `Y`. */
  get upper(): RateSide {
    return this.#upper;
  }

  /** The lower edge of `Y`, mirrored: all its numbers are about `-theta`. */
  get lower(): RateSide {
    return this.#lower;
  }

  /** `w` in force, per ns: the configured one or, after refutations, a laxer one. */
  get wander(): number {
    return this.#wander.wander;
  }

  /** The edges of `Y`, aged to `now`. */
  loAt(now: number): number {
    return lowered(-this.#lower.value, this.#lower.growth.over(now - this.#at));
  }
  hiAt(now: number): number {
    return raised(this.#upper.value, this.#upper.growth.over(now - this.#at));
  }

  /** Within which rates theta may move at `now`; `undefined` while there is no `Y`. */
  rateAt(now: number): LearnedRate | undefined {
    if (!this.#known) return undefined;
    const age = now - this.#at;
    const upper = Math.min(this.#slope, this.#upper.growth.slopeAt(age));
    const lower = -Math.min(this.#slope, this.#lower.growth.slopeAt(age));
    return { lower, upper, wander: this.wander };
  }

  /** Remembers what `sample` proves about `source`. */
  take({ facts }: SourceState, sample: RelativeSample, now: number): void {
    if (facts === undefined) return;
    const upper = this.#upper;
    const lower = this.#lower;
    const widening = this.#widening;
    const rise = upper.growth.most;
    const fall = lower.growth.most;
    // The sample's `sentAt` is a grid early, for the cone.
    const sentAt = sample.sentAt + this.#gridNs;
    facts.upper.add(sentAt, sample.upper + widening, sample, rise, fall, now, upper.growth);
    facts.lower.add(
      sample.receivedAt,
      widening - sample.lower,
      sample,
      fall,
      rise,
      now,
      lower.growth,
    );
  }

  /**
   * Brings `Y` up to `now`, from the facts of the `m` sources with data and from `x`, layer 1's bound at
   * `now`. Narrows the `lo` and `hi` of the sources, layer 1's at `now`, to what they vouch for here.
   *
   * @returns false when A2 is refuted; everything learned is then forgotten
   */
  fuse(
    now: number,
    sources: readonly SourceState[],
    m: number,
    faulty: number,
    x: AgedInterval,
  ): boolean {
    const { horizonNs } = this.#assumptions;
    if (!this.#known) this.#begin(now, x);
    const age = now - this.#at;
    this.#at = now;
    this.#upper.advance(age, now, this.wander, horizonNs);
    this.#lower.advance(age, now, this.wander, horizonNs);
    this.#foresee();
    this.#anchors.forgetBefore(now - horizonNs);
    for (const source of sources) if (source.cone.known) this.#measure(source);
    if (this.#agree(sources, m, faulty, x) && this.#learn()) return true;
    this.#wander.strike(now);
    this.forget(now);
    for (const { facts } of sources) facts?.forget();
    return false;
  }

  /** Time passes: a wander bound that was raised relaxes. */
  relax(now: number): void {
    this.#wander.relax(now);
  }

  /** There is no bound any more, or another `R`: what was learned is void. */
  forget(now: number, slope: number = this.#slope): void {
    this.#known = false;
    this.#slope = slope;
    this.#anchors.forget();
    this.#upper.begin(0, slope, now);
    this.#lower.begin(0, slope, now);
  }

  /** The local time base moves forward by `shift`. */
  rebase(shift: number): void {
    this.#at -= shift;
    this.#wander.rebase(shift);
    this.#anchors.rebase(shift);
    this.#upper.rebase(shift);
    this.#lower.rebase(shift);
  }

  #begin(now: number, x: AgedInterval): void {
    this.#known = true;
    this.#at = now;
    this.#upper.begin(x.hi, this.#slope, now);
    this.#lower.begin(this.#widening - x.lo, this.#slope, now);
    copyProvenance(x.hiFrom, this.#upper.origin);
    copyProvenance(x.loFrom, this.#lower.origin);
  }

  /** What a statement about one instant of a grid is widened by to be one about all of it. */
  get #widening(): number {
    return driftOver(this.#slope, this.#gridNs);
  }

  #foresee(): void {
    this.#upper.foresee(this.#slope, this.wander, this.#assumptions);
    this.#lower.foresee(this.#slope, this.wander, this.#assumptions);
  }

  /** What `source` vouches for now: its cone, and the best of its dated facts. */
  #measure(source: SourceState): void {
    const { facts, lo: coneLo, hi } = source;
    const lo = coneLo - this.#widening;
    facts?.forgetBefore(this.#at - this.#assumptions.horizonNs);
    this.#narrow(source, lo, hi);
    if (source.lo <= source.hi) return;
    // It contradicts its own past at these rates. As in layer 1 the last statement counts.
    facts?.keepLast();
    this.#narrow(source, lo, hi);
    if (source.lo <= source.hi) return;
    source.lo = lo;
    source.hi = hi;
  }

  #narrow(source: SourceState, lo: number, hi: number): void {
    source.lo = Math.max(lo, -this.#best(source, -1));
    source.hi = Math.min(hi, this.#best(source, 1));
  }

  /** On the engine's base, the best upper fact of a source or, mirrored, its best lower one. */
  #best({ facts, shift }: SourceState, sign: 1 | -1): number {
    if (facts === undefined) return Number.POSITIVE_INFINITY;
    const best =
      sign === 1
        ? facts.upper.bestAt(this.#at, this.#upper.growth)
        : facts.lower.bestAt(this.#at, this.#lower.growth);
    return raised(best, sign * shift);
  }

  /** The vote, and its intersection with memory and with layer 1. */
  #agree(sources: readonly SourceState[], m: number, faulty: number, x: AgedInterval): boolean {
    const vote = this.#vote;
    if (!vote.take(sources, m, faulty)) return false;
    if (vote.hi < this.#upper.value) {
      this.#upper.value = vote.hi;
      this.#adopt(sources, this.#upper, 1);
    }
    if (x.hi < this.#upper.value) {
      this.#upper.value = x.hi;
      copyProvenance(x.hiFrom, this.#upper.origin);
    }
    if (-vote.lo < this.#lower.value) {
      this.#lower.value = -vote.lo;
      this.#adopt(sources, this.#lower, -1);
    }
    if (this.#widening - x.lo < this.#lower.value) {
      this.#lower.value = this.#widening - x.lo;
      copyProvenance(x.loFrom, this.#lower.origin);
    }
    const lo = -this.#lower.value;
    const hi = this.#upper.value;
    return lo <= hi && vote.countApart(sources, lo, hi) <= faulty;
  }

  /** The source that supplies the edge of `side` lends it the origin of its fact, or of its cone. */
  #adopt(sources: readonly SourceState[], side: RateSide, sign: 1 | -1): void {
    for (const source of sources) {
      const { cone, facts, lo, hi } = source;
      if (!cone.known || (sign === 1 ? hi : -lo) !== side.value) continue;
      const dated = this.#best(source, sign) === side.value;
      if (!dated) copyProvenance(sign === 1 ? cone.hiFrom : cone.loFrom, side.origin);
      else facts?.[sign === 1 ? 'upper' : 'lower'].copyOrigin(side.origin);
      return;
    }
  }

  /** From `Y` now and earlier to a rate; false when no rate is left. */
  #learn(): boolean {
    const { at, upper, lower, size } = this.#anchors;
    for (let i = 0; i < size; i++) {
      const dt = this.#at - at[i]!;
      if (dt < SHORTEST_LESSON) break;
      const rise = raised(this.#upper.value, lower[i]!);
      const fall = raised(this.#lower.value, upper[i]!);
      this.#upper.learn(rise, dt, this.wander, this.#assumptions);
      this.#lower.learn(fall, dt, this.wander, this.#assumptions);
    }
    if (this.#upper.most + this.#lower.most < 0) return false;
    this.#foresee();
    this.#anchors.add(this.#at, this.#upper.value, this.#lower.value);
    return true;
  }
}
