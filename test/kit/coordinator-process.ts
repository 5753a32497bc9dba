/**
 * A coordinator of docs/examples/postgres-commit-wait in a process of its own. It has a
 * `free-running` bounded clock on NTP servers at the far end of its own paths, and a wall clock
 * that is wrong. It runs the example as a user has it: compiled in a project of its own, with the
 * built package.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { NtpServer } from 'epsilon-clock/node';
import ts from 'typescript';
import { removeSkewed, type Skew, skewedEnvironment } from './child-clock.ts';
import { type PathConditions, UdpProxy } from './udp-proxy.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLE = join(ROOT, 'docs/examples/postgres-commit-wait/coordinator.ts');

/** A line of the example, and the line that replaces it. */
export interface Fault {
  readonly find: string;
  readonly replace: string;
}

/** Makes a user's project in which the example finds what it imports. */
export function createProject(directory: string): void {
  const modules = join(directory, 'node_modules');
  mkdirSync(modules);
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }\n');
  symlinkSync(ROOT, join(modules, 'epsilon-clock'));
  symlinkSync(join(ROOT, 'node_modules/pg'), join(modules, 'pg'));
}

/** Compiles the example with these faults in the project, once per name. Returns its URL. */
export function compileExample(project: string, name: string, faults: readonly Fault[]): string {
  const file = join(project, `${name}.js`);
  const { href } = pathToFileURL(file);
  // It is already there, and a process may be loading it.
  if (existsSync(file)) return href;
  let source = readFileSync(EXAMPLE, 'utf8');
  for (const { find, replace } of faults) {
    const [before, after, ...others] = source.split(find);
    if (after === undefined || others.length > 0) {
      throw new Error(`not exactly once in the example: ${find}`);
    }
    source = before + replace + after;
  }
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  writeFileSync(file, ts.transpileModule(source, { compilerOptions }).outputText);
  return href;
}

export interface CoordinatorProcessOptions {
  readonly nodeId: string;
  readonly servers: readonly NtpServer[];
  readonly toServer: PathConditions;
  readonly toClient: PathConditions;
  readonly skew: Skew;
  /** For each shard, the connection options of the driver. */
  readonly shards: readonly object[];
}

type Answer = { readonly id: number; readonly value?: unknown; readonly error?: string };

export class CoordinatorProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #proxies: readonly UdpProxy[];
  readonly #exited: Promise<unknown>;
  readonly #pending = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  #asked = 0;
  #gone = false;

  private constructor(child: ChildProcess, proxies: readonly UdpProxy[]) {
    this.#child = child;
    this.#proxies = proxies;
    this.#exited = once(child, 'exit');
    child.on('message', ({ id, value, error }: Answer) => {
      const asked = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) asked?.resolve(value);
      else asked?.reject(new Error(error));
    });
    child.once('exit', (code, signal) => {
      this.#gone = true;
      const error = new Error(`the coordinator ended: ${signal ?? `code ${code}`}`);
      for (const { reject } of this.#pending.values()) reject(error);
    });
  }

  /** Starts a coordinator. Resolves once its clock has a bound. */
  static async start(options: CoordinatorProcessOptions): Promise<CoordinatorProcess> {
    const { nodeId, servers, toServer, toClient, skew, shards } = options;
    const proxies = await Promise.all(
      servers.map((target) => UdpProxy.start({ target, toServer, toClient })),
    );
    const config = {
      nodeId,
      servers: proxies.map(({ address, port }) => ({ address, port })),
      shards,
    };
    const file = fileURLToPath(new URL('./coordinator.child.mjs', import.meta.url));
    const child = fork(file, [JSON.stringify(config)], {
      serialization: 'advanced',
      execArgv: [],
      env: { ...process.env, ...skewedEnvironment(skew) },
    });
    const started = new CoordinatorProcess(child, proxies);
    await started.ask('synced');
    return started;
  }

  ask<T>(operation: string, argument?: unknown): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#gone) return reject(new Error('the coordinator ended'));
      const id = this.#asked++;
      this.#pending.set(id, { resolve, reject });
      this.#child.send({ id, operation, argument });
    }) as Promise<T>;
  }

  /** Kills it, as a power failure would. Resolves once the process has ended. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#gone) {
      this.#child.disconnect();
      await this.#exited;
    }
    await removeSkewed(this.#child.pid);
    await Promise.all(this.#proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
  }
}
