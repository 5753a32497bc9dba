/**
 * The rule by which a candidate of Kubernetes takes over, for comparison: that of client-go's
 * package `tools/leaderelection`, written from its documentation.
 *
 * The record says who the holder is, for how long its lease lasts, and when it was renewed, by the
 * holder's wall clock. "Clocks may be skewed", so a candidate does not use that instant. It notes,
 * by its own clock, when it first saw the record as it is (`observedTime`), and takes over when the
 * record has not changed for a whole lease duration since. It tries every retry period, lengthened
 * by up to 1.2 times that. A candidate that has just started has seen nothing yet.
 */
import type { Clock } from '../../src/time/clock.ts';
import { sleep } from '../../src/time/sleep.ts';

/** What the record has of Kubernetes' `Lease` object. */
export interface ClientGoRecord {
  readonly holderIdentity: string;
  readonly leaseDurationMs: number;
  readonly renewTimeMs: number;
  readonly leaseTransitions: number;
}

/** One object of the API server: it is replaced only at the version that was read. */
export class ClientGoObject {
  #record: ClientGoRecord | undefined;
  #version = 0;

  get(): { readonly record: ClientGoRecord | undefined; readonly version: number } {
    return { record: this.#record, version: this.#version };
  }

  replace(record: ClientGoRecord, version: number): boolean {
    if (version !== this.#version) return false;
    this.#record = record;
    this.#version++;
    return true;
  }
}

/** Resolves when `identity` has it. client-go's defaults are 15 s and 2 s. */
export async function clientGoAcquire(
  object: ClientGoObject,
  {
    clock,
    identity,
    leaseDurationMs,
    retryPeriodMs,
    random,
  }: {
    readonly clock: Clock;
    readonly identity: string;
    readonly leaseDurationMs: number;
    readonly retryPeriodMs: number;
    /** From 0 to 1. */
    readonly random: () => number;
  },
): Promise<void> {
  let seenVersion: number | undefined;
  let observedTimeNs = 0n;
  for (;;) {
    const { record, version } = object.get();
    if (version !== seenVersion) {
      seenVersion = version;
      observedTimeNs = clock.monotonicNs();
    }
    const seenForMs = Number(clock.monotonicNs() - observedTimeNs) / 1e6;
    if (record === undefined || seenForMs >= record.leaseDurationMs) {
      const next = {
        holderIdentity: identity,
        leaseDurationMs,
        renewTimeMs: Number(clock.wallNs() / 1_000_000n),
        leaseTransitions: (record?.leaseTransitions ?? -1) + 1,
      };
      if (object.replace(next, version)) return;
    }
    await sleep(clock, retryPeriodMs * (1 + 1.2 * random()));
  }
}
