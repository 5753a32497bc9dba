/**
 * From clock samples to a bound on `theta = true time - monotonic clock`: the heart of the library.
 *
 * The problem. Every source is a witness with an interval. Some witnesses lie, all grow vague
 * between polls, and the clock we measure with drifts. The usual answers pick the overlap that most
 * sources share (Marzullo 1984, RFC 5905 section 11.2.1, chrony, TrueTime). Then a few liars who
 * shift just enough to overlap *some* honest interval exclude the truth.
 *
 * The answer here. Under the assumptions below the truth lies
 *
 * 1. in each honest source's cone (source-cone.ts): its best facts, aged at the drift bound;
 * 2. so in at least `m - f` of the `m` cones, so in the hull `Q` of the points that this many cones
 *    cover;
 * 3. and in what was known before, aged: `X <- (X widened by R dt) ∩ Q`.
 *
 * Each step keeps the truth, whatever the `f` others say. `X` is the memory. It is tighter than any
 * single sample, and a source that falls silent goes on voting while its cone opens.
 *
 * Assumptions, by the names that errors and events use:
 * - **A0** at any moment at most `f` of the sources in use hold a false constraint;
 * - **A1** the rate of theta is at most `R` (crystal and slewing by the operating system together);
 * - **A2** (only where the rate is learned) the rate of theta wanders slowly;
 * - **A3** the monotonic clock advances whenever true time does, or {@link BoundEngine.disrupt}
 *   reports that it stopped;
 * - **A4** (only with the wall guard) whatever slews the clock moves theta towards
 *   `wall - monotonic`.
 *
 * Refutation. If `Q` is empty, or `X` is empty, or more than `f` sources are disjoint from `X`, an
 * assumption is false, and it is not known which source is wrong. So only the sample just received
 * is kept, and there is no answer until every configured source has replied or timed out once. With
 * an earlier answer, two colluding liars of four that reply first would win.
 *
 * The drift bound itself is doubted only on evidence about *rates*: a source that contradicts its
 * own past, or sources that agree with one another but not with `X`. Sources that only contradict
 * each other may be a sign of liars, and a larger `R` would let the liars' cones overlap the honest
 * ones. Two refutations about rates within 10 minutes raise `R`. It comes back down when all is
 * quiet.
 *
 * Witnesses. A witness has no vote and is never part of `Q` or `X`. Its last statement, aged at
 * `R`, can only contradict the bound. If the two are disjoint, more than `f` sources lie alike
 * (A0), or the witness lies. Then there is no bound until the witness is heard again and no longer
 * objects. An objection does not fade meanwhile, because a bound that was excluded does not become
 * right as time passes. So a wrong witness costs the answer, never the truth of one.
 *
 * One timescale. All facts are UTC. Near a leap second, samples of sources that smear it are
 * brought to UTC first (timescale.ts), and sources that may smear it have no vote. When the leap
 * second becomes known only within the smear (leap.ts), what these sources said since the smear
 * began was taken for UTC. The bound may rest on that, so all is dropped. Converting the facts
 * later would not be enough: the bound is the outcome of votes, which would have to be taken again.
 *
 * All this is layer 1. Where the rate may be learned, layer 2 (learned/learned-bound.ts) keeps a
 * narrower bound within `X`, which is then the answer. Layer 2 owns what it remembers and votes on
 * its own. No step of layer 1 uses it.
 *
 * The engine changes its own state, but it reads no clock and does no I/O: same calls, same state.
 *
 * Cost. Memory per source is fixed. Accepting a sample allocates nothing, in either layer: calls on
 * this path pass long-lived objects, small integers and booleans only
 * (docs/internals/performance.md, "Doubles do not cross calls").
 *
 * Numbers. At the edges all is bigint. Inside, instants and values are integer-valued doubles of ns
 * relative to bases: one base for local time (local-now.ts), one per source and one for the bound
 * (theta-base.ts).
 *
 * A reading `m` of the monotonic clock stands for any instant in `[m, m + grid]`. So the request
 * may have left up to one grid before the instant that the upper fact is first asked about, and
 * that fact ages from `sentAt - grid`.
 *
 * This file has more than 400 lines because its first comment is the argument for all of them.
 */
