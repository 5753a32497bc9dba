import { type Bound, newBound, type Outcome } from '../../src/bound/bound.ts';
import { BoundEngine } from '../../src/bound/bound-engine.ts';
import type { ClockSample, LeapWarning } from '../../src/bound/clock-sample.ts';
import { provenanceOf } from '../../src/bound/engine-views.ts';
import type { ExpectedLeap } from '../../src/bound/leap-seconds.ts';
import type { RateAssumptions } from '../../src/bound/learned/rate-assumptions.ts';
import type { Timescale } from '../../src/bound/timescale.ts';
import { asMonotonicNs } from '../../src/time/instant.ts';

export const SECOND = 1_000_000_000n;
export const MS = 1_000_000n;

export interface Facts {
  readonly from?: string;
  readonly sentAt: bigint;
  readonly receivedAt?: bigint;
  readonly lower: bigint;
  readonly upper: bigint;
  readonly leap?: LeapWarning;
  /** What the source means by the time. Default `'utc'`. */
  readonly timescale?: Timescale;
}

export function sample(facts: Facts): ClockSample {
  const { from = 'a', sentAt, receivedAt = sentAt, lower, upper, leap = 'none' } = facts;
  return {
    sourceId: from,
    sentAt: asMonotonicNs(sentAt),
    receivedAt: asMonotonicNs(receivedAt),
    upperNs: upper,
    lowerNs: lower,
    pathDelayNs: receivedAt - sentAt,
    serverErrorNs: 0n,
    leap,
  };
}

/** A bound as absolute values of theta. */
export interface Edges {
  readonly lo: bigint;
  readonly hi: bigint;
  readonly suspectLo: bigint;
  readonly suspectHi: bigint;
  readonly guard: readonly [bigint, bigint] | undefined;
}

/** A bound engine with the conveniences that tests need. The harness itself is not under test. */
export class EngineHarness {
  readonly engine: BoundEngine;
  readonly #bound: Bound = newBound();

  constructor(
    sources: readonly string[],
    options: {
      maxRate?: number;
      maxFaulty?: number | undefined;
      gridNs?: number;
      expireAfterNs?: number;
      learning?: RateAssumptions;
      knownLeaps?: readonly ExpectedLeap[];
    } = {},
  ) {
    const { maxRate = 0.0002, gridNs = 0, expireAfterNs = 3600e9 } = options;
    this.engine = new BoundEngine({ ...options, maxRate, gridNs, expireAfterNs });
    this.engine.setSources(sources);
  }

  ingest(facts: Facts): Outcome {
    return this.engine.ingest(sample(facts), facts.timescale ?? 'utc');
  }

  /** At `now`, every listed source says that theta is its value plus or minus `half`. */
  sampleAll(now: bigint, half: bigint, said: Readonly<Record<string, bigint>>): Outcome[] {
    return Object.entries(said).map(([from, theta]) =>
      this.ingest({ from, sentAt: now, lower: theta - half, upper: theta + half }),
    );
  }

  miss(id: string, now: bigint): Outcome {
    return this.engine.miss(id, asMonotonicNs(now));
  }

  tick(now: bigint): void {
    this.engine.tick(asMonotonicNs(now));
  }

  /** Theta's bound at `now`, or the reason why there is none. */
  at(now: bigint): [bigint, bigint] | string {
    if (!this.engine.bounded) return this.engine.reason;
    const { lo, hi } = this.edges(now);
    return [lo, hi];
  }

  edges(now: bigint): Edges {
    const { engine } = this;
    const bound = this.#bound;
    engine.boundAt(asMonotonicNs(now), bound);
    const theta = (edge: number): bigint => engine.thetaBase + BigInt(edge);
    return {
      lo: theta(bound.lo),
      hi: theta(bound.hi),
      suspectLo: theta(bound.suspectLo),
      suspectHi: theta(bound.suspectHi),
      guard: bound.guarded ? [theta(bound.guardLo), theta(bound.guardHi)] : undefined,
    };
  }

  source(id: string): NonNullable<BoundEngine['sources'][number]> {
    const found = this.engine.sources.find((each) => each.id === id);
    if (found === undefined) throw new Error(`no source ${id}`);
    return found;
  }

  /**
   * All state that can be observed, to compare before and after a call that must change nothing.
   */
  snapshot(now: bigint): unknown {
    const { engine } = this;
    return structuredClone({
      edges: engine.bounded ? this.edges(now) : engine.reason,
      maxRate: engine.maxRate,
      refuted: engine.refuted,
      suspicious: engine.suspicious,
      leapAt: engine.leapAt,
      era: engine.era,
      expiresAt: engine.bounded ? engine.expiresAt() : undefined,
      provenance: provenanceOf(engine),
      sources: engine.sources.map(({ cone, ...rest }) => ({
        ...rest,
        cone: cone.known ? { ...cone } : 'forgotten',
      })),
    });
  }
}
