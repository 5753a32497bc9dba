/** Starts everything on this machine: NTP servers on loopback, the table, and the three services. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from 'epsilon-clock';
import { NtpServer } from 'epsilon-clock/node';
import pg from 'pg';

const servers = [];
for (let i = 0; i < 4; i++) servers.push(await NtpServer.start({ clock: systemClock() }));

const db = new pg.Client();
await db.connect();
await db.query(readFileSync(new URL('schema.sql', import.meta.url), 'utf8'));
await db.end();

const folder = mkdtempSync(join(tmpdir(), 'orders-'));
const children = [];

/** Starts a service. Resolves to its address. */
async function start(name, peers, port = 0) {
  const at = servers.map(({ address, port }) => ({ address, port }));
  const settings = { name, port, servers: at, peers, folder };
  const child = fork(new URL('service.js', import.meta.url), [JSON.stringify(settings)]);
  children.push(child);
  const [ready] = await once(child, 'message');
  return `http://127.0.0.1:${ready.port}`;
}

const stock = await start('stock', {});
const billing = await start('billing', {});
const orders = await start('orders', { stock, billing }, Number(process.env.PORT ?? 3000));

console.log(`an order:   curl ${orders} --json '{"order": 1}'`);
console.log(`the rows:   psql -c 'SELECT * FROM step ORDER BY id, node'`);
console.log(`the lines:  npx epsilon-clock order ${folder}/*.ndjson`);
console.log(`the clock:  curl ${orders}/metrics ${orders}/healthz`);

async function stop() {
  for (const child of children) child.kill('SIGTERM');
  for (const server of servers) await server.stop();
}
process.once('SIGINT', stop).once('SIGTERM', stop);
