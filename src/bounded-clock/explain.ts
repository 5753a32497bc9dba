/**
 * Why epsilon is what it is.
 *
 * Half the width of the interval is split into parts, each computed on its own from where the two edges
 * of the bound come from, and a rest:
 *
 *     half-width = path delay + server error + drift + quantum + wall guard + suspicion + agreement
 *
 * With one source and one sample the path part is half the delay and the rest is rounding. With several,
 * the two edges come from different samples: "agreement" is what the vote added, or, negative, what it and
 * the memory of earlier samples took away.
 */
import type { Assumption, Bound } from '../bound/bound.ts';
import type { BoundEngine } from '../bound/bound-engine.ts';
import type { ClockSample } from '../bound/clock-sample.ts';
import type { LearnedRate } from '../bound/learned-bound.ts';
import { pageSlack } from '../bound/page.ts';
import type { SourceState } from '../bound/source-state.ts';
import { asUnixNs, type MonotonicNs, type UnixNs } from '../time/instant.ts';
import { ClockInterval, type ClockReading } from './reading.ts';
import type { MissReason } from './time-source.ts';

/**
 * - `agrees`: its interval overlaps the bound, and it was heard in its last three polls.
 * - `falseticker`: its interval is disjoint from the bound.
 * - `suspect`: it agreed until its last sample; the others are being asked.
 * - `silent`: nothing came in its last three polls. What it said before still votes while `votes`.
 * - `refused`: it answers, but its replies break a rule (`lastReason`).
 * - `undecided`: it has said something, but there is no bound to compare it with.
 * - `pending`: not heard yet.
 */
export type SourceVerdict =
  | 'agrees'
  | 'falseticker'
  | 'suspect'
  | 'silent'
  | 'refused'
  | 'undecided'
  | 'pending';

export interface SourceExplanation {
  readonly sourceId: string;
  /** The source that yields this endpoint. */
  readonly source: string;
  readonly verdict: SourceVerdict;
  /** Whether what it said counts at present. */
  readonly votes: boolean;
  /** Where it says true time is now; absent when it has no vote. */
  readonly interval: ClockInterval | undefined;
  /** The last eight polls, newest in bit 0: 1 is an accepted sample. */
  readonly reach: number;
  readonly accepted: number;
  /** Polls without a sample, by reason. */
  readonly misses: Readonly<Record<string, number>>;
  readonly lastReason: MissReason | undefined;
  readonly lastDelayNs: bigint | undefined;
  readonly lastServerErrorNs: bigint | undefined;
  /** How often it contradicted its own past. */
  readonly contradictions: number;
}

/** The parts of half the width, ns, each rounded; they sum to `halfWidthNs` exactly. */
export interface EpsilonParts {
  readonly pathDelayNs: bigint;
  readonly serverErrorNs: bigint;
  readonly driftNs: bigint;
  /** The grid of the monotonic clock and the rounding of the published form. */
  readonly quantumNs: bigint;
  readonly wallGuardNs: bigint;
  readonly suspicionNs: bigint;
  readonly agreementNs: bigint;
}

export interface RateExplanation {
  /**
   * Between these rates, in ppm, true time now gains on the monotonic clock: positive for a clock that is
   * slow. At most the rate bound, and no narrower than the assumed jitter to either side.
   */
  readonly lowerPpm: number;
  readonly upperPpm: number;
  /** The wander assumed, ppm per second: above the configured one after a refutation of A2. */
  readonly wanderPpmPerSecond: number;
}

