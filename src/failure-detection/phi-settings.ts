/** What the detectors of many peers share: the options, the clock, and room to compute in. */
import type { Clock } from '../time/clock.ts';
import { ArgumentRangeError, checkMethods, checkNumber } from '../time/errors.ts';
import { Int64Slots } from '../time/int64-slots.ts';
import { checkOptionNames } from '../time/options.ts';
import { checkPauses, type PauseMeter } from './pause-meter.ts';
import { phiExponential, phiLogistic, phiNormal } from './phi.ts';

/**
 * How gaps between heartbeats are taken to be distributed:
 *
 * - `'normal'`: the definition of the paper. Phi 8 is a silence of 5.61 standard deviations more
 *   than the mean.
 * - `'akka'`: Akka's approximation of it. Phi 8 is 5.23 standard deviations.
 * - `'exponential'`: Cassandra's. Phi 8 is 18.4 times the mean.
 */
export type PhiModel = 'normal' | 'akka' | 'exponential';

/** Options of {@link PhiAccrualDetector}. */
export interface PhiAccrualDetectorOptions {
  /** The clock of this thread, such as `systemClock()`. */
  readonly clock: Clock;
  /** Default `'normal'`. */
  readonly model?: PhiModel | undefined;
  /** `suspects()` from this phi on, 1 to 1000. Default 8. It means what the model says. */
  readonly threshold?: number | undefined;
  /**
   * The gap that is expected before any was seen, 1 to 3,600,000 ms. Default 1000. Gaps of less
   * than a tenth of it are not counted, and those of more than 64 times count as that.
   */
  readonly firstIntervalMs?: number | undefined;
  /**
   * How much longer than a gap a silence may be before it counts, 0 to 86,400,000 ms: the longest
   * pause of a *peer* that you accept. Default 0.
   */
  readonly acceptablePauseMs?: number | undefined;
  /** The least standard deviation, 0.001 to 3,600,000 ms. Default 100. */
  readonly minDeviationMs?: number | undefined;
  /** How many of the newest gaps count: this many, or as few as half. 10 to 2000, default 200. */
  readonly windowSize?: number | undefined;
  /** Subtracts our own pauses from the silence of others. Without it they look like silence. */
  readonly pauses?: PauseMeter | undefined;
}

const NAMES: Readonly<Record<keyof PhiAccrualDetectorOptions, true>> = {
  clock: true,
  model: true,
  threshold: true,
  firstIntervalMs: true,
  acceptablePauseMs: true,
  minDeviationMs: true,
  windowSize: true,
  pauses: true,
};

const MODELS: readonly unknown[] = ['normal', 'akka', 'exponential'];

/** A gap counts as at most this many times `firstIntervalMs`. */
const MAX_GROWTH = 64;
/** A gap that is shorter than `firstIntervalMs` divided by this is not counted. */
const MAX_SHRINKING = 10;
/** Integers up to this are doubles. */
const MAX_EXACT = 2 ** 53;

// The places in `values`: the results of `look` and of a detector's window, in ns.
/** Since the settings were made, without our own pauses. */
export const AWAKE = 0;
/** How long we were paused, or our machine slept, since the meter was started. */
export const DISTURBED = 1;
export const MEAN = 2;
export const DEVIATION = 3;

const NOW = 0;
const MADE = 1;
const SINCE = 0;

/** The checked options. */
export class PhiSettings {
  readonly model: PhiModel;
  readonly threshold: number;
  /** Half of the window. */
  readonly blockSize: number;
  /** Gaps are counted in whole units of this many ns, a power of two. */
  readonly unitNs: number;
  /** The greatest gap that is counted, in units. */
  readonly maxUnits: number;
  readonly firstUnits: number;
  /** The shortest gap that is counted. */
  readonly shortestNs: number;
  readonly acceptableNs: number;
  readonly minDeviationNs: number;
  /** At this many deviations above the mean (exponential: means) the threshold is reached. */
  readonly limit: number;
  /** Results are written here, because a double that is returned may be an object. */
  readonly values: Float64Array = new Float64Array(4);
  readonly #pauses: PauseMeter | undefined;
  readonly #monotonicNs: () => bigint;
  readonly #int64 = new Int64Slots(2, 1);
  readonly #totals = new Float64Array(2);

  /** @throws ArgumentTypeError, ArgumentRangeError naming the option at fault */
  constructor(options: PhiAccrualDetectorOptions) {
    const { clock, model = 'normal', threshold = 8 } = checkOptionNames(options, NAMES);
    const { firstIntervalMs = 1000, acceptablePauseMs = 0, minDeviationMs = 100 } = options;
    const { windowSize = 200, pauses } = options;
    checkMethods('clock', 'a Clock', clock, ['monotonicNs']);
    if (!MODELS.includes(model)) {
      throw new ArgumentRangeError('model', "'normal', 'akka' or 'exponential'", model);
    }
    this.model = model;
    this.threshold = checkNumber('threshold', threshold, 1, 1000);
    const firstNs = checkNumber('firstIntervalMs', firstIntervalMs, 1, 3_600_000) * 1e6;
    this.acceptableNs = checkNumber('acceptablePauseMs', acceptablePauseMs, 0, 86_400_000) * 1e6;
    this.minDeviationNs = checkNumber('minDeviationMs', minDeviationMs, 0.001, 3_600_000) * 1e6;
    if (!Number.isInteger(checkNumber('windowSize', windowSize, 10, 2000))) {
      throw new ArgumentRangeError('windowSize', 'a whole number', windowSize);
    }
    this.shortestNs = firstNs / MAX_SHRINKING;
    this.blockSize = Math.ceil(windowSize / 2);
    // With gaps up to this, the sum of the squares of a window is an exact double.
    const maxUnits = Math.floor(Math.sqrt(MAX_EXACT / (2 * this.blockSize)));
    let unitNs = 1;
    while (unitNs * maxUnits < MAX_GROWTH * firstNs) unitNs *= 2;
    this.unitNs = unitNs;
    this.maxUnits = maxUnits;
    this.firstUnits = Math.max(1, Math.round(firstNs / unitNs));
    this.limit = limitOf(model, this.threshold);
    this.#pauses = checkPauses(pauses, clock);
    this.#monotonicNs = monotonicReader(clock);
    this.#int64.slots[MADE] = clock.monotonicNs();
  }

  /** Reads the clock, and writes `AWAKE` and `DISTURBED`. */
  look(): void {
    const { values } = this;
    const int64 = this.#int64;
    int64.slots[NOW] = this.#monotonicNs();
    int64.subtract(NOW, MADE, SINCE);
    values[AWAKE] = int64.differences[SINCE]!;
    if (this.#pauses === undefined) return;
    const totals = this.#totals;
    this.#pauses.totalsAt(int64.slots, totals);
    values[AWAKE]! -= totals[0]!;
    values[DISTURBED] = totals[0]! + totals[1]!;
  }
}

/** The method itself where it needs no `this`, as the system's clock has it. */
function monotonicReader(clock: Clock): () => bigint {
  return Object.hasOwn(clock, 'monotonicNs') ? clock.monotonicNs : () => clock.monotonicNs();
}

/** Where the threshold is reached, by bisection: phi grows with its argument. */
function limitOf(model: PhiModel, threshold: number): number {
  const phi = model === 'normal' ? phiNormal : model === 'akka' ? phiLogistic : phiExponential;
  let below = -100;
  let above = 3000;
  for (let i = 0; i < 80; i++) {
    const middle = (below + above) / 2;
    if (phi(middle) < threshold) below = middle;
    else above = middle;
  }
  return above;
}
