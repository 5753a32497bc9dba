/** What the engine answers with, and the names of what may prove false. */
import { Growth } from './growth.ts';

/** An assumption that observations can refute; docs/guarantees.md says what each of them means. */
export type Assumption = 'A0' | 'A1' | 'A0-or-A1' | 'A2' | 'A3';

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

/** The bound as it stands at one instant; offsets are relative to the engine's `thetaBase`. */
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
  /** How the edges move from that instant on: the lower one falls, the upper one rises. */
  readonly fall: Growth;
  readonly rise: Growth;
}

export function newBound(): Bound {
  return {
    lo: 0,
    hi: 0,
    suspectLo: 0,
    suspectHi: 0,
    guarded: false,
    guardLo: 0,
    guardHi: 0,
    fall: new Growth(),
    rise: new Growth(),
  };
}
