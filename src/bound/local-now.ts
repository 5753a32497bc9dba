/**
 * The local instant up to which all that the engine knows is aged, and the rate it ages at.
 *
 * Local instants are doubles, ns since a base, which is a monotonic reading. They are exact below
 * 2^53 ns (104 days), so the base moves forward every 26 days, and every remembered instant has to
 * move with it. That is done here and nowhere else: every class that remembers an instant gets it
 * from an {@link Instants}, and {@link LocalNow.advanceTo} moves them all.
 *
 * The engine passes this one object around instead of two doubles (docs/internals/performance.md,
 * "Doubles do not cross calls").
 */
import type { MonotonicNs } from '../time/instant.ts';
import { Int64Slots } from '../time/int64-slots.ts';

/** The base moves when the present is this far from it. */
const REBASE_AFTER_NS = 2 ** 51;

// Slots.
const READING = 0;
const BASE = 1;

/** An instant of local time that is remembered. */
export interface Instant {
  /** ns since the base, whole; infinite for "never". */
  ns: number;
}

/** Instants that move together when the base of local time moves. */
export class Instants {
  readonly #single: Instant[] = [];
  readonly #lists: Float64Array[] = [];

  /** A new instant. */
  one(ns = 0): Instant {
    const instant = { ns };
    this.#single.push(instant);
    return instant;
  }

  /** A new list of `count` instants. */
  list(count: number): Float64Array {
    const list = new Float64Array(count);
    this.#lists.push(list);
    return list;
  }

  /** Every instant becomes `ns` less. */
  moveBack(ns: number): void {
    for (const instant of this.#single) instant.ns -= ns;
    for (const list of this.#lists) for (let i = 0; i < list.length; i++) list[i]! -= ns;
  }
}

/** The instant alone. */
export interface Now {
  readonly now: number;
}

export class LocalNow implements Now {
  /** ns since `base`, whole. */
  now = 0;
  /** The monotonic reading that local instants are relative to. */
  base = 0n;
  /** `R` in force, ns per ns. {@link DriftBound} sets it. */
  maxRate: number;
  /** Instants that are remembered for as long as this object lives. */
  readonly instants: Instants = new Instants();
  readonly #groups = new Set<Instants>([this.instants]);
  #started = false;
  readonly #int64: Int64Slots = new Int64Slots(2, 1);

  /** @param maxRate the configured drift bound, ns per ns */
  constructor(maxRate: number) {
    this.maxRate = maxRate;
  }

  /** Instants that are remembered until they are given back to {@link LocalNow.release}. */
  newGroup(): Instants {
    const group = new Instants();
    this.#groups.add(group);
    return group;
  }

  release(group: Instants): void {
    this.#groups.delete(group);
  }

  /**
   * Moves the present to `reading`. The first reading is the base. The present never goes back: a
   * late sample is dealt with at the present.
   */
  advanceTo(reading: MonotonicNs): void {
    const { slots, differences } = this.#int64;
    if (!this.#started) {
      this.#started = true;
      this.base = reading;
    }
    slots[READING] = reading;
    slots[BASE] = this.base;
    this.#int64.subtract(READING, BASE, 0);
    if (differences[0]! > this.now) this.now = differences[0]!;
    if (this.now > REBASE_AFTER_NS) this.#rebase();
  }

  /** A local instant as a monotonic reading. */
  toMonotonic(ns: number): bigint {
    return this.base + BigInt(ns);
  }

  /** The present becomes the base. */
  #rebase(): void {
    const ns = this.now;
    this.base += BigInt(ns);
    this.now = 0;
    for (const group of this.#groups) group.moveBack(ns);
  }
}