export interface Explanation {
  readonly reading: ClockReading;
  /** Half the width of the interval, rounded up; absent without a bound. */
  readonly halfWidthNs: bigint | undefined;
  readonly parts: EpsilonParts | undefined;
  /** In words: what makes the interval wide and which setting mends it, where that can be told. */
  readonly advice: readonly string[];
  /** The rate bound in force, ppm; above the configured one after refutations. */
  readonly driftPpm: number;
  /**
   * What carries the bound: 1, the rate bound alone (A1), or 2, the learned rate (A2). A refuted A2 leaves it to
   * layer 1 until the next sample.
   */
  readonly layer: 1 | 2;
  /** What layer 2 knows; absent while layer 1 carries the bound. */
  readonly rate: RateExplanation | undefined;
  /** `f` and `m`: how many may be wrong, how many vote. */
  readonly maxFaulty: number;
  readonly voters: number;
  /** The assumption last refuted, and how long ago. */
  readonly refuted: { readonly assumption: Assumption; readonly agoNs: bigint } | undefined;
  readonly sources: readonly SourceExplanation[];
  /** The same with every bigint as a decimal string. */
  toJSON(): unknown;
}

/** What is known of an endpoint beyond its vote. */
export class Endpoint {
  readonly id: string;
  readonly source: string;
  reach = 0;
  accepted = 0;
  polls = 0;
  readonly misses: Record<string, number> = {};
  lastReason: MissReason | undefined;
  lastDelayNs: bigint | undefined;
  lastServerErrorNs: bigint | undefined;

  constructor(id: string, source: string) {
    this.id = id;
    this.source = source;
  }

  heard(sample: ClockSample): void {
    this.polls++;
    this.accepted++;
    this.reach = ((this.reach << 1) | 1) & 0xff;
    this.lastReason = undefined;
    this.lastDelayNs = sample.pathDelayNs;
    this.lastServerErrorNs = sample.serverErrorNs;
  }

  missed(reason: MissReason): void {
    this.polls++;
    this.reach = (this.reach << 1) & 0xff;
    this.lastReason = reason;
    this.misses[reason] = (this.misses[reason] ?? 0) + 1;
  }

  /** For an error message: who, and what came last. */
  summary(): string {
    if (this.polls === 0) return `${this.id}: not heard yet`;
    return `${this.id}: ${this.lastReason ?? 'replied'}`;
  }
}

/** Beyond this share of the half-width a part is worth advice. */
const WORTH_NAMING = 2n;

export interface ExplainInput {
  readonly reading: ClockReading;
  readonly engine: BoundEngine;
  readonly bound: Bound;
  readonly now: MonotonicNs;
  readonly resolutionNs: bigint;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
}

export function explain(input: ExplainInput): Explanation {
  const { reading, engine, now } = input;
  const parts =
    'interval' in reading && engine.bounded ? split(reading.interval, input) : undefined;
  const halfWidthNs = parts && Object.values(parts).reduce((sum, part) => sum + part, 0n);
  const explanation = {
    reading,
    halfWidthNs,
    parts,
    advice: parts && halfWidthNs !== undefined ? advise(parts, halfWidthNs) : [],
    driftPpm: engine.slope * 1e6,
    layer: engine.learned === undefined ? (1 as const) : (2 as const),
    rate: explainRate(engine.learned),
    maxFaulty: engine.maxFaulty,
    voters: engine.voters,
    refuted: engine.refuted && {
      assumption: engine.refuted.assumption,
      agoNs: now - engine.refuted.atNs,
    },
    sources: engine.sources.map((source) => explainSource(source, input)),
  };
  return { ...explanation, toJSON: () => jsonSafe(explanation) };
}

function explainRate(learned: LearnedRate | undefined): RateExplanation | undefined {
  return (
    learned && {
      lowerPpm: learned.lower * 1e6,
      upperPpm: learned.upper * 1e6,
      wanderPpmPerSecond: learned.wander * 1e15,
    }
  );
}

