/**
 * The kind `true-time`: the end is an instant of true time, which the store keeps and compares. The
 * holder acts while it has certainly not come, and another takes over when it certainly has passed.
 */
import type { BoundedReader } from '../bounded-clock/bounded-reader.ts';
import { ClockUnsynchronizedError } from '../bounded-clock/reading.ts';
import { asUnixNs, INT64_MAX, type UnixNs } from '../time/instant.ts';
import { LeaseStoreError } from './errors.ts';
import { isToken } from './fence.ts';
import type { LeaseKind, LeaseRequest, LeaseTerm, Taken } from './lease-kind.ts';
import type { LeaseAnswer, LeaseStore, StoreCallOptions } from './lease-store.ts';

/** While the clock has no bound, it is looked for this often, ms. */
export const LOOK_EVERY_MS = 20;

export class TrueTime implements LeaseKind {
  readonly lastsMs: number;
  readonly #store: LeaseStore;
  readonly #clock: BoundedReader;
  readonly #ttlNs: bigint;

  constructor(store: LeaseStore, clock: BoundedReader, ttlNs: bigint) {
    this.lastsMs = Number(ttlNs) / 1e6;
    this.#store = store;
    this.#clock = clock;
    this.#ttlNs = ttlNs;
  }

  begin(): LeaseRequest {
    const store = this.#store;
    const clock = this.#clock;
    const { interval, status, reason } = clock.read();
    if (interval === undefined) throw new ClockUnsynchronizedError(status, reason);
    const endedBefore = interval.earliest;
    const expiresAt = asUnixNs(interval.latest + this.#ttlNs);
    return {
      async take(wish, options) {
        const answer = await store.take({ ...wish, expiresAt, endedBefore }, options);
        return takenOf(checkAnswer(store.name, answer, wish.claim), clock);
      },
      async extend(name, token, options) {
        const extended = await store.extend({ name, token, expiresAt }, options);
        if (typeof extended !== 'boolean') throw new LeaseStoreError(store.name, 'malformed');
        return extended ? new TrueTimeTerm(clock, expiresAt) : undefined;
      },
    };
  }

  end(name: string, token: bigint, options: StoreCallOptions): Promise<void> {
    return this.#store.end(name, token, options);
  }
}

class TrueTimeTerm implements LeaseTerm {
  readonly unknown = 'no-bound';
  readonly expiresAt: UnixNs;
  readonly #clock: BoundedReader;

  constructor(clock: BoundedReader, expiresAt: UnixNs) {
    this.#clock = clock;
    this.expiresAt = expiresAt;
  }

  get end(): bigint {
    return this.expiresAt;
  }

  held(): boolean {
    return this.#clock.certainlyBefore(this.expiresAt);
  }

  remainingNs(): bigint | undefined {
    const latest = this.#clock.tryNow()?.latest;
    return latest === undefined ? undefined : this.expiresAt - latest - 1n;
  }
}

function takenOf({ taken, record }: LeaseAnswer, clock: BoundedReader): Taken {
  const { holder, claim, token, expiresAt } = record;
  return {
    holder,
    claim,
    token,
    term: taken ? new TrueTimeTerm(clock, expiresAt) : undefined,
    waitMs() {
      if (clock.tryNow() === undefined) return LOOK_EVERY_MS;
      return Number(clock.remainingNs(expiresAt)) / 1e6;
    },
  };
}

/**
 * Stores are written by others, and a wrong type in a record would break every comparison. Reads
 * each field once.
 */
function checkAnswer(store: string, answer: LeaseAnswer, wished: string): LeaseAnswer {
  const { taken, record } = answer ?? {};
  const { holder, claim, token, expiresAt } = record ?? {};
  if (
    typeof taken === 'boolean' &&
    typeof holder === 'string' &&
    isToken(token) &&
    typeof expiresAt === 'bigint' &&
    expiresAt >= 0n &&
    expiresAt <= INT64_MAX &&
    typeof claim === 'string' &&
    taken === (claim === wished)
  ) {
    return { taken, record: { holder, claim, token, expiresAt } };
  }
  throw new LeaseStoreError(store, 'malformed');
}
