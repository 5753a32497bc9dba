/**
 * Why epsilon is what it is.
 *
 * Half the width of the interval is split into parts, each computed on its own from where the two
 * edges of the bound come from, and a rest:
 *
 *     half-width = path delay + server error + drift + quantum + wall guard + suspicion + agreement
 *
 * With one source and one sample the path part is half the delay, and the rest is rounding. With
 * several the two edges come from different samples. "Agreement" is then what the vote added or, if
 * it is negative, what the vote and the memory of earlier samples took away.
 */
import type { Provenance } from '../bound/aged-interval.ts';
import type { Assumption, Bound, Disruption } from '../bound/bound.ts';
import type { BoundEngine } from '../bound/bound-engine.ts';
import type { ClockSample } from '../bound/clock-sample.ts';
import { intervalOf, provenanceOf } from '../bound/engine-views.ts';
import type { LearnedRate } from '../bound/learned/learned-bound.ts';
import type { SourceState } from '../bound/source-state.ts';
import type { Timescale } from '../bound/timescale.ts';
import { ClockInterval } from '../interval/time-interval.ts';
import { asUnixNs, type MonotonicNs, type UnixNs } from '../time/instant.ts';
import { withJson } from '../time/json.ts';
import type { Steering } from '../time/steering.ts';
import type { ProfileExplanation } from './host-profile.ts';
import { roundingNs } from './publisher.ts';
import type { ClockReading } from './reading.ts';
import { shortfall, votersNeeded } from './shortfall.ts';
import type { MissDetails, MissReason, TimeSource } from './time-source.ts';

/**
 * - `agrees`: its interval overlaps the bound, and it was heard in its last three polls.
 * - `falseticker`: its interval is disjoint from the bound.
 * - `suspect`: it agreed until its last sample. The other sources are being asked.
 * - `silent`: nothing came in its last three polls. Its earlier samples still vote while `votes` is
 *   true.
 * - `refused`: it answers, but its replies break the rule named by `lastReason`.
 * - `undecided`: it was heard, but there is no bound to compare it with.
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

/** One endpoint in an {@link Explanation}. */
export interface SourceExplanation {
  /** The endpoint, such as `ntp://192.0.2.7:123`. */
  readonly sourceId: string;
  /** The name of the source that yields this endpoint. */
  readonly sourceName: string;
  /** Whose claim its samples rest on, for people; absent where the source does not say. */
  readonly restsOn: string | undefined;
  /** What else the source tells people of it, in lines. Not checked by anybody. */
  readonly details: readonly string[];
  /** What it means by the time, as configured. */
  readonly timescale: Timescale;
  /** What the clock makes of it. */
  readonly verdict: SourceVerdict;
  /** Whether its samples count at present. */
  readonly votes: boolean;
  /** Where true time is now according to this source; absent when it has no vote. */
  readonly interval: ClockInterval | undefined;
  /** The last eight polls, the newest in bit 0. 1 stands for an accepted sample. */
  readonly reach: number;
  /** How many samples were accepted. */
  readonly accepted: number;
  /** Polls without a sample, by reason. */
  readonly misses: Readonly<Record<string, number>>;
  /** Why the last poll gave no sample; absent when it did. */
  readonly lastReason: MissReason | undefined;
  /**
   * Details of `lastReason`, for people: the system's code, what a resolver threw, which address
   * answered.
   */
  readonly lastCause: string | undefined;
  /** The round trip of the last sample less the server's hold time, ns. */
  readonly lastDelayNs: bigint | undefined;
  /** The error that the server claimed with the last sample, ns. */
  readonly lastServerErrorNs: bigint | undefined;
  /** How long ago its last sample arrived, ns; absent when none did. */
  readonly lastHeardAgoNs: bigint | undefined;
  /** How often it contradicted its own past. */
  readonly contradictions: number;
}

/**
 * - `agrees`: what it last said overlaps the bound.
 * - `contradicts`: what it last said excludes what the sources agree on, so there is no bound.
 * - `silent`, `refused`, `undecided`, `pending`: as in {@link SourceVerdict}.
 */
export type WitnessVerdict =
  | 'agrees'
  | 'contradicts'
  | 'silent'
  | 'refused'
  | 'undecided'
  | 'pending';

/** One witness in an {@link Explanation}. The fields are those of a {@link SourceExplanation}. */
export interface WitnessExplanation
  extends Omit<SourceExplanation, 'verdict' | 'votes' | 'contradictions'> {
  /** What the clock makes of it. */
  readonly verdict: WitnessVerdict;
}

