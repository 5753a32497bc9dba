/**
 * Reading and writing the one header, in whatever carries it.
 *
 * What a carrier holds came from the network. So only own properties are looked at, a value is
 * measured before it is read, and nothing is converted to text except bytes. Getters may throw; the
 * callers see to that.
 */
import { MalformedTimestampError } from '../logical/errors.ts';
import { ArgumentTypeError } from '../time/errors.ts';

/**
 * What carries the header from one service to another:
 *
 * - a plain object, such as `request.headers` of Node, the headers of a Kafka or an AMQP message,
 *   or a CloudEvent. Letter case does not matter.
 * - anything with `get` and `set`: a `Headers`, gRPC metadata, the headers of NATS, a `Map`. Each
 *   has rules of its own for letter case.
 */
export type Carrier =
  | Record<string, unknown>
  | { get(name: string): unknown; set(name: string, value: string): unknown };

/** The greatest length of a stamp: 19 digits, `@`, and a node id of 64 characters. */
const MAX_STAMP_LENGTH = 84;

/** What the functions below call, where a carrier has it. */
interface Methods {
  readonly get?: unknown;
  readonly set?: unknown;
  readonly has?: unknown;
}

/** @throws ArgumentTypeError unless `carrier` can be written to */
export function checkCarrier(carrier: Carrier): void {
  if (typeof carrier === 'object' && carrier !== null && !Array.isArray(carrier)) return;
  throw new ArgumentTypeError('carrier', 'an object of headers, or one with set()', carrier);
}

/** Sets the header `name`, in place of one that is there. */
export function writeHeader(carrier: Carrier, name: string, value: string): void {
  if (typeof (carrier as Methods).set === 'function') {
    (carrier as { set(name: string, value: string): unknown }).set(name, value);
  } else {
    const headers = carrier as Record<string, unknown>;
    headers[ownName(headers, name) ?? name] = value;
  }
}

/** The value of the header `name`; `undefined` when the carrier has none. */
export function readHeader(carrier: unknown, name: string): unknown {
  if (typeof carrier !== 'object' || carrier === null) return undefined;
  let value: unknown;
  if (typeof (carrier as Methods).get === 'function') {
    value = (carrier as { get(name: string): unknown }).get(name);
    if (value === '' && lacks(carrier, name)) return undefined;
  } else {
    const key = ownName(carrier, name);
    if (key !== undefined) value = (carrier as Record<string, unknown>)[key];
  }
  if (Array.isArray(value) && value.length <= 1) value = value[0]; // gRPC has an array always
  return value ?? undefined;
}

/** NATS answers `''` for a header that is not there. */
function lacks(carrier: object, name: string): boolean {
  const { has } = carrier as Methods;
  return typeof has === 'function' && has.call(carrier, name) === false;
}

/** The own property that is called `name`, whatever its letter case. */
function ownName(carrier: object, name: string): string | undefined {
  if (Object.hasOwn(carrier, name)) return name;
  for (const key in carrier) {
    if (key.length === name.length && key.toLowerCase() === name && Object.hasOwn(carrier, key)) {
      return key;
    }
  }
  return undefined;
}

/**
 * The text of a value, which is at most as long as a stamp.
 *
 * A header that came twice is refused, since nobody knows which of the two was meant. Of two HTTP
 * headers Node makes one text with a comma, which is no stamp either.
 *
 * @throws MalformedTimestampError when `value` is not text, is not bytes, or is too long
 */
export function textOf(value: unknown): string {
  if (typeof value === 'string' && value.length <= MAX_STAMP_LENGTH) return value;
  if (ArrayBuffer.isView(value) && value.byteLength <= MAX_STAMP_LENGTH) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return String.fromCharCode(...bytes);
  }
  const expected = Array.isArray(value) ? 'one stamp' : 'at most 84 characters, as text or bytes';
  throw new MalformedTimestampError('stamp', expected);
}
