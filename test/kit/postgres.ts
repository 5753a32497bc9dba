/**
 * A PostgreSQL cluster for one test: in a temporary directory, reachable through a Unix socket
 * there (so the port is only a name), removed when the test is over. It loses data in a crash of
 * the machine (`fsync=off`), but not in a crash of a process.
 */
import { execFile, execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const BIN = process.env.PG_BIN ?? '/usr/lib/postgresql/15/bin';

/** The user to run PostgreSQL as. It refuses to run as root; then it runs as its own user. */
function user(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

export class PostgresCluster implements AsyncDisposable {
  /** The directory of the data, the log and the socket. */
  readonly directory: string;
  readonly #user = user();

  private constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'postgres-'));
    const { uid, gid } = this.#user;
    if (uid !== undefined && gid !== undefined) chownSync(this.directory, uid, gid);
  }

  /** @param settings names and values as in postgresql.conf */
  static async start(settings: Readonly<Record<string, number>> = {}): Promise<PostgresCluster> {
    if (!existsSync(join(BIN, 'initdb'))) {
      throw new Error(`no PostgreSQL in ${BIN}: apt-get install -y postgresql-15, or set PG_BIN`);
    }
    const cluster = new PostgresCluster();
    const { directory } = cluster;
    await cluster.run(
      'initdb',
      '-D',
      'data',
      '-A',
      'trust',
      '-U',
      'postgres',
      '-E',
      'UTF8',
      '--no-sync',
    );
    const all = {
      listen_addresses: '',
      unix_socket_directories: directory,
      fsync: 'off',
      ...settings,
    };
    const flags = Object.entries(all).map(([name, value]) => `-c ${name}=${value}`);
    // Without -l the server would keep our pipe open, and this process could not end.
    const log = join(directory, 'log');
    await cluster.run('pg_ctl', '-D', 'data', '-w', '-l', log, '-o', flags.join(' '), 'start');
    return cluster;
  }

  /** The connection options for a driver. */
  get connection(): { readonly host: string; readonly user: string; readonly database: string } {
    return { host: this.directory, user: 'postgres', database: 'postgres' };
  }

  /** Runs one of PostgreSQL's own programs in the cluster's directory. Resolves to its output. */
  async run(program: string, ...args: string[]): Promise<string> {
    const options = { ...this.#user, cwd: this.directory, maxBuffer: 2 ** 28 };
    return (await promisify(execFile)(join(BIN, program), args, options)).stdout;
  }

  /** Runs `psql` with these arguments. */
  psql(...args: string[]): Promise<string> {
    const { directory } = this;
    return this.run(
      'psql',
      '-h',
      directory,
      '-U',
      'postgres',
      '-q',
      '-v',
      'ON_ERROR_STOP=1',
      ...args,
    );
  }

  /** The rows of one SQL statement, unaligned. */
  async query(sql: string): Promise<string[]> {
    return (await this.psql('-At', '-c', sql)).trimEnd().split('\n');
  }

  /** Ends the server without a checkpoint, as a crash does, and starts it again. */
  async restart(): Promise<void> {
    const log = join(this.directory, 'log');
    await this.run('pg_ctl', '-D', 'data', '-m', 'immediate', '-w', '-l', log, 'restart');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (existsSync(join(this.directory, 'data', 'postmaster.pid'))) {
      await this.run('pg_ctl', '-D', 'data', '-m', 'immediate', '-w', 'stop');
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}
