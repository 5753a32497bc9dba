/** The stores of leases, and the fences, with the databases that they are for. */
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { BoundedClock, systemClock } from 'epsilon-clock';
import {
  etcdLeases,
  Lease,
  type LeaseStore,
  natsLeases,
  postgresFence,
  postgresLeases,
  postgresLeaseTables,
  redisFence,
  redisLeases,
} from 'epsilon-clock/lease';
import { NtpServer, ntp } from 'epsilon-clock/node';
import { checkLeaseStore } from 'epsilon-clock/testing';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEtcd, startNats, startRedis } from '../kit/lease-servers.ts';
import { PostgresCluster } from '../kit/postgres.ts';

const ends: (() => unknown)[] = [];
let clock: BoundedClock;
let pool: pg.Pool;
let redis: Redis;
const stores = new Map<string, LeaseStore>();

beforeAll(async () => {
  const server = await NtpServer.start({ clock: systemClock() });
  ends.push(() => server.stop());
  clock = BoundedClock.start({ sources: [ntp('127.0.0.1', { port: server.port })] });
  ends.push(() => clock.stop());
  const [cluster, redisServer, etcd, nats] = await Promise.all([
    PostgresCluster.start(),
    startRedis(),
    startEtcd(),
    startNats(),
    clock.waitSynced(),
  ]);
  ends.push(() => cluster[Symbol.asyncDispose]());
  for (const each of [redisServer, etcd, nats]) ends.push(() => each.stop());
  pool = new pg.Pool({ host: cluster.directory, user: 'postgres', max: 10 });
  ends.push(() => pool.end());
  await pool.query(postgresLeaseTables);
  redis = new Redis(redisServer.port, '127.0.0.1');
  ends.push(() => redis.disconnect());
  const connection = await connect({ servers: `127.0.0.1:${nats.port}` });
  ends.push(() => connection.close());
  const bucket = await new Kvm(connection).create('leases');
  stores.set('postgres', postgresLeases({ query: (text, values) => pool.query(text, values) }));
  stores.set('redis', redisLeases({ eval: evaluate }));
  stores.set('etcd', etcdLeases({ url: `http://127.0.0.1:${etcd.port}` }));
  stores.set('nats', natsLeases(bucket));
});
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

const evaluate = (script: string, keys: string[], args: string[]): Promise<unknown> =>
  redis.eval(script, keys.length, ...keys, ...args);

describe.each(['postgres', 'redis', 'etcd', 'nats'])('%s', (name) => {
  const options = (lease: string, holder: string) => ({
    store: stores.get(name)!,
    clock,
    name: `${lease} of ${name}`,
    holder,
    ttlMs: 2000,
  });

  test('keeps every rule of a store', async () => {
    await checkLeaseStore(stores.get(name)!);
  });

  test('one has it, the next takes over at once after a release, and after the end of a dead one', async () => {
    const first = await Lease.acquire(options('invoices', 'a'));
    first.check();
    expect(await Lease.tryAcquire(options('invoices', 'b'))).toBeUndefined();
    await first.renew();
    await first.release();
    expect(() => first.check()).toThrow(expect.objectContaining({ reason: 'released' }));
    const second = await Lease.acquire({ ...options('invoices', 'b'), renewal: 'manual' });
    expect(second.token).toBe(first.token + 1n);
    const third = await Lease.acquire({ ...options('invoices', 'c'), timeoutMs: 10_000 });
    expect(third.token).toBe(second.token + 1n);
    expect(clock.after(second.expiresAt)).toBe(true);
    await expect(second.renew()).rejects.toMatchObject({ code: 'ERR_LEASE_LOST' });
    await third.release();
  });
});

test('a script of Redis that fails half-way gives no token twice', async () => {
  await redis.call('acl', 'setuser', 'half', 'on', 'nopass', '~*', '+@all', '-hincrby');
  const half = redis.duplicate({ username: 'half', password: '' });
  const broken = redisLeases({
    eval: (script, keys, args) => half.eval(script, keys.length, ...keys, ...args),
  });
  const options = { store: stores.get('redis')!, clock, name: 'half', holder: 'a', ttlMs: 1000 };
  const first = await Lease.acquire(options);
  await first.release();
  await expect(Lease.acquire({ ...options, store: broken })).rejects.toMatchObject({
    code: 'ERR_LEASE_STORE',
  });
  half.disconnect();
  const next = await Lease.acquire(options);
  expect(next.token).toBe(2n);
  await next.release();
});

test.each<[string, () => (token: bigint) => Promise<void>]>([
  [
    'postgres',
    () => {
      const query = (text: string, values: unknown[]) => pool.query(text, values);
      return (token) => postgresFence({ query }, 'invoices').admit(token);
    },
  ],
  ['redis', () => (token) => redisFence({ eval: evaluate }, 'invoices').admit(token)],
])(
  'the fence of %s admits a token again and a greater one, never a smaller one',
  async (_, fence) => {
    const admit = fence();
    for (const token of [0n, 7n, 7n, 10n, 2n ** 53n + 1n]) await admit(token);
    for (const token of [2n ** 53n, 10n, 0n]) {
      await expect(admit(token)).rejects.toMatchObject({ code: 'ERR_FENCED_OUT', token });
    }
    await admit(2n ** 63n - 1n);
    await expect(admit(2n ** 63n - 2n)).rejects.toMatchObject({ code: 'ERR_FENCED_OUT' });
  },
);
