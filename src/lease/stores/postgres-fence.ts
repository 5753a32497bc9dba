/**
 * Fences in PostgreSQL: the greatest token of each, in a table of the database that they protect.
 *
 * A fence around a table is a trigger. It sees every statement, but it cannot see from which lease
 * that comes, so each transaction has to say its token first: it *enters* the fence. It enters in a
 * statement of its own for another reason too. Who enters waits until transactions with a smaller
 * token have ended, and only a later statement sees what they have written.
 *
 * What was entered is kept in a setting of the transaction, one for each fence. It is a note, not
 * the proof: the trigger compares the token again, and locks the row of the fence, so that a
 * greater token waits for the end of the transaction.
 */
import { checkOptionNames } from '../../time/options.ts';
import { FencedOutError } from '../errors.ts';
import { checkToken, type DurableFence } from '../fence.ts';
import { checkText } from '../lease-options.ts';
import { checkQuery, INSTALLING, type PostgresOptions } from './postgres.ts';

const ADMIT = `
insert into epsilon_fence as fence (name, token) values ($1, $2)
on conflict (name) do update set token = excluded.token where fence.token <= excluded.token
returning set_config('epsilon.fence_' || md5(name), token::text, true)`;

/**
 * A fence in PostgreSQL: the greatest token of `name`, in the table `epsilon_fence`. Admit in the
 * transaction of the write, before it: two statements of two transactions protect nothing.
 *
 * Where a row has a column of its own for the token, one statement does it without this table:
 * `update invoice set sent = true, fence = $1 where id = $2 and fence <= $1`; no row means fenced
 * out.
 *
 * With a `client` of `pg`, between its `begin`, the write, and its `commit`:
 *
 *     const query = (text, values) => client.query(text, values);
 *     await postgresFence({ query }, 'invoices').admit(lease.token);
 */
export function postgresFence(options: PostgresOptions, name: string): DurableFence {
  const query = checkQuery(options);
  checkText('name', name);
  return {
    async admit(token) {
      const { rows } = await query(ADMIT, [name, checkToken('token', token)]);
      if (rows.length === 0) throw new FencedOutError(token, undefined);
    },
  };
}

/** Options of {@link postgresFenceTrigger}. */
export interface FenceTriggerOptions {
  /** The table to protect, with its schema if that needs saying: `invoice`, `billing.invoice`. */
  readonly table: string;
  /** The name of the fence, as in {@link postgresFence}. */
  readonly name: string;
}

/**
 * SQL that lays a fence around a table, for tables that many programs and many statements write.
 * Each INSERT, UPDATE, DELETE, MERGE, TRUNCATE and COPY, however it comes about, is then refused
 * unless its transaction has entered the fence, and no greater token has been here. Run the SQL
 * once, as one query, after {@link postgresLeaseTables}; running it again changes nothing.
 *
 * A transaction enters in a statement of its own, before it reads what it is going to write. This
 * does it, and so does `admit` of {@link postgresFence}:
 *
 *     select epsilon_fence_enter('invoices', $1)
 *
 * What is refused fails with the SQLSTATE `EF001` (a greater token was here) or `EF002` (the fence
 * was not entered).
 *
 * Transactions with one token run side by side after `epsilon_fence_enter`, and one after the other
 * after `admit`. The first one with a greater token waits for those with the last one to end, and
 * then no smaller token is admitted. A transaction can enter several fences. Several tables can
 * have one fence, but a table has only one.
 *
 * Who may write the table must be allowed to read and write `epsilon_fence` too. Pass by: ALTER and
 * DROP, logical replication, and who disables triggers. A table with partitions, or with tables
 * that inherit, is refused (`0A000`), because statements on the others pass by; nor may it get
 * them later.
 *
 * @throws ArgumentTypeError, ArgumentRangeError for a bad option
 * @example const sql = postgresFenceTrigger({ table: 'invoice', name: 'invoices' });
 */
export function postgresFenceTrigger(options: FenceTriggerOptions): string {
  const { table, name } = checkOptionNames(options, { table: true, name: true });
  const identifier = checkText('table', table).split('.').map(quoted).join('.');
  return INSTALL.replace('@table@', () => literal(identifier)).replace('@fence@', () =>
    literal(checkText('name', name)),
  );
}

/**
 * `home` is the schema of `epsilon_fence`. The functions name it, because the search path belongs
 * to who writes, and may lead to another table of that name.
 *
 * With a token that was here before, entering locks the fence against greater ones only. It looks
 * first, because two that share a lock, and both want more, would wait for each other.
 */
const INSTALL = `
do $epsilon_install$
declare
  fenced constant regclass := @table@::regclass;
  fence constant text := @fence@;
  home constant text := quote_ident(relnamespace::regnamespace::text)
    from pg_class where oid = 'epsilon_fence'::regclass;
  arguments bytea;
begin
  perform pg_advisory_xact_lock(${INSTALLING});
  if exists (select from pg_class where oid = fenced and relkind = 'p')
    or exists (select from pg_inherits where fenced in (inhrelid, inhparent))
  then
    raise exception 'a table with partitions, or one that inherits, cannot be fenced: %', fenced
      using errcode = '0A000';
  end if;

  execute replace($function$
    create or replace function @home@.epsilon_fence_enter(fence text, mine bigint) returns void
    language plpgsql set search_path = @home@, pg_temp as $body$
    begin
      if mine is null or mine < 0 then
        raise exception 'not a token: %', mine using errcode = '22023';
      end if;
      perform set_config('epsilon.fence_' || md5(fence), mine::text, true);
      perform from epsilon_fence where name = fence and token = mine;
      if found then
        perform from epsilon_fence where name = fence and token = mine for share;
        if found then return; end if;
      end if;
      insert into epsilon_fence as kept (name, token) values (fence, mine)
        on conflict (name) do update set token = excluded.token where kept.token <= excluded.token;
      if not found then
        raise exception 'the token % is refused: there was a greater one', mine
          using errcode = 'EF001';
      end if;
    end $body$;
  $function$, '@home@', home);

  execute replace($function$
    create or replace function @home@.epsilon_fence_admit() returns trigger
    language plpgsql set search_path = @home@, pg_temp as $body$
    declare
      mine text := nullif(current_setting('epsilon.fence_' || md5(tg_argv[0]), true), '');
    begin
      if mine is null then
        raise exception 'the table % is fenced: enter with the token of your lease', tg_table_name
          using errcode = 'EF002',
            hint = format('select epsilon_fence_enter(%L, token)', tg_argv[0]);
      end if;
      perform epsilon_fence_enter(tg_argv[0], mine::bigint);
      return null;
    end $body$;
  $function$, '@home@', home);

  select tgargs into arguments from pg_trigger
    where tgrelid = fenced and tgname = 'epsilon_fence' and not tgisinternal;
  if not found then
    execute format('create trigger epsilon_fence before insert or update or delete or truncate'
      ' on %s for each statement execute function %s.epsilon_fence_admit(%L)', fenced, home, fence);
  elsif arguments <> convert_to(fence, getdatabaseencoding()) || '\\x00'::bytea then
    raise exception 'the table % has another fence already', fenced using errcode = '42710',
      hint = format('drop trigger epsilon_fence on %s', fenced);
  end if;
end $epsilon_install$;
`;

/** An identifier of SQL, whatever is in it. */
function quoted(identifier: string): string {
  return `"${identifier.replace(/"/g, '""')}"`;
}

/** A text of SQL, whatever is in it; without a dollar sign, which would end the block around it. */
function literal(text: string): string {
  return `E'${text.replace(/['\\]/g, '$&$&').replace(/\$/g, '\\x24')}'`;
}
