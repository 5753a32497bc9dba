/**
 * Node ids: the tie-breaker that turns the order of timestamps into a total order across nodes.
 *
 * The alphabet is a part of ASCII that can stand in a URL path, a header, a file name and a log
 * line. The order by UTF-16 code unit (JavaScript's `<`), by byte and of PostgreSQL's `COLLATE "C"`
 * is the same on it. It has no `@`, which separates the timestamp from the node in a stamp.
 */
import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';

/** For each character of ASCII, whether it is allowed. A look-up is faster than an expression. */
const ALLOWED: readonly boolean[] = Array.from({ length: 128 }, (_, code) =>
  /[0-9A-Za-z._:-]/.test(String.fromCharCode(code)),
);

const MAX_LENGTH = 64;
/** A node id that is too long is cut, and ends in this many digits of a hash. */
const HASH_DIGITS = 12;

/**
 * A node id made of parts, such as a service, a host and a process. The parts are joined by `.`.
 * Every character except `0-9 A-Z a-z . _ : -` is replaced by `-`. If the result is longer than 64
 * characters, a hash of all of it replaces its end, so that ids which differ only there still
 * differ.
 *
 * The same parts always give the same id. Parts that differ only in replaced characters give the
 * same id too. So the caller makes sure that no two clocks run under one id.
 *
 * @throws ArgumentTypeError when a part is neither a string nor a number, ArgumentRangeError when
 *   there is nothing to join
 * @example nodeIdFrom('orders', 'eu/west', 3) // 'orders.eu-west.3'
 */
export function nodeIdFrom(...parts: (string | number)[]): string {
  for (const part of parts) {
    if (typeof part === 'string' || typeof part === 'number') continue;
    throw new ArgumentTypeError('parts', 'strings and numbers', part);
  }
  const joined = parts.join('.');
  if (joined === '') throw new ArgumentRangeError('parts', 'not empty', joined);
  const id = joined.replaceAll(/[^0-9A-Za-z._:-]/g, '-');
  if (id.length <= MAX_LENGTH) return id;
  return `${id.slice(0, MAX_LENGTH - HASH_DIGITS - 1)}-${hash(joined)}`;
}

/**
 * 48 bits of FNV-1a, as 12 hexadecimal digits. It does not resist an attacker who wants two ids to
 * collide.
 */
function hash(text: string): string {
  let bits = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    bits = BigInt.asUintN(64, (bits ^ BigInt(byte)) * 0x100000001b3n);
  }
  return (bits >> 16n).toString(16).padStart(HASH_DIGITS, '0');
}

/** Whether `text` from `start` on matches `[0-9A-Za-z._:-]{1,64}`. */
export function isNodeId(text: string, start = 0): boolean {
  const length = text.length - start;
  if (!(length >= 1 && length <= MAX_LENGTH)) return false;
  for (let i = start; i < text.length; i++) {
    if (ALLOWED[text.charCodeAt(i)] !== true) return false;
  }
  return true;
}

/**
 * Returns `value` if it is a node id.
 *
 * @throws ArgumentTypeError when it is not a string (`ERR_INVALID_ARG_TYPE`)
 * @throws ArgumentRangeError when it does not match `[0-9A-Za-z._:-]{1,64}` (`ERR_OUT_OF_RANGE`)
 */
export function checkNodeId(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new ArgumentTypeError(name, 'a string', value);
  if (!isNodeId(value)) {
    throw new ArgumentRangeError(name, '1 to 64 of the characters 0-9 A-Z a-z . _ : -', value);
  }
  return value;
}