import { asUnixNs, type MonotonicNs, type UnixNs } from '../time/instant.ts';
import { AgedInterval, copyProvenance, type Edges } from './aged-interval.ts';
import type { Assumption, Bound, Disruption, NoBoundReason, Outcome } from './bound.ts';
import type { ClockSample, LeapWarning } from './clock-sample.ts';
import { DriftBound } from './drift-bound.ts';
import { LeapWatch } from './leap.ts';
import type { ExpectedLeap } from './leap-seconds.ts';
import { LearnedBound, type RateAssumptions } from './learned/learned-bound.ts';
import { type Instant, LocalNow } from './local-now.ts';
import { RelativeSample } from './relative-sample.ts';
import { newSourceState, type SourceState, toEngineBase } from './source-state.ts';
import { Suspicion } from './suspicion.ts';
import { ThetaBase } from './theta-base.ts';
import { inUtc, LONGEST_SMEAR_NS, mayMislead, type Timescale } from './timescale.ts';
import { Vote } from './vote.ts';
import { WallGuard } from './wall-guard.ts';

/** What a source vouched for: edges of theta relative to the engine's base, ns. */
export interface Claim extends Edges {
  readonly sourceId: string;
}

export interface BoundEngineOptions {
  /** `R`, ns per ns (`maxRateFromPpm`). */
  readonly maxRate: number;
  /** `f`; by default `floor((n - 1) / 2)` of the `n` configured sources. */
  readonly maxFaulty?: number | undefined;
  /** Grid of the monotonic clock, ns. */
  readonly gridNs: number;
  /** After this long a silent source loses its vote, and a bound that was not renewed ends, ns. */
  readonly expireAfterNs: number;
  /** A2, if the rate is to be learned. */
  readonly learning?: RateAssumptions | undefined;
  /** The leap seconds that the program knows. Default: none. */
  readonly knownLeaps?: readonly ExpectedLeap[] | undefined;
}

/** Longer than the uncertainty around a leap second, and the time until it is settled. */
const LEAP_BURST_NS = 15e9;

export class BoundEngine {
  readonly #options: BoundEngineOptions;
  readonly #byId = new Map<string, SourceState>();
  #sources: readonly SourceState[] = [];
  readonly #witnessById = new Map<string, SourceState>();
  #witnesses: readonly SourceState[] = [];
  readonly #gridNs: bigint;
  readonly #local: LocalNow;
  readonly #drift: DriftBound;
  readonly #theta = new ThetaBase();

  /** Layer 1: what is known under A0, A1 and A3 alone. */
  readonly #x: AgedInterval;
  /** Layer 2; `undefined` where the rate is not learned. */
  #learned: LearnedBound | undefined;
  readonly #vote = new Vote();
  readonly #suspicion: Suspicion;
  readonly #guard = new WallGuard();
  readonly #leap: LeapWatch;
  /** When an agreeing source was last heard. */
  readonly #renewedAt: Instant;
  /** Whether every sample so far was of a source in UTC. */
  #onlyUtc = true;
  /** When the bound was last lost to a leap second. */
  readonly #lostToLeapAt: Instant;
  #reason: NoBoundReason = 'starting';
  #era = 0n;
  #refuted: { assumption: Assumption; atNs: bigint } | undefined;
  #claims: readonly Claim[] = [];
  #objection: Claim | undefined;

  // Scratch, reused for every sample.
  readonly #sample: RelativeSample;
  readonly #edges: Edges = { lo: 0, hi: 0 };
  readonly #said: Edges = { lo: 0, hi: 0 };
  /** By how many ns the last sample contradicted its source's earlier facts; 0 if it did not. */
  #gap = 0;
  /** How long the source of the last sample had been silent before it, ns. */
  #silentFor = 0;

  constructor(options: BoundEngineOptions) {
    const { maxRate, gridNs, learning, knownLeaps = [] } = options;
    this.#options = options;
    this.#gridNs = BigInt(gridNs);
    this.#local = new LocalNow(maxRate);
    this.#drift = new DriftBound(this.#local);
    this.#x = new AgedInterval(this.#local.instants);
    this.#suspicion = new Suspicion(this.#local);
    this.#renewedAt = this.#local.instants.one();
    this.#lostToLeapAt = this.#local.instants.one(Number.NEGATIVE_INFINITY);
    this.#sample = new RelativeSample(gridNs);
    this.#leap = new LeapWatch(knownLeaps);
    this.#learned = learning && new LearnedBound(learning, this.#local, gridNs);
  }

