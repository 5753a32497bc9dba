/**
 * What `console.log` shows of a clock or a commit: one line, the one of its `toString`. Node calls
 * the method that this symbol names; browsers do not, and show the object. No `toString` of a clock
 * throws or advances the clock.
 */

const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom');

/**
 * The base class of clocks and commits. It is a value with a declared type, because
 * `isolatedDeclarations` does not allow a class member that is named by a symbol of our own.
 */
export const Inspectable: abstract new () => object = class {
  [INSPECT](): string {
    return String(this);
  }
};

const UNITS: readonly (readonly [string, bigint])[] = [
  ['ns', 1n],
  ['us', 1000n],
  ['ms', 1_000_000n],
];

/** An uncertainty for people, rounded up to a whole number of at most four digits: `112 us`. */
export function roughly(ns: bigint): string {
  for (const [unit, size] of UNITS) {
    const rounded = (ns + size - 1n) / size;
    if (rounded < 10_000n) return `${rounded} ${unit}`;
  }
  return `${(ns + 999_999_999n) / 1_000_000_000n} s`;
}
