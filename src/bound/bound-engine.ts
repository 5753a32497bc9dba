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
 * Not pure in the sense of copying: the engine mutates its own numbers and keeps no new object per sample
 * in steady state, but it reads no clock and does no I/O. Same calls, same state.
 *
 * Numbers. At the edges all is bigint; inside, integer-valued doubles of ns relative to bases, exact
 * below 2^53: one base for local time, one per source for its offsets, and one for the bound, chosen
 * where most sources are within 2^51 ns (26 days). The edges of a source far from there are rounded outward
 * by 1 us: they may be edges of the bound as long as the quorum is partial.
 *
 * A reading `m` of the monotonic clock stands for any instant in `[m, m + grid]`. So a request left up to a
 * grid before the instant that the upper fact is first asked about, and that fact ages from `sentAt - grid`.
 */
import { agreedHull } from '../interval/agreement.ts';
import { asUnixNs, INT64_MAX, INT64_MIN, type MonotonicNs, type UnixNs } from '../time/instant.ts';
import type { ClockSample } from './clock-sample.ts';
import { driftOver, lowered, raised } from './drift.ts';
import { leapFollowing } from './leap.ts';
import type { NoBoundReason } from './page.ts';
import { RateBound } from './rate-bound.ts';
import { copyProvenance, type Provenance, type RelativeSample } from './source-cone.ts';
import { newSourceState, type SourceState } from './source-state.ts';
import { Suspicion } from './suspicion.ts';

const SECOND = 1e9;
const RANGE = 2 ** 51;
const REBASE_AFTER = 2 ** 51;
/** Beyond this a daemon steps the wall clock instead of slewing, so the guard proves nothing. */
const GUARD_REACH = SECOND;
/** Servers may be this late with a leap second before their time is unambiguous again. */
const LEAP_SETTLING = 2_000_000_000n;
/** Samples speak of times this far inside int64 (1714 to 2225), so that no edge ever leaves it. */
const FARTHEST = INT64_MAX - 2n ** 60n;

export interface BoundEngineOptions {
  /** `R`, ns per ns ({@link slopeFromPpm}). */
  readonly slope: number;
  /** `f`; by default `floor((n - 1) / 2)` of the `n` configured sources. */
  readonly maxFaulty?: number | undefined;
  /** Grid of the monotonic clock, ns. */
  readonly resolutionNs: number;
  /** A source silent for longer loses its vote; a bound not renewed for longer ends. ns. */
  readonly expireAfterNs: number;
}

/** What a call did to the bound. */
export type Outcome =
  /** There is a bound, and it stands. */
  | 'bounded'
  /** There is none yet: more sources must be heard. */
  | 'waiting'
  /** A source that agreed is suddenly disjoint: the answer is widened; ask the others now. */
  | 'suspicious'
  /** An assumption was refuted: everything but the last sample was dropped; ask everybody now. */
  | 'refuted'
  /** The sample cannot be true under any rate, or is of a source nobody configured. Nothing changed. */
  | 'impossible';

export type Assumption = 'A0' | 'A1' | 'A0-or-A1' | 'A3';

/** The bound as it stands at one instant; offsets are relative to {@link BoundEngine.thetaBase}. */
export interface Bound {
  lo: number;
  hi: number;
  /** The edges after the hull with suspects' samples: equal to `lo`, `hi` when nobody is suspected. */
  suspectLo: number;
  suspectHi: number;
  /** The wall guard's interval; `guarded` is false when it is off or ignored. */
  guarded: boolean;
  guardLo: number;
  guardHi: number;
}

const newProvenance = (): Provenance => ({ born: 0, pathDelay: 0, serverError: 0 });

export class BoundEngine {
  readonly #options: BoundEngineOptions;
  readonly #byId = new Map<string, SourceState>();
  #sources: readonly SourceState[] = [];
  readonly #rate: RateBound;

  #started = false;
  #monotonicBase = 0n;
  #thetaBase = 0n;
  #now = 0;

  #known = false;
  #at = 0;
  #lo = 0;
  #hi = 0;
  readonly #loFrom: Provenance = newProvenance();
  readonly #hiFrom: Provenance = newProvenance();
  #renewedAt = 0;
  #reason: NoBoundReason = 'starting';
  #era = 0n;

