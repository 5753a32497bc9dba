/**
 * The kind `duration`: the store counts the time by itself, and the holder counts the same time on
 * its own monotonic clock. No clock needs to be right. It rests on rates alone.
 *
 * The holder counts from before the request was sent, so the store began later. And it counts less
 * than the store gave:
 *
 *     lasts = ttl (1 - R) / (1 + S) - grids - hidden        rounded down
 *
 * - `R` is how much slower than true time the holder's clock may run, `S` how much faster the
 *   store's may. If the holder's clock shows `m` since the request, at most `m / (1 - R)` of true
 *   time have passed, and the store has counted at most `m (1 + S) / (1 - R)`.
 * - `grids`: the store may end the lease early by its grid, and a reading of the holder's clock
 *   means an instant up to one grid later.
 * - `hidden`: while the machine sleeps, its monotonic clock stands still. Each check compares the
 *   wall clock with how it stood when the request was sent, and a sleep that is long enough to show
 *   ends the lease at once. A shorter one is less than twice the limit of the comparison (once for
 *   the limit, once for the error of the reads and for what the wall clock was slewed).
 *
 * Where the store gives more than was asked for, nothing is added: no answer can make a lease long.
 *
 * A step of the wall clock looks like a sleep, and ends the lease too. The token in the store is
 * still ours, so the next renewal makes it held again.
 */
import type { Clock } from '../time/clock.ts';
import { asUnixNs, type MonotonicNs, type UnixNs } from '../time/instant.ts';
import { jumpLimitNs } from '../time/jump-detector.ts';
import { nsFromMsDown, nsFromMsUp } from '../time/rounding.ts';
import { type OffsetBounds, readWallOffset } from '../time/wall-offset.ts';
import type { DurationAnswer, DurationStore } from './duration-store.ts';
import { LeaseStoreError } from './errors.ts';
import { isToken } from './fence.ts';
import type { LeaseKind, LeaseRequest, LeaseTerm } from './lease-kind.ts';
import type { StoreCallOptions } from './lease-store.ts';

const BILLION = 1_000_000_000n;

/** What a duration rests on. */
export interface DurationRates {
  /** How much slower than true time the holder's monotonic clock may run, ppm. */
  readonly holderPpm: number;
  /** How much faster than true time the store's clock may run, ppm. */
  readonly storePpm: number;
  /** The store's grid, ms. */
  readonly gridMs: number;
}

export class Duration implements LeaseKind {
  readonly lastsMs: number;
  readonly #storeName: string;
  readonly #store: DurationStore;
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #lastsNs: bigint;

  constructor(
    storeName: string,
    store: DurationStore,
    clock: Clock,
    ttlMs: number,
    rates: DurationRates,
  ) {
    this.#lastsNs = certainNs(ttlMs, rates, clock);
    this.lastsMs = Number(this.#lastsNs) / 1e6;
    this.#storeName = storeName;
    this.#store = store;
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  begin(): LeaseRequest {
    const store = this.#store;
    const ttlMs = this.#ttlMs;
    const start = new Start(this.#clock);
    const termOf = (grantedMs: unknown): DurationTerm => {
      if (typeof grantedMs !== 'number' || !(grantedMs >= ttlMs && grantedMs < Infinity)) {
        throw new LeaseStoreError(this.#storeName, 'malformed');
      }
      return new DurationTerm(start, this.#lastsNs);
    };
    return {
      take: async (wish, options) => {
        const answer = await store.take({ ...wish, ttlMs }, options);
        const checked = checkAnswer(this.#storeName, answer, wish.claim);
        const term = checked.taken ? termOf(checked.ttlMs) : undefined;
        return { ...checked, term, waitMs: () => undefined };
      },
      extend: async (name, token, options) => {
        const grantedMs = await store.extend({ name, token, ttlMs }, options);
        return grantedMs === undefined ? undefined : termOf(grantedMs);
      },
    };
  }

  end(name: string, token: bigint, options: StoreCallOptions): Promise<void> {
    return this.#store.end(name, token, options);
  }
}

/** How long a lease is certainly held that the store has given for `ttlMs`: ns, rounded down. */
export function certainNs(ttlMs: number, rates: DurationRates, clock: Clock): bigint {
  const ttlNs = nsFromMsDown(ttlMs, 'ttlMs');
  const slowest = BILLION - ppbUp(rates.holderPpm);
  const fastest = BILLION + ppbUp(rates.storePpm);
  const gridsNs = nsFromMsUp(rates.gridMs, 'gridMs') + clock.monotonicGridNs;
  return (ttlNs * slowest) / fastest - gridsNs - 2n * jumpLimitNs(clock, ttlNs);
}

/** The clocks before a request was sent. */
class Start {
  readonly clock: Clock;
  readonly at: MonotonicNs;
  readonly #wall: OffsetBounds | undefined;
  readonly #marker: bigint | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
    this.#marker = clock.disruptionMarker?.();
    this.#wall = readWallOffset(clock);
    // If this process is stopped just here, only the lease becomes shorter.
    this.at = this.#wall?.readAt ?? clock.monotonicNs();
  }

  /** Whether the monotonic clock has certainly not stood still since, but for what is hidden. */
  stands(): boolean {
    const { clock } = this;
    const marker = clock.disruptionMarker?.();
    if (marker !== this.#marker) return false;
    const wall = readWallOffset(clock);
    if (wall === undefined || this.#wall === undefined) return false;
    const moved = (wall.lowerNs + wall.upperNs - this.#wall.lowerNs - this.#wall.upperNs) / 2n;
    return (moved < 0n ? -moved : moved) <= jumpLimitNs(clock, wall.readAt - this.at);
  }
}

class DurationTerm implements LeaseTerm {
  readonly unknown = 'jumped';
  readonly end: bigint;
  readonly expiresAt: UnixNs;
  readonly #start: Start;

  constructor(start: Start, lastsNs: bigint) {
    const { clock } = start;
    this.#start = start;
    this.end = start.at + lastsNs;
    this.expiresAt = asUnixNs(clock.wallNs() + this.end - clock.monotonicNs());
  }

  /** The jump is looked for first: a sleep after that is after the instant that is asked about. */
  held(): boolean {
    return this.#start.stands() && this.#start.clock.monotonicNs() < this.end;
  }

  remainingNs(): bigint | undefined {
    if (!this.#start.stands()) return undefined;
    return this.end - this.#start.clock.monotonicNs() - 1n;
  }
}

const ppbUp = (ppm: number): bigint => BigInt(Math.ceil(ppm * 1000));

/** As for the other kind: a wrong type would break every comparison. Reads each field once. */
function checkAnswer(store: string, answer: DurationAnswer, wished: string): DurationAnswer {
  const { taken, holder, claim, token, ttlMs } = answer ?? {};
  if (
    typeof taken === 'boolean' &&
    typeof holder === 'string' &&
    isToken(token) &&
    // What was ended is told to its own claim too, and not given.
    typeof claim === 'string' &&
    (claim === wished || !taken)
  ) {
    return { taken, holder, claim, token, ttlMs: ttlMs! };
  }
  throw new LeaseStoreError(store, 'malformed');
}
