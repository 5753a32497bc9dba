/**
 * What is measured: one row of the table per operation.
 *
 * Rows come in groups. Each group runs in a process of its own (subject.ts), since V8 specialises code for
 * the objects that it has seen: a hybrid clock that shares a process with clocks on three other kinds of
 * physical time is slower than any user's, who has one kind.
 *
 * To add a row, add it to a group in rows.ts; everything else follows.
 */
export interface Row {
  /** Stable: `--against` compares by it. */
  readonly id: string;
  /** The operation as a reader of the table knows it. */
  readonly operation: string;
  /**
   * One call, the `i`th. What a caller would keep it must keep, or the compiler drops it. A closure of
   * its own per row: rows that share one share its type feedback too.
   */
  readonly run: (i: number) => unknown;
  /** Calls per timed function: some 30 us of work. Default {@link DEFAULT_BATCH}. */
  readonly batch?: number;
  /** Whether the event loop runs for 5 ms after each window, to end what the calls began. */
  readonly turns?: boolean;
  /** At most so many bytes per call, else the run fails. Absent: measured, not judged. */
  readonly maxBytes?: number;
  /** What it should cost: at most so many times the floor, or so many ns. Reported, never enforced. */
  readonly target?: { readonly xFloor: number } | { readonly ns: number };
  /** The id of the row that a reader would compare it with. Default {@link BASELINE}. */
  readonly baseline?: string;
  /** A point of a curve instead of a line of the table: which curve, and where. */
  readonly scale?: { readonly curve: Curve; readonly x: number };
  /** Sets the scene for the time of the measurement; returns what ends it. */
  readonly during?: () => () => void;
}

/** What grows with what. */
export type Curve =
  | 'sample by sources'
  | 'learning by sources'
  | 'reading by sources'
  | 'reading by threads'
  | 'waiter by waiters';

/** By name: makes the rows of a group, once per process. */
export type Groups = Readonly<Record<string, () => readonly Row[] | Promise<readonly Row[]>>>;

export const DEFAULT_BATCH = 1000;

/** One reading of the monotonic clock, stored: what any clock in JavaScript must pay. */
export const BASELINE = 'hrtime';

/** How hard to measure. */
export interface Effort {
  /** Times that all rows are visited in turn, so that a noisy minute hits all of them. */
  readonly rounds: number;
  /** Timed windows per visit. */
  readonly windows: number;
  /** Length of a window, s. */
  readonly windowS: number;
  /** Whether to count the bytes of all rows, or of those that have a limit. */
  readonly allocation: 'all' | 'judged';
}

export const FULL: Effort = { rounds: 25, windows: 5, windowS: 0.002, allocation: 'all' };
/** Everything once: does it run, and does it allocate? Says nothing about time. */
export const SMOKE: Effort = { rounds: 1, windows: 1, windowS: 0.0002, allocation: 'judged' };
