/**
 * What a bounded clock is told about its world, checked once at the start. Each number is an assumption:
 * docs/guarantees.md says in plain words what it assumes, when that fails, and what happens then.
 */
import { slopeFromPpm } from '../bound/drift.ts';
import { longestSpan, pageSlope } from '../bound/page.ts';
import { type RateAssumptions, rateAssumptions } from '../bound/rate-assumptions.ts';
import type { Clock } from '../time/clock.ts';
import { ArgumentRangeError, ArgumentTypeError, checkNumber, checkObject } from '../time/errors.ts';
import type { TimeSource } from './time-source.ts';

export interface BoundedClockOptions {
  /** Where time comes from; at least one. Four or five of different operators tolerate one or two liars. */
  readonly sources: readonly TimeSource[];
  /** The local clock. Default: a fresh system clock. */
  readonly clock?: Clock;
  /**
   * Who steers this machine's clock. `'disciplined'` (default): an operating system daemon does, or
   * nobody knows; the answer then includes the wall clock's opinion. `'free-running'`: nobody does; the
   * clock then learns how fast this machine's crystal runs, and its bound is several times narrower.
   */
  readonly hostClock?: 'disciplined' | 'free-running';
  /**
   * A1: the largest rate error of crystal and daemon together, ppm. From 0.001 to 100,000; default 200, and
   * 500 when free-running, where laxity costs next to nothing.
   */
  readonly maxDriftPpm?: number;
  /** A0: how many sources may be wrong. Default `floor((n - 1) / 2)` of the n endpoints. */
  readonly maxFaulty?: number;
  /** How long a bound may be answered from without any new sample, ms. Default one hour. */
  readonly expireAfterMs?: number;
  /** A2, free-running only: fast jitter of the rate, ppm. From 0 to `maxDriftPpm`; default 1. */
  readonly jitterPpm?: number;
  /** A2, free-running only: how fast the rate may wander, ppm per second. From 1e-6 to 1000; default 0.1. */
  readonly wanderPpmPerSecond?: number;
  /**
   * A2, free-running only: how far the rate may be from itself within four horizons, ppm. Up to 100,000;
   * default 25; 10 is enough in a machine room.
   */
  readonly maxWanderPpm?: number;
  /** Free-running only: how long single samples are remembered, ms. From one minute to a day; default one hour. */
  readonly horizonMs?: number;
  /**
   * Announce it (`onChange`, type `'widening'`) when half the width of the interval is about to exceed this,
   * ms. Default: never.
   */
  readonly warnAboveMs?: number;
}

/** The options in the engine's units. */
export interface Settings {
  readonly guarded: boolean;
  readonly slope: number;
  readonly maxFaulty: number | undefined;
  readonly expireAfterNs: number;
  readonly learning: RateAssumptions | undefined;
  readonly warnAboveMs: number | undefined;
}

const HOUR_MS = 3_600_000;
const DEFAULTS = { jitterPpm: 1, wanderPpmPerSecond: 0.1, maxWanderPpm: 25, horizonMs: HOUR_MS };

/** @throws ArgumentTypeError, ArgumentRangeError for a bad option, or two that do not go together */
export function checkOptions(options: BoundedClockOptions): Settings {
  const { sources, hostClock = 'disciplined' } = checkObject('options', options);
  if (!Array.isArray(sources)) throw new ArgumentTypeError('sources', 'an array', sources);
  if (sources.length === 0) throw new ArgumentRangeError('sources', 'at least one source', 0);
  sources.forEach((source: Partial<TimeSource> | null | undefined, i) => {
    if (typeof source?.start === 'function' && typeof source.name === 'string') return;
    throw new ArgumentTypeError(`sources[${i}]`, 'a TimeSource, such as ntp(host)', source);
  });
  if (hostClock !== 'disciplined' && hostClock !== 'free-running') {
    throw new ArgumentRangeError('hostClock', "'disciplined' or 'free-running'", hostClock);
  }
  const guarded = hostClock === 'disciplined';
  const { maxDriftPpm = guarded ? 200 : 500, maxFaulty, warnAboveMs } = options;
  checkNumber('maxDriftPpm', maxDriftPpm, 0.001, 100_000);
  if (maxFaulty !== undefined && !Number.isInteger(checkNumber('maxFaulty', maxFaulty, 0, 1000))) {
    throw new ArgumentRangeError('maxFaulty', 'an integer', maxFaulty);
  }
  if (warnAboveMs !== undefined) checkNumber('warnAboveMs', warnAboveMs, 0, 1e9);
  const slope = slopeFromPpm(maxDriftPpm);
  const learning = guarded ? refuseLearning(options) : checkLearning(options, maxDriftPpm);
  const expireAfterNs = checkExpiry(options.expireAfterMs ?? HOUR_MS, slope, maxDriftPpm);
  return { guarded, slope, maxFaulty, expireAfterNs, learning, warnAboveMs };
}

/** An int64 product in the published page would overflow after so long at this slope. */
function checkExpiry(expireAfterMs: number, slope: number, maxDriftPpm: number): number {
  const expireAfterNs = Math.floor(
    1e6 * checkNumber('expireAfterMs', expireAfterMs, 1, 24 * HOUR_MS),
  );
  const longest = longestSpan(pageSlope(slope));
  if (BigInt(expireAfterNs) > longest) {
    const expected = `at most ${longest / 1_000_000n} with maxDriftPpm ${maxDriftPpm}`;
    throw new ArgumentRangeError('expireAfterMs', expected, expireAfterMs);
  }
  return expireAfterNs;
}

function checkLearning(options: BoundedClockOptions, maxDriftPpm: number): RateAssumptions {
  const given = { ...DEFAULTS, jitterPpm: Math.min(DEFAULTS.jitterPpm, maxDriftPpm) };
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    given[name] = options[name] ?? given[name];
  }
  checkNumber('jitterPpm', given.jitterPpm, 0, maxDriftPpm);
  checkNumber('wanderPpmPerSecond', given.wanderPpmPerSecond, 1e-6, 1000);
  checkNumber('maxWanderPpm', given.maxWanderPpm, 0, 100_000);
  checkNumber('horizonMs', given.horizonMs, 60_000, 24 * HOUR_MS);
  return rateAssumptions({ ...given, maxDriftPpm });
}

/** Where a daemon may slew, the rate means nothing; a constant of it would be silently ignored. */
function refuseLearning(options: BoundedClockOptions): undefined {
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    if (options[name] === undefined) continue;
    throw new ArgumentRangeError(name, "absent unless hostClock is 'free-running'", options[name]);
  }
}
