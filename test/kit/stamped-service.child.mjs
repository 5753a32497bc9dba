/**
 * A service whose clocks may be skewed by libfaketime: it stamps its log lines, answers calls of
 * other services over HTTP, and makes calls when its parent says so; see
 * test/peers/order-logs.test.ts.
 */
import { createServer } from 'node:http';
import pino from 'pino';
import { BoundedClock, HybridClock, parseStamp } from '../../dist/index.js';
import { ntp } from '../../dist/node.js';
import { stampLines } from '../../dist/pino.js';

const [nodeId, file, serversJson] = process.argv.slice(2);
const clock = BoundedClock.start({
  sources: JSON.parse(serversJson).map(({ address, port }) =>
    ntp(address, { port, pollIntervalMs: 250 }),
  ),
  hostClock: 'free-running',
  maxDriftPpm: 1000,
});
await clock.waitSynced({ timeoutMs: 30_000 });
const hlc = new HybridClock({ clock, nodeId });
const log = pino({ ...stampLines({ hlc, clock }) }, pino.destination({ dest: file, sync: true }));

/** Writes a line that has the reading of the wall clock too, as logs do without stamps. */
const note = (fields, message) => log.info({ ...fields, wall: Date.now() }, message);

const server = createServer((request, response) => {
  const from = request.headers['epsilon-hlc'];
  hlc.receive(parseStamp(from).timestamp);
  note({ event: Number(request.headers.event), from }, 'got');
  response.end();
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const operations = {
  log: ({ event }) => note({ event }, 'alone'),
  async call({ event, port }) {
    note({ event }, 'call');
    const headers = { 'epsilon-hlc': hlc.stamp(), event: String(event + 1) };
    await fetch(`http://127.0.0.1:${port}`, { headers });
  },
};

process.on('message', async ({ id, operation, ...argument }) => {
  await operations[operation](argument);
  process.send({ id });
});
process.on('disconnect', () => process.exit());
process.send({ port: server.address().port });
