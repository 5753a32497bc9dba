/**
 * Layer 2: a second bound `Y` on theta, within the first. It grows at the rate that this machine
 * was seen to have, instead of at the worst rate that it might have.
 *
 * The problem. Under the drift bound `R` alone the interval is a sawtooth: after 16 s at 200 ppm it
 * is 3 ms wider on either side, whatever the network. But a crystal that is 80 ppm off now will be
 * about 80 ppm off in a minute, and the bounds themselves show that rate: theta was in one interval
 * then and is in another now.
 *
 * The steps. Each of them keeps the truth as long as A0, A1 and A2 hold (docs/bound.md has the
 * proofs):
 *
 * 1. `Y` ages by what is known of the rate (growth.ts), and that knowledge ages by the wander.
 * 2. Each source vouches for the best of three: its facts, each aged from its own date; what it
 *    vouched for at the last fusion, aged like `Y` (fact-list.ts); and its cone.
 * 3. The sources vote as in layer 1, and `Y <- (aged Y) ∩ vote ∩ X`.
 * 4. The rate is learned in two ways. One is from `Y` now and `Y` earlier (anchors.ts,
 *    learned-edge.ts), so from the *fused* bound. The other is a vote: what does each set of
 *    sources that may be right say of theta and of the rate together (rate-vote.ts)? Either way up
 *    to `f` liars cannot teach a false rate.
 *
 * Ownership. Layer 1 knows nothing of what is remembered here. The dated facts of a source become
 * void when the era of its cone changes, and all of them when the era of this layer does
 * ({@link LearnedBound.factsOf}).
 *
 * Refutation. If this layer contradicts itself (no agreement, an empty `Y`, more than `f` sources
 * disjoint from it, no rate left) while layer 1 does not, A2 is false: a crystal warms up too fast,
 * or a daemon slews after all. Layer 1 never relied on A2, so its bound stands. The rate and all
 * dated facts are dropped, `w` is doubled (wander-bound.ts), and learning begins again from `X`.
 *
 * Grids. A reading `m` stands for any instant in `[m, m + grid]`. Layer 1 pays for that by ageing
 * upper facts by one grid more. Here a rate may be negative, and then to age longer gives *less*.
 * So each fact is widened once, by `R` times the grid, into a statement about the whole of
 * `[m, m + grid]`. From then on equal differences of readings are equal differences of instants.
 * The lower edge of `X` is about `m` alone, and is widened likewise. So `Y` may reach below `X` by
 * `R` times the grid. `Y` alone is the answer all the same, because the lower edge of `X` can only
 * fall with time, while that of `Y` rises where theta is known to rise.
 */
import { type AgedInterval, copyProvenance, type Edges } from '../aged-interval.ts';
import { driftOver, lowered, raised } from '../drift.ts';
import type { LocalNow } from '../local-now.ts';
import type { RelativeSample } from '../relative-sample.ts';
import type { SourceState } from '../source-state.ts';
import { Vote } from '../vote.ts';
import { Anchors } from './anchors.ts';
import type { Fact, FactList } from './fact-list.ts';
import { LearnedEdge } from './learned-edge.ts';
import type { RateAssumptions } from './rate-assumptions.ts';
import { RateVote } from './rate-vote.ts';
import { SourceFacts } from './source-facts.ts';
import { WanderBound } from './wander-bound.ts';

