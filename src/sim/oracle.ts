/**
 * The witness that knows true time. Every reading of a clock under test passes through it: an interval
 * must hold the truth at the instant it was taken, or the violation is recorded with what is needed to
 * see it again (seed, event, replay command).
 *
 * A reading is judged against an instant between the beginning and the end of the call that produced it:
 * when the process was pre-empted inside the call, the clock was read at one of them, and only an interval
 * that misses all of them is wrong.
 */
import type { UnixNs } from '../time/instant.ts';
import type { Scheduler } from './scheduler.ts';
import { TraceHash } from './trace-hash.ts';
import { WidthHistogram } from './width-histogram.ts';

/** An interval as any clock under test reports it; no interval when it makes no promise. */
export interface ReportedInterval {
  readonly earliest: UnixNs;
  readonly latest: UnixNs;
}

export interface Violation {
  /** Which clock. */
  readonly reader: string;
  /** The scheduler's event index when the reading was taken. */
  readonly eventIndex: number;
  readonly elapsedNs: number;
  readonly earliest: UnixNs;
  readonly latest: UnixNs;
  /** True time when the call began and when it ended. */
  readonly truth: readonly [UnixNs, UnixNs];
  /** How far outside the truth was, in ns: positive above `latest`, negative below `earliest`. */
  readonly missedByNs: bigint;
  /** What to run to see it again. */
  readonly replay: string;
}

export interface OracleSummary {
  readonly readings: number;
  /** The share of readings that carried an interval. */
  readonly availability: number;
  readonly violations: number;
  /** Half-widths of the intervals reported, in ns. `NaN` when there were none. */
  readonly meanNs: number;
  readonly p50Ns: number;
  readonly p99Ns: number;
  /** True time from the beginning of the world to the first interval; `undefined` when there was none. */
  readonly firstBoundNs: number | undefined;
}

/** Violations kept in full; more are counted only. */
const KEPT = 20;

export class Oracle {
  /** Fingerprint of all readings judged so far. */
  readonly trace: TraceHash = new TraceHash();
  readonly violations: Violation[] = [];
  readonly #scheduler: Scheduler;
  readonly #replay: string;
  readonly #widths = new WidthHistogram();
  #readings = 0;
  #violated = 0;
  #firstBoundNs: number | undefined;

  /** @param replay the command that runs this world again; it should contain the seed. */
  constructor(scheduler: Scheduler, replay: string) {
    this.#scheduler = scheduler;
    this.#replay = replay;
  }

  /**
   * Takes a reading by calling `read` and judges it.
   *
   * @returns what `read` returned
   */
  judge<T extends ReportedInterval | undefined>(reader: string, read: () => T): T {
    const began = this.#scheduler.trueNs();
    const interval = read();
    const ended = this.#scheduler.trueNs();
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
    const missedByNs = began > latest ? began - latest : ended < earliest ? ended - earliest : 0n;
    if (missedByNs !== 0n) {
      this.#violated++;
      if (this.violations.length < KEPT) {
        this.violations.push({
          reader,
          eventIndex: this.#scheduler.eventIndex,
          elapsedNs: this.#scheduler.elapsedNs,
          earliest,
          latest,
          truth: [began, ended],
          missedByNs,
          replay: this.#replay,
        });
      }
    }
    return interval;
  }

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