/** The parts of half the width, ns. Each is rounded, and their sum is exactly `uncertaintyNs`. */
export interface UncertaintyParts {
  /** From the round trips: half of the mean delay. */
  readonly pathDelayNs: bigint;
  /** What the servers claim of themselves. */
  readonly serverErrorNs: bigint;
  /** What the bound has grown by since the facts it rests on. */
  readonly driftNs: bigint;
  /** The grid of the monotonic clock and the rounding of the published form. */
  readonly gridNs: bigint;
  /** By how much the wall clock, which is included on a `disciplined` host, widens it. */
  readonly wallGuardNs: bigint;
  /** By how much a suspected source widens it. */
  readonly suspicionNs: bigint;
  /** What the vote added or, negative, what it and the memory of earlier samples took away. */
  readonly agreementNs: bigint;
}

/** What the clock has learned of its own rate. */
export interface RateExplanation {
  /**
   * At least how fast true time now gains on the monotonic clock, ppm. It is positive for a clock
   * that is slow. The two rates are within the drift bound, and at least the assumed jitter apart
   * to either side.
   */
  readonly lowerPpm: number;
  /** At most how fast true time now gains on the monotonic clock, ppm. */
  readonly upperPpm: number;
  /**
   * The assumed wander, ppm per second. It is above the configured one after a refutation of A2.
   */
  readonly wanderPpmPerSecond: number;
}

/** What {@link BoundedClock.explain} says. Has a JSON form. */
export interface Explanation {
  /** The reading that is explained. */
  readonly reading: ClockReading;
  /** Half the width of the interval, rounded up; absent without a bound. */
  readonly uncertaintyNs: bigint | undefined;
  /** What the uncertainty is made of; absent without a bound. */
  readonly parts: UncertaintyParts | undefined;
  /**
   * Advice in sentences. With a bound: which setting would make a wide interval how narrow, and
   * then what makes it wide. Without one: how many sources are heard and needed, and which of them
   * differ by how much.
   */
  readonly advice: readonly string[];
  /** Which profile is in force, and for `hostClock: 'detect'` what was seen. */
  readonly profile: ProfileExplanation;
  /**
   * The drift bound in force, ppm of what passes on the monotonic clock. That is a little more than
   * the configured `maxDriftPpm`, which counts per true second (200 becomes 200.04), and more still
   * after refutations.
   */
  readonly maxDriftPpm: number;
  /**
   * What the bound rests on: 1, the drift bound alone (A1), or 2, the learned rate (A2). After a
   * refutation of A2 it is 1 until the next sample.
   */
  readonly basis: 'drift-bound' | 'learned-rate';
  /** The learned rate; absent while the bound rests on layer 1. */
  readonly rate: RateExplanation | undefined;
  /** `f`: how many sources may be wrong. */
  readonly maxFaulty: number;
  /** `m`: how many sources vote. */
  readonly voters: number;
  /** How many must vote for there to be a bound: `maxFaulty + 1`. */
  readonly votersNeeded: number;
  /** The assumption last refuted, and how long ago. */
  readonly refuted: { readonly assumption: Assumption; readonly agoNs: bigint } | undefined;
  /** How often the clocks of this machine jumped since the start, by what kind of jump it was. */
  readonly disruptions: Readonly<Record<Disruption, number>>;
  /**
   * Whether a hypervisor tells this machine when it disturbs all its clocks at once: a VMClock
   * device that this process can read. Without one, a move to another host shows with the next
   * reply of a source.
   */
  readonly vmClock: boolean;
  /**
   * How long until the uncertainty exceeds `warnUncertaintyMs` if no sample arrives, ns; 0 when it
   * does already. Absent without that option or a bound, and when the bound expires before that.
   */
  readonly timeToLimitNs: bigint | undefined;
  /** Every endpoint, in the order of configuration. */
  readonly sources: readonly SourceExplanation[];
  /** Every witness, likewise. They have no vote. */
  readonly witnesses: readonly WitnessExplanation[];
  /** The explanation with every bigint as a decimal string. */
  toJSON(): unknown;
}

/** What is known of an endpoint beyond its vote. */
export class Endpoint {
  readonly id: string;
  readonly #source: Pick<TimeSource, 'name' | 'restsOn'>;
  readonly timescale: Timescale;
  details: readonly string[] = [];
  reach = 0;
  accepted = 0;
  polls = 0;
  /** Without a prototype, because a source may call a reason `constructor`. */
  readonly misses: Record<string, number> = Object.create(null);
  lastReason: MissReason | undefined;
  lastCause: string | undefined;
  /** When the last exchange began; `undefined` after a miss without an exchange. */
  lastStartedAt: bigint | undefined;
  lastDelayNs: bigint | undefined;
  lastServerErrorNs: bigint | undefined;

  constructor(id: string, source: Pick<TimeSource, 'name' | 'restsOn' | 'timescale'>) {
    this.id = id;
    this.#source = source;
    this.timescale = source.timescale ?? 'unknown';
  }