export type { RateAssumptions };

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
  readonly #upperRates = new RateVote();
  readonly #lowerRates = new RateVote();
  /** The upper edges of the sources that vote, and in the same order their lower edges. */
  readonly #uppers: FactList[] = [];
  readonly #lowers: FactList[] = [];
  readonly #anchors: Anchors;
  readonly #upper: LearnedEdge;
  readonly #lower: LearnedEdge;
  readonly #local: LocalNow;
  readonly #facts = new WeakMap<SourceState, SourceFacts>();
  #known = false;
  /** Counts how often all dated facts became void. */
  #era = 0;

  // Scratch, reused for every sample.
  readonly #fact: Fact = { at: 0, value: 0, pathDelay: 0, serverError: 0 };
  readonly #edges: Edges = { lo: 0, hi: 0 };

  /** @param local the engine's; @param gridNs grid of the monotonic clock, ns */
  constructor(assumptions: RateAssumptions, local: LocalNow, gridNs: number) {
    this.#assumptions = assumptions;
    this.#wander = new WanderBound(assumptions, local);
    this.#gridNs = gridNs;
    this.#anchors = new Anchors(local);
    this.#upper = new LearnedEdge(local);
    this.#lower = new LearnedEdge(local);
    this.#local = local;
    this.forget();
  }

  /** Whether there is a `Y`. */
  get known(): boolean {
    return this.#known;
  }

  /** The local instant that `upper` and `lower` are about. */
  get at(): number {
    return this.#upper.at.ns;
  }

  /** The upper edge of `Y`. */
  get upper(): LearnedEdge {
    return this.#upper;
  }

  /** The lower edge of `Y`, mirrored: its numbers are about `-theta`. */
  get lower(): LearnedEdge {
    return this.#lower;
  }

  /** `w` in force, per ns: the configured one or, after refutations, a larger one. */
  get wander(): number {
    return this.#wander.wander;
  }

  /** Writes the edges of `Y`, aged to the present. */
  edgesNow(into: Edges): void {
    this.#upper.ageToNow(this.#local);
    this.#lower.ageToNow(this.#local);
    into.lo = -this.#lower.aged;
    into.hi = this.#upper.aged;
  }

  /** The rates at which theta may move at present; `undefined` while there is no `Y`. */
  get rate(): LearnedRate | undefined {
    if (!this.#known) return undefined;
    const { now, maxRate } = this.#local;
    const age = now - this.at;
    const upper = Math.min(maxRate, this.#upper.growth.rateAt(age));
    const lower = -Math.min(maxRate, this.#lower.growth.rateAt(age));
    return { lower, upper, wander: this.wander };
  }

  /**
   * Narrows `edges`, what the cone of `source` says, by what the last fusion made of its dated
   * facts.
   */
  narrow(edges: Edges, { lo, hi, shift }: Readonly<SourceState>): void {
    const age = this.#local.now - this.at;
    const fallen = this.#lower.growth.over(age);
    const risen = this.#upper.growth.over(age);
    edges.lo = Math.max(edges.lo, lowered(lowered(lo, fallen), shift));
    edges.hi = Math.min(edges.hi, raised(raised(hi, risen), -shift));
  }

  /**
   * The dated facts of `source` that are still valid. Both eras only grow, so their sum changes
   * whenever one of them does.
   */
  factsOf(source: SourceState): SourceFacts {
    const era = this.#era + source.cone.era;
    let facts = this.#facts.get(source);
    if (facts === undefined) {
      facts = new SourceFacts(source.instants, era);
      this.#facts.set(source, facts);
    }
    facts.enter(era);
    return facts;
  }

  /** Remembers what `sample` proves about `source`. */
  take(source: SourceState, sample: RelativeSample): void {
    const facts = this.factsOf(source);
    const { growth: rising } = this.#upper;
    const { growth: falling } = this.#lower;
    const fact = this.#fact;
    fact.pathDelay = sample.pathDelay;
    fact.serverError = sample.serverError;
    // For the cone, `sentAt` of the sample is one grid early.
    fact.at = sample.sentAt + this.#gridNs;
    fact.value = sample.upper + this.#widening;
    facts.upper.add(fact, rising, falling, this.#local);
    fact.at = sample.receivedAt;
    fact.value = this.#widening - sample.lower;
    facts.lower.add(fact, falling, rising, this.#local);
  }

  /**
   * Brings `Y` up to the present, from the facts of the `m` sources with data and from `x`, layer
   * 1's bound. Narrows `lo` and `hi` of the sources, as layer 1 has just computed them, to what
   * they vouch for here.
   *
   * @returns false when A2 is refuted; all that was learned is then dropped
   */
  fuse(sources: readonly SourceState[], m: number, faulty: number, x: AgedInterval): boolean {
    if (!this.#known) this.#begin(x);
    this.#upper.advance(this.#local, this.#wander, this.#assumptions);
    this.#lower.advance(this.#local, this.#wander, this.#assumptions);
    this.#updateGrowth();
    this.#anchors.expire(this.#local, this.#assumptions);
    this.#uppers.length = m;
    this.#lowers.length = m;
    let i = 0;
    for (const source of sources) if (source.cone.known) this.#measure(source, i++);
    this.#upper.grown = 0;
    this.#lower.grown = 0;
    if (this.#agree(sources, m, faulty, x) && this.#learn(faulty)) return true;
    this.#wander.strike(this.#local.now);
    this.forgetFacts();
    this.forget();
    return false;
  }

  /** Time passes: a raised wander bound relaxes. */
  relax(): void {
    this.#wander.relax(this.#local.now);
  }

  /** Drops `Y` and the rate, because there is no bound any more. The dated facts stay. */
  forget(): void {
    this.#known = false;
    this.#anchors.forget();
    this.#upper.begin(0, this.#local);
    this.#lower.begin(0, this.#local);
  }

  /**
   * Drops all dated facts, because there is a lower `R`, and growth at that rate must not age what
   * is older. `Y` need not go: until the next fusion it grows as it did, and only from then on by
   * the lower `R`. Neither need the rate, because no anchor and no cap is aged by `R`. (A higher
   * `R` comes with a refutation, which leaves no `Y`.)
   */
  forgetFacts(): void {
    this.#era++;
  }

  #begin(x: AgedInterval): void {
    this.#known = true;
    this.#upper.begin(x.hi, this.#local);
    this.#lower.begin(this.#widening - x.lo, this.#local);
    copyProvenance(x.hiFrom, this.#upper.origin);
    copyProvenance(x.loFrom, this.#lower.origin);
  }

  /**
   * By how much to widen a statement about one instant of a grid to make it hold for the whole
   * grid, ns.
   */
  get #widening(): number {
    return driftOver(this.#local.maxRate, this.#gridNs);
  }

  #updateGrowth(): void {
    this.#upper.updateGrowth(this.#local, this.#wander, this.#assumptions);
    this.#lower.updateGrowth(this.#local, this.#wander, this.#assumptions);
  }

  /**
   * Computes what `source`, the voter number `i`, vouches for now, from its cone and the best of
   * its dated facts.
   */
  #measure(source: SourceState, i: number): void {
    const facts = this.factsOf(source);
    const { upper, lower } = facts;
    this.#uppers[i] = upper;
    this.#lowers[i] = lower;
    facts.expire(this.#local, this.#assumptions);
    this.#claimCone(source, facts);
    upper.ageToNow(this.#upper, this.#local);
    lower.ageToNow(this.#lower, this.#local);
    if (upper.claim < -lower.claim) {
      // The source contradicts its own past at these rates. As in layer 1 its last statement
      // counts.
      facts.keepLast();
      this.#claimCone(source, facts);
      upper.ageToNow(this.#upper, this.#local);
      lower.ageToNow(this.#lower, this.#local);
      if (upper.claim < -lower.claim) this.#claimCone(source, facts);
    }
    source.hi = upper.claim;
    source.lo = -lower.claim;
  }

  /** The source vouches for its cone alone, as layer 1 has just computed it. */
  #claimCone({ lo, hi, shift }: SourceState, { upper, lower }: SourceFacts): void {
    upper.claim = hi;
    upper.shift = shift;
    lower.claim = this.#widening - lo;
    lower.shift = -shift;
  }

  /** Votes, and intersects the result with `Y` and with layer 1. False when that leaves nothing. */
  #agree(sources: readonly SourceState[], m: number, faulty: number, x: AgedInterval): boolean {
    const vote = this.#vote;
    if (!vote.take(sources, m, faulty)) return false;
    if (vote.hi < this.#upper.value) {
      this.#upper.value = vote.hi;
      this.#copyOrigin(sources, this.#upper, 1);
    }
    if (x.hi < this.#upper.value) {
      this.#upper.value = x.hi;
      copyProvenance(x.hiFrom, this.#upper.origin);
    }
    if (-vote.lo < this.#lower.value) {
      this.#lower.value = -vote.lo;
      this.#copyOrigin(sources, this.#lower, -1);
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

  /**
   * Copies the origin of `side` from the source that has this edge: from its best fact, or its
   * cone.
   */
  #copyOrigin(sources: readonly SourceState[], side: LearnedEdge, sign: 1 | -1): void {
    for (const source of sources) {
      const { cone } = source;
      const list = this.factsOf(source)[sign === 1 ? 'upper' : 'lower'];
      if (!cone.known || list.claim !== side.value) continue;
      const ofCone = sign === 1 ? cone.hiFrom : cone.loFrom;
      copyProvenance(list.claimed ? list.origin : ofCone, side.origin);
      return;
    }
  }

  /**
   * Learns the rate from `Y` now and earlier, and then from the facts of the sources, which mostly
   * have nothing to add. False when no rate is left.
   */
  #learn(faulty: number): boolean {
    const anchors = this.#anchors;
    const wander = this.#wander;
    const given = this.#assumptions;
    this.#upper.learn(anchors, anchors.lower, wander, given);
    this.#lower.learn(anchors, anchors.upper, wander, given);
    this.#upperRates.take(this.#uppers, this.#lowers, faulty, this.#upper, wander, given);
    this.#lowerRates.take(this.#lowers, this.#uppers, faulty, this.#lower, wander, given);
    if (this.#upper.excludes(this.#lower)) return false;
    this.#updateGrowth();
    anchors.add(this.#upper, this.#lower);
    return true;
  }
}
