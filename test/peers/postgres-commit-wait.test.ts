/**
 * Commit wait on real transactions: the example of docs/examples/postgres-commit-wait, in four
 * processes, over two PostgreSQL clusters. The processes' clocks are fed through paths whose delays
 * differ from process to process and there from back, so that their intervals are wide on different
 * sides of true time; their wall clocks are wrong. Clients hop from coordinator to coordinator and
 * pass no token.
 *
 * The judge is this process: an answer that came before another request was sent, by its monotonic
 * clock, came before it in true time. That the judges can find something is shown by the example
 * itself with one line changed: each such fault must lead to violations.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatStamp } from 'epsilon-clock';
import { timeInterval } from 'epsilon-clock/interval';
import { unixNsFromMs } from 'epsilon-clock/time';
import { hlcTimestamp } from 'epsilon-clock/timestamps';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ACCOUNTS, Bank, type Path, TOTAL } from '../kit/bank.ts';
import type { Fault } from '../kit/coordinator-process.ts';
import { type Event, orderViolations, type Snapshot, snapshotViolations } from '../kit/history.ts';
import { WallTruth } from '../kit/wall-truth.ts';

/** 10,000 in the long runs. */
const TRANSACTIONS = Number(process.env.TRANSACTIONS ?? 500);
const CLIENTS = 8;
/** One of `SNAPSHOT_EVERY` requests is a snapshot of all accounts. Coordinators take turns. */
const SNAPSHOT_EVERY = 7;

/** One-way delays in ms. Neighbours differ the most. */
const PATHS: readonly Path[] = [
  { toServer: 20, toClient: 0, skew: { wall: '+0.015' } },
  { toServer: 0, toClient: 20, skew: { wall: '-0.015' } },
  { toServer: 12, toClient: 3, skew: { wall: '+0.005' } },
  { toServer: 0, toClient: 0, skew: { wall: '+0' } },
];

const WAIT: Fault = { find: 'await commit.settled();', replace: '' };
const COMMIT = `await onEach(sessions, (session) => session.query(\`COMMIT PREPARED '\${gid}'\`));`;
/** A commit whose `settled` does not wait. */
const WALL = '{ timestamp: this.#hlc.now(), settled: async () => {} }';
const BEGIN = 'const commit = beginCommit({ clock: this.#clock, hlc: this.#hlc });';

let bank: Bank;

beforeAll(async () => {
  bank = await Bank.start(PATHS);
});
afterAll(() => bank?.[Symbol.asyncDispose]());

interface History {
  readonly transfers: Event[];
  readonly snapshots: Snapshot[];
}

/**
 * Makes `count` transfers, and snapshots among them. Each client asks one coordinator after
 * another.
 */
