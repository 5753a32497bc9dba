/**
 * Which address of a name is asked next, and what is remembered of each address.
 *
 * The addresses from the resolver are asked in *rounds*: each once, in turn, until one yields
 * samples. The next one is always the address asked longest ago; addresses never asked come first,
 * in the order of the resolver. So every address is asked before any is asked again, and a pool
 * that names other members each time is walked through to its end.
 *
 * A server that denied us is never chosen. An address whose allowance is used up is skipped until
 * it has some again.
 */
import type { Clock } from '../../time/clock.ts';
import type { Allowance } from '../allowance.ts';

/**
 * The number of addresses to remember. More are remembered only where forgetting one would break a
 * promise to its operator.
 */
const MAX_KNOWN_ADDRESSES = 4096;
/** A further visit of the rotation leaves this many requests in the allowance, for urgent polls. */
export const RESERVED_REQUESTS = 2;

interface Known {
  readonly allowance: Allowance;
  /** The turn in which it was last asked; 0 when never. */
  turn: number;
}

export class Rotation {
  readonly #clock: Clock;
  readonly #newAllowance: (address: string) => Allowance;
  readonly #known = new Map<string, Known>();
  #addresses: readonly string[] = [];
  #turn = 0;
  /** The last turn before this round: an address with a later turn was asked in this round. */
  #roundBegan = 0;

  constructor(clock: Clock, newAllowance: (address: string) => Allowance) {
    this.#clock = clock;
    this.#newAllowance = newAllowance;
  }

  /** Begins a round with `addresses`, which the name stands for from now on. */
  begin(addresses: readonly string[]): void {
    this.#addresses = [...new Set(addresses)];
    this.#roundBegan = this.#turn;
    if (this.#known.size > MAX_KNOWN_ADDRESSES) this.#evictUntouched();
  }

  /** The address to ask next in this round, not one of `inUse`; `undefined` when all were asked. */
  next(inUse: readonly string[]): string | undefined {
    const now = this.#clock.monotonicNs();
    let best: string | undefined;
    let bestTurn = this.#roundBegan + 1;
    for (const address of this.#addresses) {
      const { turn, allowance } = this.#of(address);
      if (turn >= bestTurn || allowance.denied || inUse.includes(address)) continue;
      if (turn > 0 && allowance.waitNs(now, RESERVED_REQUESTS) > 0n) continue;
      best = address;
      bestTurn = turn;
    }
    return best;
  }

  /**
   * Records that `address` is asked now. Returns its allowance, which stays the same over all
   * visits.
   */
  ask(address: string): Allowance {
    const known = this.#of(address);
    known.turn = ++this.#turn;
    return known.allowance;
  }

  /**
   * Forgets addresses whose allowance is like a new one. A pool may name thousands of servers over
   * the months.
   */
  #evictUntouched(): void {
    const now = this.#clock.monotonicNs();
    for (const [address, { allowance }] of this.#known) {
      if (allowance.isUntouched(now) && !this.#addresses.includes(address)) {
        this.#known.delete(address);
      }
    }
  }

  #of(address: string): Known {
    let known = this.#known.get(address);
    if (known === undefined) {
      known = { allowance: this.#newAllowance(address), turn: 0 };
      this.#known.set(address, known);
    }
    return known;
  }
}
