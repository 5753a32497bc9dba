/**
 * The best two facts that a source has heard, aged by the drift bound: for sources that hand on
 * what they heard, or compare it with what comes next.
 *
 * A fact about `true - monotonic` holds at its own instant. It grows worse from there by at most
 * the drift bound, in either direction of time. But `true` steps at a leap second, and nobody says
 * here whether one comes, so no fact outlives its UTC month.
 */
import type { ClockSample } from '../../bound/clock-sample.ts';
import { mayHoldLeap } from '../../bound/leap.ts';
import type { SourceSink } from '../../bounded-clock/time-source.ts';
import { asUnixNs } from '../../time/instant.ts';

/** Where the clock does not tell its drift bound: more than any crystal drifts. */
const ASSUMED_PPM = 1000;

interface Fact {
  /** `true - monotonic` is at most, or at least, this at the instant. */
  readonly ns: bigint;
  readonly at: bigint;
}

/** Bounds on `true - monotonic` at some instant. */
export interface Offset {
  readonly lowerNs: bigint;
  readonly upperNs: bigint;
}

export class AgedFacts {
  readonly #sink: Pick<SourceSink, 'maxDriftPpm'>;
  #upper: Fact | undefined;
  #lower: Fact | undefined;

  /** @param sink tells the drift bound in force */
  constructor(sink: Pick<SourceSink, 'maxDriftPpm'>) {
    this.#sink = sink;
  }

  /** Forgets everything: the local clock has jumped. */
  drop(): void {
    this.#upper = undefined;
    this.#lower = undefined;
  }

  /**
   * Takes a sample in: of its facts and those known, the tighter ones. A sample that contradicts
   * what is known replaces it.
   */
  take({ sentAt, upperNs, receivedAt, lowerNs }: ClockSample): void {
    const upper = { ns: upperNs, at: sentAt };
    const lower = { ns: lowerNs, at: receivedAt };
    const known = this.at(receivedAt);
    if (known === undefined) {
      this.#upper = upper;
      this.#lower = lower;
      return;
    }
    const keepsUpper = known.upperNs < this.#upperAt(upper, receivedAt);
    const keepsLower = known.lowerNs > lowerNs;
    const contradicts = known.lowerNs > this.#upperAt(upper, receivedAt) || known.upperNs < lowerNs;
    if (contradicts || !keepsUpper) this.#upper = upper;
    if (contradicts || !keepsLower) this.#lower = lower;
  }

  /**
   * What is known of `true - monotonic` at the reading `at`: nothing before the first sample, and
   * nothing once a month may have ended since.
   */
  at(at: bigint): Offset | undefined {
    const upper = this.#upper;
    const lower = this.#lower;
    if (upper === undefined || lower === undefined) return undefined;
    const lowerNs = lower.ns - this.#growth(lower, at);
    const upperNs = this.#upperAt(upper, at);
    const since = upper.at < lower.at ? upper.at : lower.at;
    if (mayHoldLeap(asUnixNs(since + lowerNs), asUnixNs(at + upperNs))) return undefined;
    return { lowerNs, upperNs };
  }

  /** Whether the upper fact of a sample is below what is certain: a cache had stored its reply. */
  isStale({ sentAt, upperNs }: ClockSample): boolean {
    const known = this.at(sentAt);
    return known !== undefined && upperNs < known.lowerNs;
  }

  #upperAt(upper: Fact, at: bigint): bigint {
    return upper.ns + this.#growth(upper, at);
  }

  /** How much worse a fact has become at the reading `at`, ns, rounded up. */
  #growth(fact: Fact, at: bigint): bigint {
    const age = at < fact.at ? fact.at - at : at - fact.at;
    const ppb = BigInt(Math.ceil((this.#sink.maxDriftPpm ?? ASSUMED_PPM) * 1000));
    return (age * ppb) / 1_000_000_000n + 1n;
  }
}
