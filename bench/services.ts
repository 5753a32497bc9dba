/**
 * Fastify with `hlcPlugin` against Fastify without: requests a second, by autocannon. A program of
 * its own, which prints a {@link ServicesMeasured} as JSON.
 *
 * The services do as little as a service can, so the share of the plugin is as large as it can be.
 * A third one has hooks that do nothing but set the header. Each has a process of its own. They are
 * asked in turns, each turn in the other order, and a share is the median over the turns.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import autocannon from 'autocannon';
import { HybridClock, systemClock } from 'epsilon-clock';
import { hlcPlugin } from 'epsilon-clock/fastify';
import { fastify } from 'fastify';
import { median } from './statistics.ts';

export interface ServicesMeasured {
  /** Requests a second. */
  readonly bare: number;
  readonly hooks: number;
  readonly plugin: number;
  /** The throughput with the plugin, as a share of the one without. */
  readonly share: number;
  /** The same as a share of the one with hooks that set a constant header. */
  readonly shareOfHooks: number;
}

const smoke = process.argv.includes('--smoke');
const ROUNDS = smoke ? 1 : 9;
/** How long each service is asked in each round, s. */
const DURATION_S = smoke ? 1 : 4;

/** The services. `hooks` is what any plugin costs that sets a header by hooks of Fastify. */
const KINDS = ['bare', 'hooks', 'plugin'] as const;
type Kind = (typeof KINDS)[number];

/** The service: tells its address to the parent, and ends with it. */
async function serve(kind: Kind): Promise<void> {
  const app = fastify();
  if (kind === 'hooks') {
    app.addHook('onRequest', (_request, _reply, next) => next());
    app.addHook('onSend', (_request, reply, _payload, next) => {
      reply.header('epsilon-hlc', '1795227787534418003@orders-3');
      next();
    });
  }
  if (kind === 'plugin') {
    const hlc = new HybridClock({ clock: systemClock(), nodeId: 'orders-3' });
    app.register(hlcPlugin, { hlc, trust: true });
  }
  app.get('/', async () => ({ hello: 'world' }));
  process.on('disconnect', () => process.exit());
  process.send?.(await app.listen({ port: 0, host: '127.0.0.1' }));
}

interface Service {
  readonly child: ChildProcess;
  readonly url: string;
  readonly rates: number[];
}

async function start(kind: Kind): Promise<Service> {
  const child = fork(new URL(import.meta.url).pathname, ['serve', kind]);
  const [url] = (await once(child, 'message')) as [string];
  return { child, url, rates: [] };
}

const sender = new HybridClock({ clock: systemClock(), nodeId: 'billing-1' });

/** All services get the header, so that they parse the same request. */
async function ask({ url, rates }: Service): Promise<void> {
  const headers = { 'epsilon-hlc': sender.stamp() };
  const result = await autocannon({ url, duration: DURATION_S, connections: 32, headers });
  if (result.errors + result.non2xx > 0) throw new Error('some requests failed');
  rates.push(result['2xx'] / result.duration);
}

async function measure(): Promise<void> {
  const services = {
    bare: await start('bare'),
    hooks: await start('hooks'),
    plugin: await start('plugin'),
  };
  for (const kind of KINDS) {
    await ask(services[kind]); // so that its code is compiled
    services[kind].rates.length = 0;
  }
  for (let round = 0; round < ROUNDS; round++) {
    const turn = round % 2 === 0 ? KINDS : [...KINDS].reverse();
    for (const kind of turn) await ask(services[kind]);
  }
  const { bare, hooks, plugin } = services;
  const share = (of: Service): number => median(plugin.rates.map((rate, i) => rate / of.rates[i]!));
  const measured: ServicesMeasured = {
    bare: median(bare.rates),
    hooks: median(hooks.rates),
    plugin: median(plugin.rates),
    share: share(bare),
    shareOfHooks: share(hooks),
  };
  console.log(JSON.stringify(measured));
  for (const { child } of Object.values(services)) child.disconnect();
}

await (process.argv[2] === 'serve' ? serve(process.argv[3] as Kind) : measure());
