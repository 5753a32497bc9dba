/**
 * What a lease costs in PostgreSQL, beside a bare UPDATE of one row on the same connection: `npx
 * tsx bench/lease-postgres.ts`. Needs PostgreSQL 15, as the peer tests do. Prints medians, and
 * ratios to the UPDATE; the three take turns, so that slow changes of the machine cancel out.
 */
import { cpus } from 'node:os';
import pg from 'pg';
import { systemClock } from '../src/index.ts';
import { Lease, postgresLeases, postgresLeaseTables } from '../src/lease.ts';
import { TestClock } from '../src/testing.ts';
import { PostgresCluster } from '../test/kit/postgres.ts';
import { median } from './statistics.ts';

const WARM_UP = 200;
const ROUNDS = 2000;

await using cluster = await PostgresCluster.start();
const client = new pg.Client({ host: cluster.directory, user: 'postgres' });
await client.connect();
await client.query(postgresLeaseTables);
await client.query(
  'create table plain (id int primary key, n bigint); insert into plain values (1, 0)',
);

const store = postgresLeases({ query: (text, values) => client.query(text, values) });
const { monotonicNs } = systemClock();
// The clock's own cost is in the rows of `npm run bench`.
const options = { store, clock: new TestClock(), holder: 'a', ttlMs: 86_400_000 } as const;
const held = await Lease.acquire({ ...options, name: 'held', renewal: 'manual' });

let names = 0;
const acts: Readonly<Record<string, () => Promise<unknown>>> = {
  UPDATE: () => client.query('update plain set n = $2 where id = $1', [1, 5n]),
  acquire: () => Lease.acquire({ ...options, name: `new ${names++}`, renewal: 'manual' }),
  renew: () => held.renew(),
};
const us = new Map<string, number[]>(Object.keys(acts).map((name) => [name, []]));
for (let round = 0; round < WARM_UP + ROUNDS; round++) {
  for (const [name, act] of Object.entries(acts)) {
    const began = monotonicNs();
    await act();
    if (round >= WARM_UP) us.get(name)!.push(Number(monotonicNs() - began) / 1000);
  }
}
await client.end();

console.log(`Node ${process.version}, ${cpus()[0]?.model.trim()}, ${ROUNDS} rounds`);
const bare = median(us.get('UPDATE')!);
for (const [name, times] of us) {
  const middle = median(times);
  console.log(
    `${name.padEnd(8)} ${middle.toFixed(0).padStart(5)} us  ${(middle / bare).toFixed(2)}x`,
  );
}
