/**
 * The harness for docs/examples/postgres-commit-wait: two PostgreSQL clusters as shards, with the
 * same accounts on each, NTP servers that serve this machine's time, and coordinator processes that
 * reach the servers by paths of their own.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from 'epsilon-clock';
import { NtpServer } from 'epsilon-clock/node';
import { Pool } from 'pg';
import type { Skew } from './child-clock.ts';
import {
  CoordinatorProcess,
  compileExample,
  createProject,
  type Fault,
} from './coordinator-process.ts';
import type { Event, Snapshot } from './history.ts';
import { PostgresCluster } from './postgres.ts';

/** The number of accounts: few, so that transfers wait for each other's locks. */
export const ACCOUNTS = 12;
const BALANCE = 1000n;
/** The sum of all balances, at all times. */
export const TOTAL: bigint = 2n * BigInt(ACCOUNTS) * BALANCE;

const SCHEMA = new URL('../../docs/examples/postgres-commit-wait/schema.sql', import.meta.url);
const OPENING = `
  TRUNCATE account, version;
  INSERT INTO account SELECT id, ${BALANCE} FROM generate_series(1, ${ACCOUNTS}) AS id;
  INSERT INTO version SELECT id, 0, '', balance FROM account`;
const SNAPSHOT = `
  SELECT count(*) FILTER (WHERE timestamp > 0) AS transfers, (
    SELECT sum(balance) FROM (
      SELECT DISTINCT ON (account) balance FROM version WHERE timestamp <= $1
      ORDER BY account, timestamp DESC, node DESC
    ) AS present
  ) AS total
  FROM version WHERE timestamp <= $1`;

/** A coordinator's path to the time servers, and the error of its wall clock. */
export interface Path {
  /** The delay of one way, ms. 0 is forwarded at once, which takes about 0.1 ms. */
  readonly toServer: number;
  readonly toClient: number;
  readonly skew: Skew;
}

export class Bank implements AsyncDisposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'bank-'));
  /** The sessions of this process. */
  shards: readonly Pool[] = [];
  coordinators: readonly CoordinatorProcess[] = [];
  #clusters: readonly PostgresCluster[] = [];
  #servers: readonly NtpServer[] = [];
  #random = 5;

  private constructor() {}

  /** Starts one coordinator for each path: `coordinator-0` and so on. */
  static async start(paths: readonly Path[]): Promise<Bank> {
    const bank = new Bank();
    try {
      await bank.#start(paths);
      return bank;
    } catch (error) {
      await bank[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start(paths: readonly Path[]): Promise<void> {
    createProject(this.directory);
    const settings = { max_prepared_transactions: 64 };
    this.#clusters = await Promise.all([0, 1].map(() => PostgresCluster.start(settings)));
    // A lock that is never released is a failure, so no wait for one may be unlimited.
    const patience = { lock_timeout: 30_000 };
    this.shards = this.#clusters.map(({ connection }) => new Pool({ ...connection, ...patience }));
    for (const shard of this.shards) await shard.query(readFileSync(SCHEMA, 'utf8'));
    const clock = systemClock();
    this.#servers = await Promise.all([0, 1, 2].map(() => NtpServer.start({ clock })));
    this.coordinators = await Promise.all(
      paths.map((path, i) => this.coordinator(`coordinator-${i}`, path)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.coordinators.map((each) => each[Symbol.asyncDispose]()));
    await Promise.all(this.#servers.map((server) => server.stop()));
    await Promise.all(this.shards.map((shard) => shard.end()));
    await Promise.all(this.#clusters.map((cluster) => cluster[Symbol.asyncDispose]()));
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Starts one more coordinator, on the example as it stands. */
  async coordinator(nodeId: string, path: Path): Promise<CoordinatorProcess> {
    const conditions = (delayMs: number) => ({ delayMs, jitterMs: delayMs === 0 ? 0 : 1 });
    const started = await CoordinatorProcess.start({
      nodeId,
      servers: this.#servers,
      toServer: conditions(path.toServer),
      toClient: conditions(path.toClient),
      skew: path.skew,
      shards: this.#clusters.map((cluster) => cluster.connection),
    });
    const module = compileExample(this.directory, 'sound', []);
    await started.ask('use', { module, hlc: 'bounded' });
    return started;
  }

  /** Puts all coordinators on the example with these faults, and resets the accounts. */
  async open(name = 'sound', faults: readonly Fault[] = [], hlc = 'bounded'): Promise<void> {
    const module = compileExample(this.directory, name, faults);
    await Promise.all(this.coordinators.map((each) => each.ask('use', { module, hlc })));
    for (const shard of this.shards) await shard.query(OPENING);
  }

  /** Transfers some amount between an account of one shard and an account of the other. */
  transferBy(coordinator: CoordinatorProcess): Promise<Event> {
    const amount = BigInt(this.#draw(100) - 50);
    const changes = [
      { account: 1 + this.#draw(ACCOUNTS), amount },
      { account: 1 + this.#draw(ACCOUNTS), amount: -amount },
    ];
    return timed(async () => ({ timestamp: await coordinator.ask<bigint>('transfer', changes) }));
  }

  snapshotBy(coordinator: CoordinatorProcess): Promise<Snapshot> {
    return timed(async () => {
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
  }

  /** The number of shards with a transfer of this coordinator that is prepared and not decided. */
  async inDoubt(nodeId: string): Promise<number> {
    const query = "SELECT FROM pg_prepared_xacts WHERE split_part(gid, '@', 2) = $1";
    const found = await Promise.all(this.shards.map((shard) => shard.query(query, [nodeId])));
    return found.reduce((sum, { rowCount }) => sum + (rowCount ?? 0), 0);
  }

  /** Resolves when `transfer` is prepared on both shards, or has ended. */
  async untilPrepared(nodeId: string, transfer: Promise<unknown>): Promise<void> {
    let ended = false;
    const end = (): void => {
      ended = true;
    };
    transfer.then(end, end);
    while (!ended && (await this.inDoubt(nodeId)) < 2);
  }

  /** A number from 0 to n - 1, the same sequence in every run. */
  #draw(n: number): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#random / 2 ** 32) * n);
  }
}

/**
 * The result of an operation, with the times of the request and of the answer on this process's
 * monotonic clock.
 */
async function timed<T>(
  request: () => Promise<T>,
): Promise<T & { readonly startedAt: bigint; readonly returnedAt: bigint }> {
  const startedAt = process.hrtime.bigint();
  const answer = await request();
  return { ...answer, startedAt, returnedAt: process.hrtime.bigint() };
}