  #refuted: { assumption: Assumption; atNs: bigint } | undefined;

  readonly #suspicion: Suspicion = new Suspicion();

  #guard: { lowerNs: bigint; upperNs: bigint } | undefined;
  #leapAt: UnixNs | undefined;
  /** After a leap second: samples whose server may not have passed it yet prove nothing. */
  #unambiguousFrom = INT64_MIN;

  // Scratch, reused for every sample.
  readonly #sample: RelativeSample = {
    sentAt: 0,
    receivedAt: 0,
    upper: 0,
    lower: 0,
    pathDelay: 0,
    serverError: 0,
  };
  #starts = new Float64Array(0);
  #ends = new Float64Array(0);
  readonly #hull = new Float64Array(2);

  constructor(options: BoundEngineOptions) {
    this.#options = options;
    this.#rate = new RateBound(options.slope);
  }

  /** The rate bound in force, ns per ns: the configured one or, after refutations, a laxer one. */
  get slope(): number {
    return this.#rate.slope;
  }

  /** True while the bound can be answered from. */
  get bounded(): boolean {
    return this.#known;
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
    return this.#leapAt;
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
      this.#byId.set(id, newSourceState(id));
    }
    this.#sources = [...this.#byId.values()];
  }

  /** Takes one sample in. O(n log n) in the number of sources; keeps nothing but numbers. */
  ingest(sample: ClockSample): Outcome {
    const source = this.#byId.get(sample.sourceId);
    if (source === undefined || !this.#possible(sample)) return 'impossible';
    const { cone } = source;
    this.#advanceTo(sample.receivedAt);
    this.#passLeap();
    source.answered = true;
    if (!this.#known && sample.receivedAt + sample.lowerNs < this.#unambiguousFrom)
      return 'waiting';
    const farOff = this.#relative(sample, source);
    const s = this.#sample;

    const silentFor = cone.known ? this.#now - source.lastHeard : 0;
    source.lastHeard = Math.max(source.lastHeard, s.receivedAt);
    source.leap = sample.leap !== 'none';
    if (farOff) cone.forget();
    const suspicious = this.#suspect(source);
    const gap = cone.take(s, this.slope);
    if (gap > 0 || farOff) source.contradictions++;

    const outcome = this.#fuse(source, gap, silentFor);
    if (outcome !== 'bounded') return outcome;
    this.#watchLeap();
    this.#suspicion.settle(this.#sources, this.maxFaulty, this.#now);
    return suspicious && this.suspicious ? 'suspicious' : 'bounded';
  }

  /** An exchange with `id` ended without a sample: for the rule that everybody must be heard once. */
  miss(id: string, now: MonotonicNs): Outcome {
    const source = this.#byId.get(id);
    if (source === undefined || source.answered) return this.#known ? 'bounded' : 'waiting';
    source.answered = true;
    this.#advanceTo(now);
    if (this.#known) return 'bounded';
    const outcome = this.#fuse(undefined, 0, 0);
    if (outcome === 'bounded') this.#watchLeap();
    return outcome;
  }

  /** Time passes: silent sources lose their vote, the bound expires, a raised rate bound relaxes. */
  tick(now: MonotonicNs): void {
    this.#advanceTo(now);
    const oldest = this.#now - this.#options.expireAfterNs;
    for (const { cone, lastHeard } of this.#sources) {
      if (cone.known && lastHeard < oldest) cone.forget();
    }
    if (this.#known) {
      if (this.#renewedAt < oldest) this.#lose('expired');
      else if (this.voters <= this.maxFaulty) this.#lose('too-few-sources');
    }
    const relaxed = this.#rate.relax(this.#now);
    if (relaxed !== undefined) this.#setSlope(relaxed);
    this.#passLeap();
  }

  /** The monotonic clock was seen not to follow true time (A3): nothing known before holds. */
  disrupt(now: MonotonicNs, by: 'step' | 'suspend' | 'step-or-suspend'): void {
    this.#advanceTo(now);
    this.#refuted = { assumption: 'A3', atNs: now };
    this.#guard = undefined;
    this.#startOver(by);
  }

  /** Bounds on `wall - monotonic` for the wall guard (A4); `undefined` turns it off. */
  setGuard(guard: { lowerNs: bigint; upperNs: bigint } | undefined): void {
    this.#guard = guard;
  }

  /** `thetaBase`: what the offsets of {@link BoundEngine.boundAt} are relative to, ns. */
  get thetaBase(): bigint {
    return this.#thetaBase;
  }

  /** The last instant at which the bound may still be answered from, whatever happens. */
  expiresAt(): bigint {
    return this.#monotonicBase + BigInt(this.#renewedAt + this.#options.expireAfterNs);
  }

  /** A local instant of the engine as a monotonic reading. */
  toMonotonic(relative: number): bigint {
    return this.#monotonicBase + BigInt(relative);
  }

  /** Writes the bound at `now` into `into`. The bound must be known ({@link BoundEngine.bounded}). */
  boundAt(now: MonotonicNs, into: Bound): void {
    this.#advanceTo(now);
    into.lo = this.#loNow();
    into.hi = this.#hiNow();
    into.suspectLo = into.lo;
    into.suspectHi = into.hi;
    if (this.suspicious) {
      this.#suspicion.ageTo(this.#now, this.slope);
      into.suspectLo = Math.min(into.lo, this.#suspicion.lo);
      into.suspectHi = Math.max(into.hi, this.#suspicion.hi);
    }
    into.guarded = false;
    if (this.#guard === undefined) return;
    const guardLo = Number(this.#guard.lowerNs - this.#thetaBase);
    const guardHi = Number(this.#guard.upperNs - this.#thetaBase);
    if (guardLo > into.hi + GUARD_REACH || guardHi < into.lo - GUARD_REACH) return;
    into.guarded = true;
    into.guardLo = guardLo;
    into.guardHi = guardHi;
  }

  /** Where the two edges of the bound come from: lower, upper. Instants via {@link BoundEngine.toMonotonic}. */
  get provenance(): readonly [Readonly<Provenance>, Readonly<Provenance>] {
    return [this.#loFrom, this.#hiFrom];
  }

  /** The interval `source` vouches for at `now`, on theta in ns; `undefined` when it has no data. */
  intervalOf(
    source: Readonly<SourceState>,
    now: MonotonicNs,
  ): { lowerNs: bigint; upperNs: bigint } | undefined {
    this.#advanceTo(now);
    if (!source.cone.known) return undefined;
    return {
      lowerNs: source.base + BigInt(source.cone.loAt(this.#now, this.slope)),
      upperNs: source.base + BigInt(source.cone.hiAt(this.#now, this.slope)),
    };
  }

  /** Times in order and in range, and facts that do not cross even after the drift between them. */
  #possible(sample: ClockSample): boolean {
    const { sentAt, receivedAt, upperNs, lowerNs } = sample;
    const roundTrip = Number(receivedAt - sentAt);
    if (roundTrip < 0) return false;
    if (receivedAt + lowerNs < -FARTHEST || sentAt + upperNs > FARTHEST) return false;
    const drift = driftOver(this.slope, roundTrip + this.#options.resolutionNs);
    return Number(upperNs - lowerNs) + drift >= 0;
  }

  /**
   * The heart: agreement, then memory. `source` (undefined when only a miss was heard) contradicted its
   * own past by `gap` ns after `silentFor` ns of silence.
   */
  #fuse(source: SourceState | undefined, gap: number, silentFor: number): Outcome {
    const now = this.#now;
    const m = this.voters;
    const f = this.maxFaulty;
    let everybodyHeard = true;
    for (const { answered } of this.#sources) if (!answered) everybodyHeard = false;
    if (m <= f) {
      if (this.#known || everybodyHeard) this.#lose('too-few-sources');
      return 'waiting';
    }
    if (!this.#known) {
      if (!everybodyHeard) return 'waiting';
      this.#chooseBase();
    }
    if (this.#starts.length !== m) {
      this.#starts = new Float64Array(m);
      this.#ends = new Float64Array(m);
    }
    let i = 0;
    for (const each of this.#sources) {
      if (!each.cone.known) continue;
      each.lo = lowered(each.cone.loAt(now, this.slope), -each.shift);
      each.hi = raised(each.cone.hiAt(now, this.slope), each.shift);
      this.#starts[i] = each.lo;
      this.#ends[i++] = each.hi;
    }
    if (!agreedHull(this.#starts, this.#ends, m - f, this.#hull)) {
      return this.#refute(source, gap, silentFor, 'no-agreement');
    }
    const agreedLo = this.#hull[0] as number;
    const agreedHi = this.#hull[1] as number;
    let lo = agreedLo;
    let hi = agreedHi;
    if (this.#known) {
      lo = Math.max(lo, this.#loNow());
      hi = Math.min(hi, this.#hiNow());
      if (lo > hi) return this.#refute(source, Math.max(gap, lo - hi), silentFor, 'contradiction');
      const apart = this.#disjointFrom(lo, hi);
      if (apart.count > f) {
        return this.#refute(source, Math.max(gap, apart.nearest), silentFor, 'contradiction');
      }
    }
    // An edge that the sources moved inward is theirs; one that memory holds keeps its origin.
    if (!this.#known || lo === agreedLo) this.#adoptOrigin(lo, 'lo');
    if (!this.#known || hi === agreedHi) this.#adoptOrigin(hi, 'hi');
    this.#known = true;
    this.#at = now;
    this.#lo = lo;
    this.#hi = hi;
    this.#unambiguousFrom = INT64_MIN;
    this.#renewedAt = Number.NEGATIVE_INFINITY;
    for (const each of this.#sources) {
      if (!each.cone.known) continue;
      each.agrees = each.lo <= hi && each.hi >= lo;
      if (each.agrees) this.#renewedAt = Math.max(this.#renewedAt, each.lastHeard);
    }
    return 'bounded';
  }

  /** How many voting sources are disjoint from `[lo, hi]`, and the distance of the nearest of them. */
  #disjointFrom(lo: number, hi: number): { count: number; nearest: number } {
    const apart = this.#apart;
    apart.count = 0;
    apart.nearest = Number.POSITIVE_INFINITY;
    for (const each of this.#sources) {
      if (!each.cone.known) continue;
      const distance = Math.max(each.lo - hi, lo - each.hi);
      if (distance <= 0) continue;
      apart.count++;
      if (distance < apart.nearest) apart.nearest = distance;
    }
    return apart;
  }
  readonly #apart = { count: 0, nearest: 0 };

  /** The source whose cone supplies the agreed edge lends its origin to the bound. */
  #adoptOrigin(edge: number, side: 'lo' | 'hi'): void {
    for (const each of this.#sources) {
      if (!each.cone.known) continue;
      if (side === 'lo' && each.lo === edge) {
        copyProvenance(each.cone.loFrom, this.#loFrom);
        return;
      }
      if (side === 'hi' && each.hi === edge) {
        copyProvenance(each.cone.hiFrom, this.#hiFrom);
        return;
      }
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
    gap: number,
    silentFor: number,
    reason: 'no-agreement' | 'contradiction',
  ): Outcome {
    const aboutRates = reason === 'contradiction' || gap > 0;
    const laxer = aboutRates ? this.#rate.strike(this.#now, gap, silentFor) : undefined;
    if (laxer !== undefined) this.#setSlope(laxer);
    this.#refuted = {
      assumption: laxer !== undefined ? 'A1' : aboutRates ? 'A0-or-A1' : 'A0',
      atNs: this.toMonotonic(this.#now),
    };
    this.#startOver(reason);
    if (source !== undefined) {
      source.answered = true;
      source.cone.take(this.#sample, this.slope);
    }
    return 'refuted';
  }

  #startOver(reason: NoBoundReason): void {
    for (const source of this.#sources) {
      source.cone.forget();
      source.answered = false;
      source.agrees = false;
    }
    this.#lose(reason);
  }

  #lose(reason: NoBoundReason): void {
    if (this.#known) this.#era++;
    this.#known = false;
    this.#reason = reason;
    this.#suspicion.drop(this.#sources);
  }

  /** Suspects a source whose sample is disjoint from the bound it agreed with; returns whether. */
  #suspect(source: SourceState): boolean {
    if (!this.#known || !this.#suspicion.mayRaise(source, this.#now)) return false;
    const s = this.#sample;
    const loThen = lowered(s.lower, driftOver(this.slope, this.#now - s.receivedAt));
    const hiThen = raised(s.upper, driftOver(this.slope, this.#now - s.sentAt));
    const lo = lowered(loThen, -source.shift);
    const hi = raised(hiThen, source.shift);
    if (lo <= this.#hiNow() && hi >= this.#loNow()) return false;
    this.#suspicion.raise(source, lo, hi, this.#now, this.slope);
    return true;
  }

  /** At an announced leap second theta steps: what was known before it ends, with the last second of the month. */
  #passLeap(): void {
    if (!this.#known || this.#leapAt === undefined || this.#latestNow() < this.#leapAt) return;
    this.#unambiguousFrom = this.#leapAt + LEAP_SETTLING;
    this.#leapAt = undefined;
    this.#startOver('leap-second');
  }

  /**
   * More than `f` sources announce a leap second: it comes at the end of this UTC month. Which month that
   * is, the bound says and no single sample, which may be a lie.
   */
  #watchLeap(): void {
    let announcing = 0;
    for (const { leap, cone } of this.#sources) if (leap && cone.known) announcing++;
    if (announcing <= this.maxFaulty) this.#leapAt = undefined;
    else this.#leapAt ??= leapFollowing(this.#earliestNow());
  }

  #earliestNow(): UnixNs {
    return asUnixNs(this.toMonotonic(this.#now) + this.#thetaBase + BigInt(this.#loNow()));
  }

  #latestNow(): UnixNs {
    return asUnixNs(this.toMonotonic(this.#now) + this.#thetaBase + BigInt(this.#hiNow()));
  }

  /** The edges of the bound, aged to the engine's now. */
  #loNow(): number {
    return lowered(this.#lo, driftOver(this.slope, this.#now - this.#at));
  }
  #hiNow(): number {
    return raised(this.#hi, driftOver(this.slope, this.#now - this.#at));
  }

  /** A new rate bound: whatever is known is first aged to now with the old one. */
  #setSlope(slope: number): void {
    for (const { cone } of this.#sources) {
      if (cone.known) cone.ageTo(Math.max(this.#now, cone.at), this.slope);
    }
    if (this.#known) {
      this.#lo = this.#loNow();
      this.#hi = this.#hiNow();
      this.#at = this.#now;
      if (this.suspicious) this.#suspicion.ageTo(this.#now, this.slope);
    }
    this.#rate.set(slope);
  }

  #shiftTime(shift: number): void {
    this.#monotonicBase += BigInt(shift);
    this.#now -= shift;
    this.#at -= shift;
    this.#renewedAt -= shift;
    this.#rate.rebase(shift);
    this.#suspicion.rebase(shift);
    this.#loFrom.born -= shift;
    this.#hiFrom.born -= shift;
    for (const source of this.#sources) {
      source.cone.rebase(shift);
      source.lastHeard -= shift;
      source.suspicionBlockedUntil -= shift;
    }
  }

  /**
   * The sample, relative to its source's base, into the scratch record. Returns whether the source jumped
   * further than the numbers reach; its base is then the new sample.
   */
  #relative(sample: ClockSample, source: SourceState): boolean {
    const far = Math.abs(Number(sample.lowerNs - source.base)) > RANGE;
    if (far || !source.cone.known) {
      source.base = sample.lowerNs;
      source.shift = Number(source.base - this.#thetaBase);
    }
    const s = this.#sample;
    s.sentAt = Number(sample.sentAt - this.#monotonicBase) - this.#options.resolutionNs;
    s.receivedAt = Number(sample.receivedAt - this.#monotonicBase);
    s.upper = raised(Number(sample.upperNs - source.base), 0);
    s.lower = Number(sample.lowerNs - source.base);
    s.pathDelay = Number(sample.pathDelayNs);
    s.serverError = Number(sample.serverErrorNs);
    return far && source.cone.known;
  }

  /** The engine's time never goes back: a late sample is dealt with at the present. */
  #advanceTo(now: MonotonicNs): void {
    if (!this.#started) {
      this.#started = true;
      this.#monotonicBase = now;
    }
    const relative = Number(now - this.#monotonicBase);
    if (relative > this.#now) this.#now = relative;
    if (this.#now > REBASE_AFTER) this.#shiftTime(this.#now);
  }
}
