// One node of failure-detection.test.ts: sends heartbeats to its peers over UDP on loopback, and
// reports what it thinks of them. On 'block' it blocks its event loop.
import { createSocket } from 'node:dgram';
import { Membership, PauseMeter } from '../../dist/failure-detection.js';
import { HybridClock, systemClock } from '../../dist/index.js';

const [nodeId] = process.argv.slice(2);
const clock = systemClock();
const hlc = new HybridClock({ clock, nodeId });
const socket = createSocket('udp4');
let ports = [];

socket.bind(0, '127.0.0.1', () => process.send({ port: socket.address().port }));
process.on('disconnect', () => process.exit());
process.on('message', (message) => {
  if (message.block) {
    const until = process.hrtime.bigint() + BigInt(message.block) * 1_000_000n;
    while (process.hrtime.bigint() < until);
  }
  if (message.peers) start(message.peers);
});

function start(peers) {
  ports = peers.map(({ port }) => port);
  const pauses = PauseMeter.start({ clock });
  pauses.onPause(({ kind, pauseNs }) => process.send({ pause: kind, ms: Number(pauseNs) / 1e6 }));
  const members = Membership.start({
    ...{ clock, hlc, pauses, heartbeatMs: 200, peers: peers.map((each) => each.nodeId) },
    send(heartbeat) {
      for (const port of ports) socket.send(heartbeat, port, '127.0.0.1');
    },
  });
  members.onChange(({ type, nodeId: peer }) => process.send({ type, peer }));
  socket.on('message', (bytes) => members.receive(bytes));
  setInterval(() => process.send({ received: members.stats().received }), 200);
}
