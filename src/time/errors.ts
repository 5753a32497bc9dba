/**
 * Errors. Two kinds, told apart by what the caller should do:
 *
 * - *Misuse* is a bug in the calling code: a `TypeError` or `RangeError` that names the argument, what
 *   was expected and what came (codes as Node's own: `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`).
 * - *Operational* failures happen to correct programs (no bound yet, a remote timestamp too far ahead):
 *   a subclass of {@link EpsilonClockError}, with a stable `code` and its numbers as fields.
 *
 * Either way the object that threw is exactly as it was before the call.
 */

/** The base of every operational error. `code` is stable across releases; messages are not. */
export abstract class EpsilonClockError extends Error {
  /** Stable, machine-readable: `ERR_` and upper-case words. */
  abstract readonly code: `ERR_${string}`;
}

/** An argument of the wrong type. */
export class ArgumentTypeError extends TypeError {
  readonly code = 'ERR_INVALID_ARG_TYPE' as const;

  constructor(name: string, expected: string, got: unknown) {
    super(`${name} must be ${expected}; got ${describe(got)}`);
    this.name = 'TypeError';
  }
}

/** An argument of the right type outside its range. */
export class ArgumentRangeError extends RangeError {
  readonly code = 'ERR_OUT_OF_RANGE' as const;

  constructor(name: string, expected: string, got: unknown) {
    super(`${name} must be ${expected}; got ${describe(got)}`);
    this.name = 'RangeError';
  }
}

/** A short, safe description of any value, for messages: never throws, never long. */
function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
    case 'bigint':
      return `${value}n`.slice(0, 60);
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? 'an array' : 'an object';
    default:
      return `a ${typeof value}`;
  }
}

/** The number `value` when it is finite and within `[min, max]`, else a typed error naming `name`. */
export function checkNumber(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number') throw new ArgumentTypeError(name, 'a number', value);
  if (!(value >= min && value <= max)) {
    throw new ArgumentRangeError(name, `from ${min} to ${max}`, value);
  }
  return value;
}

/** `value` when it is an object, else a typed error naming `name`: for options that somebody left out. */
export function checkObject<T extends object>(name: string, value: T): T {
  if (typeof value === 'object' && value !== null) return value;
  throw new ArgumentTypeError(name, 'an object', value);
}
