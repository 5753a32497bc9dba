/**
 * What a program tells a bounded clock about its world, checked once at the start. Each number is
 * an assumption. docs/guarantees/profiles.md says what it assumes and when it fails.
 */
import { maxRateFromPpm } from '../bound/drift.ts';
import { type ExpectedLeap, knownLeaps, type LeapSecond } from '../bound/leap-seconds.ts';
import { type RateAssumptions, rateAssumptions } from '../bound/learned/rate-assumptions.ts';
import { checkTimescale } from '../bound/timescale.ts';
import type { Clock } from '../time/clock.ts';
import { ArgumentRangeError, ArgumentTypeError, checkNumber } from '../time/errors.ts';
import { checkOptionNames } from '../time/options.ts';
import { longestBoundNs } from './publisher.ts';
import { isWitness } from './source-set.ts';
import type { TimeSource } from './time-source.ts';

/** What a program says of who adjusts its machine's clock. */
export type HostClockOption = 'disciplined' | 'free-running' | 'detect';

/** How steady the crystal of a free-running machine is: the constants of assumption A2. */
export interface CrystalOptions {
  /** Fast jitter of the rate, ppm. From 0 to `maxDriftPpm`; default 1. */
  readonly jitterPpm?: number | undefined;
  /** How fast the rate may wander, ppm per second. From 1e-6 to 1000; default 0.1. */
  readonly wanderPpmPerSecond?: number | undefined;
  /**
   * How far the rate may move within four horizons, ppm. From 0 to 100,000; default 25. 10 is
   * enough in a machine room.
   */
  readonly maxWanderPpm?: number | undefined;
  /** How long single samples are remembered, ms. From one minute to a day; default one hour. */
  readonly horizonMs?: number | undefined;
}

/**
 * Options of `BoundedClock.start`. Each number is an assumption; docs/guarantees/README.md says
 * what it assumes.
 */
export interface BoundedClockOptions {
  /**
   * Where time comes from; at least one. Four or five of different operators tolerate one or two
   * that lie.
   */
  readonly sources: readonly TimeSource[];
  /** The local clock. Default: a fresh system clock. */
  readonly clock?: Clock | undefined;
  /**
   * Who adjusts this machine's clock. `'disciplined'` (default): a daemon of the operating system
   * does, or you do not know. The interval then includes the wall clock. `'free-running'`: nobody
   * does. The clock then learns how fast this machine's crystal runs, and its interval is several
   * times narrower. `'detect'`: the clock looks for a time daemon in `/proc` (Linux), and is
   * free-running only where it sees all processes and no daemon. That is evidence, not proof:
   * docs/guarantees/bounded-clock.md, A5.
   */
  readonly hostClock?: HostClockOption | undefined;
  /**
   * A1: the largest rate error of crystal and daemon together, ppm. From 0.001 to 100,000. Default
   * 200, and 500 unless `disciplined`: free-running, a large value costs next to nothing.
   */
  readonly maxDriftPpm?: number | undefined;
  /** A0: how many sources may be wrong. Default `floor((n - 1) / 2)` of the n endpoints. */
  readonly maxFaulty?: number | undefined;
  /**
   * How long a bound may be used without any new sample, ms. From 1 to 86,400,000; default one
   * hour.
   */
  readonly expireAfterMs?: number | undefined;
  /** A2: how steady this machine's crystal is. Not with `hostClock: 'disciplined'`. */
  readonly crystal?: CrystalOptions | undefined;
  /**
   * Announce (`onChange`, type `'widening'`) when half the width of the interval is about to exceed
   * this, ms. Default: never.
   */
  readonly warnUncertaintyMs?: number | undefined;
  /**
   * The leap seconds that the IERS has announced for months after June 2026, such as
   * `[{ month: '2030-06', kind: 'insert' }]`. Those before are known. Default: none. Servers that
   * do not smear announce leap seconds as well; this is for clocks that ask no such server.
   */
  readonly leapSeconds?: readonly LeapSecond[] | undefined;
}

/** The options in the engine's units. */
export interface Settings {
  readonly hostClock: HostClockOption;
  /** `R`, ns per ns. */
  readonly maxRate: number;
  readonly maxFaulty: number | undefined;
  readonly expireAfterNs: number;
  readonly learning: RateAssumptions | undefined;
  readonly warnUncertaintyMs: number | undefined;
  readonly knownLeaps: readonly ExpectedLeap[];
}

const NAMES: Readonly<Record<keyof BoundedClockOptions, true>> = {
  sources: true,
  clock: true,
  hostClock: true,
  maxDriftPpm: true,
  maxFaulty: true,
  expireAfterMs: true,
  crystal: true,
  warnUncertaintyMs: true,
  leapSeconds: true,
};

const CRYSTAL_NAMES: Readonly<Record<keyof CrystalOptions, true>> = {
  jitterPpm: true,
  wanderPpmPerSecond: true,
  maxWanderPpm: true,
  horizonMs: true,
};

const HOST_CLOCKS: readonly HostClockOption[] = ['disciplined', 'free-running', 'detect'];
const HOUR_MS = 3_600_000;
const DEFAULTS = { jitterPpm: 1, wanderPpmPerSecond: 0.1, maxWanderPpm: 25, horizonMs: HOUR_MS };

/**
 * @throws ArgumentTypeError, ArgumentRangeError for a bad option, or two that do not go together
 */
