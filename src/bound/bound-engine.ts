/**
 * From clock samples to a bound on `theta = true - monotonic`: the heart of the library.
 *
 * The problem. Every source is a witness with an interval; some witnesses lie, all grow vague between
 * polls, and the clock we measure with drifts. The usual answers pick the overlap that most sources
 * share (Marzullo 1984, RFC 5905 section 11.2.1, chrony, TrueTime): a few liars who shift just enough to
 * overlap *some* honest interval then exclude the truth.
 *
 * The answer here. Under the assumptions below the truth lies
 *
 * 1. in each honest source's cone (source-cone.ts): its best facts, aged at the drift bound;
 * 2. so in at least `m - f` of the `m` cones, so in the hull `Q` of the points that many cones cover;
 * 3. and in what was known before, aged: `X <- (X widened by R dt) ∩ Q`.
 *
 * Each step keeps the truth, whatever the `f` others say. `X` is the memory: it is tighter than any
 * single sample, and a source that falls silent goes on voting while its cone opens.
 *
 * Assumptions, by the names that errors and events use:
 * - **A0** at any moment at most `f` of the sources in use hold a false constraint;
 * - **A1** the rate of theta is at most `R` (crystal and slewing by the operating system together);
 * - **A2** (where the rate is learned only) the rate of theta wanders slowly;
 * - **A3** the monotonic clock advances whenever true time does, or the stop is reported by
 *   {@link BoundEngine.disrupt};
 * - **A4** (with the wall guard only) whoever slews the clock moves theta towards `wall - monotonic`.
 *
 * Refutation. An empty `Q`, an empty `X`, or more than `f` sources disjoint from `X`: an assumption is
 * false and nobody can say whose fault it is, so nothing is believed but the sample just received, and
 * nothing is answered until every configured source has replied or timed out once. Answering sooner
 * would let two colluding liars of four that reply first win.
 *
 * The rate bound itself is doubted only on evidence about *rates*: a source that contradicts its own
 * past, or sources that agree with one another but not with `X`. (Sources that merely contradict each
 * other may be telling us of liars, and a laxer rate would let the liars' cones overlap the honest ones.)
 * Two such refutations within 10 minutes raise `R`; it comes back down when all is quiet.
 *
 * All this is layer 1. Where the rate may be learned, layer 2 (learned-bound.ts) keeps a narrower bound inside
 * `X`, and that is then the answer. It votes on its own and nothing here depends on it.
 *
 * Not pure in the sense of copying: the engine mutates its own numbers, but it reads no clock and does no I/O.
 * Same calls, same state.
 *
 * Cost. Memory per source is fixed. A sample that nobody is refuted by allocates nothing, in either layer: what
 * crosses a call on its way is an object that lasts, a small integer or a truth value, not a double or a bigint,
 * which V8 puts on the heap unless it happens to inline the call (present.ts, time/int64-slots.ts).
 *
 * Numbers. At the edges all is bigint; inside, integer-valued doubles of ns relative to bases, exact
 * below 2^53: one base for local time, one per source for its offsets, and one for the bound, chosen
 * where most sources are within 2^51 ns (26 days). The edges of a source far from there are rounded outward
 * by 1 us: they may be edges of the bound as long as the quorum is partial.
 *
 * A reading `m` of the monotonic clock stands for any instant in `[m, m + grid]`. So a request left up to a
 * grid before the instant that the upper fact is first asked about, and that fact ages from `sentAt - grid`.
 */
import { asUnixNs, type MonotonicNs, type UnixNs } from '../time/instant.ts';
import { AgedInterval, copyProvenance, type Edges, type Provenance } from './aged-interval.ts';
import type { Assumption, Bound, Outcome } from './bound.ts';
import type { ClockSample } from './clock-sample.ts';
import { lowered, raised } from './drift.ts';
import { LeapWatch } from './leap.ts';
import { LearnedBound, type LearnedRate } from './learned-bound.ts';
import type { NoBoundReason } from './page.ts';
import { Present } from './present.ts';
import type { RateAssumptions } from './rate-assumptions.ts';
import { RateBound } from './rate-bound.ts';
import { RelativeSample } from './relative-sample.ts';
import { forget, newSourceState, type SourceState, toEngineBase } from './source-state.ts';
import { Suspicion } from './suspicion.ts';
import { Vote } from './vote.ts';
import { WallGuard } from './wall-guard.ts';

