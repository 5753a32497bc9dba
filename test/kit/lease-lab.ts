/**
 * Worker processes that contend for leases (lease-worker.child.mjs), each with skewed clocks and a
 * TCP proxy of its own to each store; the faults that hit them; and the judgement.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeSkewed, type Skew, skewedEnvironment } from './child-clock.ts';
import { type Chronyd, startAll, startHonest } from './chronyd.ts';
import { type Holding, holdingsOf, judge, MonotonicMap, type Verdict } from './lease-judge.ts';
import { type LeaseServer, startEtcd, startNats, startRedis } from './lease-servers.ts';
import { PostgresCluster } from './postgres.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** A lease is named as the store that it is in. */
export const LEASES = ['postgres', 'redis', 'etcd', 'nats'] as const;
export type LeaseName = (typeof LEASES)[number];

/** The stores, and servers of the true time. */
export class LeaseServers implements AsyncDisposable {
  readonly cluster: PostgresCluster;
  readonly time: readonly Chronyd[];
  readonly #servers: Readonly<Record<Exclude<LeaseName, 'postgres'>, LeaseServer>>;

  private constructor(
    cluster: PostgresCluster,
    time: readonly Chronyd[],
    servers: Readonly<Record<Exclude<LeaseName, 'postgres'>, LeaseServer>>,
  ) {
    this.cluster = cluster;
    this.time = time;
    this.#servers = servers;
  }

  static async start(): Promise<LeaseServers> {
    const time = await startAll(...['71', '72', '73'].map((n) => startHonest(`127.0.0.${n}`)));
    const cluster = await PostgresCluster.start();
    const [redis, etcd, nats] = await Promise.all([startRedis(), startEtcd(), startNats()]);
    return new LeaseServers(cluster, time, { redis, etcd, nats });
  }

  /** A port, or the path of a Unix socket. */
  target(lease: LeaseName): number | string {
    if (lease === 'postgres') return join(this.cluster.directory, '.s.PGSQL.5432');
    return this.#servers[lease].port;
  }

  async restart(lease: LeaseName): Promise<void> {
    await (lease === 'postgres' ? this.cluster : this.#servers[lease]).restart();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const stops = [...this.time, ...Object.values(this.#servers)].map((each) => each.stop());
    await Promise.all([...stops, this.cluster[Symbol.asyncDispose]()]);
  }
}

/** How the clocks of a worker are skewed. */
export type WorkerSkew =
  /** Wall and monotonic clock alike. */
  | { readonly offsetMs: number; readonly ratePpm: number }
  /** The wall clock, as the file says at every read. */
  | { readonly wallFile: string };

/** One worker. */
export interface WorkerOptions {
  readonly skew: WorkerSkew;
  /** How long each piece from a store to it takes, ms. Default 0. */
  readonly replyMs?: number;
}

/** All of them. */
export interface LabOptions {
  readonly servers: LeaseServers;
  readonly leases: readonly LeaseName[];
  /** See lease-rules.mjs. */
  readonly rule: 'library' | 'wall' | 'from-request' | 'from-reply' | 'deletes' | 'redlock';
  readonly ttlMs: number;
  /** The share of holdings that are let go; the others last to their end. */
  readonly lets: number;
  /** Whether the holders write to a fenced table with an audit trail. */
  readonly audit?: boolean;
}

interface WorkerEvent {
  readonly worker: LeaseWorker;
  readonly type: 'got' | 'stops' | 'renews' | 'cut' | 'written' | 'fenced' | 'failed' | 'finished';
  readonly lease: LeaseName;
  readonly token: bigint;
  /** Of `cut`: whether the renewal was confirmed, and whether the end has moved. */
  readonly renewed?: boolean;
  readonly moved?: boolean;
}

const EXCHANGES_AT_START = 30;
const EXCHANGE_EVERY_MS = 200;

/** One process. */
class LeaseWorker {
  readonly name: string;
  readonly map: MonotonicMap;
  readonly proxies: ReadonlyMap<LeaseName, TcpProxy>;
  readonly child: ChildProcess;
  readonly exited: Promise<unknown>;
  readonly #journal: string;
  readonly #answers = new Map<number, (reading: bigint) => void>();

