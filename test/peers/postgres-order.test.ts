import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HybridClock, parseTimestamp, type UnixNs } from 'epsilon-clock';
import {
  bytesFromTimestamp,
  formatUuidv7,
  parseUuidv7,
  timestampFromBytes,
} from 'epsilon-clock/timestamps';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PostgresCluster } from '../kit/postgres.ts';

const ROWS = 100_000;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

let cluster: PostgresCluster;

beforeAll(async () => {
  cluster = await PostgresCluster.start();
});

afterAll(() => cluster?.[Symbol.asyncDispose]());

/** A small generator with a fixed seed (xorshift): the same rows in every run. */
function* numbers(seed: number): Generator<number, never> {
  for (let x = seed; ; ) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    yield x >>> 0;
  }
}

/**
 * Timestamps in the order in which one clock gave them: bursts, ties, seconds and years passing.
 */
function history(random: Generator<number, never>): bigint[] {
  let physicalNs = 0n;
  const hlc = new HybridClock({
    clock: { wallNs: () => physicalNs as UnixNs },
    nodeId: 'a',
    maxRemoteAheadMs: 1000,
  });
  return Array.from({ length: ROWS }, (_, i) => {
    if (i === ROWS / 2) physicalNs = 1_795_227_787_534_418_003n;
    if (i === ROWS - 10) physicalNs = 2n ** 63n - 11n; // the last ten of all
    const roll = random.next().value;
    if (roll % 4 === 0) physicalNs += BigInt(roll % 2_000_000);
    if (roll % 997 === 0) physicalNs += BigInt(roll) * 1000n;
    if (roll % 5 === 0 && i < ROWS - 10) return hlc.receive(physicalNs + BigInt(roll % 1000));
    return hlc.now();
  });
}

test('100,000 timestamps come back in HLC order by BIGINT, UUID, TEXT and BYTEA', async () => {
  const random = numbers(20_260_101);
  const timestamps = history(random);
  const nodeBits = () => BigInt(random.next().value) << 22n;
  const rows = timestamps.map((t, i) => {
    const text = t.toString().padStart(19, '0');
    return [i, t, formatUuidv7(t, nodeBits()), text, `\\\\x${hex(bytesFromTimestamp(t))}`].join(
      '\t',
    );
  });
  for (let i = rows.length - 1; i > 0; i--) {
    const j = random.next().value % (i + 1);
    [rows[i], rows[j]] = [rows[j]!, rows[i]!];
  }
  const script = join(cluster.directory, 'rows.sql');
  writeFileSync(
    script,
    [
      'CREATE TABLE event (seq int, n bigint, u uuid, t text COLLATE "C", b bytea);',
      'COPY event FROM STDIN;',
      ...rows,
      '\\.',
      'CREATE UNIQUE INDEX ON event (n); CREATE UNIQUE INDEX ON event (u);',
      'CREATE UNIQUE INDEX ON event (t); CREATE UNIQUE INDEX ON event (b);',
      'ANALYZE event;',
      '',
    ].join('\n'),
  );
  await cluster.psql('-f', script);

  const inOrder = timestamps.map((_, i) => String(i));
  for (const column of ['n', 'u', 't', 'b']) {
    const sorted = await cluster.query(`SELECT seq FROM event ORDER BY ${column}`);
    expect(sorted, `sorted by ${column}`).toEqual(inOrder);
    // The same through the index alone, which is how a table is read page by page.
    const indexed = await cluster.query(
      `SET enable_sort = off; SELECT seq FROM event ORDER BY ${column}`,
    );
    expect(indexed, `by the index on ${column}`).toEqual(inOrder);
  }

  const back = await cluster.query(`SELECT n, u, t, encode(b, 'hex') FROM event ORDER BY seq`);
  const differing = back.filter((line, i) => {
    const [n, u, t, b] = line.split('|') as [string, string, string, string];
    const expected = timestamps[i]!;
    return !(
      BigInt(n) === expected &&
      parseUuidv7(u).timestamp === expected &&
      parseTimestamp(t) === expected &&
      timestampFromBytes(Buffer.from(b, 'hex')) === expected
    );
  });
  expect(differing).toEqual([]);
});
