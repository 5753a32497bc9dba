/**
 * Leases that etcd and Redis count by their own clocks, and the fence around a table of PostgreSQL,
 * with the servers that they are for.
 */
import { systemClock } from 'epsilon-clock';
import {
  etcdLeases,
  Lease,
  type LeaseStore,
  postgresFence,
  postgresFenceTrigger,
  postgresLeases,
  postgresLeaseTables,
  redisLeases,
} from 'epsilon-clock/lease';
import { TestClock } from 'epsilon-clock/testing';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEtcd, startRedis } from '../kit/lease-servers.ts';
import { PostgresCluster } from '../kit/postgres.ts';

const ends: (() => unknown)[] = [];
let pool: pg.Pool;
let redis: Redis;
let etcdUrl: string;
/** The requests to etcd so far. */
const requests: string[] = [];
const stores = new Map<string, LeaseStore>();

beforeAll(async () => {
  const [cluster, redisServer, etcd] = await Promise.all([
    PostgresCluster.start(),
    startRedis(),
    startEtcd(),
  ]);
  ends.push(() => cluster[Symbol.asyncDispose]());
  for (const each of [redisServer, etcd]) ends.push(() => each.stop());
  pool = new pg.Pool({ host: cluster.directory, user: 'postgres', max: 10 });
  ends.push(() => pool.end());
  await pool.query(postgresLeaseTables);
  redis = new Redis(redisServer.port, '127.0.0.1');
  ends.push(() => redis.disconnect());
  etcdUrl = `http://127.0.0.1:${etcd.port}`;
  stores.set('redis', redisLeases({ eval: evaluate }));
  const counted: typeof fetch = (input, init) => {
    requests.push(new URL(String(input)).pathname);
    return fetch(input, init);
  };
  stores.set('etcd', etcdLeases({ url: etcdUrl, fetch: counted }));
});
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

const evaluate = (script: string, keys: string[], args: string[]): Promise<unknown> =>
  redis.eval(script, keys.length, ...keys, ...args);

describe.each(['redis', 'etcd'])('a lease that %s counts', (name) => {
  const options = (lease: string, holder: string) => ({
    store: stores.get(name)!,
    clock: systemClock(),
    kind: 'duration' as const,
    name: `${lease} of ${name}`,
    holder,
    ttlMs: 2000,
  });

  test('one has it and renews it, and the next takes over: after a release, and after a death', async () => {
    const first = await Lease.acquire(options('counted', 'a'));
    first.check();
    expect(first.remainingNs()).toBeGreaterThan(1_000_000_000n);
    expect(await Lease.tryAcquire(options('counted', 'b'))).toBeUndefined();
    await first.renew();
    first.check();
    await first.release();
    const second = await Lease.acquire({ ...options('counted', 'b'), renewal: 'manual' });
    expect(second.token).toBe(first.token + 1n);
    const third = await Lease.acquire({ ...options('counted', 'c'), timeoutMs: 20_000 });
    expect(third.token).toBe(second.token + 1n);
    expect(second.held()).toBe(false);
    await expect(second.renew()).rejects.toMatchObject({ code: 'ERR_LEASE_LOST' });
    await third.release();
  });

  test('it outlives its time as long as it is renewed', async () => {
    const lease = await Lease.acquire(options('renewed', 'a'));
    while (lease.stats().renewals < 6) await new Promise((resolve) => setTimeout(resolve, 50));
    lease.check();
    expect(lease.token).toBe(1n);
    expect(await Lease.tryAcquire(options('renewed', 'b'))).toBeUndefined();
    await lease.release();
  });
});

test('etcd raises a short time to live, and the lease is held for what was asked', async () => {
  const before = requests.length;
  const options = { clock: systemClock(), kind: 'duration' as const, holder: 'a', ttlMs: 500 };
  const lease = await Lease.acquire({ ...options, store: stores.get('etcd')!, name: 'short' });
  expect(lease.remainingNs()).toBeLessThan(500_000_000n); // etcd gives 2 s
  expect(requests.slice(before)).toEqual(['/v3/kv/txn', '/v3/lease/grant', '/v3/kv/txn']);
  await lease.release();
});