  /** `R` in force, ns per ns: the configured one or, after refutations, a larger one. */
  get maxRate(): number {
    return this.#local.maxRate;
  }

  /** Whether there is a bound. */
  get bounded(): boolean {
    return this.#x.known;
  }

  /** Why there is no bound. Only meaningful while {@link BoundEngine.bounded} is false. */
  get reason(): NoBoundReason {
    return this.#reason;
  }

  /**
   * Whether a leap second took the bound a moment ago, so that the sources will soon be believed
   * again, whatever the reason is now.
   */
  get settling(): boolean {
    return !this.bounded && this.#local.now - this.#lostToLeapAt.ns < LEAP_BURST_NS;
  }

  /** Counts how often the bound was lost. What is remembered of it from another era is void. */
  get era(): bigint {
    return this.#era;
  }

  /** The assumption last refuted and when, on the monotonic clock. */
  get refuted(): { readonly assumption: Assumption; readonly atNs: bigint } | undefined {
    return this.#refuted;
  }

  /** What the sources vouched for at the last refutation by samples. */
  get claims(): readonly Claim[] {
    return this.#claims;
  }

  /** What the witness said that last refuted the bound. */
  get objection(): Claim | undefined {
    return this.#objection;
  }

  /** Whether a source is suspected, which widens the answer. */
  get suspicious(): boolean {
    return this.#suspicion.active;
  }

  /** Every configured source, in the order of configuration. */
  get sources(): readonly Readonly<SourceState>[] {
    return this.#sources;
  }

  /** The configured source of that id. */
  source(id: string): Readonly<SourceState> | undefined {
    return this.#byId.get(id);
  }

