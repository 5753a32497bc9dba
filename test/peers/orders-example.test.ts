/**
 * docs/examples/orders: three services on PostgreSQL. The wall clocks of two are 300 ms ahead and
 * behind. 1,000 orders go through. By hybrid timestamp all rows, lines and spans are in the order
 * of cause; by `Date.now()` they are not.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from 'epsilon-clock';
import { NtpServer } from 'epsilon-clock/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { removeSkewed, type Skew, skewedEnvironment } from '../kit/child-clock.ts';
import { projectFolder } from '../kit/page-programs.ts';
import { PostgresCluster } from '../kit/postgres.ts';

const EXAMPLE = fileURLToPath(new URL('../../docs/examples/orders', import.meta.url));
const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const ORDERS = 1000;
const AT_A_TIME = 20;
/** The steps of an order, in the order of cause. */
const STEPS = ['taken', 'reserved', 'charged', 'done'];

interface Step {
  readonly order: number;
  readonly what: string;
  readonly timestamp: bigint;
}

let cluster: PostgresCluster;
let folder: string;

beforeAll(async () => {
  cluster = await PostgresCluster.start();
  folder = projectFolder([
    '@opentelemetry/api',
    '@opentelemetry/core',
    '@opentelemetry/sdk-trace-base',
    'fastify',
    'pg',
    'pino',
  ]);
  cpSync(EXAMPLE, folder, { recursive: true });
  const { host, user, database } = cluster.connection;
  Object.assign(process.env, { PGHOST: host, PGUSER: user, PGDATABASE: database });
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function placeOrder(url: string, order: number): Promise<void> {
  const body = JSON.stringify({ order });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body });
  expect(await response.json()).toEqual({ order });
}

async function end(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await exit).toEqual([0, null]);
  await removeSkewed(child.pid);
}

/** How many orders have a step that does not stand below the step before. */
function disordered(steps: readonly Step[]): number {
  const orders = new Map<number, Step[]>();
  for (const step of steps) orders.set(step.order, [...(orders.get(step.order) ?? []), step]);
  expect(orders.size).toBe(ORDERS);
  return [...orders.values()].filter((all) => {
    const sorted = all.toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
    expect(all.length).toBe(STEPS.length);
    return String(sorted.map(({ what }) => what)) !== String(STEPS);
  }).length;
}

describe('1,000 orders with skewed clocks', () => {
  let server: NtpServer;

  /** Starts a service whose wall clock is skewed. Resolves to it and its address. */
  async function start(name: string, skew: Skew, peers: object): Promise<[ChildProcess, string]> {
    const servers = [{ address: server.address, port: server.port }];
    const settings = JSON.stringify({ name, port: 0, servers, peers, folder });
    const env = { ...process.env, ...skewedEnvironment(skew) };
    const child = fork(join(folder, 'service.js'), [settings], { env });
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return [child, `http://127.0.0.1:${port}`];
  }

  beforeAll(async () => {
    server = await NtpServer.start({ clock: systemClock() });
    await cluster.psql('-c', readFileSync(join(folder, 'schema.sql'), 'utf8'));
    const [stock, stockAt] = await start('stock', { whole: '+0.3' }, {});
    const [billing, billingAt] = await start('billing', { whole: '-0.3' }, {});
    const peers = { stock: stockAt, billing: billingAt };
    const [orders, ordersAt] = await start('orders', { whole: '+0' }, peers);
    let next = 0;
    const drive = async (): Promise<void> => {
      while (next < ORDERS) await placeOrder(ordersAt, next++);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, drive));
    for (const child of [orders, stock, billing]) await end(child);
  });

  afterAll(() => server?.stop());

  test('rows', async () => {
    const rows = await cluster.query('SELECT order_id, what, id, wall_ms FROM step');
    const stepsBy = (column: number): Step[] =>
      rows.map((row) => {
        const fields = row.split('|');
        return { order: Number(fields[0]), what: fields[1]!, timestamp: BigInt(fields[column]!) };
      });
    expect(disordered(stepsBy(2))).toBe(0);
    const byWall = disordered(stepsBy(3));
    console.log(`by Date.now(), ${byWall} of ${ORDERS} orders are out of order`);
    expect(byWall).toBeGreaterThan(0);
  });

  test('log lines, merged by the command', () => {
    const files = ['orders', 'stock', 'billing'].map((name) => join(folder, `${name}.ndjson`));
    const run = (...args: string[]): string =>
      execFileSync(process.execPath, [CLI, 'order', ...args, ...files], {
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      });
    const lines = run('--json').trimEnd().split('\n');
    const steps = lines.map((line, i): Step => {
      const { orderId, msg } = JSON.parse(line) as { orderId: number; msg: string };
      return { order: orderId, what: msg, timestamp: BigInt(i) };
    });
    expect(disordered(steps)).toBe(0);
  });

  test('spans', () => {
    const spans = ['orders', 'stock', 'billing'].flatMap((name) =>
      readFileSync(join(folder, `${name}.spans`), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    );
    const steps = spans.filter(({ name }) => STEPS.includes(name));
    const stepOf = ({ name, attributes }: (typeof spans)[0]): Step => ({
      order: attributes.order,
      what: name,
      timestamp: BigInt(attributes['epsilon.hlc']),
    });
    expect(disordered(steps.map(stepOf))).toBe(0);
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const children = spans.filter(({ parentId }) => parentId !== undefined);
    // In each order: four steps, and the requests to stock and billing.
    expect(children.length).toBe(6 * ORDERS);
    const early = children.filter(({ parentId, attributes }) => {
      const parent = byId.get(parentId);
      return BigInt(attributes['epsilon.latest']) < BigInt(parent.attributes['epsilon.earliest']);
    });
    expect(early).toEqual([]);
  });
});

test('npm start: an order, the metrics and the health', async () => {
  const child = fork(join(folder, 'main.js'), {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, PORT: '0' },
  });
  let said = '';
  for await (const text of child.stdout!.setEncoding('utf8')) {
    said += text;
    if (said.includes('/healthz')) break;
  }
  const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
  await placeOrder(url, 7);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toMatch(/^epsilon_clock_uncertainty_seconds [\d.e-]+$/m);
  const health = await fetch(`${url}/healthz`);
  expect(health.status).toBe(200);
  await end(child);
});