test('what was released leaves no etcd lease behind', async () => {
  const options = { clock: systemClock(), kind: 'duration' as const, holder: 'a', ttlMs: 60_000 };
  const count = async (): Promise<number> => {
    const reply = await fetch(`${etcdUrl}/v3/lease/leases`, { method: 'POST', body: '{}' });
    return ((await reply.json()) as { leases?: unknown[] }).leases?.length ?? 0;
  };
  const before = await count();
  const lease = await Lease.acquire({ ...options, store: stores.get('etcd')!, name: 'revoking' });
  expect(await count()).toBe(before + 1);
  await lease.release();
  expect(await count()).toBe(before);
});

test.each(['{}', 'null', '{"error":{"code":14}}'])(
  'a proxy that answers %s for etcd answers nonsense',
  async (body) => {
    let between = false;
    const fake: typeof fetch = async (...args) => (between ? new Response(body) : fetch(...args));
    const store = etcdLeases({ url: etcdUrl, fetch: fake });
    const options = { clock: systemClock(), kind: 'duration' as const, holder: 'a', ttlMs: 9000 };
    const lease = await Lease.acquire({ ...options, store, name: 'proxied', renewal: 'manual' });
    between = true;
    await expect(lease.renew()).rejects.toMatchObject({ reason: 'malformed' });
    lease.check();
    await expect(lease.release()).rejects.toMatchObject({ reason: 'malformed' });
    between = false;
    await lease.release();
  },
);

test.each(['redis', 'etcd'])('%s gives a claim nothing after what it let go', async (name) => {
  const durations = stores.get(name)!.durations!;
  const claim = { name: 'twice', holder: 'a', claim: 'c', ttlMs: 60_000 };
  const call = { signal: new AbortController().signal };
  const { token } = await durations.take(claim, call);
  await durations.end('twice', token, call);
  expect(await durations.take(claim, call)).toMatchObject({ taken: false, claim: 'c' });
  expect((await durations.take({ ...claim, claim: 'd' }, call)).taken).toBe(true);
});

test('an etcd lease that somebody revokes is over with the next renewal', async () => {
  const options = { clock: systemClock(), kind: 'duration' as const, holder: 'a', ttlMs: 30_000 };
  const lease = await Lease.acquire({ ...options, store: stores.get('etcd')!, name: 'revoked' });
  const ask = async (path: string, body: object) =>
    (await fetch(`${etcdUrl}${path}`, { method: 'POST', body: JSON.stringify(body) })).json();
  const key = Buffer.from('epsilon/lease/revoked\0held').toString('base64');
  const found = (await ask('/v3/kv/range', { key })) as { kvs: { lease: string }[] };
  await ask('/v3/lease/revoke', { ID: found.kvs[0]!.lease });
  await expect(lease.renew()).rejects.toMatchObject({ reason: 'superseded' });
});

test('acquire, renew and release are one statement each of PostgreSQL', async () => {
  const statements: string[] = [];
  const store = postgresLeases({
    query: (text, values) => {
      statements.push(text.trim().split(/\s+/)[0]!);
      return pool.query(text, values);
    },
  });
  const clock = new TestClock();
  const lease = await Lease.acquire({ store, clock, name: 'one', holder: 'a', ttlMs: 10_000 });
  await lease.renew();
  await lease.release();
  expect(statements).toEqual(['with', 'update', 'update']);
});

