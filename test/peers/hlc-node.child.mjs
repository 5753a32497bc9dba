// One node of hlc-processes.test.ts: sends timestamps to its peers over TCP, receives theirs, and
// keeps a record of every event, which the parent checks.
import { connect, createServer } from 'node:net';
import { HybridClock, systemClock } from '../../dist/index.js';

const FRAME = 16; // 8 bytes timestamp, 4 bytes message id, 4 bytes unused
const PER_TURN = 16; // messages per peer and turn of the event loop, so that nodes interleave
const [index, perPhase] = process.argv.slice(2).map(Number);
const clock = systemClock();
const hlc = new HybridClock({ clock, nodeId: `node-${index}` });
const record = { kind: [], id: [], timestamp: [], at: [] };
let peers = [];
let received = 0;
let sequence = 0;

function note(kind, id, timestamp) {
  record.kind.push(kind);
  record.id.push(id);
  record.timestamp.push(timestamp);
  record.at.push(process.hrtime.bigint());
}

function onFrame(frame) {
  const view = new DataView(frame.buffer, frame.byteOffset, FRAME);
  const id = view.getUint32(8);
  try {
    hlc.updateFrom(view, 0);
    note('receive', id, hlc.peek());
  } catch (error) {
    if (error.code !== 'ERR_TIMESTAMP_AHEAD') throw error;
    note('refuse', id, error.timestamp);
  }
  received++;
}

const server = createServer((socket) => {
  let rest = Buffer.alloc(0);
  socket.on('data', (data) => {
    rest = Buffer.concat([rest, data]);
    let offset = 0;
    for (; offset + FRAME <= rest.length; offset += FRAME) {
      onFrame(rest.subarray(offset, offset + FRAME));
    }
    rest = rest.subarray(offset);
  });
});

/** Resolves on the first turn of the event loop on which `done` holds. */
function until(done) {
  return new Promise((resolve) => {
    const look = () => (done() ? resolve() : setImmediate(look));
    look();
  });
}

const commands = {
  async connect({ ports }) {
    peers = await Promise.all(
      ports.map(
        (port) =>
          new Promise((resolve) => {
            const socket = connect(port, '127.0.0.1', () => resolve(socket.setNoDelay()));
          }),
      ),
    );
  },
  /** The wall clock, and the monotonic clock that all processes share. */
  time: () => ({ wall: clock.wallReadNs(), at: process.hrtime.bigint() }),
  async phase({ number }) {
    for (let sent = 0; sent < perPhase; ) {
      for (let i = 0; i < PER_TURN && sent < perPhase; i++, sent++) {
        for (const peer of peers) {
          const frame = Buffer.alloc(FRAME);
          const id = index * 10_000_000 + sequence++;
          hlc.writeTo(new DataView(frame.buffer, frame.byteOffset, FRAME), 0);
          note('send', id, hlc.peek());
          frame.writeUInt32BE(id, 8);
          peer.write(frame);
        }
      }
      await new Promise(setImmediate);
    }
    await until(() => received === peers.length * perPhase * number);
  },
  /** Until the wall clock has jumped to within half a second of where it should be. */
  stepped: ({ offset }) =>
    until(() => {
      const away = clock.wallNs() - process.hrtime.bigint() - offset;
      return away > -500_000_000n && away < 500_000_000n;
    }),
  caughtUp: () => until(() => hlc.leadNs() === 0n),
  record: () => ({
    ...record,
    timestamp: BigInt64Array.from(record.timestamp),
    at: BigInt64Array.from(record.at),
  }),
};

process.on('message', async ({ command, ...args }) => {
  process.send({ command, result: await commands[command](args) });
});
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => {
  process.send({ command: 'listening', result: server.address().port });
});
