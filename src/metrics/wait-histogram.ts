import type { Waited } from '../commit-wait/wait-options.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';
import { checkOptionNames } from '../time/options.ts';
import type { Distribution, Point } from './family.ts';

/** Options of a {@link WaitHistogram}. */
export interface WaitHistogramOptions {
  /**
   * The upper limits of the buckets, ms, ascending, 1 to 50 of them. Default: 0.1 to 5000 in steps
   * of 1, 2.5, 5.
   */
  readonly limitsMs?: readonly number[] | undefined;
}

const LIMITS_MS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];
const MAX_LIMITS = 50;

/**
 * Counts how long commit waits last, for `metricsText`. One per process is enough.
 *
 * @example
 * const waits = new WaitHistogram();
 * await waits.measure(waitUntilAfter(clock, hlc.now()));
 * metricsText({ waits }).includes('epsilon_commit_wait_seconds_count 1') // true
 */
export class WaitHistogram {
  readonly #limits: readonly number[];
  /** How many waits ended within each limit and not within the one before; at last the longer. */
  readonly #counts: number[];
  readonly #failures = new Map<string, number>();
  #sumSeconds = 0;

  /** @throws ArgumentTypeError, ArgumentRangeError when the limits are not as described */
  constructor(options: WaitHistogramOptions = {}) {
    const { limitsMs = LIMITS_MS } = checkOptionNames(options, { limitsMs: true });
    if (!Array.isArray(limitsMs)) {
      throw new ArgumentTypeError('limitsMs', 'an array of numbers', limitsMs);
    }
    const ascending = limitsMs.every((limit, i) => limit > (i === 0 ? 0 : limitsMs[i - 1]!));
    const finite = limitsMs.every((limit) => Number.isFinite(limit));
    if (!(ascending && finite && limitsMs.length > 0 && limitsMs.length <= MAX_LIMITS)) {
      const expected = `1 to ${MAX_LIMITS} ascending numbers above 0`;
      throw new ArgumentRangeError('limitsMs', expected, String(limitsMs));
    }
    this.#limits = limitsMs.map((ms) => ms / 1000);
    this.#counts = new Array(limitsMs.length + 1).fill(0);
  }

  /**
   * Counts a wait when it ends: its time if it resolves, the code of its error if it rejects.
   * Returns what it was given, so it can stand around any wait: `waitUntilAfter`, `settled`,
   * `runCommit`.
   */
  measure<Wait extends PromiseLike<Waited>>(wait: Wait): Wait {
    if (typeof wait?.then !== 'function') throw new ArgumentTypeError('wait', 'a promise', wait);
    wait.then(
      (waited) => this.#count(waited),
      (error: unknown) => this.#fail(error),
    );
    return wait;
  }

  /** @internal How long the waits took, s. */
  get distribution(): Distribution {
    let within = 0;
    const counts = this.#counts.map((count) => (within += count));
    return { limits: this.#limits, counts, sum: this.#sumSeconds };
  }

  /** @internal How many waits were rejected, by code. */
  get failures(): readonly Point[] {
    return [...this.#failures].map(([code, value]) => ({ labels: { code }, value }));
  }

  #count(waited: Waited): void {
    const { waitedNs } = waited ?? {};
    if (typeof waitedNs !== 'bigint') {
      this.#fail(undefined);
      return;
    }
    const seconds = Number(waitedNs) / 1e9;
    this.#sumSeconds += seconds;
    const at = this.#limits.findIndex((limit) => seconds <= limit);
    this.#counts[at === -1 ? this.#limits.length : at]!++;
  }

  #fail(error: unknown): void {
    const code = codeOf(error);
    this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1);
  }
}

/** The stable code of an error of this library; `'other'` for a signal's reason and the rest. */
function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^ERR_[A-Z_]{1,60}$/.test(code) ? code : 'other';
}
