/**
 * A process that contends for leases, one per store, running the built library: lease-lab.ts starts
 * it. What it sees it writes down at once, in a journal that survives `kill -9`:
 *
 *     held <lease> <holding> <token> <monotonic reading before the check> <after it>
 *
 * A fault is to hit a holder, so the parent asks for it in advance and the worker does it to itself
 * right after a check that passed.
 */
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import pg from 'pg';
import { BoundedClock } from '../../dist/index.js';
import {
  etcdLeases,
  natsLeases,
  postgresFence,
  postgresLeases,
  redisLeases,
} from '../../dist/lease.js';
import { ntp } from '../../dist/node.js';
import { rules } from './lease-rules.mjs';

const { journal, holder, rule, ttlMs, lets, servers, ports, resource } = JSON.parse(
  process.argv[2],
);
const file = openSync(journal, 'a');
const tell = (message) => process.send?.(message, () => {});
process.on('disconnect', () => process.exit());

/** Faults to come, by lease. */
const faults = new Map();
let armed = () => {};
let over = false;
process.on('message', ({ operation, id, lease, fault }) => {
  if (operation === 'time') tell({ id, at: process.hrtime.bigint() });
  else if (operation === 'fault') faults.set(lease, fault);
  else if (operation === 'armed') armed();
  else over = true;
});

const clock = BoundedClock.start({
  sources: servers.map(({ address, port }) => ntp(address, { port, pollIntervalMs: 500 })),
  hostClock: 'free-running',
});
await clock.waitSynced({ timeoutMs: 60_000 });

const redis = new Redis(ports.redis ?? 0, '127.0.0.1', {
  lazyConnect: true,
  retryStrategy: () => 50,
  maxRetriesPerRequest: 1,
  autoResendUnfulfilledCommands: false,
});
redis.on('error', () => {});
const pool = new pg.Pool({ host: '127.0.0.1', port: ports.postgres, user: 'postgres', max: 4 });
pool.on('error', () => {});
const query = (text, values) => pool.query(text, values);
const stores = {};
if (ports.postgres) stores.postgres = postgresLeases({ query });
if (ports.redis) {
  const evaluate = (script, keys, args) => redis.eval(script, keys.length, ...keys, ...args);
  stores.redis = redisLeases({ eval: evaluate });
}
if (ports.etcd) stores.etcd = etcdLeases({ url: `http://127.0.0.1:${ports.etcd}` });
if (ports.nats) {
  const servers = `127.0.0.1:${ports.nats}`;
  const options = { servers, maxReconnectAttempts: -1, reconnectTimeWait: 50, timeout: 2000 };
  stores.nats = natsLeases(await natsBucket(options));
}

/** The server may be restarted just now. */
async function natsBucket(options) {
  for (;;) {
    const connection = await connect({ ...options, waitOnFirstConnect: true });
    try {
      return await new Kvm(connection).create('leases');
    } catch {
      await connection.close();
      await sleep(100);
    }
  }
}

/** The protected resource: a table with an audit trail, behind a fence in the same transaction. */
const audit = resource && new pg.Pool({ host: resource, user: 'postgres', max: 4 });
audit?.on('error', () => {});
audit?.on('connect', (client) => client.on('error', () => {}));
async function write(lease, token) {
  let client;
  try {
    client = await audit.connect();
    await client.query('begin');
    await postgresFence({ query: (text, values) => client.query(text, values) }, lease).admit(
      token,
    );
    await client.query('insert into audit (lease, token) values ($1, $2)', [lease, token]);
    await client.query('commit');
    client.release();
    return 'written';
  } catch (error) {
    client?.release(true);
    return error?.code === 'ERR_FENCED_OUT' ? 'fenced' : 'failed';
  }
}

let holdings = 0;
async function contend(lease) {
  const worker = { stores, clock, holder, ttlMs, redis, query };
  while (!over) {
    // It lets go after a few checks, or it neither renews nor lets go, and has it to its end.
    const letsGo = Math.random() < lets;
    const renewal = letsGo ? 'automatic' : 'manual';
    const held = await rules[rule](worker, lease, renewal).catch(() => undefined);
    if (held === undefined) await sleep(20 + 20 * Math.random());
    else await hold(lease, held, letsGo);
  }
}

async function hold(lease, held, letsGo) {
  const holding = holdings++;
  const { token } = held;
  tell({ type: 'got', lease, token });
  let checks = letsGo ? 2 + Math.floor(4 * Math.random()) : Infinity;
  for (; checks > 0 && !over; checks--) {
    const before = process.hrtime.bigint();
    const passed = held.held();
    const after = process.hrtime.bigint();
    if (!passed) break;
    writeSync(file, `held ${lease} ${holding} ${token} ${before} ${after}\n`);
    let fault = faults.get(lease);
    if (fault === 'cut' && letsGo) fault = undefined; // it is also renewed by itself
    if (fault !== undefined) faults.delete(lease);
    if (fault === 'kill') process.kill(process.pid, 'SIGKILL');
    if (fault === 'cut') await renewAcrossCut(lease, held);
    if (fault === 'stop') {
      tell({ type: 'stops', lease, token });
      process.kill(process.pid, 'SIGSTOP'); // between the check and the act
    }
    if (audit && (fault === 'stop' || Math.random() < 0.5)) {
      tell({ type: await write(lease, token), lease, token });
    }
    await sleep(3 + 10 * Math.random());
  }
  if (letsGo) await held.release().catch(() => {});
  else await sleep(2 * ttlMs * Math.random()); // or the same one might always be the first
}

/** An outcome that is not known must leave the old end in force. */
async function renewAcrossCut(lease, held) {
  const { token, expiresAt } = held;
  const ready = new Promise((resolve) => {
    armed = resolve;
  });
  tell({ type: 'renews', lease, token });
  await ready;
  const renewed = await held.renew().then(
    () => true,
    () => false,
  );
  const moved = held.expiresAt !== expiresAt;
  tell({ type: 'cut', lease, token, renewed, moved });
}

await Promise.all(Object.keys(stores).map(contend));
tell({ type: 'finished' });
