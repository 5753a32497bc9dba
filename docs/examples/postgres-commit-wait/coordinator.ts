/**
 * Transfers between accounts on several PostgreSQL servers (shards) that are externally consistent:
 * when one has returned before another begins, anywhere, its timestamp is smaller; and a read at a
 * timestamp sees exactly the transfers at or below it, on every shard.
 *
 * Two-phase commit with commit wait. Coordinators share no clock and pass each other no token; the
 * order of the numbered steps is the guarantee. README.md tells what each one is for.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BoundedClock,
  beginCommit,
  formatStamp,
  formatTimestamp,
  type HlcTimestamp,
  type HybridClock,
  parseStamp,
  type UnixNs,
  waitUntilAfter,
} from 'epsilon-clock';
import { Pool, type PoolClient, type PoolConfig } from 'pg';

export interface CoordinatorOptions {
  readonly clock: BoundedClock;
  /**
   * Its `nodeId`, 63 characters at most, names this coordinator and no other, to the databases too.
   */
  readonly hlc: HybridClock;
  /** In one order for all coordinators: locks are taken in it, so that no deadlock spans shards. */
  readonly shards: readonly PoolConfig[];
}

/** What a transfer does on one shard; over all shards the amounts add up to 0. */
export interface Change {
  readonly account: number;
  readonly amount: bigint;
}

/**
 * Writers whom this snapshot does not see and who are not known to be above $1. Stamps sort as
 * text.
 */
const UNDECIDED = `
  SELECT FROM pg_snapshot_xip(pg_current_snapshot()) AS writer
  WHERE NOT EXISTS (
    SELECT FROM pg_prepared_xacts
    WHERE transaction = writer::xid AND left(gid, 19) COLLATE "C" > $1
  )`;

export class Coordinator implements AsyncDisposable {
  readonly #clock: BoundedClock;
  readonly #hlc: HybridClock;
  readonly #shards: readonly Pool[];

