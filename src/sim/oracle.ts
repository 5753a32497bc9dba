/**
 * The judge of readings, which knows true time. Every reading of a clock under test passes through
 * it. An interval must hold the truth at the instant when it was taken. If it does not, the oracle
 * records a violation with everything needed to see it again (seed, event, replay command).
 *
 * The clock was read at some instant between the beginning and the end of the call that produced
 * the reading: the process may have been pre-empted inside the call. So an interval is wrong only
 * if it misses all instants of the call. Where a leap second falls into the call, these are the
 * instants before it and those after it. The second that a deletion leaves out is not a true time,
 * and a second that an insertion repeats is counted once.
 */
import type { UnixNs } from '../time/instant.ts';
import { withJson } from '../time/json.ts';
import { checkScheduler, checkText } from './checks.ts';
import type { Scheduler } from './scheduler.ts';
import { TraceHash } from './trace-hash.ts';
import { WidthHistogram } from './width-histogram.ts';

/**
 * An interval as any clock under test reports it. A clock that promises nothing reports no
 * interval.
 */
export interface ReportedInterval {
  /** The earliest instant, Unix ns. */
  readonly earliest: UnixNs;
  /** The latest instant, Unix ns. */
  readonly latest: UnixNs;
}

/** A reading whose interval excluded the truth. */
export interface Violation {
  /** The name of the clock. */
  readonly reader: string;
  /** The scheduler's event index when the reading was taken. */
  readonly eventIndex: number;
  /** True time since the beginning of the world when the reading was taken, ns. */
  readonly elapsedNs: number;
  /** The lower end of the reading, Unix ns. */
  readonly earliest: UnixNs;
  /** The upper end of the reading, Unix ns. */
  readonly latest: UnixNs;
  /** True time when the call began, and when it ended. */
  readonly truth: readonly [UnixNs, UnixNs];
  /** How far the truth lay outside, ns: positive above `latest`, negative below `earliest`. */
  readonly missedByNs: bigint;
  /** The command that shows it again. */
  readonly replay: string;
}

/** What the oracle has counted so far. */
export interface OracleSummary {
  /** The number of readings judged. */
  readonly readings: number;
  /** The share of readings that carried an interval, 0 to 1. */
  readonly availability: number;
  /** The number of readings whose interval excluded the truth. */
  readonly violations: number;
  /** The mean half-width of the intervals reported, ns. `NaN` when there were none. */
  readonly meanNs: number;
  /** The median half-width, ns, right to 1 %. `NaN` when there were none. */
  readonly p50Ns: number;
  /** The 99th percentile of the half-widths, ns, right to 1 %. `NaN` when there were none. */
  readonly p99Ns: number;
  /**
   * True time from the beginning of the world to the first interval, ns; `undefined` when there was
   * none.
   */
  readonly firstBoundNs: number | undefined;
}

/** The number of violations kept in full. Further ones are only counted. */
const MAX_KEPT_VIOLATIONS = 20;

/** Judges readings against true time, and counts and records the violations. */
export class Oracle {
  /** A fingerprint of all readings judged so far. */
  readonly trace: TraceHash = new TraceHash();
  /** The first violations in full, at most 20. */
  readonly violations: Violation[] = [];
  readonly #scheduler: Scheduler;
  readonly #replay: string;
  readonly #widths = new WidthHistogram();
  #readings = 0;
  #violated = 0;
  #firstBoundNs: number | undefined;

  /**
   * @param replay the command that runs this world again; it should contain the seed
   * @throws ArgumentTypeError when `scheduler` is not a Scheduler, or `replay` is not a string
   */
  constructor(scheduler: Scheduler, replay: string) {
    checkScheduler(scheduler);
    checkText('replay', replay);
    this.#scheduler = scheduler;
    this.#replay = replay;
  }

  /**
   * Takes a reading by calling `read` and judges it.
   *
   * @returns what `read` returned
   */
  judge<T extends ReportedInterval | undefined>(reader: string, read: () => T): T {
    const began = this.#scheduler.elapsedNs;
    const interval = read();
    const ended = this.#scheduler.elapsedNs;
    this.#readings++;
    if (interval === undefined) {
      this.trace.add(0);
      return interval;
    }
    const { earliest, latest } = interval;
    this.trace.add(earliest);
    this.trace.add(latest);
    this.#firstBoundNs ??= this.#scheduler.elapsedNs;
    this.#widths.add(Number(latest - earliest) / 2);
    const missedByNs = this.#missedBy(interval, began, ended);
    if (missedByNs !== 0n) {
      this.#violated++;
      if (this.violations.length < MAX_KEPT_VIOLATIONS) {
        this.violations.push(
          withJson({
            reader,
            eventIndex: this.#scheduler.eventIndex,
            elapsedNs: this.#scheduler.elapsedNs,
            earliest,
            latest,
            truth: [this.#scheduler.trueNsAt(began), this.#scheduler.trueNsAt(ended)],
            missedByNs,
            replay: this.#replay,
          }),
        );
      }
    }
    return interval;
  }

  /**
   * How far outside the interval all true times from `began` to `ended` are, ns; 0 when one is
   * inside.
   */
  #missedBy({ earliest, latest }: ReportedInterval, began: number, ended: number): bigint {
    const leap = this.#scheduler.leapElapsedNs;
    if (began < leap && leap <= ended) {
      const before = this.#missedBy({ earliest, latest }, began, leap - 1);
      const after = this.#missedBy({ earliest, latest }, leap, ended);
      return magnitude(before) < magnitude(after) ? before : after;
    }
    const first = this.#scheduler.trueNsAt(began);
    const last = this.#scheduler.trueNsAt(ended);
    return first > latest ? first - latest : last < earliest ? last - earliest : 0n;
  }

  /** The counts and widths of all readings so far. */
  summary(): OracleSummary {
    return {
      readings: this.#readings,
      availability: this.#readings === 0 ? 0 : this.#widths.count / this.#readings,
      violations: this.#violated,
      meanNs: this.#widths.mean(),
      p50Ns: this.#widths.quantile(0.5),
      p99Ns: this.#widths.quantile(0.99),
      firstBoundNs: this.#firstBoundNs,
    };
  }

  /** One line per violation kept, for a test's failure message; empty when there were none. */
  report(): string {
    return this.violations
      .map(
        (v) =>
          `${v.reader}: truth missed by ${v.missedByNs} ns at event ${v.eventIndex} ` +
          `(${(v.elapsedNs / 1e9).toFixed(3)} s); replay: ${v.replay}`,
      )
      .join('\n');
  }
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
