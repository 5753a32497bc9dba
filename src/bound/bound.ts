/** What the engine answers with, and the words for what can go wrong. */
import { Growth } from './growth.ts';

/** An assumption that observations can refute. docs/guarantees/ says what each one means. */
export type Assumption = 'A0' | 'A1' | 'A0-or-A1' | 'A2' | 'A3';

/** What ends a bound at once, because the clocks that it rests on were moved or stood still. */
export type Disruption = 'step' | 'suspend' | 'step-or-suspend' | 'vm-disruption';

/** All disruptions: the reasons that go with the status `disrupted`. */
export const DISRUPTIONS: readonly NoBoundReason[] = [
  'step',
  'suspend',
  'step-or-suspend',
  'vm-disruption',
] satisfies Disruption[];

/** A stable word for why there is no bound. */
export type NoBoundReason =
  | 'starting'
  | 'too-few-sources'
  | 'no-agreement'
  | 'contradiction'
  | 'expired'
  | 'leap-second'
  | 'stopped'
  | Disruption
  | 'witness';

/** All reasons, in the order of their codes on the published page. */
export const NO_BOUND_REASONS: readonly NoBoundReason[] = [
  'starting',
  'too-few-sources',
  'no-agreement',
  'contradiction',
  'expired',
  'leap-second',
  'stopped',
  'step',
  'suspend',
  'step-or-suspend',
  'witness',
  'vm-disruption',
];

/** What a call did to the bound. */
export type Outcome =
  /** There is a bound, and it stands. */
  | 'bounded'
  /** There is no bound yet, because more sources must be heard. */
  | 'waiting'
  /** A source that agreed is suddenly disjoint. The answer is wider; ask the other sources now. */
  | 'suspicious'
  /** An assumption was refuted. All but the last sample was dropped; ask every source now. */
  | 'refuted'
  /** The sample cannot be true, or its source is not configured. Nothing changed. */
  | 'impossible'
  /** Near a leap second, nobody can tell what the source means by the time. It has no vote now. */
  | 'unknown-timescale';

/** The bound at one instant. Values are relative to the engine's `thetaBase`, ns. */
export interface Bound {
  lo: number;
  hi: number;
  /**
   * The lower edge of the hull with what suspects said; equal to `lo` while there is no suspect.
   */
  suspectLo: number;
  /**
   * The upper edge of the hull with what suspects said; equal to `hi` while there is no suspect.
   */
  suspectHi: number;
  /** Whether the wall guard is part of the answer. */
  guarded: boolean;
  /** Lower edge of the wall guard. */
  guardLo: number;
  /** Upper edge of the wall guard. */
  guardHi: number;
  /** How far the lower edge falls from that instant on. */
  readonly fall: Growth;
  /** How far the upper edge rises from that instant on. */
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
