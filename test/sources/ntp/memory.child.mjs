// Run by memory.test.ts with --expose-gc: decodes hostile datagrams, prints the live heap along the
// way.
import { decodePacket, NtpPacketError } from '../../../dist/ntp.js';

// Nine of ten datagrams end in an error: without a stack each, it is the decoder that takes the
// time.
Error.stackTraceLimit = 0;

const STEP = 100_000;
/** The control keeps a little of each packet, as a leak would, and soon shows it. */
const leak = process.argv[2] === 'leak' ? [] : undefined;
const STEPS = leak === undefined ? 10 : 2;

let state = 0x5905_8915;
function random(below) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}

const buffer = new Uint8Array(400);
const seen = { packets: 0, faults: 0 };
function datagram() {
  const length = random(4) === 0 ? random(buffer.length) : 40 + random(60);
  for (let i = 0; i < length; i++) buffer[i] = random(256);
  // Extension fields of a plausible length, so that views of them are made too.
  if (random(2) === 0) {
    buffer[0] = 0x24;
    buffer[50] = 0;
    buffer[51] = 16 + 4 * random(12);
  }
  return buffer.subarray(0, length);
}

const heap = [];
for (let step = 0; step < STEPS; step++) {
  for (let i = 0; i < STEP; i++) {
    try {
      const packet = decodePacket(datagram());
      seen.packets++;
      if (leak !== undefined && i % 16 === 0) leak.push(packet);
    } catch (error) {
      if (!(error instanceof NtpPacketError)) throw error;
      seen.faults++;
    }
  }
  globalThis.gc();
  globalThis.gc();
  heap.push(process.memoryUsage().heapUsed);
}
console.log(JSON.stringify({ heap, seen }));