  constructor({ clock, hlc, shards }: CoordinatorOptions) {
    this.#clock = clock;
    this.#hlc = hlc;
    this.#shards = shards.map((shard) => new Pool({ ...shard, application_name: hlc.nodeId }));
    // An idle connection that breaks is replaced; one in use says so itself.
    for (const pool of this.#shards) pool.on('error', () => {});
  }

  /**
   * Applies one change on each shard, in the order of the shards, all or none. Resolves once all
   * are visible, to the timestamp, which has then certainly passed.
   *
   * When it rejects, nothing was applied; unless it is because a server could not be reached: then
   * the transfer may be prepared, its accounts locked, and {@link recover} decides.
   */
  async transfer(changes: readonly Change[]): Promise<HlcTimestamp> {
    if (changes.length !== this.#shards.length) throw new RangeError('one change for each shard');
    const sessions: PoolClient[] = [];
    let gid: string | undefined;
    try {
      // 1. Every lock is held, and every shard has a writer to point to.
      for (const [i, { account, amount }] of changes.entries()) {
        const session = await this.#shards[i]!.connect();
        sessions.push(session);
        await session.query('BEGIN');
        const update = 'UPDATE account SET balance = balance + $1 WHERE id = $2';
        const { rowCount } = await session.query(update, [amount, account]);
        if (rowCount !== 1) throw new Error(`shard ${i} has no account ${account}`);
      }
      // 2. A timestamp that is not below true time.
      const commit = beginCommit({ clock: this.#clock, hlc: this.#hlc });
      const { timestamp } = commit;
      const { nodeId } = this.#hlc;
      gid = formatStamp(timestamp, nodeId);
      // 3. Durable, with the timestamp, and still invisible.
      await onEach(sessions, async (session, i) => {
        const version =
          'INSERT INTO version SELECT id, $1::bigint, $2, balance FROM account WHERE id = $3';
        await session.query(version, [timestamp, nodeId, changes[i]!.account]);
        await session.query(`PREPARE TRANSACTION '${gid}'`);
      });
      // 4. The timestamp has certainly passed.
      await commit.settled();
      // 5. Visible, the locks released, and the client told.
      await onEach(sessions, (session) => session.query(`COMMIT PREPARED '${gid}'`));
      return timestamp;
    } catch (error) {
      // A server rolls back what is not prepared when its connection closes.
      for (const session of sessions.splice(0)) session.release(true);
      if (gid === undefined || !(await this.#decide(gid))) throw error;
      return parseStamp(gid).timestamp;
    } finally {
      for (const session of sessions) session.release();
    }
  }

  /**
   * Runs a query on each shard as of `t`; resolves to its rows, by shard. `t` is its parameter
   * `$1`, and it must ask for no version above: `... FROM version WHERE timestamp <= $1`.
   */
  async readAt(t: UnixNs, query: string): Promise<unknown[][]> {
    // Every timestamp that is taken from here on is greater than `t`.
    await waitUntilAfter(this.#clock, t);
    return onEach(this.#shards, async (shard) => {
      const session = await shard.connect();
      let broken = true;
      try {
        // A snapshot lists writers up to the last that has ended: this one, so all who began before
        // it.
        await session.query('SELECT pg_current_xact_id()');
        for (;;) {
          await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
          const undecided = await session.query(UNDECIDED, [formatTimestamp(t)]);
          if (undecided.rowCount === 0) break;
          await session.query('ROLLBACK');
          await sleep(1);
        }
        const { rows } = await session.query(query, [t]);
        await session.query('COMMIT');
        broken = false;
        return rows;
      } finally {
        session.release(broken);
      }
    });
  }

  /**
   * Finishes what coordinator `nodeId`, which must be dead, left in doubt: run it on its behalf, or
   * as its next life before the first transfer. Resolves to the timestamps of those that it
   * committed.
   */
  async recover(nodeId: string): Promise<HlcTimestamp[]> {
    const inDoubt = new Set<string>();
    await onEach(this.#shards, async (shard) => {
      // Its last statements may still be running; after this, nobody prepares or commits in its
      // name.
      const alive = `
        WITH session AS MATERIALIZED (
          SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()
        )
        SELECT FROM session WHERE NOT pg_terminate_backend(pid, 10000)`;
      const { rowCount } = await shard.query(alive, [nodeId]);
      if (rowCount !== 0) throw new Error(`sessions of ${nodeId} do not end`);
      const prepared = `SELECT gid FROM pg_prepared_xacts
        WHERE database = current_database() AND split_part(gid, '@', 2) = $1`;
      for (const { gid } of (await shard.query(prepared, [nodeId])).rows) inDoubt.add(gid);
    });
    const committed: HlcTimestamp[] = [];
    for (const gid of [...inDoubt].sort()) {
      if (await this.#decide(gid)) committed.push(parseStamp(gid).timestamp);
    }
    return committed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await onEach(this.#shards, (shard) => shard.end());
  }

  /**
   * Commits what every shard has prepared, or committed before; else rolls it back. True when it
   * commits.
   */
  async #decide(gid: string): Promise<boolean> {
    const { timestamp, nodeId } = parseStamp(gid);
    const prepared = await this.#has('SELECT FROM pg_prepared_xacts WHERE gid = $1', gid);
    const version = 'SELECT FROM version WHERE timestamp = $1 AND node = $2';
    const committed = await this.#has(version, timestamp, nodeId);
    const commits = prepared.every((here, i) => here || committed[i]);
    if (commits) {
      await this.#clock.waitSynced({ timeoutMs: Number.POSITIVE_INFINITY });
      await waitUntilAfter(this.#clock, timestamp);
    }
    await onEach(this.#shards, async (shard, i) => {
      if (prepared[i]) await shard.query(`${commits ? 'COMMIT' : 'ROLLBACK'} PREPARED '${gid}'`);
    });
    return commits;
  }

  #has(query: string, ...values: unknown[]): Promise<boolean[]> {
    return onEach(this.#shards, async (shard) => (await shard.query(query, values)).rowCount !== 0);
  }
}

/** Does it to all at once, and returns or fails when all have ended: nothing is left running. */
async function onEach<T, R>(all: readonly T[], act: (one: T, index: number) => Promise<R>) {
  const ended = await Promise.allSettled(all.map(act));
  return ended.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
}
