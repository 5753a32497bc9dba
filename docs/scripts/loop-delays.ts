/**
 * Records how long the event loop of a loaded HTTP service is blocked at a time, and writes
 * test/research/loop-delays.json: `npx tsx docs/scripts/loop-delays.ts`. It takes five minutes. A
 * second process is the load.
 *
 * The service answers lists of orders, which it builds and keeps for a while, so that there is
 * garbage to collect. About every 15 s somebody asks for an export, which is sorted and compressed
 * in one go, as is often done.
 */
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const FILE = fileURLToPath(new URL('../../test/research/loop-delays.json', import.meta.url));
const LASTS_MS = 300_000;
const TICK_MS = 10;
/** What is shorter is not recorded. */
const MIN_DELAY_MS = 50;
const CONNECTIONS = 16;

interface Order {
  readonly id: number;
  readonly customer: string;
  readonly items: readonly string[];
}

function orders(count: number, from: number): Order[] {
  return Array.from({ length: count }, (_, i) => ({
    id: Math.imul(from + i, 0x9e37_79b9) >>> 0,
    customer: `customer ${i % 97}`,
    items: [`item ${i}`, `item ${i + 1}`],
  }));
}

async function load(port: string): Promise<void> {
  const get = async (path: string): Promise<void> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    await answer.arrayBuffer();
  };
  const client = async (): Promise<never> => {
    for (;;) {
      await get('/orders');
      await sleep(Math.random() * 60);
    }
  };
  const office = async (): Promise<never> => {
    for (;;) {
      await sleep(30_000 * Math.random());
      await get('/export');
    }
  };
  await Promise.race([office(), ...Array.from({ length: CONNECTIONS }, client)]);
}

function serve(): void {
  const kept: string[][] = [];
  let requests = 0;
  const server = createServer(({ url }, response) => {
    requests++;
    if (url === '/export') {
      const lines = orders(100_000, requests).sort((a, b) => a.id - b.id);
      response.end(gzipSync(lines.map((order) => JSON.stringify(order)).join('\n')));
      return;
    }
    const list = orders(500, requests);
    kept.push(list.map((order) => JSON.stringify(order)));
    if (kept.length > 2000) kept.splice(0, 500);
    response.end(JSON.stringify(list));
  });
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    const child = fork(fileURLToPath(import.meta.url), [String(port)]);
    const begunAt = performance.now();
    const delays: [atMs: number, delayMs: number][] = [];
    let tickedAt = begunAt;
    const timer = setInterval(() => {
      const now = performance.now();
      const delay = now - tickedAt - TICK_MS;
      if (delay >= MIN_DELAY_MS)
        delays.push([Math.round(now - delay - begunAt), Math.round(delay)]);
      tickedAt = now;
      if (now - begunAt < LASTS_MS) return;
      clearInterval(timer);
      child.kill();
      server.close();
      server.closeAllConnections();
      const recorded = {
        node: process.version,
        cpu: cpus()[0]?.model.trim() ?? 'unknown',
        cores: cpus().length,
        date: new Date().toISOString().slice(0, 10),
        lastsMs: LASTS_MS,
        requests,
      };
      const rows = delays.map((row) => `    ${JSON.stringify(row).replace(',', ', ')}`);
      const head = JSON.stringify({ recorded }, undefined, 2).slice(0, -2);
      writeFileSync(FILE, `${head},\n  "delays": [\n${rows.join(',\n')}\n  ]\n}\n`);
      console.log(`${requests} requests, ${delays.length} delays`);
    }, TICK_MS);
  });
}

const port = process.argv[2];
if (port === undefined) serve();
else await load(port);
