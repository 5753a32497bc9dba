/**
 * One of three services: `orders` takes an order, has `stock` reserve it and `billing` charge it,
 * and is done. Each step leaves a row, a log line and a span, all with a hybrid timestamp.
 *
 * The argument is JSON: the service's name, its port, the NTP servers, the addresses of the other
 * services, and the folder for logs and spans.
 */
import { join } from 'node:path';
import { propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { BoundedClock, HybridClock } from 'epsilon-clock';
import { hlcPlugin } from 'epsilon-clock/fastify';
import { hlcFetch } from 'epsilon-clock/fetch';
import { healthHandler, metricsHandler } from 'epsilon-clock/metrics';
import { ntp } from 'epsilon-clock/node';
import { stampLines } from 'epsilon-clock/pino';
import Fastify from 'fastify';
import pg from 'pg';
import { pino } from 'pino';
import { tracerOf } from './telemetry.js';

const { name, port, servers, peers, folder } = JSON.parse(process.argv[2]);

// Time. The other services are ours, so their timestamps are trusted.
const clock = BoundedClock.start({ sources: servers.map((at) => ntp(at.address, { port: at.port })) });
await clock.waitSynced({ timeoutMs: 30_000 });
const hlc = new HybridClock({ clock, nodeId: name });
const timestamps = { hlc, trust: true };

// What each step leaves behind.
const db = new pg.Pool();
const log = pino(stampLines({ hlc, clock }), pino.destination(join(folder, `${name}.ndjson`)));
const tracer = tracerOf({ clock, hlc, file: join(folder, `${name}.spans`) });

/** @param request the request of another service that this step answers, if any */
async function step(order, what, within, request) {
  const span = tracer.startSpan(what, { attributes: { order } }, within);
  const values = [hlc.now(), name, order, what, Date.now()];
  await db.query('INSERT INTO step (id, node, order_id, what, wall_ms) VALUES ($1, $2, $3, $4, $5)', values);
  log.info({ orderId: order, from: request?.hlc.from }, what);
  span.end();
}

const send = hlcFetch(fetch, timestamps);

async function call(peer, order, within) {
  const headers = { 'content-type': 'application/json' };
  propagation.inject(within, headers);
  const response = await send(peers[peer], { method: 'POST', headers, body: JSON.stringify({ order }) });
  if (!response.ok) throw new Error(`${peer}: ${response.status}`);
}

const work = {
  async orders(order, within, request) {
    await step(order, 'taken', within, request);
    await call('stock', order, within);
    await call('billing', order, within);
    await step(order, 'done', within);
  },
  stock: (order, within, request) => step(order, 'reserved', within, request),
  billing: (order, within, request) => step(order, 'charged', within, request),
};

const app = Fastify();
await app.register(hlcPlugin, timestamps);
app.post('/', async (request) => {
  const { order } = request.body;
  const parent = propagation.extract(ROOT_CONTEXT, request.headers);
  const span = tracer.startSpan(name, { attributes: { order } }, parent);
  await work[name](order, trace.setSpan(parent, span), request);
  span.end();
  return { order };
});

// Prometheus, and the probes of Kubernetes.
const metrics = metricsHandler({ clock, hlc });
const health = healthHandler(clock, { maxUncertaintyMs: 100 });
app.get('/metrics', (request, reply) => metrics.node(request.raw, reply.hijack().raw));
app.get('/healthz', (request, reply) => health.node(request.raw, reply.hijack().raw));

await app.listen({ port });
process.send?.({ name, port: app.server.address().port });

process.once('SIGTERM', async () => {
  await app.close();
  await db.end();
  log.flush();
  clock.stop();
  process.disconnect?.();
});
