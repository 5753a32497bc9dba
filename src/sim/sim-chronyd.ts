/**
 * The time daemon of a simulated machine, as far as its tracking report shows it. It knows the
 * offset of the system clock within its claim, and works its correction off by slewing both clocks
 * of the machine, as chronyd does on Linux. What is still pending is in the report.
 *
 * It does not discipline the frequency. So the machine's own rate error is what chronyd would have
 * left of it: at most 15 ppm, because that is what the age of an update is given here, as for a
 * real chronyd (sources/chrony/tracking.ts). A larger `driftPpm` breaks its claim.
 */
import type { Tracking } from '../sources/chrony/tracking.ts';
import { checkNumber } from '../time/errors.ts';
import { checkOptionNames } from '../time/options.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimProcess } from './sim-process.ts';

/** How well a simulated time daemon knows the time. Each absent option has its default. */
export interface SimChronydOptions {
  /** What it claims: root delay / 2 + root dispersion just after an update, ms. Default 0.5. */
  readonly rootDistanceMs?: number | undefined;
  /** Its true error, as a share of the claim; beyond -1 and 1 it lies. Default: drawn, -1 to 1. */
  readonly errorShare?: number | undefined;
  /** The time between its updates, ms. Default 64,000. */
  readonly updateEveryMs?: number | undefined;
  /** How fast it works a correction off, ppm. Default 100. */
  readonly slewPpm?: number | undefined;
}

const CLAIM_GROWTH_PPM = 15n;
const NAMES: Readonly<Record<keyof SimChronydOptions, true>> = {
  rootDistanceMs: true,
  errorShare: true,
  updateEveryMs: true,
  slewPpm: true,
};

/** A simulated chronyd on the machine of a process. */
export class SimChronyd {
  readonly #process: SimProcess;
  readonly #scheduler: Scheduler;
  readonly #claimNs: number;
  readonly #errorShare: number;
  readonly #slewPpm: number;
  /** The correction that the last update found, ns. */
  #foundNs = 0;
  #updatedAt = 0;

  /** It begins with an update, and goes on until the world ends. */
  constructor(
    process: SimProcess,
    scheduler: Scheduler,
    random: Random,
    options: SimChronydOptions = {},
  ) {
    const { rootDistanceMs = 0.5, errorShare = random.between(-1, 1) } = checkOptionNames(
      options,
      NAMES,
    );
    const { updateEveryMs = 64_000, slewPpm = 100 } = options;
    this.#process = process;
    this.#scheduler = scheduler;
    this.#claimNs = checkNumber('rootDistanceMs', rootDistanceMs, 0, 1e6) * 1e6;
    this.#errorShare = checkNumber('errorShare', errorShare, -1e6, 1e6);
    this.#slewPpm = checkNumber('slewPpm', slewPpm, 0, 100_000);
    checkNumber('updateEveryMs', updateEveryMs, 1, 1e9);
    const update = (): void => {
      this.#update();
      scheduler.after(updateEveryMs * 1e6, update);
    };
    update();
  }

  /** Its tracking report now. */
  report(): Tracking {
    const ageNs = BigInt(this.#scheduler.elapsedNs - this.#updatedAt);
    return {
      correctionNs: BigInt(Math.round(this.#pendingNs())),
      // The clocks of the machine count whole ns, and so does this.
      errorNs: BigInt(Math.ceil(this.#claimNs)) + this.growthNs(ageNs),
      leap: 'none',
      referenceNs: this.#scheduler.trueNsAt(this.#updatedAt),
      stratum: 3,
      referenceId: 0x0a00_0001,
    };
  }

  /** The system clock is within this of true time now, as it claims, ns. */
  boundNs(): bigint {
    const { correctionNs, errorNs } = this.report();
    return (correctionNs < 0n ? -correctionNs : correctionNs) + errorNs;
  }

  /** What a claim grows by in `ageNs`, ns, rounded up. */
  growthNs(ageNs: bigint): bigint {
    return (ageNs * CLAIM_GROWTH_PPM) / 1_000_000n + 3n;
  }

  #update(): void {
    this.#updatedAt = this.#scheduler.elapsedNs;
    const errorNs = Math.trunc(this.#claimNs * this.#errorShare);
    this.#foundNs = errorNs - Number(this.#process.clock.wallErrorNs());
    if (this.#slewPpm === 0) return;
    const begun = this.#updatedAt;
    this.#process.clock.slew(Math.sign(this.#foundNs) * this.#slewPpm);
    this.#scheduler.after(Math.abs(this.#foundNs) / (this.#slewPpm * 1e-6), () => {
      if (this.#updatedAt === begun) this.#process.clock.slew(0);
    });
  }

  /** What is left of the correction. */
  #pendingNs(): number {
    const doneNs = (this.#scheduler.elapsedNs - this.#updatedAt) * this.#slewPpm * 1e-6;
    const leftNs = Math.max(0, Math.abs(this.#foundNs) - doneNs);
    return Math.sign(this.#foundNs) * leftNs;
  }
}
