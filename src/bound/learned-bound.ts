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
import { type AgedInterval, copyProvenance, type Edges } from './aged-interval.ts';
import { Anchors } from './anchors.ts';
import { driftOver, raised, slack } from './drift.ts';
import type { Fact } from './fact-list.ts';
import type { Present } from './present.ts';
import type { RateAssumptions } from './rate-assumptions.ts';
import { RateSide } from './rate-side.ts';
import type { RelativeSample } from './relative-sample.ts';
import type { SourceFacts } from './source-facts.ts';
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
  readonly #present: Present;
  #known = false;

  // Scratch, reused for every sample.
  readonly #fact: Fact = { at: 0, value: 0, pathDelay: 0, serverError: 0 };
  readonly #edges: Edges = { lo: 0, hi: 0 };

  /** @param present the engine's; @param gridNs grid of the monotonic clock */
  constructor(assumptions: RateAssumptions, present: Present, gridNs: number) {
    this.#assumptions = assumptions;
    this.#wander = new WanderBound(assumptions);
    this.#gridNs = gridNs;
    this.#present = present;
    this.forget();
  }

  /** Whether there is a `Y`. */
  get known(): boolean {
    return this.#known;
  }

  /** The instant of `upper` and `lower`. */
  get at(): number {
    return this.#upper.at;
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

  /** Narrows `into` to `Y`, aged to the present. */
  narrow(into: Edges): void {
    this.#upper.age(this.#present);
    this.#lower.age(this.#present);
    into.lo = Math.max(into.lo, -this.#lower.aged);
    into.hi = Math.min(into.hi, this.#upper.aged);
  }

  /** Within which rates theta may move at present; `undefined` while there is no `Y`. */
  get rate(): LearnedRate | undefined {
    if (!this.#known) return undefined;
    const { now, slope } = this.#present;
    const age = now - this.at;
    const upper = Math.min(slope, this.#upper.growth.slopeAt(age));
    const lower = -Math.min(slope, this.#lower.growth.slopeAt(age));
    return { lower, upper, wander: this.wander };
  }

  /** Remembers what `sample` proves about `source`. */
  take({ facts }: SourceState, sample: RelativeSample): void {
    if (facts === undefined) return;
    const { growth: rising } = this.#upper;
    const { growth: falling } = this.#lower;
    const fact = this.#fact;
    fact.pathDelay = sample.pathDelay;
    fact.serverError = sample.serverError;
    // The sample's `sentAt` is a grid early, for the cone.
    fact.at = sample.sentAt + this.#gridNs;
    fact.value = sample.upper + this.#widening;
    facts.upper.add(fact, rising, falling, this.#present);
    fact.at = sample.receivedAt;
    fact.value = this.#widening - sample.lower;
    facts.lower.add(fact, falling, rising, this.#present);
  }

  /**
   * Brings `Y` up to the present, from the facts of the `m` sources with data and from `x`, layer 1's bound.
   * Narrows the `lo` and `hi` of the sources, layer 1's at present, to what they vouch for here.
   *
   * @returns false when A2 is refuted; everything learned is then forgotten
   */
  fuse(sources: readonly SourceState[], m: number, faulty: number, x: AgedInterval): boolean {
    if (!this.#known) this.#begin(x);
    this.#upper.advance(this.#present, this.#wander, this.#assumptions);
    this.#lower.advance(this.#present, this.#wander, this.#assumptions);
    this.#foresee();
    this.#anchors.expire(this.#present, this.#assumptions);
    for (const source of sources) if (source.cone.known) this.#measure(source);
    if (this.#agree(sources, m, faulty, x) && this.#learn()) return true;
    this.#wander.strike(this.#present.now);
    this.forget();
    for (const { facts } of sources) facts?.forget();
    return false;
  }

  /** Time passes: a wander bound that was raised relaxes. */
  relax(): void {
    this.#wander.relax(this.#present.now);
  }

  /** There is no bound any more, or another `R`: what was learned is void. */
  forget(): void {
    this.#known = false;
    this.#anchors.forget();
    this.#upper.begin(0, this.#present);
    this.#lower.begin(0, this.#present);
  }

  /** The local time base moves forward by `shift`. */
  rebase(shift: number): void {
    this.#wander.rebase(shift);
    this.#anchors.rebase(shift);
    this.#upper.rebase(shift);
    this.#lower.rebase(shift);
  }

  #begin(x: AgedInterval): void {
    this.#known = true;
    this.#upper.begin(x.hi, this.#present);
    this.#lower.begin(this.#widening - x.lo, this.#present);
    copyProvenance(x.hiFrom, this.#upper.origin);
    copyProvenance(x.loFrom, this.#lower.origin);
  }

  /** What a statement about one instant of a grid is widened by to be one about all of it. */
  get #widening(): number {
    return driftOver(this.#present.slope, this.#gridNs);
  }

  #foresee(): void {
    this.#upper.foresee(this.#present, this.#wander, this.#assumptions);
    this.#lower.foresee(this.#present, this.#wander, this.#assumptions);
  }

  /** What `source` vouches for now: its cone, and the best of its dated facts. */
  #measure(source: SourceState): void {
    const { facts, hi } = source;
    const lo = source.lo - this.#widening;
    source.lo = lo;
    if (facts === undefined) return;
    facts.expire(this.#present, this.#assumptions);
    this.#heed(facts, source);
    if (source.lo <= source.hi) return;
    // It contradicts its own past at these rates. As in layer 1 the last statement counts.
    facts.keepLast();
    source.lo = lo;
    source.hi = hi;
    this.#heed(facts, source);
    if (source.lo <= source.hi) return;
    source.lo = lo;
    source.hi = hi;
  }

  /** Narrows the edges of `source` to the best of its `facts`. */
  #heed(facts: SourceFacts, source: SourceState): void {
    facts.upper.weigh(this.#upper.growth, this.#present);
    facts.lower.weigh(this.#lower.growth, this.#present);
    const { shift } = source;
    const hi = facts.upper.best;
    const lo = -facts.lower.best;
    source.hi = Math.min(source.hi, hi + shift + (slack(hi) | slack(shift)));
    source.lo = Math.max(source.lo, lo + shift - (slack(lo) | slack(shift)));
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
    const y = this.#edges;
    y.lo = -this.#lower.value;
    y.hi = this.#upper.value;
    return y.lo <= y.hi && vote.countApart(sources, y) <= faulty;
  }

  /** The source that supplies the edge of `side` lends it the origin of its fact, or of its cone. */
  #adopt(sources: readonly SourceState[], side: RateSide, sign: 1 | -1): void {
    for (const source of sources) {
      const { cone, facts, lo, hi } = source;
      if (!cone.known || (sign === 1 ? hi : -lo) !== side.value) continue;
      const list = facts?.[sign === 1 ? 'upper' : 'lower'];
      if (list !== undefined && raised(list.best, sign * source.shift) === side.value) {
        list.copyOrigin(side.origin);
      } else {
        copyProvenance(sign === 1 ? cone.hiFrom : cone.loFrom, side.origin);
      }
      return;
    }
  }

  /** From `Y` now and earlier to a rate; false when no rate is left. */
  #learn(): boolean {
    const { at, upper, lower, size } = this.#anchors;
    for (let i = 0; i < size; i++) {
      const dt = this.at - at[i]!;
      if (dt < SHORTEST_LESSON) break;
      const rise = raised(this.#upper.value, lower[i]!);
      const fall = raised(this.#lower.value, upper[i]!);
      this.#upper.learn(rise, dt, this.wander, this.#assumptions);
      this.#lower.learn(fall, dt, this.wander, this.#assumptions);
    }
    if (this.#upper.excludes(this.#lower)) return false;
    this.#foresee();
    this.#anchors.add(this.#upper, this.#lower);
    return true;
  }
}
