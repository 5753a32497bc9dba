/**
 * Commit wait on real transactions: the example of docs/examples/postgres-commit-wait, in four processes,
 * over two PostgreSQL clusters. The processes' clocks are fed through paths whose delays differ from
 * process to process and there from back, so that their intervals are wide on different sides of true
 * time; their wall clocks are wrong. Clients hop from coordinator to coordinator and pass no token.
 *
 * The judge is this process: an answer that came before another request was sent, by its monotonic
 * clock, came before it in true time. That the judges can find something is shown by the example itself
 * with one line changed: each such fault must lead to violations.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatStamp, systemClock, unixNsFromMs } from 'epsilon-clock';
import { type NtpServer, startNtpServer } from 'epsilon-clock/node';
import { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Skew } from '../kit/child-clock.ts';
import { CoordinatorProcess, compileExample, type Fault } from '../kit/coordinator-process.ts';
import { type Event, orderViolations, type Snapshot, snapshotViolations } from '../kit/history.ts';
import { PostgresCluster } from '../kit/postgres.ts';
import { WallTruth } from '../kit/wall-truth.ts';

/** 10,000 in the long runs. */
const TRANSACTIONS = Number(process.env.TRANSACTIONS ?? 500);
const CLIENTS = 8;
/** Few, so that transfers wait for each other's locks. */
const ACCOUNTS = 12;
const BALANCE = 1000n;
const TOTAL = 2n * BigInt(ACCOUNTS) * BALANCE;
/** One in so many requests is a snapshot of everything; each coordinator gets its share. */
const SNAPSHOT_EVERY = 7;

/** One-way delays in ms; 0 is forwarded at once, which takes about 0.1 ms. Neighbours differ the most. */
const PATHS: readonly Path[] = [
  { toServer: 20, toClient: 0, skew: { wall: '+0.015' } },
  { toServer: 0, toClient: 20, skew: { wall: '-0.015' } },
  { toServer: 12, toClient: 3, skew: { wall: '+0.005' } },
  { toServer: 0, toClient: 0, skew: { wall: '+0' } },
];

const SNAPSHOT = `
  SELECT count(*) FILTER (WHERE timestamp > 0) AS transfers, (
    SELECT sum(balance) FROM (
      SELECT DISTINCT ON (account) balance FROM version WHERE timestamp <= $1
      ORDER BY account, timestamp DESC, node DESC
    ) AS present
  ) AS total
  FROM version WHERE timestamp <= $1`;

const WAIT: Fault = { find: 'await commit.settled();', replace: '' };
const COMMIT = `await onEach(sessions, (session) => session.query(\`COMMIT PREPARED '\${gid}'\`));`;
/** A timestamp for which nothing waits. */
const WALL = '{ timestamp: this.#hlc.now(), settled: async () => {} }';
const BEGIN = 'const commit = beginCommit({ clock: this.#clock, hlc: this.#hlc });';

let directory: string;
let clusters: PostgresCluster[] = [];
let shards: Pool[] = [];
let servers: NtpServer[] = [];
let coordinators: CoordinatorProcess[] = [];

const now = (): bigint => process.hrtime.bigint();

interface Path {
  readonly toServer: number;
  readonly toClient: number;
  readonly skew: Skew;
}

function start(nodeId: string, { toServer, toClient, skew }: Path): Promise<CoordinatorProcess> {
  const conditions = (delayMs: number) => ({ delayMs, jitterMs: delayMs === 0 ? 0 : 1 });
  return CoordinatorProcess.start({
    nodeId,
    servers,
    toServer: conditions(toServer),
    toClient: conditions(toClient),
    skew,
    shards: clusters.map((cluster) => cluster.connection),
  });
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'commit-wait-'));
  clusters = await Promise.all(
    [0, 1].map(() => PostgresCluster.start({ max_prepared_transactions: 64 })),
  );
  // A lock that nobody releases is a failure, not a reason to wait.
  shards = clusters.map(({ connection }) => new Pool({ ...connection, lock_timeout: 30_000 }));
  const schema = new URL('../../docs/examples/postgres-commit-wait/schema.sql', import.meta.url);
  for (const shard of shards) await shard.query(readFileSync(schema, 'utf8'));
  const clock = systemClock();
  servers = await Promise.all([0, 1, 2].map(() => startNtpServer({ clock })));
  coordinators = await Promise.all(PATHS.map((path, i) => start(`coordinator-${i}`, path)));
});

