/** What the engine keeps of one configured endpoint. */
import type { UnixNs } from '../time/instant.ts';
import type { Edges } from './aged-interval.ts';
import type { LeapWarning } from './clock-sample.ts';
import { slack } from './drift.ts';
import { type Instant, Instants } from './local-now.ts';
import { SourceCone } from './source-cone.ts';
import type { Timescale } from './timescale.ts';

export interface SourceState {
  readonly id: string;
  /** All instants that are remembered about this source. */
  readonly instants: Instants;
  readonly cone: SourceCone;
  /** What the cone's values are relative to, ns. */
  base: bigint;
  /** `base` relative to the engine's base, ns: added to the cone's values. */
  shift: number;
  /** Its lower edge at the last fusion, relative to the engine's base, ns. */
  lo: number;
  /** Its upper edge at the last fusion, relative to the engine's base, ns. */
  hi: number;
  /** Whether it has replied or timed out since the engine last started over. */
  answered: boolean;
  /** When its last accepted sample was received; -Infinity before the first. */
  readonly lastHeard: Instant;
  /** What it means by the time, by its last sample. */
  timescale: Timescale;
  /** True time at its last sample, by its own account, ns of Unix time. */
  saidNs: number;
  /** What it last announced for the end of the month. */
  leap: LeapWarning;
  /** The month's end that it last announced a leap second for; `undefined` if it never did. */
  announcedFor: UnixNs | undefined;
  /**
   * Whether its interval overlapped the bound when last compared. Of a witness: whenever it was
   * compared since it was last asked.
   */
  agrees: boolean;
  suspect: boolean;
  /** How many suspicions of this source ended with the other sources confirming the bound. */
  falseAlarms: number;
  /** Until then it raises no suspicion. */
  readonly suspicionBlockedUntil: Instant;
  /** How often it contradicted its own past. */
  contradictions: number;
}

/** A source of which nothing is known. */
export function newSourceState(id: string, instants: Instants = new Instants()): SourceState {
  return {
    id,
    instants,
    cone: new SourceCone(instants),
    base: 0n,
    shift: 0,
    lo: 0,
    hi: 0,
    answered: false,
    lastHeard: instants.one(Number.NEGATIVE_INFINITY),
    timescale: 'unknown',
    saidNs: 0,
    leap: 'none',
    announcedFor: undefined,
    agrees: false,
    suspect: false,
    falseAlarms: 0,
    suspicionBlockedUntil: instants.one(),
    contradictions: 0,
  };
}

/** Makes edges that are relative to the base of `source` relative to the engine's base. */
export function toEngineBase(edges: Edges, { shift }: Readonly<SourceState>): void {
  edges.lo = edges.lo + shift - (slack(edges.lo) | slack(shift));
  edges.hi = edges.hi + shift + (slack(edges.hi) | slack(shift));
}