describe('the fence around a table', () => {
  const table = 'bill"s.in\'voice';
  const name = "bill's \\ invoices";
  const quoted = '"bill""s"."in\'voice"';

  beforeAll(async () => {
    await pool.query(`create schema "bill""s"; create table ${quoted} (id int, paid boolean)`);
    await pool.query(postgresFenceTrigger({ table, name }));
    await pool.query(postgresFenceTrigger({ table, name })); // again changes nothing
  });

  /** Runs statements in one transaction that enters the fence. */
  async function write(token: bigint | undefined, ...statements: string[]): Promise<void> {
    const client = await pool.connect();
    try {
      await client.query('begin');
      if (token !== undefined) {
        await client.query('select epsilon_fence_enter($1, $2)', [name, `${token}`]);
      }
      for (const statement of statements) await client.query(statement);
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  }
  const insert = `insert into ${quoted} values (1, false)`;

  test('lets no statement through without a token, and none with a smaller one', async () => {
    await write(7n, insert, `update ${quoted} set paid = true`, insert);
    await write(7n, insert);
    const all = [
      insert,
      `update ${quoted} set paid = false`,
      `update ${quoted} set paid = false where false`,
      `delete from ${quoted}`,
      `truncate ${quoted}`,
      `with gone as (delete from ${quoted} returning 1) select * from gone`,
    ];
    for (const statement of all) {
      await expect(write(6n, statement)).rejects.toMatchObject({ code: 'EF001' });
      await expect(write(undefined, statement)).rejects.toMatchObject({ code: 'EF002' });
    }
    await write(2n ** 53n + 1n, insert);
    await expect(write(2n ** 53n, insert)).rejects.toMatchObject({ code: 'EF001' });
    const { rows } = await pool.query(`select count(*) from ${quoted} where paid is not null`);
    expect(rows).toEqual([{ count: '4' }]);
    // It may be read.
    await expect(write(undefined, `select 1 from ${quoted}`)).resolves.toBeUndefined();
  });

  test('is the one of postgresFence', async () => {
    const query = (text: string, values: unknown[]) => pool.query(text, values);
    await postgresFence({ query }, name).admit(2n ** 60n);
    await expect(write(2n ** 60n - 1n, insert)).rejects.toMatchObject({ code: 'EF001' });
    const client = await pool.connect();
    await client.query('begin');
    await postgresFence({ query: (text, values) => client.query(text, values) }, name).admit(
      2n ** 60n,
    );
    await client.query(insert); // admitted: nothing else has to be said
    await client.query('commit');
    await expect(client.query(insert)).rejects.toMatchObject({ code: 'EF002' }); // it is over
    client.release();
  });

  test('whatever table of the same name the search path of a writer leads to', async () => {
    const client = await pool.connect();
    const token = 2n ** 60n;
    await client.query('create schema if not exists tenant; set search_path = tenant, public');
    await client.query(postgresLeaseTables);
    await client.query('create temp table epsilon_fence (name text primary key, token bigint)');
    for (const path of ['tenant, public', 'public', 'tenant']) {
      await client.query(`set search_path = ${path}`);
      const enter = 'select public.epsilon_fence_enter($1, $2)';
      await expect(client.query(enter, [name, `${token - 1n}`])).rejects.toMatchObject({
        code: 'EF001',
      });
      await client.query('begin');
      await client.query(enter, [name, `${token}`]);
      await client.query(insert);
      await client.query('commit');
    }
    client.release(true);
  });

  test('what waited to enter sees what those before it have written', async () => {
    await pool.query('create table todo (id int); insert into todo values (1), (2)');
    await pool.query('create table sent (id int)');
    await pool.query(postgresFenceTrigger({ table: 'sent', name: 'sent' }));
    const send = 'insert into sent select id from todo where id not in (select id from sent)';
    const [old, next] = [await pool.connect(), await pool.connect()];
    await old.query('begin');
    await old.query("select epsilon_fence_enter('sent', 1)");
    await old.query(send);
    await next.query('begin');
    const entered = next.query("select epsilon_fence_enter('sent', 2)");
    const waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock'";
    while ((await pool.query(waiting)).rows.length === 0) await new Promise(setImmediate);
    await old.query('commit');
    await entered;
    await next.query(send);
    await next.query('commit');
    for (const client of [old, next]) client.release();
    expect((await pool.query('select id from sent order by id')).rows).toEqual([
      { id: 1 },
      { id: 2 },
    ]);
  });

  test('each fence has its own token in a transaction', async () => {
    await pool.query('create table payroll (id int)');
    await pool.query(postgresFenceTrigger({ table: 'payroll', name: 'payroll' }));
    const enter = "select epsilon_fence_enter('payroll', 900)";
    await expect(
      write(undefined, enter, 'insert into payroll values (1)', insert),
    ).rejects.toMatchObject({ code: 'EF002' });
    await write(2n ** 60n, enter, 'insert into payroll values (1)', insert);
  });

  test('a table has one fence, and no others that lead into it', async () => {
    await expect(pool.query(postgresFenceTrigger({ table, name: 'other' }))).rejects.toMatchObject({
      code: '42710',
    });
    await pool.query('create table parted (id int) partition by range (id)');
    await pool.query('create table part partition of parted for values from (0) to (9)');
    for (const table of ['parted', 'part']) {
      await expect(pool.query(postgresFenceTrigger({ table, name }))).rejects.toMatchObject({
        code: '0A000',
      });
    }
  });

  test('what is no token is refused, and so is a writer that only says that it entered', async () => {
    for (const token of ['-1', null]) {
      const enter = pool.query('select epsilon_fence_enter($1, $2)', [name, token]);
      await expect(enter).rejects.toMatchObject({ code: '22023' });
    }
    const claim = `select set_config('epsilon.fence_' || md5('${name.replace("'", "''")}'), '5', true)`;
    await expect(write(undefined, claim, insert)).rejects.toMatchObject({ code: 'EF001' });
  });

  test('may be installed by many at once', async () => {
    await pool.query('create schema fresh; create table fresh.t (id int)');
    const sql = `set search_path = fresh; ${postgresLeaseTables} ${postgresFenceTrigger({ table: 't', name })}`;
    const clients = await Promise.all(Array.from({ length: 6 }, () => pool.connect()));
    await Promise.all(clients.map((client) => client.query(sql)));
    for (const client of clients) client.release(true);
  });

  test('one token in many transactions at once; a greater one waits, and then ends the others', async () => {
    const token = 2n ** 61n;
    await write(token, insert);
    const [one, two] = [await pool.connect(), await pool.connect()];
    for (const client of [one, two]) {
      await client.query('begin');
      await client.query('select epsilon_fence_enter($1, $2)', [name, `${token}`]);
      await client.query(insert); // neither waits for the other
    }
    let next = 'waits';
    const later = write(token + 1n, insert).then(() => (next = 'done'));
    const waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock'";
    while ((await pool.query(waiting)).rows.length === 0) await new Promise(setImmediate);
    await one.query(insert);
    expect(next).toBe('waits');
    for (const client of [one, two]) await client.query('commit');
    await later;
    for (const client of [one, two]) client.release();
    await expect(write(token, insert)).rejects.toMatchObject({ code: 'EF001' });
  });

  test('of a new token in many transactions at once none waits for ever', async () => {
    const token = 2n ** 62n;
    await Promise.all(Array.from({ length: 8 }, () => write(token, insert, insert)));
    await Promise.all(
      Array.from({ length: 8 }, (_, i) => write(token + BigInt(i), insert).catch(() => {})),
    );
    await expect(write(token + 6n, insert)).rejects.toMatchObject({ code: 'EF001' });
  });

  test('bad options are named', () => {
    expect(() => postgresFenceTrigger({ table: '', name })).toThrow('table must be 1 to 256');
    expect(() => postgresFenceTrigger({ table, name: 5 as never })).toThrow(
      'name must be a string',
    );
    expect(() => postgresFenceTrigger({ table, fence: name } as never)).toThrow('no option fence');
  });
});