afterAll(async () => {
  await Promise.all(coordinators.map((each) => each[Symbol.asyncDispose]()));
  await Promise.all(servers.map((server) => server.close()));
  await Promise.all(shards.map((shard) => shard.end()));
  await Promise.all(clusters.map((cluster) => cluster[Symbol.asyncDispose]()));
  rmSync(directory, { recursive: true, force: true });
});

/** All coordinators on the example with these faults, and the accounts as at first. */
async function use(name: string, faults: readonly Fault[], hlc = 'bounded'): Promise<void> {
  const module = compileExample(directory, name, faults);
  await Promise.all(coordinators.map((each) => each.ask('use', { module, hlc })));
  for (const shard of shards) {
    await shard.query(`
      TRUNCATE account, version;
      INSERT INTO account SELECT id, ${BALANCE} FROM generate_series(1, ${ACCOUNTS}) AS id;
      INSERT INTO version SELECT id, 0, '', balance FROM account`);
  }
}

/** Uniform in [0, 1), the same in every run. */
function randomFrom(seed: number): () => number {
  let x = seed;
  return () => {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    return x / 2 ** 32;
  };
}

const random = randomFrom(5);
const anyAccount = (): number => 1 + Math.floor(random() * ACCOUNTS);

async function timed<T extends { timestamp: bigint }>(request: () => Promise<T>) {
  const startedAt = now();
  const answer = await request();
  return { startedAt, returnedAt: now(), ...answer };
}

const transferBy = (coordinator: CoordinatorProcess): Promise<Event> =>
  timed(async () => {
    const amount = BigInt(Math.floor(random() * 100) - 50);
    const changes = [
      { account: anyAccount(), amount },
      { account: anyAccount(), amount: -amount },
    ];
    return { timestamp: await coordinator.ask<bigint>('transfer', changes) };
  });

const snapshotBy = (coordinator: CoordinatorProcess): Promise<Snapshot> =>
  timed(async () => {
    const read = await coordinator.ask<{
      timestamp: bigint;
      shards: { transfers: string; total: string }[][];
    }>('read', SNAPSHOT);
    const rows = read.shards.flat();
    return {
      timestamp: read.timestamp,
      transfers: rows.map((row) => Number(row.transfers)),
      total: rows.reduce((sum, row) => sum + BigInt(row.total), 0n),
    };
  });

interface History {
  readonly transfers: Event[];
  readonly snapshots: Snapshot[];
}

