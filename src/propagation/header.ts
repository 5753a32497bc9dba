import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';

/**
 * The name of the header that carries a stamp, such as `epsilon-hlc: 1795227787534418003@orders-3`.
 * The same name is used in HTTP, in gRPC metadata and in the headers of messages.
 */
export const hlcHeader = 'epsilon-hlc';

/**
 * A name that HTTP/2, gRPC, Kafka, NATS and AMQP all accept. It begins with a letter, so it is
 * never `__proto__`.
 */
const HEADER_NAME = /^[a-z][0-9a-z_.-]{0,63}$/;

/**
 * The name of a header in lower case, which HTTP/2 demands.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `value` is not the name of a header
 */
export function checkHeader(value: unknown): string {
  if (value === hlcHeader) return hlcHeader;
  if (typeof value !== 'string') throw new ArgumentTypeError('header', 'a string', value);
  const name = value.toLowerCase();
  if (HEADER_NAME.test(name)) return name;
  const expected = 'a letter, then at most 63 of the characters 0-9 A-Z a-z . _ -';
  throw new ArgumentRangeError('header', expected, value);
}
