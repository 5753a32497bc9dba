/**
 * The five-server demonstration with its dashboard, in a process of its own. Sends its port, and
 * for each message the bytes that it holds after collecting all garbage.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Dashboard } from '../../dist/dashboard.js';
import { BoundedClock, systemClock } from '../../dist/index.js';
import { NtpServer, ntp } from '../../dist/node.js';

const clock = systemClock();
const servers = await Promise.all(
  [0, 0, 0, 0, 250].map((offsetMs) => NtpServer.start({ clock, behaviour: { offsetMs } })),
);
const sources = servers.map(({ address, port }) => ntp(address, { port, pollIntervalMs: 4000 }));
const dashboard = Dashboard.start({ clock: BoundedClock.start({ clock, sources }) });
const server = createServer(dashboard.handler.node).listen(0, '127.0.0.1');
await once(server, 'listening');

process.on('message', () => {
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  process.send(heapUsed + arrayBuffers);
});
process.send(server.address().port);
