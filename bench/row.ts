/**
 * A row of the table: one operation to measure.
 *
 * Rows come in groups. Each group runs in a process of its own (subject.ts), because V8 specialises
 * code for the objects that it has seen. A hybrid clock that shares a process with clocks on three
 * other kinds of physical time would be slower than in a user's program, which has one kind.
 *
 * To add a row, add it to a group in rows.ts; everything else follows.
 */
export interface Row {
  /** A stable name, by which `--against` compares. */
  readonly id: string;
  /** The name of the operation in the table. */
  readonly operation: string;
  /**
   * Makes the `i`th call. It must keep every result that a caller would keep, or the compiler drops
   * the call. Each row needs a closure of its own, because rows that share a closure share its type
   * feedback too.
   */
  readonly run: (i: number) => unknown;
  /** The call alone, for a caller that keeps the result itself (usages.ts). Default: `run`. */
  readonly result?: () => unknown;
  /** Calls per timed function, about 30 us of work. Default {@link DEFAULT_BATCH}. */
  readonly batch?: number;
  /** Whether the event loop runs for 5 ms after each window, to finish what the calls began. */
  readonly turns?: boolean;
  /** The most bytes per call: with more, the run fails. Absent: measured, without a limit. */
  readonly maxBytes?: number;
  /**
   * The most that the call should cost, in multiples of the floor or of the baseline, or in ns. The
   * report marks a miss; nothing enforces it.
   */
  readonly target?:
    | { readonly xFloor: number }
    | { readonly xBaseline: number }
    | { readonly ns: number };
  /**
   * For the hottest calls: the most that one should cost in any of the ways to call it, in
   * multiples of {@link BASELINE} called in the same way (usages.ts).
   */
  readonly most?: number;
  /** The id of the row to compare it with. Default {@link BASELINE}. */
  readonly baseline?: string;
  /** For a point of a curve instead of a line of the table: the curve, and the point's x. */
  readonly scale?: { readonly curve: Curve; readonly x: number };
  /** Prepares the surroundings of a measurement, such as busy threads; returns what ends them. */
  readonly during?: () => () => void;
}

/** The curves: which cost grows with which number. */
export type Curve =
  | 'sample by sources'
  | 'learning by sources'
  | 'reading by sources'
  | 'reading by threads'
  | 'waiter by waiters';

/** By name: makes the rows of a group, once per process. */
export type Groups = Readonly<Record<string, () => readonly Row[] | Promise<readonly Row[]>>>;

export const DEFAULT_BATCH = 1000;

/** One reading of the monotonic clock, stored: the least cost of any clock in JavaScript. */
export const BASELINE = 'hrtime';

/** How much to measure. */
export interface Effort {
  /** How often all rows are visited in turn, so that a noisy minute hits all of them. */
  readonly rounds: number;
  /** Timed windows per visit. */
  readonly windows: number;
  /** The length of a window, s. */
  readonly windowS: number;
  /** Whether to count the bytes of all rows, or only of those that have a limit. */
  readonly allocation: 'all' | 'limited';
}

export const FULL: Effort = { rounds: 25, windows: 5, windowS: 0.002, allocation: 'all' };
/** Runs everything once, to see that it runs and what it allocates. Its times mean nothing. */
export const SMOKE: Effort = { rounds: 1, windows: 1, windowS: 0.0002, allocation: 'limited' };