async function trade(
  count: number,
  { transfers, snapshots }: History,
  clients = CLIENTS,
): Promise<void> {
  let left = count;
  const client = async (index: number): Promise<void> => {
    for (let n = index; left > 0; n++) {
      const coordinator = bank.coordinators[n % bank.coordinators.length]!;
      if (n % SNAPSHOT_EVERY === SNAPSHOT_EVERY - 1) {
        snapshots.push(await bank.snapshotBy(coordinator));
      } else {
        left--;
        transfers.push(await bank.transferBy(coordinator));
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
  for (const [i, coordinator] of bank.coordinators.entries()) {
    const before = process.hrtime.bigint();
    const interval = timeInterval(await coordinator.ask('interval'));
    expect(truth.excluded(interval, { before, after: process.hrtime.bigint() })).toBe(0n);
    const { toServer, toClient } = PATHS[i]!;
    // A timer may fire a millisecond early, on each way.
    const leastMs = Math.max(0, toServer - 1) + Math.max(0, toClient - 1);
    const widthNs = interval.latest - interval.earliest;
    expect(widthNs).toBeGreaterThanOrEqual(BigInt(leastMs) * 1_000_000n);
  }
});

test(`with commit wait: ${TRANSACTIONS} transfers, no violation`, async () => {
  await bank.open();
  const history: History = { transfers: [], snapshots: [] };
  await trade(TRANSACTIONS, history);
  expect(history.transfers).toHaveLength(TRANSACTIONS);
  expect(history.snapshots.length).toBeGreaterThan(TRANSACTIONS / (2 * SNAPSHOT_EVERY));
  expect(ordering(history)).toBe(0);
  expect(missing(history)).toBe(0);
  expect(unbalanced(history)).toBe(0);
  for (const shard of bank.shards) {
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
    await bank.open(name.replaceAll(/\W/g, '-'), faults, hlc);
    const history: History = { transfers: [], snapshots: [] };
    for (let round = 0; round < 50 && violations(history) === 0; round++) {
      await trade(40, history, clients);
    }
    expect(violations(history)).toBeGreaterThan(0);
  });
});

/** A path so slow that a commit wait lasts 300 ms: long enough to interfere with it. */
const SLOW = { toServer: 300, toClient: 0 };

describe('a coordinator killed between prepare and commit', () => {
  /** The recovered transfer, and one by the survivor that began after the recovery. */
  async function killAndRecover(recovery: string): Promise<Event[]> {
    const survivor = bank.coordinators.at(-1)!;
    for (let life = 0; ; life++) {
      const nodeId = `victim-${recovery}-${life}`;
      await using victim = await bank.coordinator(nodeId, { ...SLOW, skew: { wall: '+0' } });
      const startedAt = process.hrtime.bigint();
      const lost = bank.transferBy(victim).then(
        () => 'answered',
        () => 'lost',
      );
      await bank.untilPrepared(nodeId, lost);
      await victim.kill();
      if ((await lost) === 'answered' || (await bank.inDoubt(nodeId)) < 2) continue;
      const recovered = await survivor.ask<bigint[]>('recover', nodeId);
      const returnedAt = process.hrtime.bigint();
      expect(recovered).toHaveLength(1);
      expect(await bank.inDoubt(nodeId)).toBe(0);
      return [{ timestamp: recovered[0]!, startedAt, returnedAt }, await bank.transferBy(survivor)];
    }
  }

  test('is finished by another, after its timestamp has passed', async () => {
    await bank.open();
    expect(orderViolations(await killAndRecover('sound'))).toBe(0);
    const { transfers, total } = await bank.snapshotBy(bank.coordinators[0]!);
    expect(transfers[0]).toBeGreaterThanOrEqual(2);
    expect(transfers[1]).toBe(transfers[0]);
    expect(total).toBe(TOTAL);
  });

  test('would be finished too early by one that does not wait', async () => {
    await bank.open('hasty', [
      { find: 'await waitUntilAfter(this.#clock, timestamp);', replace: '' },
    ]);
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
    await bank.open();
    const nodeId = `dead-${states.join('-')}`;
    const gid = formatStamp(hlcTimestamp(unixNsFromMs(Date.now() - 1000)), nodeId);
    for (const [i, state] of states.entries()) {
      const prepare = `BEGIN;
        UPDATE account SET balance = balance + ${i === 0 ? 7 : -7} WHERE id = 1;
        INSERT INTO version SELECT id, ${gid.slice(0, 19)}, '${nodeId}', balance FROM account WHERE id = 1;
        PREPARE TRANSACTION '${gid}'`;
      if (state !== 'unknown') await bank.shards[i]!.query(prepare);
      if (state === 'committed') await bank.shards[i]!.query(`COMMIT PREPARED '${gid}'`);
    }
    const recovered = await bank.coordinators[0]!.ask<bigint[]>('recover', nodeId);
    expect(recovered, name).toHaveLength(committed);
    const { transfers, total } = await bank.snapshotBy(bank.coordinators[1]!);
    expect(transfers).toEqual([committed, committed]);
    expect(total).toBe(TOTAL);
  });
});

describe('a transfer that fails', () => {
  const failing = async (amount: bigint, account: number): Promise<unknown> =>
    bank.coordinators[0]!.ask('transfer', [
      { account: 1, amount: -amount },
      { account, amount },
    ]).catch((error) => error);

  beforeEach(() => bank.open());
  afterEach(async () => {
    // Nothing of it is left, neither in the accounts nor in the locks.
    expect(await bank.inDoubt('coordinator-0')).toBe(0);
    await bank.coordinators[1]!.ask('transfer', [
      { account: 1, amount: -1n },
      { account: 1, amount: 1n },
    ]);
    const { transfers, total } = await bank.snapshotBy(bank.coordinators[2]!);
    expect(transfers).toEqual([1, 1]);
    expect(total).toBe(TOTAL);
  });

  test('before it has a timestamp is rolled back', async () => {
    expect(String(await failing(1n, ACCOUNTS + 1))).toContain('shard 1 has no account 13');
    const halved = bank.coordinators[0]!.ask('transfer', [{ account: 1, amount: 0n }]);
    await expect(halved).rejects.toThrow('one change for each shard');
  });

  test('when one shard has prepared it is rolled back there too', async () => {
    const shard = bank.shards[1]!;
    await shard.query('ALTER TABLE version ADD CONSTRAINT poor CHECK (balance < 5000)');
    try {
      expect(String(await failing(5000n, 1))).toContain('"poor"');
    } finally {
      await shard.query('ALTER TABLE version DROP CONSTRAINT poor');
    }
  });
});

test('a clock that loses its bound during the wait delays the transfer, and nothing else', async () => {
  await bank.open();
  const wallFile = join(bank.directory, 'wall');
  writeFileSync(wallFile, '+0\n');
  const nodeId = 'disrupted';
  await using coordinator = await bank.coordinator(nodeId, { ...SLOW, skew: { wallFile } });
  for (let attempt = 1; ; attempt++) {
    const transfer = bank.transferBy(coordinator);
    await bank.untilPrepared(nodeId, transfer);
    writeFileSync(wallFile, `+${attempt}00\n`);
    while ((await coordinator.ask('status')) === 'synchronized');
    const interrupted = (await bank.inDoubt(nodeId)) === 2;
    const first = await transfer;
    const second = await bank.transferBy(bank.coordinators.at(-1)!);
    expect(orderViolations([first, second])).toBe(0);
    // It was too late to interrupt anything: once more.
    if (interrupted) break;
  }
});
