/**
 * The statements of docs/guides/order-in-a-database.md, as they stand there, over a hundred
 * thousand events in PostgreSQL and in DuckDB, a million in a soak run. They must give what
 * `epsilon-clock/ordering` gives.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { inversions, mergeLogs, relation } from 'epsilon-clock/ordering';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventLog, type LoggedEvent, lineOf } from '../kit/event-log.ts';
import { PostgresCluster } from '../kit/postgres.ts';

const EVENTS = Number(process.env.EVENTS ?? 100_000);
const PAGE = new URL('../../docs/guides/order-in-a-database.md', import.meta.url);

/** The SQL blocks of a section of the page. */
function blocksOf(section: string): string[] {
  const text = readFileSync(PAGE, 'utf8').split(`## ${section}\n`)[1]!.split('\n## ')[0]!;
  return [...text.matchAll(/```sql\n(.*?)```/gs)].map(([, sql]) => sql!);
}

/** A row of the page's last question but one: position, hlc, node, group, watermark. */
type Row = readonly string[];

let events: LoggedEvent[];
/** In the order of the page. */
let lines: LoggedEvent[];
let merged: Row[];
/** `hlc,node` of the lines that stand above one that was certainly before them. */
let ahead: string[];
let cluster: PostgresCluster;

/** The events of each node, in the order of its clock. */
function logs(): LoggedEvent[][] {
  const byNode = new Map<string, LoggedEvent[]>();
  for (const event of events) {
    const log = byNode.get(event.nodeId);
    if (log) log.push(event);
    else byNode.set(event.nodeId, [event]);
  }
  return [...byNode.values()];
}

beforeAll(async () => {
  events = eventLog(EVENTS);
  lines = [];
  merged = [];
  for (const { event, group, watermark } of mergeLogs(logs(), { windowMs: 0 })) {
    const { timestamp, nodeId } = event;
    lines.push(event);
    merged.push([merged.length + 1, timestamp, nodeId, group, watermark].map(String));
  }
  const later = new Set<string>();
  for (const { kind, because, later: line } of inversions(lines, { windowMs: 0 })) {
    if (kind === 'lead' && because === 'interval') later.add(`${line.timestamp},${line.nodeId}`);
  }
  ahead = [...later].sort();
  cluster = await PostgresCluster.start();
  const text = events.map((event, i) => lineOf(event, `event ${i}`)).join('\n');
  // The last line has no stamp, and is left out.
  writeFileSync(join(cluster.directory, 'events.ndjson'), `${text}\n{"msg":"boot"}\n`);
});

afterAll(() => cluster?.[Symbol.asyncDispose]());

test('the log holds what is asked about: groups, gaps and clocks that were ahead', () => {
  expect(merged.length).toBe(EVENTS);
  expect(Number(merged.at(-1)![3])).toBeGreaterThan(EVENTS / 10_000);
  expect(events.filter(({ earliest }) => earliest === undefined).length).toBeGreaterThan(
    EVENTS / 2000,
  );
  expect(ahead.length).toBeGreaterThan(EVENTS / 1000);
});

describe('PostgreSQL', () => {
  const [create, copy, insert, before, narrow, number, groups, lead] = blocksOf('PostgreSQL');
  const one = (sql: string): string => sql.trim().replace(/;$/, '').replaceAll(/\s+/g, ' ');

  beforeAll(async () => {
    const script = [create, copy, insert, narrow, number].join('\n');
    writeFileSync(join(cluster.directory, 'script.sql'), script);
    await cluster.psql('-f', 'script.sql');
  });

  test('groups and watermarks are those of mergeLogs', async () => {
    const rows = (await cluster.query(one(groups!))).map((row) => row.split('|'));
    expect(rows.length).toBe(merged.length);
    expect(rows.filter((row, i) => String(row) !== String(merged[i])).slice(0, 3)).toEqual([]);
  });

  test('what certainly came before an event is what `relation` says', async () => {
    for (const i of [0, 1000, 77_777]) {
      const x = events[i]!;
      const variables = ['-v', `hlc=${x.timestamp}`, '-v', `node=${x.nodeId}`];
      writeFileSync(join(cluster.directory, 'before.sql'), before!);
      const rows = await cluster.psql('-At', ...variables, '-f', 'before.sql');
      const expected = events
        .filter((event) => event !== x && relation(event, x).order === 'before')
        .map(({ timestamp, nodeId }) => `${timestamp}|${nodeId}`);
      expect(rows.split('\n').filter(Boolean).sort()).toEqual(expected.sort());
    }
  });

  test('lines whose clock was ahead are those of inversions', async () => {
    const rows = await cluster.query(one(lead!));
    expect(rows.map((row) => row.replace('|', ',')).sort()).toEqual(ahead);
  });
});

describe('DuckDB', () => {
  const [create, groups, lead] = blocksOf('DuckDB');

  test('groups, watermarks and clocks that were ahead are the same', async () => {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    try {
      const files = join(cluster.directory, '*.ndjson');
      await connection.run(create!.replace("'*.ndjson'", `'${files}'`));
      const answer = async (sql: string): Promise<Row[]> =>
        (await connection.runAndReadAll(sql)).getRows().map((row) => row.map(String));
      const rows = await answer(groups!);
      expect(rows.length).toBe(merged.length);
      expect(rows.filter((row, i) => String(row) !== String(merged[i])).slice(0, 3)).toEqual([]);
      expect((await answer(lead!)).map(String).sort()).toEqual(ahead);
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  });
});
