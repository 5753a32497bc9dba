/**
 * Spells the int64 of a slot as JSON, such as `,"earliest":"1795227787534418003"`, once for every
 * log line.
 *
 * Lines that come faster than one a millisecond share their first 13 digits. So all the text up to
 * there is kept, and such a line costs six new digits.
 */
import { formatTimestamp } from '../logical/timestamp-text.ts';
import { HIGH, LOW } from '../time/int64-slots.ts';
import { NS_PER_MS } from '../time/rounding.ts';

const { asIntN } = BigInt;

/** A timestamp begins with this many digits that are its milliseconds. */
const MS_DIGITS = 13;

/** The first nanosecond of the millisecond whose text is kept. */
const MS_START = 0;
/** The nanosecond within that millisecond. */
const WITHIN = 1;
const SLOTS = 2;
const WITHIN_HIGH: number = 2 * WITHIN + HIGH;
const WITHIN_LOW: number = 2 * WITHIN + LOW;

/** The digits of each number from 0 to 999. */
const THREE: readonly string[] = Array.from({ length: 1000 }, (_, i) => String(i).padStart(3, '0'));
/** The same as the end of a JSON string. */
const LAST_THREE: readonly string[] = THREE.map((digits) => `${digits}"`);

/**
 * One text of many parts, for use in many lines. `+` would leave a tree of parts, and each line
 * would have to copy them one by one.
 */
export function flat(parts: readonly (string | number)[]): string {
  return parts.join('');
}

export class JsonDigits {
  readonly #source: BigInt64Array;
  readonly #index: number;
  readonly #headOf: (ms: string) => readonly (string | number)[];
  readonly #slots: BigInt64Array = new BigInt64Array(SLOTS);
  readonly #halves: Uint32Array = new Uint32Array(this.#slots.buffer);
  #head = '';

  /** @param headOf the parts of the text before the last six digits, given the 13 digits of a ms */
  constructor(
    source: BigInt64Array,
    index: number,
    headOf: (ms: string) => readonly (string | number)[],
  ) {
    this.#source = source;
    this.#index = index;
    this.#headOf = headOf;
    this.#beginMs();
  }

  /**
   * The text of the value that is in the slot now.
   *
   * @throws ArgumentRangeError when it is negative
   */
  text(): string {
    const slots = this.#slots;
    const halves = this.#halves;
    slots[WITHIN] = asIntN(64, this.#source[this.#index]! - slots[MS_START]!);
    if (halves[WITHIN_HIGH] !== 0 || halves[WITHIN_LOW]! >= 1_000_000) this.#beginMs();
    // `| 0` tells V8 that it is an int32, so it divides by multiplication.
    const ns = halves[WITHIN_LOW]! | 0;
    const us = (ns / 1000) | 0;
    return this.#head + (THREE[us]! + LAST_THREE[ns - us * 1000]!);
  }

  #beginMs(): void {
    const slots = this.#slots;
    const ms = formatTimestamp(this.#source[this.#index]!).slice(0, MS_DIGITS);
    slots[WITHIN] = asIntN(64, this.#source[this.#index]! % NS_PER_MS);
    slots[MS_START] = asIntN(64, this.#source[this.#index]! - slots[WITHIN]!);
    this.#head = flat(this.#headOf(ms));
  }
}
