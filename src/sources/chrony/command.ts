/**
 * The command protocol of chronyd, version 6 (candm.h of chrony, unchanged since 2.2): what all
 * requests and replies have in common. Big endian.
 *
 *     request: 0 version, 1 type | 4 command | 8 sequence | 20 index
 *     reply:   0 version, 1 type | 4 command | 6 reply | 8 status | 16 sequence | 28 the report
 */

/** Requests are padded to the length of the longest reply, so that they can't amplify. */
const REQUEST_BYTES = 104;
const MIN_REPLY_BYTES = 28;
const PROTOCOL = 6;
const REQUEST = 1;
const REPLY = 2;

/**
 * A request.
 *
 * @param sequence 32 random bits, which the reply repeats
 * @param index which of several things it is about
 */
export function commandRequest(command: number, sequence: number, index = 0): Uint8Array {
  const bytes = new Uint8Array(REQUEST_BYTES);
  const view = viewOf(bytes);
  view.setUint8(0, PROTOCOL);
  view.setUint8(1, REQUEST);
  view.setUint16(4, command);
  view.setUint32(8, sequence);
  view.setUint32(20, index);
  return bytes;
}

/** Whether `bytes` are a reply to the request for `command` with this `sequence`. */
export function answersCommand(bytes: Uint8Array, command: number, sequence: number): boolean {
  if (bytes.byteLength < MIN_REPLY_BYTES) return false;
  const view = viewOf(bytes);
  return (
    view.getUint8(0) === PROTOCOL &&
    view.getUint8(1) === REPLY &&
    view.getUint16(4) === command &&
    view.getUint32(16) === sequence
  );
}

/** Whether `bytes` are a reply of this kind and at least this long. */
export function hasReply(bytes: Uint8Array, reply: number, length: number): boolean {
  return bytes.byteLength >= length && viewOf(bytes).getUint16(6) === reply;
}

const COEFFICIENT_BITS = 25;

/**
 * A number of the protocol: 7 bits of exponent, 25 of coefficient, both signed. The value is
 * `coefficient * 2^(exponent - 25)`. Exact in a double.
 */
export function chronyFloat(bits: number): number {
  const exponent = bits >> COEFFICIENT_BITS;
  const coefficient = (bits << (32 - COEFFICIENT_BITS)) >> (32 - COEFFICIENT_BITS);
  return coefficient * powerOfTwo(exponent - COEFFICIENT_BITS);
}

/** Two to the power of `n`, exactly; a double has the exponent in its upper bits. */
function powerOfTwo(n: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, (n + 1023) << 20);
  return view.getFloat64(0);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
