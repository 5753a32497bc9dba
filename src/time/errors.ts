/**
 * Errors of two kinds. What the caller should do tells them apart:
 *
 * - *Misuse* is a bug in the calling code. It throws a `TypeError` or `RangeError` that names the
 *   argument, what was expected and what came. The codes are Node's: `ERR_INVALID_ARG_TYPE`,
 *   `ERR_OUT_OF_RANGE`. Fake timers over a running clock are misuse too (`ERR_FAKE_TIMERS`).
 * - *Operational* failures happen to correct programs: no bound yet, a remote timestamp too far
 *   ahead. They throw a subclass of {@link EpsilonClockError} with a stable `code` and its numbers
 *   as fields.
 *
 * In both cases the object that threw is exactly as it was before the call.
 *
 * A method that was taken off its object (`const { now } = clock`) throws JavaScript's own
 * TypeError, without a `code`: a check here would cost every call. Pass `() => clock.now()`
 * instead.
 */
import { jsonForm } from './json.ts';

/** The base of every operational error. `code` is stable across releases; messages are not. */
export abstract class EpsilonClockError extends Error {
  /** Stable and machine-readable: `ERR_` and upper-case words. */
  abstract readonly code: `ERR_${string}`;

  /**
   * `name`, `message`, `code` and the fields of the class. Every bigint becomes a decimal string.
   */
  toJSON(): Record<string, unknown> {
    return { name: this.name, message: this.message, ...jsonForm(this) };
  }
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

/** The error for what should be Unix ns. It names the conversion that was probably forgotten. */
export function notUnixNs(name: string, got: unknown): ArgumentTypeError {
  return new ArgumentTypeError(name, `a bigint${conversionOf(got)}`, got);
}

function conversionOf(got: unknown): string {
  if (typeof got === 'string') return ' (parseTimestamp reads text, parseStamp a stamp)';
  if (typeof got === 'number') return ' of ns (unixNsFromMs converts ms)';
  return isDate(got) ? ' of ns (unixNsFromMs converts date.getTime())' : '';
}

function isDate(value: unknown): boolean {
  try {
    return value instanceof Date;
  } catch {
    return false; // a Proxy whose trap throws
  }
}

/**
 * Fake timers were installed over a running clock, which is misuse: the clock goes on with real
 * time, while the rest of the program sees the fake time.
 */
export class FakeTimersError extends TypeError {
  readonly code = 'ERR_FAKE_TIMERS' as const;

  constructor() {
    super(
      'fake timers are installed over a running clock, whose time goes on: install them before the clock is made, ' +
        'stop the clock first, or give BoundedClock.start({ clock }) a clock that the test moves',
    );
    this.name = 'TypeError';
  }
}

/** A short, safe description of any value, for messages. It never throws and is never long. */
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

/**
 * Returns `value` when it is a number from `min` to `max`; otherwise throws a typed error that
 * names `name`.
 */
export function checkNumber(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number') throw new ArgumentTypeError(name, 'a number', value);
  if (!(value >= min && value <= max)) {
    throw new ArgumentRangeError(name, `from ${min} to ${max}`, value);
  }
  return value;
}

/**
 * Throws unless `value` has all of `methods`. For objects that the caller implements, such as a
 * clock.
 */
export function checkMethods(
  name: string,
  expected: string,
  value: unknown,
  methods: readonly string[],
): void {
  const object = value as Record<string, unknown> | null | undefined;
  for (const method of methods) {
    if (typeof object?.[method] !== 'function') throw new ArgumentTypeError(name, expected, value);
  }
}

/**
 * Returns `value` when it is an object; otherwise throws a typed error that names `name`. It
 * catches options that were left out.
 */
export function checkObject<T extends object>(name: string, value: T): T {
  if (typeof value === 'object' && value !== null) return value;
  throw new ArgumentTypeError(name, 'an object', value);
}