  get sourceName(): string {
    return this.#source.name;
  }

  /** Asked each time, because a source may learn it from its server. It may be a user's getter. */
  get restsOn(): string | undefined {
    try {
      const { restsOn } = this.#source;
      return typeof restsOn === 'string' ? restsOn : undefined;
    } catch {
      return undefined;
    }
  }

  heard(sample: ClockSample): void {
    this.polls++;
    this.accepted++;
    this.reach = ((this.reach << 1) | 1) & 0xff;
    this.lastReason = undefined;
    this.lastCause = undefined;
    this.lastStartedAt = sample.sentAt;
    this.lastDelayNs = sample.pathDelayNs;
    this.lastServerErrorNs = sample.serverErrorNs;
  }

  missed(reason: MissReason, { startedAt, cause }: MissDetails = {}): void {
    this.polls++;
    this.reach = (this.reach << 1) & 0xff;
    this.lastReason = reason;
    this.lastCause = cause;
    this.lastStartedAt = startedAt;
    this.misses[reason] = (this.misses[reason] ?? 0) + 1;
  }

  /** For an error message: the id, and what came last. */
  summary(): string {
    if (this.polls === 0) return `${this.id}: not heard yet`;
    const cause = this.lastCause === undefined ? '' : ` (${this.lastCause})`;
    return `${this.id}: ${this.lastReason ?? 'replied'}${cause}`;
  }
}

/** A part of more than one in this many of the half-width is worth advice. */
const ADVICE_SHARE = 2n;

export interface ExplainInput {
  readonly reading: ClockReading;
  readonly engine: BoundEngine;
  readonly bound: Bound;
  readonly now: MonotonicNs;
  /** Grid of the monotonic clock, ns. */
  readonly gridNs: bigint;
  readonly profile: ProfileExplanation;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly witnesses: ReadonlyMap<string, Endpoint>;
  readonly disruptions: Readonly<Record<Disruption, number>>;
  readonly vmClock: boolean;
  readonly timeToLimitNs: bigint | undefined;
}