  constructor(
    name: string,
    directory: string,
    { skew }: WorkerOptions,
    config: object,
    proxies: ReadonlyMap<LeaseName, TcpProxy>,
    onEvent: (event: WorkerEvent) => void,
  ) {
    this.name = name;
    this.proxies = proxies;
    this.#journal = join(directory, name);
    const rate = 'wallFile' in skew ? 1 : Number((1 + skew.ratePpm / 1e6).toFixed(6));
    this.map = new MonotonicMap(rate);
    const file = new URL('./lease-worker.child.mjs', import.meta.url).pathname;
    const ports = Object.fromEntries([...proxies].map(([lease, { port }]) => [lease, port]));
    const argument = JSON.stringify({ ...config, ports, journal: this.#journal, holder: name });
    const env = { ...process.env, ...skewedEnvironment(faketimeOf(skew, rate)) };
    this.child = fork(file, [argument], { serialization: 'advanced', execArgv: [], env });
    this.exited = once(this.child, 'exit');
    this.child.on('message', (message: { id?: number; at?: bigint } & WorkerEvent) => {
      if (message.id === undefined) onEvent({ ...message, worker: this });
      else this.#answers.get(message.id)?.(message.at!);
    });
    this.child.on('error', () => {}); // a message to a process that has just been killed
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  send(message: object): void {
    if (this.running && this.child.connected) this.child.send(message, () => {});
  }

  /** Resolves when its monotonic clock is mapped. Goes on to compare it for as long as it runs. */
  async compare(): Promise<void> {
    for (let i = 0; i < EXCHANGES_AT_START; i++) await this.#exchange(i);
    void this.#goOn();
  }

  async #goOn(): Promise<void> {
    for (let i = EXCHANGES_AT_START; this.running; i++) {
      await new Promise((resolve) => setTimeout(resolve, EXCHANGE_EVERY_MS));
      await Promise.race([this.#exchange(i), this.exited]);
    }
  }

  async #exchange(id: number): Promise<void> {
    const before = process.hrtime.bigint();
    const reading = await new Promise<bigint>((resolve) => {
      this.#answers.set(id, resolve);
      this.send({ operation: 'time', id });
    });
    this.#answers.delete(id);
    this.map.add(reading, { before, after: process.hrtime.bigint() });
  }

  holdings(): Holding[] {
    if (!existsSync(this.#journal)) return [];
    return holdingsOf(readFileSync(this.#journal, 'utf8'), this.name, this.map);
  }

  /** Ends it, by its process id, also when it is stopped. */
  async end(): Promise<void> {
    if (this.running) this.child.kill('SIGKILL');
    await this.exited;
    await removeSkewed(this.child.pid);
    for (const proxy of this.proxies.values()) await proxy[Symbol.asyncDispose]();
  }
}

function faketimeOf(skew: WorkerSkew, rate: number): Skew {
  if ('wallFile' in skew) return skew;
  const { offsetMs } = skew;
  return { whole: `${offsetMs < 0 ? '-' : '+'}${Math.abs(offsetMs) / 1000} x${rate}` };
}

/** The workers that contend, and what they tell. */
export class LeaseLab implements AsyncDisposable {
  readonly events: WorkerEvent[] = [];
  /** How often a lease was got. */
  handOvers = 0;
  readonly #options: LabOptions;
  readonly #directory = mkdtempSync(join(tmpdir(), 'lease-lab-'));
  readonly #workers: LeaseWorker[] = [];
  readonly #waiting = new Set<() => void>();
  #failure: Error | undefined;
  #dying: LeaseWorker | undefined;
  #disposed = false;

  private constructor(options: LabOptions) {
    this.#options = options;
  }

  static async start(options: LabOptions, workers: readonly WorkerOptions[]): Promise<LeaseLab> {
    const lab = new LeaseLab(options);
    try {
      await Promise.all(workers.map((worker) => lab.add(worker)));
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
    return lab;
  }

  /** Starts one more worker. */
  async add(options: WorkerOptions): Promise<LeaseWorker> {
    const { servers, leases, rule, ttlMs, lets, audit } = this.#options;
    const { replyMs = 0 } = options;
    const path = { toServerMs: [0, 0], toClientMs: [replyMs, replyMs], loss: 0 } as const;
    const proxies = new Map<LeaseName, TcpProxy>();
    for (const lease of leases) {
      proxies.set(lease, await TcpProxy.start(servers.target(lease), path, 1));
    }
    const config = {
      rule,
      ttlMs,
      lets,
      servers: servers.time.map(({ address, port }) => ({ address, port })),
      ...(audit && { resource: servers.cluster.directory }),
    };
    const name = `w${this.#workers.length}`;
    const onEvent = (event: WorkerEvent): void => {
      this.events.push(event);
      if (event.type === 'got') this.handOvers++;
      this.#wake();
    };
    const worker = new LeaseWorker(name, this.#directory, options, config, proxies, onEvent);
    this.#workers.push(worker);
    void worker.exited.then(() => {
      if (worker !== this.#dying && !this.#disposed) {
        const { exitCode, signalCode } = worker.child;
        this.#failure = new Error(`${name} ended: ${signalCode ?? exitCode}`);
      }
      this.#wake();
    });
    await Promise.race([worker.compare(), worker.exited]);
    return worker;
  }

  /** How exactly the readings of the workers are mapped to true time: the worst, ms. */
  get mappingErrorMs(): number {
    return Math.max(...this.#workers.map(({ map }) => map.errorNs)) / 1e6;
  }

  /** Resolves as soon as `condition` holds; it is checked after every event. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** The next event that fits. */
  async next(fits: (event: WorkerEvent) => boolean): Promise<WorkerEvent> {
    let at = this.events.length;
    let found: WorkerEvent | undefined;
    await this.until(() => {
      for (; at < this.events.length && found === undefined; at++) {
        if (fits(this.events[at]!)) found = this.events[at];
      }
      return found !== undefined;
    });
    return found!;
  }

  /**
   * Stops a holder between its check and its act, until somebody else has written with a greater
   * token. Tells what became of the act.
   */
  async stopHolder(lease: LeaseName): Promise<WorkerEvent['type']> {
    const worker = this.#any();
    worker.send({ operation: 'fault', lease, fault: 'stop' });
    const { token } = await this.next((event) => event.type === 'stops');
    await this.next(
      (event) => event.type === 'written' && event.lease === lease && event.token > token,
    );
    worker.child.kill('SIGCONT');
    const act = await this.next(
      (event) =>
        event.worker === worker &&
        ['written', 'fenced', 'failed'].includes(event.type) &&
        event.lease === lease &&
        event.token === token,
    );
    return act.type;
  }

  /** Kills a holder, and starts another worker in its place. */
  async killHolder(lease: LeaseName, successor: WorkerOptions): Promise<void> {
    const worker = this.#any();
    this.#dying = worker;
    worker.send({ operation: 'fault', lease, fault: 'kill' });
    await this.until(() => !worker.running);
    await worker.exited;
    await worker.end();
    await this.add(successor);
  }

  /**
   * Cuts the connection of a holder in the middle of its renewal, before or after the store has it.
   */
  async cutRenewal(
    lease: LeaseName,
    direction: 'to-server' | 'to-client',
  ): Promise<{ readonly cut: boolean; readonly renewed: boolean; readonly moved: boolean }> {
    const worker = this.#any();
    worker.send({ operation: 'fault', lease, fault: 'cut' });
    await this.next((event) => event.type === 'renews');
    const proxy = worker.proxies.get(lease)!;
    const cutBefore = proxy.counts.cut;
    proxy.cutNext(direction);
    worker.send({ operation: 'armed' });
    const { renewed, moved } = await this.next((event) => event.type === 'cut');
    proxy.cutNext(undefined); // its lease may have ended before it asked
    return { cut: proxy.counts.cut > cutBefore, renewed: renewed!, moved: moved! };
  }

  /** All let go and end. */
  async finish(): Promise<void> {
    const running = this.#workers.filter((worker) => worker.running);
    const finished = Promise.all(
      running.map((worker) =>
        this.next((event) => event.type === 'finished' && event.worker === worker),
      ),
    );
    for (const worker of running) worker.send({ operation: 'finish' });
    await finished;
  }

  /** What was seen so far. */
  verdict(): Verdict {
    return judge(this.#workers.flatMap((worker) => worker.holdings()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await Promise.all(this.#workers.map((worker) => worker.end()));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #any(): LeaseWorker {
    const running = this.#workers.filter((worker) => worker.running);
    return running[Math.floor(Math.random() * running.length)]!;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
