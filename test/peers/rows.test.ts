/**
 * The PostgreSQL part of docs/guides/timestamps-in-rows.md, with real drivers: timestamps come back
 * exactly and in order, and the time for people is the right one.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { blocksOf, saveAndRead } from '../kit/page-programs.ts';
import { PostgresCluster } from '../kit/postgres.ts';

const PAGE = 'docs/guides/timestamps-in-rows.md';
const TIMESTAMPS = [2n ** 63n - 1n, 0n, 2n ** 53n + 1n, 1_795_227_787_534_418_003n];
const SENT = TIMESTAMPS.map((timestamp) => `${timestamp}n`);
const READ = ['0n', '9007199254740993n', '1795227787534418003n', '9223372036854775807n'];

let cluster: PostgresCluster;
const env = (): Record<string, string> => {
  const { host, user, database } = cluster.connection;
  return { PGHOST: host, PGUSER: user, PGDATABASE: database };
};
const programUnder = (heading: string): string =>
  blocksOf(PAGE, 'js').find((block) => block.heading === heading)!.code;

beforeAll(async () => {
  cluster = await PostgresCluster.start();
  const [schema] = blocksOf(PAGE, 'sql');
  await cluster.psql('-c', schema!.code);
});
beforeEach(() => cluster.psql('-c', 'TRUNCATE orders'));
afterAll(() => cluster?.[Symbol.asyncDispose]());

test.each(['postgres.js', 'Drizzle', 'Kysely'])('%s', async (heading) => {
  expect(await saveAndRead(programUnder(heading), TIMESTAMPS, env())).toEqual(READ);
});

test('pg: also in arrays and in jsonb', async () => {
  const rows = await saveAndRead(programUnder('pg'), TIMESTAMPS, env());
  expect(rows).toEqual(READ.map((id) => ({ id, causes: SENT, after: id })));
});

test('the time for people is exact to the microsecond, and rounded down', async () => {
  await saveAndRead(programUnder('postgres.js'), [...TIMESTAMPS, 999n, 1_999n], env());
  const rows = await cluster.query(
    "SELECT id, created_at AT TIME ZONE 'UTC' FROM orders ORDER BY id",
  );
  expect(rows).toEqual([
    '0|1970-01-01 00:00:00',
    '999|1970-01-01 00:00:00',
    '1999|1970-01-01 00:00:00.000001',
    '9007199254740993|1970-04-15 05:59:59.25474',
    '1795227787534418003|2026-11-21 02:23:07.534418',
    '9223372036854775807|2262-04-11 23:47:16.854775',
  ]);
});

test('the domain refuses what is no timestamp', async () => {
  const insert = cluster.psql('-c', 'INSERT INTO orders (id) VALUES (-1)');
  await expect(insert).rejects.toThrow('hlc_timestamp_check');
});

// The control: what the page is for.
test('without a parser, pg gives text', async () => {
  const careless = programUnder('Kysely').replace('{ types: { getTypeParser } }', '');
  const read = await saveAndRead(careless, TIMESTAMPS, env());
  expect(read).toEqual(READ.map((text) => text.slice(0, -1)));
});