  /** Every configured witness. */
  get witnesses(): readonly Readonly<SourceState>[] {
    return this.#witnesses;
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

  /** `full` when `m >= 2f + 1`. Then liars cannot even widen the answer without being noticed. */
  get quorum(): 'full' | 'partial' {
    return this.voters >= 2 * this.maxFaulty + 1 ? 'full' : 'partial';
  }

  /** The true time at which theta steps because of an announced leap second (leap.ts). */
  get leapAt(): UnixNs | undefined {
    return this.#leap.at;
  }

  /** Which kind of leap second is announced for the end of the month. */
  get leap(): LeapWarning {
    return this.#leap.kind;
  }

  /** The leap second that the sources announce, as far as samples are converted because of it. */
  get expectedLeap(): ExpectedLeap | undefined {
    return this.#leap.announced;
  }

  /**
   * Sets which sources vote. A source that is no longer listed loses its vote at once, and a new
   * one starts with nothing. The present bound stands, because it was proven with the votes of its
   * time.
   */
  setSources(ids: Iterable<string>): void {
    this.#sources = this.#update(this.#byId, ids);
  }

  /** Sets which witnesses may object. */
  setWitnesses(ids: Iterable<string>): void {
    this.#witnesses = this.#update(this.#witnessById, ids);
  }

  /**
   * Takes one sample in. O(n) in the number of sources, while few of their edges change places.
   * Accepting a sample allocates nothing, and only its numbers are kept.
   *
   * @param timescale what the source means by the time
   */
  ingest(said: ClockSample, timescale: Timescale = 'unknown'): Outcome {
    const source = this.#byId.get(said.sourceId);
    const s = this.#sample;
    if (source === undefined || !s.load(said, this.#local)) return 'impossible';
    const { cone } = source;
    this.#local.advanceTo(said.receivedAt);
    this.#passLeap();
    source.timescale = timescale;
    this.#leap.note(source, said, s);
    this.#learnLeap(source);
    this.#forgetBeforeLeap();
    if (timescale !== 'utc') this.#onlyUtc = false;
    const near = this.#leap.near(s);
    const sample = near === undefined ? said : inUtc(said, source, near, this.#gridNs);
    if (sample === undefined) {
      cone.forget();
      return 'unknown-timescale';
    }
    if (sample !== said && !s.load(sample, this.#local)) return 'impossible';
    source.answered = true;
    if (!this.bounded) {
      const serverTime = sample.receivedAt + sample.lowerNs;
      if (this.#leap.isAmbiguous(serverTime, source.leap, near)) return 'waiting';
    }
    const farOff = this.#theta.relate(s, sample, source, this.#local);

    this.#silentFor = cone.known ? this.#local.now - source.lastHeard.ns : 0;
    source.lastHeard.ns = Math.max(source.lastHeard.ns, s.receivedAt);
    if (farOff) cone.forget();
    const suspicious = this.#suspect(source);
    this.#gap = cone.take(s, this.#local);
    if (this.#gap > 0 || farOff) source.contradictions++;
    this.#learned?.take(source, s);

    const outcome = this.#fuse(source);
    if (outcome !== 'bounded') return outcome;
    if (this.#leapEnds()) return 'waiting';
    if (this.suspicious) this.#suspicion.settle(this.#sources, this.maxFaulty, this.#local);
    return suspicious && this.suspicious ? 'suspicious' : 'bounded';
  }

  /**
   * Takes in what a witness said. It replaces what the same witness said before.
   *
   * The answer is `refuted` when it certainly excludes the bound, and otherwise the bound is as it
   * was.
   */
  testify(said: ClockSample, timescale: Timescale = 'unknown'): Outcome {
    const witness = this.#witnessById.get(said.sourceId);
    const s = this.#sample;
    if (witness === undefined || !s.load(said, this.#local)) return 'impossible';
    this.#local.advanceTo(said.receivedAt);
    this.#passLeap();
    witness.cone.forget();
    witness.timescale = timescale;
    const near = this.#leap.near(s);
    const sample = near === undefined ? said : inUtc(said, witness, near, this.#gridNs);
    if (sample === undefined) return 'unknown-timescale';
    if (sample !== said && !s.load(sample, this.#local)) return 'impossible';
    this.#theta.relate(s, sample, witness, this.#local);
    witness.lastHeard.ns = Math.max(witness.lastHeard.ns, s.receivedAt);
    witness.cone.take(s, this.#local);
    witness.agrees = true;
    if (!this.bounded) return 'waiting';
    if (!this.#objects()) return 'bounded';
    this.#measure();
    return this.#refute(undefined, 0, 'witness');
  }

  /**
   * A request to the witness `id` ended without a statement. What it said last, as it has aged, is
   * compared with the next bound. Otherwise a witness that objects and falls silent would deny
   * every bound until its statement expires, although this machine may have been at fault.
   */
  missWitness(id: string): void {
    const witness = this.#witnessById.get(id);
    if (witness !== undefined) witness.agrees = true;
  }

  /**
   * An exchange with `id` ended without a sample. It counts for the rule that every source is heard
   * once.
   */
  miss(id: string, now: MonotonicNs): Outcome {
    const source = this.#byId.get(id);
    if (source === undefined || source.answered) return this.bounded ? 'bounded' : 'waiting';
    source.answered = true;
    this.#local.advanceTo(now);
    if (this.bounded) return 'bounded';
    this.#forgetBeforeLeap();
    this.#gap = 0;
    this.#silentFor = 0;
    const outcome = this.#fuse(undefined);
    return outcome === 'bounded' && this.#leapEnds() ? 'waiting' : outcome;
  }

  /**
   * Time passes: silent sources lose their vote, the bound expires, a raised drift bound relaxes.
   */
  tick(now: MonotonicNs): void {
    this.#local.advanceTo(now);
    const oldest = this.#local.now - this.#options.expireAfterNs;
    for (const source of this.#sources) {
      if (source.cone.known && source.lastHeard.ns < oldest) source.cone.forget();
    }
    for (const witness of this.#witnesses) {
      if (witness.lastHeard.ns < oldest) witness.cone.forget();
    }
    if (this.bounded) {
      if (this.#renewedAt.ns < oldest) this.#lose('expired');
      else if (this.voters <= this.maxFaulty) this.#lose('too-few-sources');
    }
    const relaxed = this.#drift.relax(this.#x);
    if (relaxed !== undefined) this.#setMaxRate(relaxed);
    this.#learned?.relax();
    this.#passLeap();
  }

  /** The monotonic clock did not follow true time (A3), so nothing that was known holds. */
  disrupt(now: MonotonicNs, by: Disruption): void {
    this.#local.advanceTo(now);
    this.#refuted = { assumption: 'A3', atNs: now };
    this.#guard.set(undefined);
    this.#startOver(by);
  }

  /** Sets bounds on `wall - monotonic` for the wall guard (A4); `undefined` turns it off. */
  setGuard(guard: { lowerNs: bigint; upperNs: bigint } | undefined): void {
    this.#guard.set(guard);
  }

  /** Assumes A2 no more. Layer 1, which does not rest on it, goes on as it is. */
  stopLearning(): void {
    if (this.#learned === undefined) return;
    this.#learned = undefined;
    // So that readers forget the narrower bound, as after a refutation of A2.
    this.#era++;
  }

  /** What the values of {@link BoundEngine.boundAt} are relative to, ns. */
  get thetaBase(): bigint {
    return this.#theta.value;
  }

  /** The last monotonic reading at which the bound may be used if no further sample comes. */
  expiresAt(): bigint {
    return this.toMonotonic(this.#renewedAt.ns + this.#options.expireAfterNs);
  }

  /** A local instant as a monotonic reading. */
  toMonotonic(ns: number): bigint {
    return this.#local.toMonotonic(ns);
  }

  /** Writes the bound at `now`. Only while {@link BoundEngine.bounded}. */
  boundAt(now: MonotonicNs, into: Bound): void {
    this.#local.advanceTo(now);
    this.#edgesNow(into);
    into.suspectLo = into.lo;
    into.suspectHi = into.hi;
    into.fall.linear(this.maxRate);
    into.rise.linear(this.maxRate);
    if (this.suspicious) {
      this.#suspicion.ageTo(this.#local);
      into.suspectLo = Math.min(into.lo, this.#suspicion.lo);
      into.suspectHi = Math.max(into.hi, this.#suspicion.hi);
    } else if (this.#learned?.known === true) {
      // What a suspect said ages at the drift bound, so while there is one the whole answer does.
      const age = this.#local.now - this.#learned.at;
      into.fall.later(this.#learned.lower.growth, age);
      into.rise.later(this.#learned.upper.growth, age);
    }
    this.#guard.widen(into, this.#theta.value, this.maxRate);
  }

  /** Layer 1's bound. For views of the engine (engine-views.ts). */
  get memory(): Readonly<AgedInterval> {
    return this.#x;
  }

  /** Layer 2; `undefined` where the rate is not learned. */
  get learned(): LearnedBound | undefined {
    return this.#learned;
  }

  /** The present. For views of the engine (engine-views.ts). */
  get local(): LocalNow {
    return this.#local;
  }

  /** Agreement, then memory. `source` was just heard; it is undefined after a miss. */
  #fuse(source: SourceState | undefined): Outcome {
    const m = this.voters;
    const f = this.maxFaulty;
    let allHeard = true;
    for (const { answered } of this.#sources) if (!answered) allHeard = false;
    if (m <= f) {
      if (this.bounded || allHeard) this.#lose('too-few-sources');
      return 'waiting';
    }
    const x = this.#x;
    if (!x.known) {
      if (!allHeard) return 'waiting';
      this.#theta.choose(this.#sources, this.#witnesses);
    }
    this.#measure();
    const vote = this.#vote;
    if (!vote.take(this.#sources, m, f)) {
      return this.#refute(source, 0, 'no-agreement');
    }
    if (x.known) x.ageTo(this.#local);
    else x.begin(this.#local);
    if (vote.lo > x.lo) x.lo = vote.lo;
    if (vote.hi < x.hi) x.hi = vote.hi;
    if (x.lo > x.hi) return this.#refute(source, x.lo - x.hi, 'contradiction');
    if (vote.countApart(this.#sources, x) > f) {
      return this.#refute(source, vote.nearest, 'contradiction');
    }
    if (this.#objects()) return this.#refute(source, 0, 'witness');
    // An edge that the vote moved inward comes from a source. An edge of the memory keeps its
    // origin.
    if (x.lo === vote.lo) this.#copyOrigin('lo');
    if (x.hi === vote.hi) this.#copyOrigin('hi');
    this.#leap.passed();
    this.#learn(m, f);
    const { lo, hi } = this.#learned?.known === true ? this.#edgesNow(this.#edges) : x;
    this.#renewedAt.ns = Number.NEGATIVE_INFINITY;
    for (const each of this.#sources) {
      if (!each.cone.known) continue;
      each.agrees = each.lo <= hi && each.hi >= lo;
      if (each.agrees) this.#renewedAt.ns = Math.max(this.#renewedAt.ns, each.lastHeard.ns);
    }
    return 'bounded';
  }

  /** Brings `states` up to date with `ids`, and returns them as a list. */
  #update(states: Map<string, SourceState>, ids: Iterable<string>): readonly SourceState[] {
    const wanted = new Set(ids);
    for (const [id, { instants }] of states) {
      if (wanted.has(id)) continue;
      states.delete(id);
      this.#local.release(instants);
    }
    for (const id of wanted) {
      if (!states.has(id)) states.set(id, newSourceState(id, this.#local.newGroup()));
    }
    return [...states.values()];
  }

  /**
   * Whether a witness excludes all that the answer is made of: the bound and, while a source is
   * suspected, what that source said.
   */
  #objects(): boolean {
    if (this.#witnesses.length === 0) return false;
    const bound = this.#edges;
    this.#x.edgesAt(this.#local, bound);
    if (this.suspicious) {
      this.#suspicion.ageTo(this.#local);
      bound.lo = Math.min(bound.lo, this.#suspicion.lo);
      bound.hi = Math.max(bound.hi, this.#suspicion.hi);
    }
    for (const witness of this.#witnesses) {
      if (!witness.cone.known) continue;
      witness.cone.edgesAt(this.#local, witness);
      toEngineBase(witness, witness);
      witness.agrees &&= witness.lo <= bound.hi && witness.hi >= bound.lo;
      if (witness.agrees) continue;
      this.#objection = { sourceId: witness.id, lo: witness.lo, hi: witness.hi };
      return true;
    }
    return false;
  }

  /** Computes what each source vouches for now, under the drift bound alone. */
  #measure(): void {
    for (const each of this.#sources) {
      if (!each.cone.known) continue;
      each.cone.edgesAt(this.#local, each);
      toEngineBase(each, each);
    }
  }

  /** Updates layer 2. If it contradicts itself, A2 is false, and layer 1 is as true as before. */
  #learn(m: number, f: number): void {
    if (this.#learned === undefined) return;
    if (this.#learned.fuse(this.#sources, m, f, this.#x)) return;
    this.#refuted = { assumption: 'A2', atNs: this.toMonotonic(this.#local.now) };
    // What readers remember of the narrower bound is void.
    this.#era++;
    this.#measure();
  }

  /** Copies the origin of an agreed edge from the source whose cone has that edge. */
  #copyOrigin(side: 'lo' | 'hi'): void {
    const x = this.#x;
    for (const each of this.#sources) {
      const { cone } = each;
      if (!cone.known || (side === 'lo' ? each.lo !== x.lo : each.hi !== x.hi)) continue;
      if (side === 'lo') copyProvenance(cone.loFrom, x.loFrom);
      else copyProvenance(cone.hiFrom, x.hiFrom);
      return;
    }
  }

  /**
   * An assumption is false. Keeps only the sample just received; doubts `R` if the evidence is
   * about rates.
   */
  #refute(
    source: SourceState | undefined,
    apart: number,
    reason: 'no-agreement' | 'contradiction' | 'witness',
  ): Outcome {
    const gap = Math.max(this.#gap, apart);
    // A larger drift bound would not bring the witness and the sources together.
    const aboutRates = reason !== 'witness' && (reason === 'contradiction' || gap > 0);
    const raised = aboutRates ? this.#drift.strike(gap, this.#silentFor) : undefined;
    if (raised !== undefined) this.#setMaxRate(raised);
    this.#refuted = {
      assumption: raised !== undefined ? 'A1' : aboutRates ? 'A0-or-A1' : 'A0',
      atNs: this.toMonotonic(this.#local.now),
    };
    this.#claims = this.#sources
      .filter(({ cone }) => cone.known)
      .map(({ id, lo, hi }) => ({ sourceId: id, lo, hi }));
    this.#startOver(reason);
    if (source !== undefined) {
      source.answered = true;
      source.cone.take(this.#sample, this.#local);
      this.#learned?.take(source, this.#sample);
    }
    return 'refuted';
  }

  #startOver(reason: NoBoundReason): void {
    for (const source of this.#sources) {
      source.cone.forget();
      source.answered = false;
      source.agrees = false;
    }
    // What a witness said stands until it says something else, if it is the reason. Otherwise this
    // machine's clock may be, and then the witness's statement is void as well.
    if (reason !== 'witness') for (const { cone } of this.#witnesses) cone.forget();
    if (reason === 'leap-second') this.#lostToLeapAt.ns = this.#local.now;
    this.#lose(reason);
  }

  #lose(reason: NoBoundReason): void {
    if (this.bounded) this.#era++;
    this.#x.known = false;
    this.#drift.forget();
    this.#learned?.forget();
    this.#reason = reason;
    this.#suspicion.drop(this.#sources);
  }

  /**
   * Suspects `source` if it agreed and its sample is disjoint from the bound. Returns whether it
   * did.
   */
  #suspect(source: SourceState): boolean {
    if (!this.bounded || !this.#suspicion.mayRaise(source, this.#local)) return false;
    const said = this.#said;
    this.#sample.edgesAt(this.#local, said);
    toEngineBase(said, source);
    const bound = this.#edgesNow(this.#edges);
    if (said.lo <= bound.hi && said.hi >= bound.lo) return false;
    this.#suspicion.raise(source, said, this.#local);
    return true;
  }

  /**
   * Takes in what `heard` announces. If a leap second is expected that was not before, what other
   * sources said since the smear may have begun was not UTC, so nothing that rests on it is kept.
   */
  #learnLeap(heard: SourceState): void {
    const earliest = this.bounded ? this.#earliestNow : undefined;
    if (!this.#leap.learn(this.#sources, heard, this.maxFaulty, earliest)) return;
    const expected = this.#leap.announced!;
    if (this.bounded) {
      if (this.#onlyUtc) return;
      const began = expected.monthEndNs - LONGEST_SMEAR_NS;
      if (Number(this.#latestNow()) >= began) this.#startOver('leap-second');
      return;
    }
    for (const each of this.#sources) {
      if (each.timescale !== 'smear-24h' && !mayMislead(each, expected)) continue;
      each.cone.forget();
      each.answered = false;
    }
  }

  /** Drops all that is known when an announced leap second may have come. */
  #passLeap(): void {
    if (this.bounded && this.#leap.reached(this.#latestNow)) this.#startOver('leap-second');
  }

  /**
   * Without a bound, only what the sources said tells the time. What they said before a leap second
   * is forgotten once it may have come, or the next bound would rest on it. Called before any vote.
   */
  #forgetBeforeLeap(): void {
    if (this.bounded) return;
    const { now, base } = this.#local;
    const edges = this.#edges;
    for (const source of this.#sources) {
      const { cone } = source;
      if (!cone.known) continue;
      cone.edgesAt(this.#local, edges);
      const zero = Number(base + source.base);
      const from = zero + edges.lo + Math.min(cone.loFrom.born.ns, cone.hiFrom.born.ns);
      if (this.#leap.mayLieWithin(from, zero + edges.hi + now, this.#sources)) cone.forget();
    }
  }

  /** Takes in what is announced. Returns true if the bound had to end at once. */
  #leapEnds(): boolean {
    this.#leap.watch(this.#sources, this.maxFaulty, this.#sample, this.#earliestNow);
    this.#passLeap();
    return !this.bounded;
  }

  // Functions, so that bigints are made only when the leap watch asks for them.
  readonly #earliestNow = (): UnixNs => this.#trueTime(this.#edgesNow(this.#edges).lo);
  readonly #latestNow = (): UnixNs => this.#trueTime(this.#edgesNow(this.#edges).hi);

  /** True time at present if theta is `edge`. */
  #trueTime(edge: number): UnixNs {
    return asUnixNs(this.toMonotonic(this.#local.now) + this.#theta.value + BigInt(edge));
  }

  /** Writes the edges of the bound, aged to the present: those of layer 2 if it has a bound. */
  #edgesNow<E extends Edges>(into: E): E {
    if (this.#learned?.known === true) this.#learned.edgesNow(into);
    else this.#x.edgesAt(this.#local, into);
    return into;
  }

  /**
   * Puts another drift bound in force. All that is known is first aged to the present with the old
   * one. (Layer 2 ages with the old one until its next fusion.)
   */
  #setMaxRate(maxRate: number): void {
    for (const { cone } of this.#sources) if (cone.known) cone.ageTo(this.#local);
    for (const witness of this.#witnesses) {
      if (witness.cone.known) witness.cone.ageTo(this.#local);
    }
    if (this.bounded) {
      this.#x.ageTo(this.#local);
      if (this.suspicious) this.#suspicion.ageTo(this.#local);
    }
    this.#drift.set(maxRate);
    this.#learned?.forgetFacts();
  }
}