const RANGE = 2 ** 51;
const REBASE_AFTER = 2 ** 51;

export interface BoundEngineOptions {
  /** `R`, ns per ns ({@link slopeFromPpm}). */
  readonly slope: number;
  /** `f`; by default `floor((n - 1) / 2)` of the `n` configured sources. */
  readonly maxFaulty?: number | undefined;
  /** Grid of the monotonic clock, ns. */
  readonly resolutionNs: number;
  /** A source silent for longer loses its vote; a bound not renewed for longer ends. ns. */
  readonly expireAfterNs: number;
  /** A2, where the rate is learned. */
  readonly learning?: RateAssumptions | undefined;
}

export class BoundEngine {
  readonly #options: BoundEngineOptions;
  readonly #byId = new Map<string, SourceState>();
  #sources: readonly SourceState[] = [];
  readonly #rate: RateBound;
  readonly #present: Present;

  #thetaBase = 0n;

  /** Layer 1: what is known under A0, A1 and A3 alone. */
  readonly #x = new AgedInterval();
  /** Layer 2, where the rate is learned. */
  readonly #learned: LearnedBound | undefined;
  readonly #vote = new Vote();
  #renewedAt = 0;
  #reason: NoBoundReason = 'starting';
  #era = 0n;

  #refuted: { assumption: Assumption; atNs: bigint } | undefined;

  readonly #suspicion: Suspicion = new Suspicion();

  readonly #guard = new WallGuard();
  readonly #leap = new LeapWatch();

  // Scratch, reused for every sample.
  readonly #sample: RelativeSample;
  readonly #edges: Edges = { lo: 0, hi: 0 };
  readonly #said: Edges = { lo: 0, hi: 0 };
  /** The last sample contradicted its source's past by so many ns, */
  #gap = 0;
  /** which had been silent for so many. */
  #silentFor = 0;

  constructor(options: BoundEngineOptions) {
    const { slope, resolutionNs, learning } = options;
    this.#options = options;
    this.#rate = new RateBound(slope);
    this.#present = new Present(this.#rate);
    this.#sample = new RelativeSample(resolutionNs);
    this.#learned = learning && new LearnedBound(learning, this.#present, resolutionNs);
  }

  /** The rate bound in force, ns per ns: the configured one or, after refutations, a laxer one. */
  get slope(): number {
    return this.#rate.slope;
  }

  /** True while the bound can be answered from. */
  get bounded(): boolean {
    return this.#x.known;
  }

  /** Why there is no bound. Only meaningful while {@link BoundEngine.bounded} is false. */
  get reason(): NoBoundReason {
    return this.#reason;
  }

  /** How often the bound was lost: what was remembered of it under another era is void. */
  get era(): bigint {
    return this.#era;
  }

  /** The assumption last refuted and when, on the monotonic clock. */
  get refuted(): { readonly assumption: Assumption; readonly atNs: bigint } | undefined {
    return this.#refuted;
  }

  get suspicious(): boolean {
    return this.#suspicion.active;
  }

  /** Every configured source, in the order of configuration. */
  get sources(): readonly Readonly<SourceState>[] {
    return this.#sources;
  }

  /** `f`: how many of the configured sources may be wrong without harm. */
  get maxFaulty(): number {
    return this.#options.maxFaulty ?? Math.max(0, Math.floor((this.#sources.length - 1) / 2));
  }

