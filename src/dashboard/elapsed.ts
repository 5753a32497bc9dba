import type { Clock } from '../time/clock.ts';

/** The boot clock counts in steps of 10 ms. A lead that grew by less than this is no suspend. */
const LEAST_SUSPEND_NS = 100_000_000n;

/**
 * The time since it was made, which never goes back. A suspend of the machine counts where the
 * platform has a boot clock; the monotonic clock of Linux leaves it out.
 */
export class Elapsed {
  readonly #clock: Clock;
  readonly #startedAt: bigint;
  /** Boot time minus monotonic time, as last seen. */
  #bootLead: bigint | undefined;
  #suspendedNs = 0n;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.monotonicNs();
    this.#bootLead = this.#readBootLead();
  }

  ms(): number {
    const lead = this.#readBootLead();
    if (lead !== undefined) {
      const slept = lead - (this.#bootLead ?? lead);
      if (slept > LEAST_SUSPEND_NS) this.#suspendedNs += slept;
      if (slept > LEAST_SUSPEND_NS || this.#bootLead === undefined) this.#bootLead = lead;
    }
    const ns = this.#clock.monotonicNs() - this.#startedAt + this.#suspendedNs;
    return Number(ns / 1_000_000n);
  }

  #readBootLead(): bigint | undefined {
    const boot = this.#clock.bootNs?.();
    return boot === undefined ? undefined : boot - this.#clock.monotonicNs();
  }
}
