/**
 * How suspicious the silence of a peer is, as a number that grows: phi (phi.ts).
 *
 * Problem. Nobody can know whether a silent peer is dead or slow. A fixed timeout is too short for
 * a bad network or too long for a good one. And the commonest reason for silence is that *we* did
 * not run.
 *
 * Idea. The peer sends heartbeats. Their gaps tell how long a silence is usual, and phi how unusual
 * this one is.
 *
 * - *Two blocks in place of a window.* The gaps are summed in a block. When it has half a window of
 *   them, it becomes the older block and a new one begins. Both together are the newest half to
 *   whole window. So nothing is ever subtracted, a peer takes 200 bytes and not 4,000, and the sums
 *   are integers: they lose no digits, and the variance cannot be negative.
 * - *Our own pauses are subtracted.* Silence is counted in time in which we ran. A heartbeat that
 *   was due in a pause may also be lost, so one mean gap is granted to a silence with a pause in
 *   it, however short. Nobody knows when a heartbeat arrived that was read after a pause, so the
 *   gaps on both sides of it are not counted. But after some that were not, one is: who pauses in
 *   every gap must learn as well.
 * - *A burst says nothing.* Heartbeats that waited together, in a network or in a pause of ours,
 *   come together. Gaps far shorter than `firstIntervalMs` are not counted.
 * - *An outage does not blind.* A gap counts at most as what just reaches the threshold. So the end
 *   of an outage does not raise the deviation so far that the next one goes unseen, and a peer that
 *   has become slower for good is learned within some windows.
 *
 * A silence begins when the detector is made, so a peer that was never heard is suspected as well.
 *
 * Assumption: gaps of the near past tell about the next one. Phi is no proof. Act on it only where
 * a mistake is harmless, or use a lease.
 */
import { phiExponential, phiLogistic, phiNormal } from './phi.ts';
import {
  AWAKE,
  DEVIATION,
  DISTURBED,
  MEAN,
  type PhiAccrualDetectorOptions,
  PhiSettings,
} from './phi-settings.ts';

/** After this number of gaps beside our own pauses that were not counted, the next one is. */
const MOST_DROPPED = 3;

/**
 * Suspects one peer by the gaps between its heartbeats.
 *
 * `heartbeat()` and `phi()` cost two to three readings of the clock. `heartbeat()` allocates
 * nothing; `phi()` at most the number that it returns, where the engine does not inline the call.
 *
 * @example
 * const detector = new PhiAccrualDetector({ clock: systemClock(), firstIntervalMs: 1000 });
 * detector.heartbeat(); // whenever one arrives
 * detector.phi() < 0.1 // true
 * detector.suspects() // false
 */
export class PhiAccrualDetector {
  readonly #settings: PhiSettings;
  /** When the last heartbeat came: `AWAKE` of the settings. */
  #heardAt = 0.5;
  /** `DISTURBED` at the last heartbeat. */
  #disturbed = 0.5;
  /** Whether the last heartbeat came out of a pause or in a burst: its instant says nothing. */
  #unsure = false;
  /** How many gaps beside our own pauses were not counted since one was. */
  #dropped = 0;
  // The sums of the gaps, and of their squares, in units: exact integers.
  #count = 0;
  #sum = 0;
  #squares = 0.5;
  /** Of the older block, which has `blockSize` gaps, or none when the sum is 0. */
  #olderSum = 0;
  #olderSquares = 0.5;

  /** @throws ArgumentTypeError, ArgumentRangeError naming the option at fault */
  constructor(options: PhiAccrualDetectorOptions) {
    const settings = options instanceof PhiSettings ? options : new PhiSettings(options);
    this.#settings = settings;
    settings.look();
    this.#heardAt = settings.values[AWAKE]!;
    this.#disturbed = settings.values[DISTURBED]!;
    // The first estimate, as two gaps whose mean it is and whose deviation is a quarter of it.
    const { firstUnits } = settings;
    const quarter = Math.round(firstUnits / 4);
    this.#count = 2;
    this.#sum = 2 * firstUnits;
    this.#squares = 2 * (firstUnits * firstUnits + quarter * quarter);
    this.#olderSquares = 0;
  }

  /**
   * A detector for another peer, with the same options. It shares them with this one, so it takes
   * less than 200 bytes.
   */
  fork(): PhiAccrualDetector {
    return new PhiAccrualDetector(this.#settings as unknown as PhiAccrualDetectorOptions);
  }

  /** A heartbeat of the peer has arrived. */
  heartbeat(): void {
    const settings = this.#settings;
    settings.look();
    const { values } = settings;
    const awake = values[AWAKE]!;
    const disturbed = values[DISTURBED]!;
    const gapNs = awake - this.#heardAt;
    const burst = gapNs < settings.shortestNs;
    const unsure = burst || disturbed !== this.#disturbed;
    if (!burst) {
      const counts = !(unsure || this.#unsure) || this.#dropped === MOST_DROPPED;
      if (counts) this.#add(gapNs);
      this.#dropped = counts ? 0 : this.#dropped + 1;
    }
    this.#unsure = unsure;
    this.#heardAt = awake;
    this.#disturbed = disturbed;
  }

  /**
   * How suspicious the present silence is: 0 is not at all. Finite, never NaN, and growing with the
   * silence; a pause of our own lowers it.
   */
  phi(): number {
    const settings = this.#settings;
    settings.look();
    this.#weigh();
    const { values } = settings;
    const mean = values[MEAN]!;
    const granted = values[DISTURBED]! > this.#disturbed ? mean : 0;
    const silence = values[AWAKE]! - this.#heardAt - granted - settings.acceptableNs;
    if (settings.model === 'exponential') return phiExponential(silence / mean);
    const y = (silence - mean) / values[DEVIATION]!;
    return settings.model === 'normal' ? phiNormal(y) : phiLogistic(y);
  }

  /** Whether phi has reached the threshold. */
  suspects(): boolean {
    return this.phi() >= this.#settings.threshold;
  }

  /** Writes the mean and the deviation of the gaps to the settings' `values`. */
  #weigh(): void {
    const settings = this.#settings;
    const { values, unitNs } = settings;
    const count = this.#olderSum === 0 ? this.#count : this.#count + settings.blockSize;
    const sum = this.#sum + this.#olderSum;
    const squares = this.#squares + this.#olderSquares;
    values[MEAN] = (sum / count) * unitNs;
    // Never below 0: rounding keeps the order of the two exact products.
    const deviation = (Math.sqrt(count * squares - sum * sum) / count) * unitNs;
    values[DEVIATION] = Math.max(deviation, settings.minDeviationNs);
  }

  #add(gapNs: number): void {
    const settings = this.#settings;
    this.#weigh();
    const { values } = settings;
    const mean = values[MEAN]!;
    const room =
      settings.model === 'exponential'
        ? settings.limit * mean
        : mean + settings.limit * values[DEVIATION]!;
    const gap = Math.min(gapNs, settings.acceptableNs + room);
    const units = Math.min(Math.max(1, Math.round(gap / settings.unitNs)), settings.maxUnits);
    this.#count++;
    this.#sum += units;
    this.#squares += units * units;
    if (this.#count < settings.blockSize) return;
    this.#olderSum = this.#sum;
    this.#olderSquares = this.#squares;
    this.#count = 0;
    this.#sum = 0;
    this.#squares = 0;
  }
}
