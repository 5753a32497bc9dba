/**
 * Node ids: the tie-breaker that turns the order of timestamps into a total order across nodes.
 *
 * The alphabet is a part of ASCII that survives a URL path, a header, a file name and a log line, and on
 * which the order by UTF-16 code unit (JavaScript's `<`), by byte and of PostgreSQL's `COLLATE "C"` are
 * one. It has no `@`, which separates the timestamp from the node in a stamp.
 */
import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';

const NODE_ID = /^[0-9A-Za-z._:-]{1,64}$/;

/** Whether `text` matches `[0-9A-Za-z._:-]{1,64}`. */
export function isNodeId(text: string): boolean {
  return NODE_ID.test(text);
}

/**
 * `value` when it is a node id.
 *
 * @throws ArgumentTypeError when it is no string (`ERR_INVALID_ARG_TYPE`)
 * @throws ArgumentRangeError when it does not match `[0-9A-Za-z._:-]{1,64}` (`ERR_OUT_OF_RANGE`)
 */
export function checkNodeId(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new ArgumentTypeError(name, 'a string', value);
  if (!isNodeId(value)) {
    throw new ArgumentRangeError(name, '1 to 64 of the characters 0-9 A-Z a-z . _ : -', value);
  }
  return value;
}