export function explain(input: ExplainInput): Explanation {
  const { reading, engine, now } = input;
  const rate = engine.learned?.rate;
  const parts =
    reading.interval !== undefined && engine.bounded ? split(reading.interval, input) : undefined;
  const uncertaintyNs = parts && Object.values(parts).reduce((sum, part) => sum + part, 0n);
  const explanation = {
    reading,
    uncertaintyNs,
    parts,
    advice:
      parts && uncertaintyNs !== undefined
        ? advise(parts, uncertaintyNs, input.profile)
        : shortfall(engine, input.endpoints),
    profile: input.profile,
    maxDriftPpm: engine.maxRate * 1e6,
    basis: rate === undefined ? ('drift-bound' as const) : ('learned-rate' as const),
    rate: explainRate(rate),
    maxFaulty: engine.maxFaulty,
    voters: engine.voters,
    votersNeeded: votersNeeded(engine),
    refuted:
      engine.refuted &&
      withJson({
        assumption: engine.refuted.assumption,
        agoNs: now - engine.refuted.atNs,
      }),
    disruptions: { ...input.disruptions },
    vmClock: input.vmClock,
    timeToLimitNs: input.timeToLimitNs,
    sources: engine.sources.map((source) => explainSource(source, input)),
    witnesses: engine.witnesses.map((witness) => explainWitness(witness, input)),
  };
  return withJson(explanation);
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

function split(interval: ClockInterval, input: ExplainInput): UncertaintyParts {
  const { engine, bound, now, gridNs } = input;
  engine.boundAt(now, bound);
  const [lo, hi] = provenanceOf(engine);
  const age = ({ born }: Readonly<Provenance>) => Number(now - engine.toMonotonic(born.ns));
  const pathDelayNs = whole((lo.pathDelay + hi.pathDelay) / 4);
  const serverErrorNs = whole((lo.serverError + hi.serverError) / 2);
  const driftNs = whole((bound.fall.over(age(lo)) + bound.rise.over(age(hi))) / 2);
  const readingNs = gridNs + roundingNs(engine.maxRate);
  const suspicionNs = whole((bound.lo - bound.suspectLo + bound.suspectHi - bound.hi) / 2);
  const guardNs = bound.guarded
    ? Math.max(0, bound.suspectLo - bound.guardLo) + Math.max(0, bound.guardHi - bound.suspectHi)
    : 0;
  const wallGuardNs = whole(guardNs / 2);
  const uncertaintyNs = (interval.latest - interval.earliest + 1n) / 2n;
  const agreementNs =
    uncertaintyNs - (pathDelayNs + serverErrorNs + driftNs + readingNs + suspicionNs + wallGuardNs);
  return withJson({
    pathDelayNs,
    serverErrorNs,
    driftNs,
    gridNs: readingNs,
    wallGuardNs,
    suspicionNs,
    agreementNs,
  });
}

/** The setting that mends the width comes first: some show the first sentence only. */
function advise(
  parts: UncertaintyParts,
  uncertaintyNs: bigint,
  { detected }: ProfileExplanation,
): string[] {
  const { wallGuardNs } = parts;
  if (wallGuardNs * ADVICE_SHARE <= uncertaintyNs) return [];
  const now = `± ${inMs(uncertaintyNs)}`;
  const then = `about ± ${inMs(uncertaintyNs - wallGuardNs)}`;
  return [
    mends(detected, now, then),
    `the wall clock is ${inMs(2n * wallGuardNs)} outside the bound, and the interval includes it, ` +
      'because the clock takes this host for disciplined',
  ];
}

function mends(detected: Steering | undefined, now: string, then: string): string {
  const setting = "hostClock: 'free-running' (--host-clock free-running)";
  if (detected?.conclusion === 'steered') {
    return (
      `${now} becomes ${then} when the time daemon has set the wall clock right ` +
      `(${detected.because[0]}), or with ${setting} if it never does`
    );
  }
  const look =
    detected === undefined
      ? "hostClock: 'detect' (--host-clock detect) looks for a time daemon"
      : `'detect' could not tell: ${detected.because[0]}`;
  return `${setting} turns ${now} into ${then}, if nothing adjusts this machine's clock; ${look}`;
}

/** For people: three digits. */
const inMs = (ns: bigint): string => `${Number((Number(ns) / 1e6).toPrecision(3))} ms`;

function explainSource(source: Readonly<SourceState>, input: ExplainInput): SourceExplanation {
  const endpoint = input.endpoints.get(source.id) ?? new Endpoint(source.id, { name: source.id });
  return withJson({
    ...heardFrom(source, endpoint, input),
    verdict: verdictOf(source, endpoint, input.engine.bounded),
    votes: source.cone.known,
    contradictions: source.contradictions,
  });
}

function explainWitness(witness: Readonly<SourceState>, input: ExplainInput): WitnessExplanation {
  const endpoint =
    input.witnesses.get(witness.id) ?? new Endpoint(witness.id, { name: witness.id });
  return withJson({
    ...heardFrom(witness, endpoint, input),
    verdict: witnessVerdict(witness, endpoint, input.engine),
  });
}

function witnessVerdict(
  { id, cone }: Readonly<SourceState>,
  { polls, lastReason }: Endpoint,
  { bounded, reason, objection }: BoundEngine,
): WitnessVerdict {
  if (polls === 0) return 'pending';
  if (!cone.known) return silence(lastReason);
  if (bounded) return 'agrees';
  return reason === 'witness' && objection?.sourceId === id ? 'contradicts' : 'undecided';
}

/** What is known of an endpoint, whether it votes or not. */
function heardFrom(
  source: Readonly<SourceState>,
  endpoint: Endpoint,
  input: ExplainInput,
): Omit<SourceExplanation, 'verdict' | 'votes' | 'contradictions'> {
  const { engine, now } = input;
  const theta = intervalOf(engine, source, now);
  const { lastHeard } = source;
  return {
    sourceId: source.id,
    sourceName: endpoint.sourceName,
    restsOn: endpoint.restsOn,
    details: [...endpoint.details],
    timescale: endpoint.timescale,
    interval:
      theta && new ClockInterval(at(now, theta.lowerNs), at(now, theta.upperNs + input.gridNs)),
    reach: endpoint.reach,
    accepted: endpoint.accepted,
    misses: { ...endpoint.misses },
    lastReason: endpoint.lastReason,
    lastCause: endpoint.lastCause,
    lastDelayNs: endpoint.lastDelayNs,
    lastServerErrorNs: endpoint.lastServerErrorNs,
    lastHeardAgoNs: endpoint.accepted === 0 ? undefined : now - engine.toMonotonic(lastHeard.ns),
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

/** Misses without a reply that could be refused. */
const NO_REPLY: ReadonlySet<MissReason> = new Set([
  'timeout',
  'unreachable',
  'unresolved',
  'held-back',
  'other-sender',
  'out-of-descriptors',
  'local-error',
  'missing',
  'hidden',
  'quiet',
]);

function silence(reason: MissReason | undefined): 'silent' | 'refused' | 'undecided' {
  if (reason === undefined) return 'undecided';
  return NO_REPLY.has(reason) ? 'silent' : 'refused';
}

const at = (now: MonotonicNs, theta: bigint): UnixNs => asUnixNs(now + theta);
const whole = (ns: number): bigint => BigInt(Math.round(ns));
