/**
 * What the server tells the page, as JSON. Types only, which both ends import.
 *
 * Instants have nanoseconds since 1970, more than a double can hold, so they travel as decimal
 * strings. Everything that is drawn is relative to `Frame.at`, and there doubles suffice.
 */

/** The figures that are kept for an hour, one row a second. */
export const COLUMNS = [
  /** Since the dashboard started, suspends included where the platform can tell, ms. */
  'elapsedMs',
  /** Half the width of the interval, rounded up. */
  'uncertaintyNs',
  /** How far the wall clock of the machine is ahead of the middle of the interval. */
  'wallNs',
  'pathDelayNs',
  'serverErrorNs',
  'driftNs',
  'gridNs',
  'wallGuardNs',
  'suspicionNs',
  'agreementNs',
  /** How far the hybrid clock is ahead of physical time. */
  'leadNs',
] as const;

export type Column = (typeof COLUMNS)[number];

/** One second. A figure that does not exist, such as the uncertainty without a bound, is null. */
export type Row = Readonly<Record<Column, number | null>>;

/** A source or a witness. */
export interface SourceFrame {
  readonly id: string;
  readonly name: string;
  readonly restsOn: string | undefined;
  readonly verdict: string;
  /** False for a witness. */
  readonly votes: boolean;
  /** The ends of its interval, relative to `Frame.at`. */
  readonly lowerNs: number | undefined;
  readonly upperNs: number | undefined;
  readonly delayNs: number | undefined;
  readonly serverErrorNs: number | undefined;
  readonly heardAgoNs: number | undefined;
  /** The last eight polls, the newest in bit 0. 1 stands for a sample. */
  readonly reach: number;
  /** How many polls there were since the start. */
  readonly polls: number;
  readonly lastReason: string | undefined;
  readonly lastCause: string | undefined;
}

/** How long commit waits lasted, since the start of the program. */
export interface WaitsFrame {
  /** Upper limits, s, ascending. */
  readonly limits: readonly number[];
  /** How many waits were at most each limit, and at last how many there were. */
  readonly counts: readonly number[];
  readonly failures: number;
}

/** The clock at one instant. */
export interface Frame {
  readonly row: Row;
  /** The middle of the interval; without one, the wall clock. Unix ns. */
  readonly at: string;
  readonly status: string;
  readonly reason: string | undefined;
  readonly quorum: string | undefined;
  /** The ends of the interval, Unix ns. */
  readonly earliest: string | undefined;
  readonly latest: string | undefined;
  readonly advice: readonly string[];
  readonly refuted: { readonly assumption: string; readonly agoNs: number } | undefined;
  readonly voters: number;
  readonly votersNeeded: number;
  readonly maxFaulty: number;
  readonly maxDriftPpm: number;
  readonly sources: readonly SourceFrame[];
  readonly witnesses: readonly SourceFrame[];
  /** How many sources and witnesses there are beyond those listed. */
  readonly unlisted: number;
  readonly waits: WaitsFrame | undefined;
  /**
   * What happened lately. Repeated for longer than a slow stream may miss messages, so that no page
   * misses one; it knows them by their ids.
   */
  readonly happenings: readonly Happening[];
}

/** A change, as `BoundedClock.onChange` told it. */
export interface Happening {
  /** Counts from 1. */
  readonly id: number;
  /** When, Unix ns. */
  readonly at: string;
  readonly elapsedMs: number;
  readonly event: { readonly type: string } & Readonly<Record<string, unknown>>;
}

/** The first message of a stream. */
export interface Welcome {
  /** Differs after each start of the dashboard. */
  readonly run: string;
  /** How many seconds each row of `history` stands for. */
  readonly everyS: number;
  /** The kept rows, or those after the last that this page has seen, by column. */
  readonly history: Readonly<Record<Column, readonly (number | null)[]>>;
  readonly happenings: readonly Happening[];
  /** The clock now; absent while it cannot be read. */
  readonly frame: Frame | undefined;
}
