/**
 * The bytes of a heartbeat, big endian:
 *
 *     0   magic 0x4543
 *     2   version 1
 *     3   length of the node id, 1 to 64
 *     4   incarnation, 32 random bits of this start of the node
 *     8   sequence, from 1 on; 0 never comes
 *     12  timestamp of the sender's hybrid clock; 0 when it has none
 *     20  node id, ASCII
 *
 * There is nothing after the node id. A heartbeat is 21 to 84 bytes, so it fits a datagram. It is
 * not signed: the transport must know who may send.
 */
import { MalformedTimestampError } from '../logical/errors.ts';
import { isNodeId } from '../logical/node-id.ts';
import { readTimestamp, writeTimestamp } from '../logical/timestamp-bytes.ts';
import type { UnixNsInput } from '../time/instant.ts';

const MAGIC = 0x4543;
const VERSION = 1;
const HEADER_BYTES = 20;

export interface Heartbeat {
  readonly nodeId: string;
  readonly incarnation: number;
  readonly sequence: number;
  /** 0n when the sender has none. */
  readonly timestamp: UnixNsInput;
}

export function encodeHeartbeat(heartbeat: Heartbeat): Uint8Array {
  const { nodeId, incarnation, sequence, timestamp } = heartbeat;
  const bytes = new Uint8Array(HEADER_BYTES + nodeId.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, MAGIC);
  view.setUint8(2, VERSION);
  view.setUint8(3, nodeId.length);
  view.setUint32(4, incarnation);
  view.setUint32(8, sequence);
  writeTimestamp(timestamp, view, 12);
  for (let i = 0; i < nodeId.length; i++) bytes[HEADER_BYTES + i] = nodeId.charCodeAt(i);
  return bytes;
}

/** @throws MalformedTimestampError when the bytes differ from what `encodeHeartbeat` writes */
export function decodeHeartbeat(bytes: Uint8Array): Heartbeat {
  const { byteLength } = bytes;
  if (byteLength <= HEADER_BYTES) throw malformed('at least 21 bytes');
  const view = new DataView(bytes.buffer, bytes.byteOffset, byteLength);
  if (view.getUint16(0) !== MAGIC || view.getUint8(2) !== VERSION) throw malformed('version 1');
  const length = view.getUint8(3);
  if (length > 64 || byteLength !== HEADER_BYTES + length) throw malformed('nothing after the id');
  const nodeId = String.fromCharCode(...bytes.subarray(HEADER_BYTES));
  if (!isNodeId(nodeId)) throw malformed('a node id');
  const sequence = view.getUint32(8);
  if (sequence === 0) throw malformed('a sequence from 1 on');
  const timestamp = readTimestamp(view, 12);
  return { nodeId, incarnation: view.getUint32(4), sequence, timestamp };
}

function malformed(expected: string): MalformedTimestampError {
  return new MalformedTimestampError('heartbeat', expected);
}