export function checkOptions(options: BoundedClockOptions): Settings {
  const { sources, maxFaulty, hostClock = 'disciplined' } = checkOptionNames(options, NAMES);
  checkSources(sources, maxFaulty);
  if (!HOST_CLOCKS.includes(hostClock)) {
    throw new ArgumentRangeError(
      'hostClock',
      "'disciplined', 'free-running' or 'detect'",
      hostClock,
    );
  }
  const disciplined = hostClock === 'disciplined';
  // What is detected does not change it: the profile that assumes less must not assume a smaller R.
  const { maxDriftPpm = disciplined ? 200 : 500, warnUncertaintyMs } = options;
  checkNumber('maxDriftPpm', maxDriftPpm, 0.001, 100_000);
  if (warnUncertaintyMs !== undefined) checkNumber('warnUncertaintyMs', warnUncertaintyMs, 0, 1e9);
  const maxRate = maxRateFromPpm(maxDriftPpm);
  const learning = disciplined ? refuseLearning(options) : checkLearning(options, maxDriftPpm);
  const expireAfterNs = checkExpiry(options.expireAfterMs ?? HOUR_MS, maxRate, maxDriftPpm);
  const leaps = knownLeaps(options.leapSeconds);
  return {
    hostClock,
    maxRate,
    maxFaulty,
    expireAfterNs,
    learning,
    warnUncertaintyMs,
    knownLeaps: leaps,
  };
}

/**
 * @throws ArgumentTypeError, ArgumentRangeError unless `sources` are sources, of which at least one
 *   votes, and of which `maxFaulty` may be wrong
 */
export function checkSources(sources: readonly TimeSource[], maxFaulty: number | undefined): void {
  if (!Array.isArray(sources)) throw new ArgumentTypeError('sources', 'an array', sources);
  if (sources.length === 0) throw new ArgumentRangeError('sources', 'at least one source', 0);
  sources.forEach((source: Partial<TimeSource> | null | undefined, i) => {
    if (typeof source?.start === 'function' && typeof source.name === 'string') {
      const { role = 'voter', timescale = 'unknown' } = source;
      if (role !== 'voter' && role !== 'witness') {
        throw new ArgumentRangeError(`sources[${i}].role`, "'voter' or 'witness'", role);
      }
      checkTimescale(`sources[${i}].timescale`, timescale);
      return;
    }
    throw new ArgumentTypeError(`sources[${i}]`, 'a TimeSource, such as ntp(host)', source);
  });
  const voters = sources.filter((source) => !isWitness(source));
  if (voters.length === 0) {
    const expected = 'at least one source that is not a witness: a witness only contradicts';
    throw new ArgumentRangeError('sources', expected, `${sources.length} witnesses`);
  }
  if (maxFaulty !== undefined) checkMaxFaulty(maxFaulty, voters);
}

/** Refuses an expiry so late that the published page could not express the bound until then. */
function checkExpiry(expireAfterMs: number, maxRate: number, maxDriftPpm: number): number {
  const expireAfterNs = Math.floor(
    1e6 * checkNumber('expireAfterMs', expireAfterMs, 1, 24 * HOUR_MS),
  );
  const longestNs = longestBoundNs(maxRate);
  if (BigInt(expireAfterNs) > longestNs) {
    const expected = `at most ${longestNs / 1_000_000n} with maxDriftPpm ${maxDriftPpm}`;
    throw new ArgumentRangeError('expireAfterMs', expected, expireAfterMs);
  }
  return expireAfterNs;
}

function checkLearning(options: BoundedClockOptions, maxDriftPpm: number): RateAssumptions {
  const crystal = checkOptionNames(options.crystal ?? {}, CRYSTAL_NAMES, 'crystal');
  const given = { ...DEFAULTS, jitterPpm: Math.min(DEFAULTS.jitterPpm, maxDriftPpm) };
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    given[name] = crystal[name] ?? given[name];
  }
  checkNumber('crystal.jitterPpm', given.jitterPpm, 0, maxDriftPpm);
  checkNumber('crystal.wanderPpmPerSecond', given.wanderPpmPerSecond, 1e-6, 1000);
  checkNumber('crystal.maxWanderPpm', given.maxWanderPpm, 0, 100_000);
  checkNumber('crystal.horizonMs', given.horizonMs, 60_000, 24 * HOUR_MS);
  return rateAssumptions({ ...given, maxDriftPpm });
}

/** There is no bound unless more sources vote than may be wrong, so there must be more of them. */
function checkMaxFaulty(maxFaulty: number, sources: readonly TimeSource[]): void {
  if (!Number.isInteger(checkNumber('maxFaulty', maxFaulty, 0, 1000))) {
    throw new ArgumentRangeError('maxFaulty', 'an integer', maxFaulty);
  }
  let endpoints = 0;
  for (const { maxEndpoints = Number.POSITIVE_INFINITY } of sources) endpoints += maxEndpoints;
  if (maxFaulty < endpoints) return;
  const expected = `less than ${endpoints}, the number of endpoints that the sources can have`;
  throw new ArgumentRangeError('maxFaulty', expected, maxFaulty);
}

/** Where a daemon may slew, the rate is not learned, so a crystal would have no effect. */
function refuseLearning({ crystal }: BoundedClockOptions): undefined {
  if (crystal === undefined) return;
  throw new ArgumentRangeError('crystal', "absent where hostClock is 'disciplined'", crystal);
}
