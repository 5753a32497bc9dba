/**
 * What a log line says about its time, so that the lines of many hosts can be put in an order that
 * can be believed. The entries `epsilon-clock/pino` and `epsilon-clock/winston` write it.
 *
 * The problem. A line carries the wall clock of its host. Wall clocks disagree by more than events
 * are apart, so sorting by them shows an order that nobody knows to be true.
 *
 * The idea. A line carries two more things. `hlc` is a timestamp of a hybrid clock, which sorts by
 * cause. The interval of a bounded clock holds the true time of the line. Of two lines whose
 * intervals do not touch, the order is certain.
 *
 * Guarantee. Over the lines of one hybrid clock, `hlc` strictly increases. The interval is read
 * while the line is made. Without a bound it is left out, and an older one is never written. No
 * line is lost to a clock that fails: it is written without a stamp, and says why.
 *
 * The compact form has `eps` in place of the two ends: the greatest distance of true time from the
 * stamp. When the stamp is not in the interval, because a peer or a physical clock of its own has
 * led the hybrid clock away, that distance would say little. Then `lead` says by how much the stamp
 * is ahead of the middle of the interval, and `eps` counts from the middle. In either case
 *
 *     hlc - lead - 1000 eps  <=  earliest  <=  true time  <=  latest  <=  hlc - lead + 1000 eps
 */
import { type BoundedReader, checkReader } from '../bounded-clock/bounded-reader.ts';
import { checkHybridClock, type HybridClock } from '../logical/hybrid-clock.ts';
import { ArgumentRangeError } from '../time/errors.ts';
import { HIGH, LOW } from '../time/int64-slots.ts';
import { checkOptionNames } from '../time/options.ts';
import { divCeil } from '../time/rounding.ts';

/** Where the stamps of log lines come from, and which fields they have. */
export interface StampOptions {
  /** Gives `hlc` and `node`. */
  readonly hlc: HybridClock;
  /** Gives the interval. Only `fields: 'hlc'` does without. */
  readonly clock?: BoundedReader | undefined;
  /**
   * - `'full'` (default): `hlc`, `node`, `earliest`, `latest`.
   * - `'compact'`: `hlc`, `node`, `eps`, and `lead` where it is not 0.
   * - `'hlc'`: `hlc` alone.
   */
  readonly fields?: 'full' | 'compact' | 'hlc' | undefined;
}

const STAMP_OPTIONS: Readonly<Record<keyof StampOptions, true>> = {
  hlc: true,
  clock: true,
  fields: true,
};

// The slots of a stamp.
export const HLC = 0;
export const EARLIEST = 1;
export const LATEST = 2;
/** From `EARLIEST` to `HLC`, and from `HLC` to `LATEST`. */
const BEHIND = 3;
const AHEAD = 4;
const SLOTS = 5;

/** The same among the halves. */
const BEHIND_HIGH: number = 2 * BEHIND + HIGH;
const BEHIND_LOW: number = 2 * BEHIND + LOW;
const AHEAD_HIGH: number = 2 * AHEAD + HIGH;
const AHEAD_LOW: number = 2 * AHEAD + LOW;

const { asIntN } = BigInt;

/** The stamp of one line after the other. All its int64 live in slots that are made once. */
export class LineStamp {
  readonly nodeId: string;
  readonly fields: 'full' | 'compact' | 'hlc';
  /** The values at `HLC`, `EARLIEST` and `LATEST`. */
  readonly slots: BigInt64Array = new BigInt64Array(SLOTS);
  /** Whether `EARLIEST` and `LATEST` hold the interval of this line. */
  bounded = false;
  /** In the compact form of a line that has a bound: us, rounded up. */
  eps = 0;
  /** In the compact form of a line that has a bound: ns, `undefined` for 0. */
  lead: string | undefined;
  readonly #hlc: HybridClock;
  readonly #clock: BoundedReader | undefined;
  readonly #halves: Uint32Array = new Uint32Array(this.slots.buffer);

  /** @throws ArgumentTypeError, ArgumentRangeError naming the option at fault */
  constructor(options: StampOptions) {
    const { hlc, clock, fields = 'full' } = checkOptionNames(options, STAMP_OPTIONS);
    checkHybridClock(hlc);
    if (fields !== 'full' && fields !== 'compact' && fields !== 'hlc') {
      throw new ArgumentRangeError('fields', "'full', 'compact' or 'hlc'", fields);
    }
    this.#clock = fields === 'hlc' ? undefined : checkReader(clock as BoundedReader);
    this.#hlc = hlc;
    this.nodeId = hlc.nodeId;
    this.fields = fields;
  }

  /**
   * Takes the stamp of the next line.
   *
   * @throws what the clocks throw
   */
  take(): void {
    this.#hlc.nowInto(this.slots, HLC);
    this.bounded = this.#clock?.tryReadInto(this.slots, EARLIEST) === true;
    if (this.bounded && this.fields === 'compact') this.#measure();
  }

  #measure(): void {
    const slots = this.slots;
    const halves = this.#halves;
    slots[BEHIND] = asIntN(64, slots[HLC]! - slots[EARLIEST]!);
    slots[AHEAD] = asIntN(64, slots[LATEST]! - slots[HLC]!);
    // An upper half is 0 where the distance is neither negative nor as long as 2^32 ns (4.3 s).
    if (halves[BEHIND_HIGH] === 0 && halves[AHEAD_HIGH] === 0) {
      this.eps = Math.ceil(Math.max(halves[BEHIND_LOW]!, halves[AHEAD_LOW]!) / 1000);
      this.lead = undefined;
    } else {
      this.#measureFar();
    }
  }

  #measureFar(): void {
    const hlc = this.slots[HLC]!;
    const earliest = this.slots[EARLIEST]!;
    const latest = this.slots[LATEST]!;
    const outside = hlc < earliest || hlc > latest;
    const centre = outside ? (earliest + latest) >> 1n : hlc;
    const behind = centre - earliest;
    const ahead = latest - centre;
    this.eps = Number(divCeil(behind > ahead ? behind : ahead, 1000n));
    this.lead = outside ? String(hlc - centre) : undefined;
  }
}

/** Why a line has no stamp: the stable code of the error, or `'unknown'`. */
export function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : 'unknown';
}