  /** How many sources vote now. */
  get voters(): number {
    let m = 0;
    for (const source of this.#sources) if (source.cone.known) m++;
    return m;
  }

  /** `full` when `m >= 2f + 1`: liars can then not even widen the answer without being noticed. */
  get quorum(): 'full' | 'partial' {
    return this.voters >= 2 * this.maxFaulty + 1 ? 'full' : 'partial';
  }

  /** The true time at which a leap second that more than `f` sources announce will happen. */
  get leapAt(): UnixNs | undefined {
    return this.#leap.at;
  }

  /**
   * Sets who votes. A source no longer listed loses its vote at once, a new one starts with nothing.
   * The present bound stands: it was proven with the votes there were.
   */
  setSources(ids: Iterable<string>): void {
    const wanted = new Set(ids);
    for (const id of this.#byId.keys()) if (!wanted.has(id)) this.#byId.delete(id);
    for (const id of wanted) {
      if (this.#byId.has(id)) continue;
      this.#byId.set(id, newSourceState(id, this.#learned !== undefined));
    }
    this.#sources = [...this.#byId.values()];
  }

  /**
   * Takes one sample in. O(n log n) in the number of sources. Allocates nothing while the sample is accepted and nobody
   * is refuted; keeps nothing but numbers.
   */
  ingest(sample: ClockSample): Outcome {
    const source = this.#byId.get(sample.sourceId);
    const s = this.#sample;
    if (source === undefined || !s.load(sample, this.#present)) return 'impossible';
    const { cone } = source;
    this.#advanceTo(sample.receivedAt);
    this.#passLeap();
    source.answered = true;
    if (!this.bounded && this.#leap.isAmbiguous(sample.receivedAt + sample.lowerNs)) {
      return 'waiting';
    }
    const farOff = this.#relate(sample, source);

    this.#silentFor = cone.known ? this.#present.now - source.lastHeard : 0;
    source.lastHeard = Math.max(source.lastHeard, s.receivedAt);
    source.leap = sample.leap !== 'none';
    if (farOff) forget(source);
    const suspicious = this.#suspect(source);
    this.#gap = cone.take(s, this.#present);
    if (this.#gap > 0 || farOff) source.contradictions++;
    if (this.#gap > 0) source.facts?.forget();
    this.#learned?.take(source, s);

    const outcome = this.#fuse(source);
    if (outcome !== 'bounded') return outcome;
    this.#watchLeap();
    if (this.suspicious) this.#suspicion.settle(this.#sources, this.maxFaulty, this.#present);
    return suspicious && this.suspicious ? 'suspicious' : 'bounded';
  }

  /** An exchange with `id` ended without a sample: for the rule that everybody must be heard once. */
  miss(id: string, now: MonotonicNs): Outcome {
    const source = this.#byId.get(id);
    if (source === undefined || source.answered) return this.bounded ? 'bounded' : 'waiting';
    source.answered = true;
    this.#advanceTo(now);
    if (this.bounded) return 'bounded';
    this.#gap = 0;
    this.#silentFor = 0;
    const outcome = this.#fuse(undefined);
    if (outcome === 'bounded') this.#watchLeap();
    return outcome;
  }

  /** Time passes: silent sources lose their vote, the bound expires, a raised rate bound relaxes. */
  tick(now: MonotonicNs): void {
    this.#advanceTo(now);
    const oldest = this.#present.now - this.#options.expireAfterNs;
    for (const source of this.#sources) {
      if (source.cone.known && source.lastHeard < oldest) forget(source);
    }
    if (this.bounded) {
      if (this.#renewedAt < oldest) this.#lose('expired');
      else if (this.voters <= this.maxFaulty) this.#lose('too-few-sources');
    }
    const relaxed = this.#rate.relax(this.#present.now);
    if (relaxed !== undefined) this.#setSlope(relaxed);
    this.#learned?.relax();
    this.#passLeap();
  }

  /** The monotonic clock was seen not to follow true time (A3): nothing known before holds. */
  disrupt(now: MonotonicNs, by: 'step' | 'suspend' | 'step-or-suspend'): void {
    this.#advanceTo(now);
    this.#refuted = { assumption: 'A3', atNs: now };
    this.#guard.set(undefined);
    this.#startOver(by);
  }

  /** Bounds on `wall - monotonic` for the wall guard (A4); `undefined` turns it off. */
  setGuard(guard: { lowerNs: bigint; upperNs: bigint } | undefined): void {
    this.#guard.set(guard);
  }

  /** `thetaBase`: what the offsets of {@link BoundEngine.boundAt} are relative to, ns. */
  get thetaBase(): bigint {
    return this.#thetaBase;
  }

  /** The last instant at which the bound may still be answered from, whatever happens. */
  expiresAt(): bigint {
    return this.toMonotonic(this.#renewedAt + this.#options.expireAfterNs);
  }

  /** A local instant of the engine as a monotonic reading. */
  toMonotonic(relative: number): bigint {
    return this.#present.toMonotonic(relative);
  }

  /** Writes the bound at `now` into `into`. The bound must be known ({@link BoundEngine.bounded}). */
  boundAt(now: MonotonicNs, into: Bound): void {
    this.#advanceTo(now);
    this.#edgesNow(into);
    into.suspectLo = into.lo;
    into.suspectHi = into.hi;
    into.fall.linear(this.slope);
    into.rise.linear(this.slope);
    if (this.suspicious) {
      this.#suspicion.ageTo(this.#present);
      into.suspectLo = Math.min(into.lo, this.#suspicion.lo);
      into.suspectHi = Math.max(into.hi, this.#suspicion.hi);
    } else if (this.#learned?.known === true) {
      // What suspects said ages at the rate bound, so with one the whole answer does.
      const age = this.#present.now - this.#learned.at;
      into.fall.later(this.#learned.lower.growth, age);
      into.rise.later(this.#learned.upper.growth, age);
    }
    this.#guard.widen(into, this.#thetaBase, this.slope);
  }

  /** Where the two edges of the bound come from: lower, upper. Instants via {@link BoundEngine.toMonotonic}. */
  get provenance(): readonly [Readonly<Provenance>, Readonly<Provenance>] {
    if (this.#learned?.known !== true) return [this.#x.loFrom, this.#x.hiFrom];
    return [this.#learned.lower.origin, this.#learned.upper.origin];
  }

  /** What layer 2 knows; `undefined` while layer 1 alone carries the bound. */
  get learned(): LearnedRate | undefined {
    return this.#learned?.rate;
  }

  /** `w` in force, per ns; `undefined` where the rate is not learned. */
  get wander(): number | undefined {
    return this.#learned?.wander;
  }

  /** The interval `source` vouches for at `now`, on theta in ns; `undefined` when it has no data. */
  intervalOf(
    source: Readonly<SourceState>,
    now: MonotonicNs,
  ): { lowerNs: bigint; upperNs: bigint } | undefined {
    this.#advanceTo(now);
    const { cone, base } = source;
    if (!cone.known) return undefined;
    const edges: Edges = { lo: 0, hi: 0 };
    cone.edgesAt(this.#present, edges);
    let { lo, hi } = edges;
    if (this.#learned?.known === true) {
      // Both are true of it: the cone now, and what the last fusion made of its facts, aged.
      const age = this.#present.now - this.#learned.at;
      const { upper, lower } = this.#learned;
      lo = Math.max(lo, lowered(lowered(source.lo, lower.growth.over(age)), source.shift));
      hi = Math.min(hi, raised(raised(source.hi, upper.growth.over(age)), -source.shift));
    }
    return { lowerNs: base + BigInt(lo), upperNs: base + BigInt(hi) };
  }

  /** The heart: agreement, then memory. `source` was just heard; undefined when that was a miss. */
  #fuse(source: SourceState | undefined): Outcome {
    const m = this.voters;
    const f = this.maxFaulty;
    let everybodyHeard = true;
    for (const { answered } of this.#sources) if (!answered) everybodyHeard = false;
    if (m <= f) {
      if (this.bounded || everybodyHeard) this.#lose('too-few-sources');
      return 'waiting';
    }
    const x = this.#x;
    if (!x.known) {
      if (!everybodyHeard) return 'waiting';
      this.#chooseBase();
    }
    this.#measure();
    const vote = this.#vote;
    if (!vote.take(this.#sources, m, f)) {
      return this.#refute(source, 0, 'no-agreement');
    }
    if (x.known) x.ageTo(this.#present);
    else x.begin(this.#present);
    if (vote.lo > x.lo) x.lo = vote.lo;
    if (vote.hi < x.hi) x.hi = vote.hi;
    if (x.lo > x.hi) return this.#refute(source, x.lo - x.hi, 'contradiction');
    if (vote.countApart(this.#sources, x) > f) {
      return this.#refute(source, vote.nearest, 'contradiction');
    }
    // An edge that the sources moved inward is theirs; one that memory holds keeps its origin.
    if (x.lo === vote.lo) this.#adoptOrigin('lo');
    if (x.hi === vote.hi) this.#adoptOrigin('hi');
    this.#leap.passed();
    this.#learn(m, f);
    const { lo, hi } = this.#learned?.known === true ? this.#edgesNow(this.#edges) : x;
    this.#renewedAt = Number.NEGATIVE_INFINITY;
    for (const each of this.#sources) {
      if (!each.cone.known) continue;
      each.agrees = each.lo <= hi && each.hi >= lo;
      if (each.agrees) this.#renewedAt = Math.max(this.#renewedAt, each.lastHeard);
    }
    return 'bounded';
  }

  /** What each source vouches for now, under the rate bound alone. */
  #measure(): void {
    for (const each of this.#sources) {
      if (!each.cone.known) continue;
      each.cone.edgesAt(this.#present, each);
      toEngineBase(each, each);
    }
  }

  /** Layer 2, which layer 1 does not depend on: where it contradicts itself A2 is false, and nothing else. */
  #learn(m: number, f: number): void {
    if (this.#learned === undefined) return;
    if (this.#learned.fuse(this.#sources, m, f, this.#x)) return;
    this.#refuted = { assumption: 'A2', atNs: this.toMonotonic(this.#present.now) };
    // What readers remember of the narrower bound is void.
    this.#era++;
    this.#measure();
  }

  /** The source whose cone supplies the agreed edge lends its origin to the bound. */
  #adoptOrigin(side: 'lo' | 'hi'): void {
    const x = this.#x;
    for (const each of this.#sources) {
      const { cone } = each;
      if (!cone.known || (side === 'lo' ? each.lo !== x.lo : each.hi !== x.hi)) continue;
      if (side === 'lo') copyProvenance(cone.loFrom, x.loFrom);
      else copyProvenance(cone.hiFrom, x.hiFrom);
      return;
    }
  }

  /** With nothing known, the base moves to the source that most others are in range of. */
  #chooseBase(): void {
    let best = -1;
    for (const candidate of this.#sources) {
      if (!candidate.cone.known) continue;
      let near = 0;
      for (const { cone, base } of this.#sources) {
        if (cone.known && Math.abs(Number(base - candidate.base)) < RANGE) near++;
      }
      if (near <= best) continue;
      best = near;
      this.#thetaBase = candidate.base;
    }
    for (const source of this.#sources) source.shift = Number(source.base - this.#thetaBase);
  }

  /** An assumption is false. Keep only the sample just received; doubt the rate if that is the evidence. */
  #refute(
    source: SourceState | undefined,
    apart: number,
    reason: 'no-agreement' | 'contradiction',
  ): Outcome {
    const gap = Math.max(this.#gap, apart);
    const aboutRates = reason === 'contradiction' || gap > 0;
    const laxer = aboutRates
      ? this.#rate.strike(this.#present.now, gap, this.#silentFor)
      : undefined;
    if (laxer !== undefined) this.#setSlope(laxer);
    this.#refuted = {
      assumption: laxer !== undefined ? 'A1' : aboutRates ? 'A0-or-A1' : 'A0',
      atNs: this.toMonotonic(this.#present.now),
    };
    this.#startOver(reason);
    if (source !== undefined) {
      source.answered = true;
      source.cone.take(this.#sample, this.#present);
      this.#learned?.take(source, this.#sample);
    }
    return 'refuted';
  }

  #startOver(reason: NoBoundReason): void {
    for (const source of this.#sources) {
      forget(source);
      source.answered = false;
      source.agrees = false;
    }
    this.#lose(reason);
  }

  #lose(reason: NoBoundReason): void {
    if (this.bounded) this.#era++;
    this.#x.known = false;
    this.#learned?.forget();
    this.#reason = reason;
    this.#suspicion.drop(this.#sources);
  }

  /** Suspects a source whose sample is disjoint from the bound it agreed with; returns whether. */
  #suspect(source: SourceState): boolean {
    if (!this.bounded || !this.#suspicion.mayRaise(source, this.#present)) return false;
    const said = this.#said;
    this.#sample.edgesAt(this.#present, said);
    toEngineBase(said, source);
    const bound = this.#edgesNow(this.#edges);
    if (said.lo <= bound.hi && said.hi >= bound.lo) return false;
    this.#suspicion.raise(source, said, this.#present);
    return true;
  }

  /** At an announced leap second theta steps: what was known before it ends. */
  #passLeap(): void {
    if (this.bounded && this.#leap.reached(this.#latestNow)) this.#startOver('leap-second');
  }

  #watchLeap(): void {
    this.#leap.watch(this.#sources, this.maxFaulty, this.#earliestNow);
  }

  // Handed to the leap watch, which hardly ever asks: bigints are not made for every sample.
  readonly #earliestNow = (): UnixNs => this.#trueTime(this.#edgesNow(this.#edges).lo);
  readonly #latestNow = (): UnixNs => this.#trueTime(this.#edgesNow(this.#edges).hi);

  /** True time at present, if theta is `edge`. */
  #trueTime(edge: number): UnixNs {
    return asUnixNs(this.toMonotonic(this.#present.now) + this.#thetaBase + BigInt(edge));
  }

  /** Writes the edges of the bound, both layers together, aged to the present. */
  #edgesNow<E extends Edges>(into: E): E {
    this.#x.edgesAt(this.#present, into);
    if (this.#learned?.known === true) this.#learned.narrow(into);
    return into;
  }

  /** A new rate bound: whatever is known is first aged to now with the old one. */
  #setSlope(slope: number): void {
    for (const { cone, facts } of this.#sources) {
      if (cone.known) cone.ageTo(this.#present);
      facts?.forget();
    }
    if (this.bounded) {
      this.#x.ageTo(this.#present);
      if (this.suspicious) this.#suspicion.ageTo(this.#present);
    }
    this.#rate.set(slope);
    this.#learned?.forget();
  }

  #shiftTime(shift: number): void {
    this.#present.rebase(shift);
    this.#renewedAt -= shift;
    this.#x.rebase(shift);
    this.#learned?.rebase(shift);
    this.#rate.rebase(shift);
    this.#suspicion.rebase(shift);
    for (const source of this.#sources) {
      source.cone.rebase(shift);
      source.facts?.rebase(shift);
      source.lastHeard -= shift;
      source.suspicionBlockedUntil -= shift;
    }
  }

  /**
   * Makes the scratch sample relative to its source's base. Returns whether the source jumped further than the
   * numbers reach; its base is then the new sample.
   */
  #relate(sample: ClockSample, source: SourceState): boolean {
    const { known } = source.cone;
    if (known) {
      this.#sample.relateTo(this.#present.base, source.base);
      if (Math.abs(this.#sample.lower) <= RANGE) return false;
    }
    source.base = sample.lowerNs;
    source.shift = Number(source.base - this.#thetaBase);
    this.#sample.relateTo(this.#present.base, source.base);
    return known;
  }

  #advanceTo(now: MonotonicNs): void {
    this.#present.advanceTo(now);
    if (this.#present.now > REBASE_AFTER) this.#shiftTime(this.#present.now);
  }
}
