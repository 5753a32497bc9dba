/**
 * Leases in PostgreSQL: one row per name, one statement per call.
 *
 * The statement of `take` tells everything in its one round trip. If the row was free, it is ours.
 * If not, `union all` reads it as the statement began, which may be a moment old: a caller that
 * waits asks again anyhow.
 */

import { checkMethods } from '../../time/errors.ts';
import { checkOptionNames } from '../../time/options.ts';
import { LeaseStoreError } from '../errors.ts';
import type { LeaseStore } from '../lease-store.ts';
import { recordOf } from './record.ts';

/** The key of the advisory lock of who creates something. */
export const INSTALLING = 7_310_579;

/** Runs one statement; `$1` stands for `values[0]`. `pool.query` of `pg` is one. */
export type PostgresQuery = (
  text: string,
  values: unknown[],
) => PromiseLike<{ readonly rows: readonly unknown[] }>;

/** Options of {@link postgresLeases} and {@link postgresFence}. */
export interface PostgresOptions {
  /** Runs one statement, on any connection. */
  readonly query: PostgresQuery;
}

/** The table of {@link postgresLeases}, and that of {@link postgresFence}. Run it once. */
export const postgresLeaseTables: string = `
select pg_advisory_xact_lock(${INSTALLING}); -- two that create one table at once fail
create table if not exists epsilon_lease (
  name text primary key,
  holder text not null,
  claim text not null,
  token bigint not null,
  expires_ns bigint not null
);
create table if not exists epsilon_fence (
  name text primary key,
  token bigint not null
);
`;

const TAKE = `
with taken as (
  insert into epsilon_lease as lease (name, holder, claim, token, expires_ns)
  values ($1, $2, $3, 1, $4)
  on conflict (name) do update
    set holder = excluded.holder, claim = excluded.claim,
        token = lease.token + 1, expires_ns = excluded.expires_ns
    where lease.expires_ns < $5 and lease.claim <> excluded.claim
  returning holder, claim, token, expires_ns
)
select true as taken, holder, claim, token::text, expires_ns::text from taken
union all
select claim = $3 as taken, holder, claim, token::text, expires_ns::text
  from epsilon_lease where name = $1 and not exists (select from taken)`;

type Row = Readonly<Record<'taken' | 'holder' | 'claim' | 'token' | 'expires_ns', unknown>>;
const ATTEMPTS = 3;

const EXTEND = `
update epsilon_lease set expires_ns = greatest(expires_ns, $3)
where name = $1 and token = $2 and expires_ns > 0 returning true`;

const END = `update epsilon_lease set expires_ns = 0 where name = $1 and token = $2`;

/**
 * Leases in PostgreSQL, in the table of {@link postgresLeaseTables}.
 *
 * It assumes that what was committed stays: a replica that is promoted without having received the
 * last commit may give a token twice. Use `synchronous_commit = remote_apply`, or a fence in the
 * same database, which then has lost the same.
 *
 * With `pg`: `postgresLeases({ query: (text, values) => pool.query(text, values) })`.
 *
 * @throws ArgumentTypeError when `query` is not a function
 */
export function postgresLeases(options: PostgresOptions): LeaseStore {
  const query = checkQuery(options);
  const name = 'postgres';
  return {
    name,
    async take(claim) {
      const values = [claim.name, claim.holder, claim.claim, claim.expiresAt, claim.endedBefore];
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const row = (await query(TAKE, values)).rows[0] as Row | undefined;
        // A row that came into being during the statement is in neither part of the answer.
        if (row === undefined) continue;
        const { taken, holder, claim: by, token, expires_ns: expiresAt } = row;
        const record = recordOf(name, { holder, claim: by, token, expiresAt });
        return { taken: taken === true, record };
      }
      throw new LeaseStoreError(name, 'malformed');
    },
    async extend({ name: lease, token, expiresAt }) {
      return (await query(EXTEND, [lease, token, expiresAt])).rows.length === 1;
    },
    async end(lease, token) {
      await query(END, [lease, token]);
    },
  };
}

/** @throws ArgumentTypeError unless it is `{ query }`, with a function */
export function checkQuery(options: PostgresOptions): PostgresQuery {
  const { query } = checkOptionNames(options, { query: true });
  checkMethods('options', '{ query }', options, ['query']);
  return query;
}
