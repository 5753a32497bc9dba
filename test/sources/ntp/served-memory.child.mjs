// Run by served-memory.test.ts with --expose-gc: a server of a bound gets requests from very many
// addresses, without a network. Prints the memory along the way, and what the server counted.
import { Socket } from 'node:dgram';
import { NtpServer } from '../../../dist/node.js';
import { TestClock } from '../../../dist/testing.js';

const STEP = 100_000;
/** The control keeps a note of each client, as a table without a limit would, and soon shows it. */
const leak = process.argv[2] === 'leak' ? new Map() : undefined;
const STEPS = leak === undefined ? 10 : 2;

let socket;
let sentBytes = 0;
const { bind } = Socket.prototype;
Socket.prototype.bind = function (...args) {
  socket = this;
  return bind.apply(this, args);
};
Socket.prototype.send = (reply) => {
  sentBytes += reply.length;
};

const clock = new TestClock();
const server = await NtpServer.start({ clock, rateLimit: { loopback: true } });
const request = new Uint8Array(48);
request[0] = 0x23;
const memory = [];
for (let step = 0; step < STEPS; step++) {
  for (let i = 0; i < STEP; i++) {
    // A new address each time, but one in four comes from a few that are over their limit.
    const n = i % 4 === 0 ? i % 64 : step * STEP + i;
    const address = `127.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
    request[47] = i & 255;
    leak?.set(`${address} ${n}`, { at: i });
    socket.emit('message', request, { address, port: 1024 + (i % 60_000) });
  }
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  memory.push(heapUsed + arrayBuffers);
}
const { received, answered, dropped } = server;
await server.stop();
console.log(JSON.stringify({ memory, received, answered, dropped, sentBytes }));
