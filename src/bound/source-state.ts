/** What the engine keeps of one configured endpoint. */
import type { Edges } from './aged-interval.ts';
import { slack } from './drift.ts';
import { SourceCone } from './source-cone.ts';
import { SourceFacts } from './source-facts.ts';

export interface SourceState {
  readonly id: string;
  readonly cone: SourceCone;
  /** Dated facts, where the rate is learned. */
  readonly facts: SourceFacts | undefined;
  /** What the cone's offsets are relative to, ns. */
  base: bigint;
  /** `base` relative to the engine's base: added to the cone's offsets. */
  shift: number;
  /** Its edges at the last fusion, relative to the engine's base. */
  lo: number;
  hi: number;
  /** It has replied or timed out since the engine last started over. */
  answered: boolean;
  /** Local instant of its last accepted sample; -Infinity before the first. */
  lastHeard: number;
  leap: boolean;
  /** Its interval overlapped the bound when last compared. */
  agrees: boolean;
  suspect: boolean;
  /** How often a suspicion of this source ended with the others confirming the bound. */
  lies: number;
  suspicionBlockedUntil: number;
  /** How often it contradicted its own past. */
  contradictions: number;
}

/** A source that nothing is known of. */
export function newSourceState(id: string, learning = false): SourceState {
  return {
    id,
    cone: new SourceCone(),
    facts: learning ? new SourceFacts() : undefined,
    base: 0n,
    shift: 0,
    lo: 0,
    hi: 0,
    answered: false,
    lastHeard: Number.NEGATIVE_INFINITY,
    leap: false,
    agrees: false,
    suspect: false,
    lies: 0,
    suspicionBlockedUntil: 0,
    contradictions: 0,
  };
}

/** All that the source proved is void. */
export function forget(source: SourceState): void {
  source.cone.forget();
  source.facts?.forget();
}

/** Edges that are relative to the base of `source` become relative to the engine's. */
export function toEngineBase(edges: Edges, { shift }: Readonly<SourceState>): void {
  edges.lo = edges.lo + shift - (slack(edges.lo) | slack(shift));
  edges.hi = edges.hi + shift + (slack(edges.hi) | slack(shift));
}