function split(interval: ClockInterval, input: ExplainInput): EpsilonParts {
  const { engine, bound, now, resolutionNs } = input;
  engine.boundAt(now, bound);
  const [lo, hi] = engine.provenance;
  const age = (born: number) => Number(now - engine.toMonotonic(born));
  const pathDelayNs = whole((lo.pathDelay + hi.pathDelay) / 4);
  const serverErrorNs = whole((lo.serverError + hi.serverError) / 2);
  const driftNs = whole((bound.fall.over(age(lo.born)) + bound.rise.over(age(hi.born))) / 2);
  const quantumNs = resolutionNs + pageSlack(engine.slope);
  const suspicionNs = whole((bound.lo - bound.suspectLo + bound.suspectHi - bound.hi) / 2);
  const guardNs = bound.guarded
    ? Math.max(0, bound.suspectLo - bound.guardLo) + Math.max(0, bound.guardHi - bound.suspectHi)
    : 0;
  const wallGuardNs = whole(guardNs / 2);
  const halfWidthNs = (interval.latest - interval.earliest + 1n) / 2n;
  const agreementNs =
    halfWidthNs - (pathDelayNs + serverErrorNs + driftNs + quantumNs + suspicionNs + wallGuardNs);
  return {
    pathDelayNs,
    serverErrorNs,
    driftNs,
    quantumNs,
    wallGuardNs,
    suspicionNs,
    agreementNs,
  };
}

function advise(parts: EpsilonParts, halfWidthNs: bigint): string[] {
  if (parts.wallGuardNs * WORTH_NAMING <= halfWidthNs) return [];
  const milliseconds = Number((2n * parts.wallGuardNs) / 1000n) / 1000;
  return [
    `the wall clock is ${milliseconds} ms outside the bound and the interval includes it, because ` +
      "hostClock is 'disciplined': let a time daemon correct the wall clock, or say " +
      "hostClock: 'free-running' if none steers this machine's clock",
  ];
}

function explainSource(source: Readonly<SourceState>, input: ExplainInput): SourceExplanation {
  const { engine, now, endpoints } = input;
  const endpoint = endpoints.get(source.id) ?? new Endpoint(source.id, source.id);
  const theta = engine.intervalOf(source, now);
  return {
    sourceId: source.id,
    source: endpoint.source,
    verdict: verdictOf(source, endpoint, engine.bounded),
    votes: source.cone.known,
    interval:
      theta &&
      new ClockInterval(at(now, theta.lowerNs), at(now, theta.upperNs + input.resolutionNs)),
    reach: endpoint.reach,
    accepted: endpoint.accepted,
    misses: { ...endpoint.misses },
    lastReason: endpoint.lastReason,
    lastDelayNs: endpoint.lastDelayNs,
    lastServerErrorNs: endpoint.lastServerErrorNs,
    contradictions: source.contradictions,
  };
}

function verdictOf(
  source: Readonly<SourceState>,
  endpoint: Endpoint,
  bounded: boolean,
): SourceVerdict {
  const heardLately = (endpoint.reach & 0b111) !== 0;
  if (endpoint.polls === 0) return 'pending';
  if (!heardLately) return silence(endpoint.lastReason);
  if (!bounded)
    return endpoint.lastReason === undefined ? 'undecided' : silence(endpoint.lastReason);
  if (!source.cone.known) return silence(endpoint.lastReason);
  if (source.suspect) return 'suspect';
  return source.agrees ? 'agrees' : 'falseticker';
}

/** Misses in which no reply was there to refuse. */
const NOTHING_CAME: ReadonlySet<MissReason> = new Set([
  'timeout',
  'unreachable',
  'unresolved',
  'held-back',
]);

function silence(reason: MissReason | undefined): SourceVerdict {
  if (reason === undefined) return 'undecided';
  return NOTHING_CAME.has(reason) ? 'silent' : 'refused';
}

const at = (now: MonotonicNs, theta: bigint): UnixNs => asUnixNs(now + theta);
const whole = (ns: number): bigint => BigInt(Math.round(ns));

/** A copy that `JSON.stringify` takes: every bigint as a decimal string. */
function jsonSafe(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, each: unknown) =>
      typeof each === 'bigint' ? String(each) : each,
    ),
  );
}