/** So many more transfers, and snapshots among them. Each client asks one coordinator after another. */
async function trade(
  count: number,
  { transfers, snapshots }: History,
  clients = CLIENTS,
): Promise<void> {
  let left = count;
  const client = async (index: number): Promise<void> => {
    for (let n = index; left > 0; n++) {
      const coordinator = coordinators[n % coordinators.length]!;
      if (n % SNAPSHOT_EVERY === SNAPSHOT_EVERY - 1) {
        snapshots.push(await snapshotBy(coordinator));
      } else {
        left--;
        transfers.push(await transferBy(coordinator));
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
}

const ordering = ({ transfers, snapshots }: History): number =>
  orderViolations([...transfers, ...snapshots]);
const missing = ({ transfers, snapshots }: History): number =>
  snapshotViolations(snapshots, transfers);
const unbalanced = ({ snapshots }: History): number =>
  snapshots.filter(({ total }) => total !== TOTAL).length;

test('the uncertainties are real: intervals hold the truth, and are as wide as their paths are long', async () => {
  const truth = new WallTruth();
  for (const [i, coordinator] of coordinators.entries()) {
    const before = now();
    const interval = await coordinator.ask<{ earliest: bigint; latest: bigint }>('interval');
    expect(truth.excluded(interval as never, { before, after: now() })).toBe(0n);
    const { toServer, toClient } = PATHS[i]!;
    // A timer may fire a millisecond early, on each way.
    const leastMs = Math.max(0, toServer - 1) + Math.max(0, toClient - 1);
    const widthNs = interval.latest - interval.earliest;
    expect(widthNs).toBeGreaterThanOrEqual(BigInt(leastMs) * 1_000_000n);
  }
});

test(`with commit wait: ${TRANSACTIONS} transfers, no violation`, async () => {
  await use('sound', []);
  const history: History = { transfers: [], snapshots: [] };
  await trade(TRANSACTIONS, history);
  expect(history.transfers).toHaveLength(TRANSACTIONS);
  expect(history.snapshots.length).toBeGreaterThan(TRANSACTIONS / (2 * SNAPSHOT_EVERY));
  expect(ordering(history)).toBe(0);
  expect(missing(history)).toBe(0);
  expect(unbalanced(history)).toBe(0);
  for (const shard of shards) {
    const { rows } = await shard.query('SELECT count(*) FROM version WHERE timestamp > 0');
    expect(Number(rows[0].count)).toBe(TRANSACTIONS);
  }
});

describe('the judges find violations', () => {
  interface Row {
    readonly name: string;
    readonly faults: readonly Fault[];
    readonly violations: (history: History) => number;
    readonly hlc?: 'wall';
    readonly clients?: number;
  }
  const rows: Row[] = [
    { name: 'without the wait', faults: [WAIT], violations: ordering },
    {
      name: 'with timestamps of a skewed Date.now()',
      faults: [{ find: BEGIN, replace: `const commit = ${WALL};` }],
      hlc: 'wall',
      violations: ordering,
    },
    {
      name: 'with COMMIT before settled, and the answer after it',
      faults: [
        { find: COMMIT, replace: '' },
        { find: WAIT.find, replace: COMMIT + WAIT.find },
      ],
      violations: unbalanced,
    },
    {
      // Under load it would find somebody undecided to wait for, until the timestamp has passed.
      name: 'with snapshots at timestamps that have not passed',
      faults: [{ find: 'await waitUntilAfter(this.#clock, t);', replace: '' }],
      clients: 1,
      violations: missing,
    },
    {
      name: 'with snapshots that ignore the undecided',
      faults: [{ find: 'undecided.rowCount === 0', replace: 'true' }],
      violations: missing,
    },
    {
      name: 'with snapshots that end before writers who have begun',
      faults: [{ find: "await session.query('SELECT pg_current_xact_id()');", replace: '' }],
      violations: missing,
    },
  ];
  test.each(rows)('$name', async ({ name, faults, violations, hlc, clients }) => {
    await use(name.replaceAll(/\W/g, '-'), faults, hlc);
    const history: History = { transfers: [], snapshots: [] };
    for (let round = 0; round < 50 && violations(history) === 0; round++) {
      await trade(40, history, clients);
    }
    expect(violations(history)).toBeGreaterThan(0);
  });
});

/** How many shards hold a transfer of this coordinator that is prepared and not decided. */
async function inDoubt(nodeId: string): Promise<number> {
  const query = "SELECT FROM pg_prepared_xacts WHERE split_part(gid, '@', 2) = $1";
  const found = await Promise.all(shards.map((shard) => shard.query(query, [nodeId])));
  return found.reduce((sum, { rowCount }) => sum + rowCount!, 0);
}

/** Resolves when a transfer that was asked for is prepared on both shards, or has ended. */
async function untilPrepared(nodeId: string, transfer: Promise<unknown>): Promise<void> {
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  transfer.then(end, end);
  while (!ended && (await inDoubt(nodeId)) < 2);
}

/** It waits for 300 ms: time enough to do something to it meanwhile. */
const SLOW = { toServer: 300, toClient: 0 };

describe('a coordinator killed between prepare and commit', () => {
  /** The recovered transfer, and one by the survivor that began after the recovery. */
  async function killAndRecover(recovery: string): Promise<Event[]> {
    const survivor = coordinators.at(-1)!;
    for (let life = 0; ; life++) {
      const nodeId = `victim-${recovery}-${life}`;
      await using victim = await start(nodeId, { ...SLOW, skew: { wall: '+0' } });
      await victim.ask('use', { module: compileExample(directory, 'sound', []), hlc: 'bounded' });
      const startedAt = now();
      const lost = transferBy(victim).then(
        () => 'answered',
        () => 'lost',
      );
      await untilPrepared(nodeId, lost);
      await victim.kill();
      if ((await lost) === 'answered' || (await inDoubt(nodeId)) < 2) continue;
      const recovered = await survivor.ask<bigint[]>('recover', nodeId);
      const returnedAt = now();
      expect(recovered).toHaveLength(1);
      expect(await inDoubt(nodeId)).toBe(0);
      return [{ timestamp: recovered[0]!, startedAt, returnedAt }, await transferBy(survivor)];
    }
  }

  test('is finished by another, after its timestamp has passed', async () => {
    await use('sound', []);
    expect(orderViolations(await killAndRecover('sound'))).toBe(0);
    expect((await snapshotBy(coordinators[0]!)).transfers).toEqual([2, 2]);
    expect((await snapshotBy(coordinators[0]!)).total).toBe(TOTAL);
  });

  test('would be finished too early by one that does not wait', async () => {
    await use('hasty', [{ find: 'await waitUntilAfter(this.#clock, timestamp);', replace: '' }]);
    let violations = 0;
    for (let attempt = 0; attempt < 10 && violations === 0; attempt++) {
      violations = orderViolations(await killAndRecover(`hasty-${attempt}`));
    }
    expect(violations).toBe(1);
  });

  test.each([
    ['prepared on one shard of two is rolled back', ['prepared', 'unknown'], 0],
    ['prepared on one and committed on the other is committed', ['prepared', 'committed'], 1],
    ['prepared on both is committed', ['prepared', 'prepared'], 1],
  ])('%s', async (name, states, committed) => {
    await use('sound', []);
    const nodeId = `dead-${states.join('-')}`;
    const gid = formatStamp(unixNsFromMs(Date.now() - 1000) as never, nodeId);
    for (const [i, state] of states.entries()) {
      const prepare = `BEGIN;
        UPDATE account SET balance = balance + ${i === 0 ? 7 : -7} WHERE id = 1;
        INSERT INTO version SELECT id, ${gid.slice(0, 19)}, '${nodeId}', balance FROM account WHERE id = 1;
        PREPARE TRANSACTION '${gid}'`;
      if (state !== 'unknown') await shards[i]!.query(prepare);
      if (state === 'committed') await shards[i]!.query(`COMMIT PREPARED '${gid}'`);
    }
    const recovered = await coordinators[0]!.ask<bigint[]>('recover', nodeId);
    expect(recovered, name).toHaveLength(committed);
    const { transfers, total } = await snapshotBy(coordinators[1]!);
    expect(transfers).toEqual([committed, committed]);
    expect(total).toBe(TOTAL);
  });
});

describe('a transfer that fails', () => {
  const failing = async (amount: bigint, account: number): Promise<unknown> =>
    coordinators[0]!
      .ask('transfer', [
        { account: 1, amount: -amount },
        { account, amount },
      ])
      .catch((error) => error);

  beforeEach(() => use('sound', []));
  afterEach(async () => {
    // Nothing of it is left, neither in the accounts nor in the locks.
    expect(await inDoubt('coordinator-0')).toBe(0);
    await coordinators[1]!.ask('transfer', [
      { account: 1, amount: -1n },
      { account: 1, amount: 1n },
    ]);
    const { transfers, total } = await snapshotBy(coordinators[2]!);
    expect(transfers).toEqual([1, 1]);
    expect(total).toBe(TOTAL);
  });

  test('before it has a timestamp is rolled back', async () => {
    expect(String(await failing(1n, ACCOUNTS + 1))).toContain('shard 1 has no account 13');
    const halved = coordinators[0]!.ask('transfer', [{ account: 1, amount: 0n }]);
    await expect(halved).rejects.toThrow('one change for each shard');
  });

  test('when one shard has prepared it is rolled back there too', async () => {
    const shard = shards[1]!;
    await shard.query('ALTER TABLE version ADD CONSTRAINT poor CHECK (balance < 5000)');
    try {
      expect(String(await failing(5000n, 1))).toContain('"poor"');
    } finally {
      await shard.query('ALTER TABLE version DROP CONSTRAINT poor');
    }
  });
});

test('a clock that loses its bound during the wait delays the transfer, and nothing else', async () => {
  await use('sound', []);
  const wallFile = join(directory, 'wall');
  writeFileSync(wallFile, '+0\n');
  const nodeId = 'disrupted';
  await using coordinator = await start(nodeId, { ...SLOW, skew: { wallFile } });
  await coordinator.ask('use', { module: compileExample(directory, 'sound', []), hlc: 'bounded' });
  for (let attempt = 1; ; attempt++) {
    const transfer = transferBy(coordinator);
    await untilPrepared(nodeId, transfer);
    writeFileSync(wallFile, `+${attempt}00\n`);
    while ((await coordinator.ask('status')) === 'synchronized');
    const interrupted = (await inDoubt(nodeId)) === 2;
    const first = await transfer;
    const second = await transferBy(coordinators.at(-1)!);
    expect(orderViolations([first, second])).toBe(0);
    // It was too late to interrupt anything: once more.
    if (interrupted) break;
  }
});
